"""Runs of the daemon and of commands alert through the sensors' own evaluation, once."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage.alerts.alerts import COMMAND_GRACE
from ai_usage.alerts.findings import BUILT
from ai_usage.alerts.state import Open, alert_state, key_of, read_alert_state
from ai_usage.instance.dead_runs import PROCESS_TAG
from ai_usage_tests.alerts.graph import BLOCKING, DAY, WARNING, Place, place
from ai_usage_tests.alerts.receivers import Receiver, free_port, http_receiver

SENSORS = ("alerts_on_success", "alerts_on_failure")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, receiver: Receiver) -> Iterator[Place]:
    with place(tmp_path / "home", receiver.url()) as made:
        yield made


def started(here: Place) -> dict[str, str | None]:
    """The cursors of the sensors after the first tick, which only looks where the log ends."""
    return {name: here.tick(name)[0] for name in SENSORS}


def test_a_run_with_a_failed_check_alerts_though_it_succeeded(
    here: Place, receiver: Receiver
) -> None:
    cursors = started(here)
    here.world.fails("raw_ai_events", WARNING, DAY)
    assert here.run(DAY).is_success
    cursor, (told,) = here.tick("alerts_on_success", cursors["alerts_on_success"])
    assert receiver.titles == ["ai-usage warning: raw_ai_events: quality failed"]
    assert told == "1 sent, 0 waiting."
    here.tick("alerts_on_success", cursor)
    assert len(receiver.posts) == 1


def test_a_failed_run_alerts(here: Place, receiver: Receiver) -> None:
    cursors = started(here)
    here.world.fails("raw_ai_events", BLOCKING, DAY)
    assert here.run(DAY).is_failure
    here.tick("alerts_on_failure", cursors["alerts_on_failure"])
    assert receiver.titles == ["ai-usage error: raw_ai_events: contract failed"]


def test_a_commands_run_is_left_to_the_command_and_told_once(
    here: Place, receiver: Receiver
) -> None:
    cursors = started(here)
    here.world.fails("raw_ai_events", WARNING, DAY)
    run = here.run(DAY, by="cli")
    here.tick("alerts_on_success", cursors["alerts_on_success"])
    assert receiver.posts == [], "the command is about to report it"
    command = here.alerts()
    command.report(here.history, run.run_id)
    command.deliver(here.history)
    (post,) = receiver.posts
    assert "from the command line succeeded" in post["message"]
    after_the_grace(here)
    here.tick("alerts_courier")
    assert len(receiver.posts) == 1


def test_a_command_that_was_killed_before_it_could_report_is_stood_in_for(
    here: Place, receiver: Receiver
) -> None:
    here.world.fails("raw_ai_events", WARNING, DAY)
    here.run(DAY, by="cli")
    here.clock.now = datetime.now(UTC).timestamp()
    here.tick("alerts_courier")
    assert receiver.posts == []
    after_the_grace(here)
    here.tick("alerts_courier")
    assert len(receiver.posts) == 1


def test_a_run_whose_process_is_gone_is_reported_without_waiting(
    here: Place, receiver: Receiver
) -> None:
    """Nobody is about to report it: the process that executed it has ended."""
    here.world.fails("raw_ai_events", WARNING, DAY)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    gone: dict[str, Any] = {PROCESS_TAG: f"{socket.gethostname()}/{process.pid}"}
    here.run(DAY, by="cli", **gone)
    here.clock.now = datetime.now(UTC).timestamp()
    here.tick("alerts_courier")
    assert receiver.titles == ["ai-usage warning: raw_ai_events: quality failed"]


def test_silence_is_told_once_and_its_end_too(here: Place, receiver: Receiver) -> None:
    """The default is 26 hours from the last end of a run, or since somebody watches."""
    here.tick("alerts_courier")
    here.clock.forward(hours=25)
    here.tick("alerts_courier")
    assert receiver.taken() == []
    here.clock.forward(hours=2)
    here.tick("alerts_courier")
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage error: heartbeat: heartbeat failed"
    assert "for more than 26 hours" in post["message"]
    here.clock.forward(hours=1)
    here.tick("alerts_courier")
    assert receiver.taken() == []
    here.world.touched.add("raw_ai_events")
    here.tell(DAY)
    here.tick("alerts_courier")
    assert [post["title"] for post in receiver.taken()] == [
        "ai-usage recovered: heartbeat: heartbeat recovered"
    ]


def test_many_who_see_a_run_at_once_tell_it_once(here: Place, receiver: Receiver) -> None:
    here.world.fails("raw_ai_events", WARNING, DAY)
    run = here.run(DAY)

    def see(_: int) -> None:
        alerts = here.alerts()
        alerts.report(here.history, run.run_id)
        alerts.deliver(here.history)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(see, range(6)))
    assert len(receiver.posts) == 1
    assert here.alerts().waiting(here.history) == 0


def test_a_channel_that_is_down_fails_no_tick_and_is_tried_by_the_courier(
    here: Place, receiver: Receiver
) -> None:
    cursors = started(here)
    receiver.down = True
    here.world.fails("raw_ai_events", WARNING, DAY)
    here.run(DAY)
    _, (told,) = here.tick("alerts_on_success", cursors["alerts_on_success"])
    assert told == "0 sent, 1 waiting."
    receiver.down = False
    here.clock.forward(minutes=2)
    _, (told,) = here.tick("alerts_courier")
    assert told == "1 sent, 0 waiting."


def test_a_host_that_does_not_exist_fails_no_tick(tmp_path: Path) -> None:
    url = f"mailto://127.0.0.1:{free_port()}/?from=a@example.com&to=b@example.com"
    with place(tmp_path / "home", url) as here:
        cursors = started(here)
        here.world.fails("raw_ai_events", WARNING, DAY)
        here.run(DAY)
        _, (told,) = here.tick("alerts_on_success", cursors["alerts_on_success"])
    assert told == "0 sent, 1 waiting."


def test_a_board_that_cannot_be_read_starts_anew_instead_of_failing(
    here: Place, receiver: Receiver
) -> None:
    here.instance.daemon_cursor_storage.set_cursor_values({"ai_usage/notifications": "{broken"})
    cursors = started(here)
    here.world.fails("raw_ai_events", WARNING, DAY)
    here.run(DAY)
    here.tick("alerts_on_success", cursors["alerts_on_success"])
    assert len(receiver.posts) == 1


def test_without_channels_the_sensors_say_so_and_do_nothing(tmp_path: Path) -> None:
    with place(tmp_path / "home", "") as here:
        cursors = started(here)
        here.world.fails("raw_ai_events", WARNING, DAY)
        here.run(DAY)
        for name in SENSORS:
            _, (told,) = here.tick(name, cursors[name])
            assert told.startswith("AI_USAGE_NOTIFY_URLS is not set") or name != SENSORS[0]
        assert read_alert_state(here.history).handled == {}


def test_a_failure_that_an_earlier_version_told_gets_a_name_that_people_know(here: Place) -> None:
    now = datetime.now(UTC)
    with alert_state(here.history, here.settings.home) as on:
        on.open[key_of("__ASSET_JOB", BUILT, BUILT)] = Open("error", since=now, seen=now)
    assert list(read_alert_state(here.history).open) == [
        key_of("command line (warehouse)", BUILT, BUILT)
    ]


def test_the_board_keeps_no_secret_and_forgets_what_is_long_over(
    here: Place, receiver: Receiver
) -> None:
    receiver.down = True
    here.world.fails("raw_ai_events", WARNING, DAY)
    here.tell(DAY)
    values = here.instance.daemon_cursor_storage.get_cursor_values({"ai_usage/notifications"})
    (text,) = values.values()
    assert "127.0.0.1" not in text.replace("http://127.0.0.1:3000", "")
    now = datetime.fromtimestamp(here.clock.now, UTC)
    with alert_state(here.history, here.settings.home) as on:
        on.forget(now + timedelta(days=200))
        assert on.handled == {}
        assert on.open == {}


def after_the_grace(here: Place) -> None:
    here.clock.now = (datetime.now(UTC) + COMMAND_GRACE + timedelta(seconds=5)).timestamp()
