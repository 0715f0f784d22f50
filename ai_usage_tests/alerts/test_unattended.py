"""Commands that cannot begin, that are killed, or that nobody starts any more: somebody hears."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.responses import Response

from ai_usage_tests.alerts.receivers import Receiver, http_receiver
from ai_usage_tests.cli.support import Place
from ai_usage_tests.support.disks import small_disk
from ai_usage_tests.vendors.support import Asked, as_json, scripted_vendor
from ai_usage_tests.warehouse.processes import start

pytestmark = pytest.mark.slow

DAYS = ("--from", "2026-03-18", "--to", "2026-03-18")
NO_INPUT = ("--select", "dim_dates")
FAILED = "ai-usage error: command line: failed"
WORKS = "ai-usage recovered: command line: works again"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as made:
        yield made


@pytest.fixture
def place(tmp_path: Path, receiver: Receiver) -> Place:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return Place(
        tmp_path / "here",
        {
            "AI_USAGE_AS_OF": "2026-03-18",
            "AI_USAGE_START_DATE": "2026-03-01",
            "AI_USAGE_NOTIFY_URLS": receiver.url(),
            "CURSOR_API_KEY": "key_of_a_test",
            "TMPDIR": str(temporary),
        },
    )


@contextmanager
def held(warehouse: Path) -> Iterator[None]:
    """Another process has the warehouse's file meanwhile."""
    holder = start("hold", warehouse, 120)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        yield
    finally:
        holder.kill()
        holder.communicate()


def test_what_stops_a_command_before_its_run_is_told_once_and_its_end_too(
    place: Place, tmp_path: Path, receiver: Receiver
) -> None:
    """A setting, the archive, a lock, a disk: another kind is news, the same an hour later none."""
    a_file = tmp_path / "a_file"
    a_file.write_text("no folder")
    assert place.call("run", *NO_INPUT).code == 0
    receiver.taken()

    def stops(says: str, **bad: str) -> None:
        done = place.call("run", *NO_INPUT, **bad)
        assert done.code == 1, done.out
        (post,) = receiver.taken()
        assert post["title"] == FAILED
        assert "  ai-usage run: " in post["message"]
        assert says in post["message"]
        assert says in done.error
        assert place.call("run", *NO_INPUT, **bad).code == 1
        assert receiver.taken() == [], "the same an hour later"

    stops("AI_USAGE_HTTP_ATTEMPTS", AI_USAGE_HTTP_ATTEMPTS="many")
    stops(str(a_file), AI_USAGE_ARCHIVE=str(a_file))
    stops("a_file: cannot keep Dagster's state there", DAGSTER_HOME=str(a_file))
    assert place.call("run", *NO_INPUT).code == 0
    assert [post["title"] for post in receiver.taken()] == [WORKS]
    with held(place.folder / ".ai_usage" / "warehouse.duckdb"):
        assert place.call("run", *NO_INPUT, AI_USAGE_LOCK_TIMEOUT_SECONDS="0.3").code == 1
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage error: dim_dates: was not built", "its run tells of a lock"
    assert "is held by another process" in post["message"]
    assert place.call("run", *NO_INPUT).code == 0
    assert [post["title"] for post in receiver.taken()] == [
        "ai-usage recovered: dim_dates: builds again"
    ]


def test_a_full_disk_is_told_where_nothing_can_be_remembered(
    place: Place, tmp_path: Path, receiver: Receiver
) -> None:
    with small_disk(tmp_path / "disk", 1_000_000) as disk:
        (disk.path / "others").write_bytes(b"x" * 100_000)
        disk.leave(0)
        done = place.call("run", *NO_INPUT, DAGSTER_HOME=str(disk.path))
    assert done.code == 1
    (post,) = receiver.taken()
    assert post["title"] == FAILED
    assert "No space left on device" in done.error
    assert "No space left on device" in post["message"]


def test_what_a_person_asked_for_and_cannot_be_is_nobody_elses_business(
    place: Place, receiver: Receiver
) -> None:
    assert place.call("run", "--select", "nothing_of_ours").code == 1
    assert place.call("backfill", "--from", "2020-01-01").code == 1
    assert receiver.taken() == []


def test_a_run_that_asks_nobody_exits_with_1_and_is_told(place: Place, receiver: Receiver) -> None:
    arguments = ("backfill", *DAYS, "--select", "source_cursor_members")
    done = place.call(*arguments, CURSOR_API_KEY="", ANTHROPIC_API_KEY="sk-ant-api03-x")
    assert done.code == 1
    assert done.error.startswith("no vendor is configured, so none was asked: ")
    assert "ANTHROPIC_API_KEY is set in the environment: rename it" in done.error
    (post,) = receiver.taken()
    assert post["title"] == FAILED
    assert "no vendor is configured" in post["message"]


def test_a_killed_command_is_told_by_the_next_one_by_a_name_that_people_know(
    place: Place, receiver: Receiver
) -> None:
    arguments = ("backfill", *DAYS, "--select", "source_cursor_members")

    def slow(_: Asked) -> Response:
        time.sleep(0.2)
        return Response(status_code=503)

    members = {"teamMembers": [{"id": 1, "name": "A", "email": "a@acme.test", "role": "member"}]}
    with scripted_vendor() as vendor:
        vendor.script = slow
        with place.start(*arguments, CURSOR_BASE_URL=vendor.url) as process:
            deadline = time.monotonic() + 120
            while not vendor.asked and time.monotonic() < deadline:
                time.sleep(0.1)
            assert vendor.asked
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        assert receiver.taken() == []
        began = time.monotonic()
        assert place.call("backfill", *DAYS, *NO_INPUT).code == 0
        assert time.monotonic() - began < 60
        (post,) = receiver.taken()
        assert post["title"] == "ai-usage error: command line (inputs): failed"
        assert "it was killed, or the machine went down" in post["message"]

        vendor.script = lambda _: as_json(members)
        done = place.call(*arguments, CURSOR_BASE_URL=vendor.url)
        assert done.code == 0, done.out
    titles = [post["title"] for post in receiver.taken()]
    assert titles == ["ai-usage recovered: command line (inputs): works again"]
