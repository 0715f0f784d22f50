"""One message a run and asset, once, until it recovers; never a flood, never a failed run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from ai_usage_tests.alerts.graph import BLOCKING, DAY, WARNING, Place, place
from ai_usage_tests.alerts.receivers import (
    Receiver,
    free_port,
    http_receiver,
    mail_server,
)

DAYS = [DAY + timedelta(days=n) for n in range(8)]
Installed = Callable[..., Place]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as made:
        yield made


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Installed]:
    """Make an installation; it is closed after the test."""
    with ExitStack() as stack:
        yield lambda urls, **more: stack.enter_context(place(tmp_path / "home", urls, **more))


def test_a_failed_check_is_one_mail_with_ranges_counts_a_masked_sample_and_the_link(
    install: Installed,
) -> None:
    with mail_server() as box:
        here = install(box.url, AI_USAGE_UI_URL="https://dagster.example.com/")
        here.world.fails("fact_ai_costs", WARNING, *DAYS[0:3], DAYS[5], rows=3, rule="email_form")
        here.world.samples["fact_ai_costs"] = [{"user_email": "mara.jones@example.com", "usd": "1"}]
        run = here.tell(DAYS[0], DAYS[7])
        (mail,) = box.mails
        text = box.text()
    assert mail["Subject"] == "ai-usage warning: fact_ai_costs: quality failed"
    assert mail["To"] == "oncall@example.com"
    for told in (
        "WARNING quality on 2026-03-10..2026-03-12, 2026-03-15 (4 days)",
        "email_form: 12 failing",
        "user_email: m***@example.com",
        "group facts",
        "owner team:finance",
        f"https://dagster.example.com/runs/{run.run_id}",
        "https://dagster.example.com/assets/fact_ai_costs?view=checks",
    ):
        assert told in text.replace("&nbsp;", " "), text
    assert "mara.jones" not in text


def test_an_open_failure_is_not_told_again(install: Installed, receiver: Receiver) -> None:
    here = install(receiver.url())
    here.world.fails("raw_ai_events", WARNING, DAYS[0], DAYS[1])
    here.tell(DAYS[0], DAYS[2])
    assert len(receiver.taken()) == 1
    here.tell(DAYS[0], DAYS[2])
    here.world.fails("raw_ai_events", WARNING, DAYS[2], rows=50)
    here.tell(DAYS[1], DAYS[3])
    assert receiver.taken() == [], "the same failure, on the day after and more rows"


def test_another_rule_and_a_day_apart_are_another_failure(
    install: Installed, receiver: Receiver
) -> None:
    here = install(receiver.url())
    here.world.fails("raw_ai_events", WARNING, DAYS[0], rule="one")
    here.tell(DAYS[0], DAYS[7])
    here.world.fails("raw_ai_events", WARNING, DAYS[0], rule="two")
    here.tell(DAYS[0], DAYS[7])
    here.world.fails("raw_ai_events", WARNING, DAYS[7], rule="one")
    here.tell(DAYS[0], DAYS[7])
    assert len(receiver.taken()) == 3


def test_a_recovery_is_told_once(install: Installed, receiver: Receiver) -> None:
    here = install(receiver.url())
    here.world.fails("fact_ai_costs", BLOCKING, DAYS[0], DAYS[1])
    here.tell(DAYS[0], DAYS[3])
    receiver.taken()
    here.world.remedy("fact_ai_costs")
    here.tell(DAYS[0], DAYS[3])
    here.tell(DAYS[0], DAYS[3])
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage recovered: fact_ai_costs: contract recovered"
    assert post["type"] == "success"
    assert "RECOVERED contract (rule) on 2026-03-10..2026-03-11 (2 days)" in post["message"]
    here.world.fails("fact_ai_costs", BLOCKING, DAYS[0])
    here.tell(DAYS[0], DAYS[3])
    assert len(receiver.taken()) == 1, "when it fails again it is news again"


def test_a_day_outside_of_the_run_has_not_recovered(install: Installed, receiver: Receiver) -> None:
    here = install(receiver.url())
    here.world.fails("raw_ai_events", WARNING, DAYS[0])
    here.tell(DAYS[0], DAYS[3])
    receiver.taken()
    here.world.remedy("raw_ai_events")
    here.tell(DAYS[1], DAYS[4])
    assert receiver.taken() == []
    here.tell(DAYS[0], DAYS[0])
    assert len(receiver.taken()) == 1


def test_a_check_of_a_table_without_days_recovers_in_any_run(
    install: Installed, receiver: Receiver
) -> None:
    here = install(receiver.url())
    here.world.fails("dim_users", WARNING, DAYS[0])
    here.tell(DAYS[0], DAYS[3])
    (post,) = receiver.taken()
    assert "WARNING quality\n" in post["message"], "its days mean nothing"
    here.tell(DAYS[0], DAYS[5])
    assert receiver.taken() == []
    here.world.remedy("dim_users")
    here.tell(DAYS[6], DAYS[7])
    assert len(receiver.taken()) == 1


def test_a_failed_build_tells_why_and_what_was_not_built_and_recovers(
    install: Installed, receiver: Receiver
) -> None:
    here = install(receiver.url())
    here.world.broken["raw_ai_events"] = "the archive cannot be read: the disk is full: make room."
    here.tell(DAYS[0], DAYS[2])
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage error: raw_ai_events: was not built"
    assert post["type"] == "failure"
    assert "the archive cannot be read: the disk is full: make room." in post["message"]
    assert "NOT BUILT on 2026-03-10..2026-03-12 (3 days)" in post["message"]
    assert "fact_ai_costs, fact_ai_usage" in post["message"]
    here.tell(DAYS[1], DAYS[3])
    assert receiver.taken() == [], "the next hour's run fails for the same reason"
    here.world.remedy("raw_ai_events")
    here.tell(DAYS[2], DAYS[4])
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage recovered: raw_ai_events: builds again"


def test_a_failed_run_with_a_failed_check_is_one_message_an_asset(
    install: Installed, receiver: Receiver
) -> None:
    here = install(receiver.url())
    here.world.fails("raw_ai_events", BLOCKING, DAYS[0])
    here.world.fails("raw_ai_events", WARNING, DAYS[1])
    here.world.fails("dim_users", WARNING, DAYS[0])
    here.tell(DAYS[0], DAYS[1])
    assert sorted(post["title"] for post in receiver.taken()) == [
        "ai-usage error: raw_ai_events: contract, quality failed",
        "ai-usage warning: dim_users: quality failed",
    ]


def test_routes_by_severity_group_and_owner(install: Installed, receiver: Receiver) -> None:
    urls = (
        f"{receiver.url('all')}, error={receiver.url('errors')} "
        f"warning+owner:finance={receiver.url('finance')} "
        f"group:raw+group:dimensions={receiver.url('platform')}"
    )
    here = install(urls)
    here.world.fails("fact_ai_costs", WARNING, DAYS[0])
    here.world.fails("fact_ai_usage", WARNING, DAYS[0])
    here.world.fails("dim_users", BLOCKING, DAYS[0])
    here.tell(DAYS[0], DAYS[1])
    got = sorted((post["path"], post["title"].split(":")[1].strip()) for post in receiver.posts)
    assert got == [
        ("/all", "dim_users"),
        ("/all", "fact_ai_costs"),
        ("/all", "fact_ai_usage"),
        ("/errors", "dim_users"),
        ("/finance", "fact_ai_costs"),
        ("/platform", "dim_users"),
    ]


def test_many_assets_of_a_run_are_one_digest(install: Installed, receiver: Receiver) -> None:
    here = install(receiver.url(), AI_USAGE_NOTIFY_DIGEST_ABOVE="2")
    for asset in ("raw_ai_events", "fact_ai_costs", "fact_ai_usage"):
        here.world.fails(asset, WARNING, *DAYS[0:3])
    run = here.tell(DAYS[0], DAYS[7])
    (post,) = receiver.taken()
    assert post["title"].startswith("ai-usage warning: 3 assets failing in run ")
    assert post["message"].count("WARNING quality on 2026-03-10..2026-03-12 (3 days)") == 3
    assert f"/runs/{run.run_id}" in post["message"]


def test_the_runs_of_a_backfill_are_one_digest_at_its_end(
    install: Installed, receiver: Receiver
) -> None:
    here = install(receiver.url())
    with here.backfill("abcdefgh") as tags:
        for day in DAYS[0:4]:
            here.world.fails("raw_ai_events", WARNING, day)
            here.world.fails("fact_ai_costs", WARNING, day)
            here.tell(day, **tags)
        assert receiver.taken() == []
        alerts = here.alerts()
        alerts.settle(here.history)
        assert receiver.taken() == [], "it goes on"
    alerts.settle(here.history)
    alerts.deliver(here.history)
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage warning: 2 assets failing in backfill abcdefgh"
    assert "/runs/b/abcdefgh" in post["message"]


def test_a_channel_that_is_down_is_tried_again_and_holds_back_no_other(
    install: Installed, receiver: Receiver
) -> None:
    with http_receiver() as other:
        here = install(f"{receiver.url()} {other.url()}")
        receiver.down = True
        here.world.fails("raw_ai_events", WARNING, DAYS[0])
        here.tell(DAYS[0], DAYS[1])
        here.world.fails("fact_ai_costs", WARNING, DAYS[0])
        here.tell(DAYS[0], DAYS[1])
        assert len(other.taken()) == 2
        here.clock.forward(seconds=30)
        here.alerts().deliver(here.history)
        assert receiver.refused == 2, "not before its time, and one try for the whole channel"
        receiver.down = False
        here.clock.forward(minutes=10)
        delivered = here.alerts().deliver(here.history)
        assert delivered.failed == ()
        assert [title.split(":")[1].strip() for title in receiver.titles] == [
            "raw_ai_events",
            "fact_ai_costs",
        ]
        assert other.taken() == []
        assert here.alerts().waiting(here.history) == 0


def test_what_piled_up_while_a_channel_was_down_arrives_as_one_message(
    install: Installed, receiver: Receiver
) -> None:
    here = install(receiver.url(), AI_USAGE_NOTIFY_DIGEST_ABOVE="1")
    receiver.down = True
    for number, asset in enumerate(("raw_ai_events", "fact_ai_costs", "fact_ai_usage")):
        here.world.fails(asset, WARNING, DAYS[0])
        here.tell(DAYS[0], DAYS[1])
        here.clock.forward(minutes=10 * number)
        here.alerts().deliver(here.history)
    receiver.down = False
    here.clock.forward(hours=2)
    here.alerts().deliver(here.history)
    here.clock.forward(hours=2)
    here.alerts().deliver(here.history)
    told = "\n".join(receiver.bodies)
    assert len(receiver.posts) < 3
    for asset in ("raw_ai_events", "fact_ai_costs", "fact_ai_usage"):
        assert asset in told


def test_a_channel_that_is_down_for_days_is_given_up(
    install: Installed, receiver: Receiver
) -> None:
    here = install(f"json://127.0.0.1:{free_port()}/gone")
    here.world.fails("raw_ai_events", WARNING, DAYS[0])
    here.tell(DAYS[0], DAYS[1])
    here.clock.forward(days=4)
    (why, given_up) = here.alerts().deliver(here.history).failed
    assert why.startswith("json://127.0.0.1:")
    assert "given up after 3 days: ai-usage warning: raw_ai_events" in given_up
    assert here.alerts().waiting(here.history) == 0


def test_a_stopped_run_is_nobodys_alert(install: Installed, receiver: Receiver) -> None:
    here = install(receiver.url())
    here.world.interrupted.add("raw_ai_events")
    here.tell(DAYS[0], DAYS[1])
    assert receiver.taken() == []


def test_runs_of_others_in_the_same_instance_are_not_ours(
    install: Installed, receiver: Receiver
) -> None:
    here = install(receiver.url())
    run = here.run_of_others()
    here.alerts().report(here.history, run.run_id)
    here.alerts().deliver(here.history)
    assert receiver.taken() == []


def test_nobody_to_tell_costs_nothing_and_remembers_nothing(
    install: Installed, receiver: Receiver
) -> None:
    here = install("")
    here.world.fails("raw_ai_events", WARNING, DAYS[0])
    here.tell(DAYS[0], DAYS[1])
    later = here.alerts(AI_USAGE_NOTIFY_URLS=receiver.url())
    later.report(here.history, here.run(DAYS[0], DAYS[1]).run_id)
    later.deliver(here.history)
    assert len(receiver.taken()) == 1, "set later, the open failure is told"
