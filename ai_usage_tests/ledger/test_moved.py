"""Only an answer that says something else is a change: worked out by hand, answer by answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.ledger.moved import Answers, Input, Mark, inputs
from ai_usage.vendors.base import discovered_vendors

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (16, 17, 18))
DAYS = Window(MONDAY, date(2026, 3, 19))
NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
EVENTS = Input("cursor", "usage_events", "days", timedelta(hours=2))
LIST = Input("cursor", "members", "pages")
CLOSED = Input("books", "closed_months")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path))


def keep(
    archive: Archive,
    of: Input,
    said: Mapping[date, str] | None,
    *,
    window: Window = DAYS,
    at: datetime = NOON,
    page: str = "",
) -> None:
    """Record an answer: what it says of each day, and a page of it."""
    with archive.recording(of.vendor, of.endpoint, window, fetched_at=at) as recorder:
        recorder.add(Page(json.dumps([page]).encode(), "written by a test"))
        recorder.days = None if said is None else dict(said)


def read(archive: Archive, of: Input) -> dict[str, Mark]:
    return Answers(archive, [of]).marks


def moved(archive: Archive, of: Input, since: Mapping[str, Mark]) -> list[str]:
    return [str(one) for one in Answers(archive, [of]).moved(since)]


def later(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def test_nothing_has_moved_where_nothing_came_in(archive: Archive) -> None:
    keep(archive, EVENTS, {MONDAY: "a"})
    assert moved(archive, EVENTS, read(archive, EVENTS)) == []


def test_a_report_that_says_the_same_of_every_day_is_no_change(archive: Archive) -> None:
    keep(archive, EVENTS, {MONDAY: "a", TUESDAY: "b"}, page="one")
    since = read(archive, EVENTS)
    # Its pages differ: vendors' answers hold the time that they were asked for.
    keep(archive, EVENTS, {TUESDAY: "b"}, window=Window(TUESDAY, DAYS.end), at=later(1), page="two")
    assert moved(archive, EVENTS, since) == []


@pytest.mark.parametrize(
    "said",
    [{MONDAY: "a", TUESDAY: "other"}, {MONDAY: "a"}, {MONDAY: "a", TUESDAY: "b", WEDNESDAY: "c"}],
)
def test_a_day_that_is_other_or_gone_or_new_is_a_change(
    archive: Archive, said: Mapping[date, str]
) -> None:
    keep(archive, EVENTS, {MONDAY: "a", TUESDAY: "b"})
    since = read(archive, EVENTS)
    keep(archive, EVENTS, said, at=later(1))
    assert moved(archive, EVENTS, since) != []


def test_a_day_that_has_become_final_is_a_change(archive: Archive) -> None:
    keep(archive, EVENTS, {WEDNESDAY: "a"}, at=later(13))
    since = read(archive, EVENTS)
    keep(archive, EVENTS, {WEDNESDAY: "a"}, at=later(13.5))
    assert moved(archive, EVENTS, since) == [], "it ended an hour ago, and settles after two"
    keep(archive, EVENTS, {WEDNESDAY: "a"}, at=later(14.5))
    assert moved(archive, EVENTS, since) == ["cursor/usage_events: 2026-03-18"]


def test_an_answer_of_which_no_digest_is_known_is_a_change(archive: Archive) -> None:
    keep(archive, EVENTS, {MONDAY: "a"})
    since = read(archive, EVENTS)
    keep(archive, EVENTS, None, at=later(1))
    assert moved(archive, EVENTS, since) != []


def test_a_day_that_nobody_had_answered_is_a_change_though_it_is_empty(archive: Archive) -> None:
    keep(archive, EVENTS, {}, window=Window.day(MONDAY))
    since = read(archive, EVENTS)
    keep(archive, EVENTS, {}, window=Window.day(TUESDAY), at=later(1))
    assert moved(archive, EVENTS, since) == ["cursor/usage_events: 2026-03-17"]


def test_a_restated_day_that_no_run_builds_is_a_change_too(archive: Archive) -> None:
    """One of a closed month: it is told, and held back."""
    closed = Window.day(date(2026, 2, 27))
    keep(archive, EVENTS, {closed.start: "a"}, window=closed)
    since = read(archive, EVENTS)
    keep(archive, EVENTS, {closed.start: "b"}, window=closed, at=later(1))
    assert moved(archive, EVENTS, since) == ["cursor/usage_events: 2026-02-27"]


def test_a_list_is_the_same_if_its_pages_are(archive: Archive) -> None:
    today = Window.day(WEDNESDAY)
    keep(archive, LIST, None, window=today, page="Ada")
    since = read(archive, LIST)
    keep(archive, LIST, None, window=today, at=later(1), page="Ada")
    assert moved(archive, LIST, since) == []
    keep(archive, LIST, None, window=today, at=later(2), page="Ada, Bob")
    assert moved(archive, LIST, since) == ["cursor/members: 2026-03-18"]


def test_a_list_of_another_day_is_a_change(archive: Archive) -> None:
    keep(archive, LIST, None, window=Window.day(TUESDAY), page="Ada")
    since = read(archive, LIST)
    keep(archive, LIST, None, window=Window.day(WEDNESDAY), at=later(1), page="Ada")
    assert moved(archive, LIST, since) == ["cursor/members: 2026-03-18"]


def test_a_close_is_a_change_whatever_it_says(archive: Archive) -> None:
    month = Window(date(2026, 2, 1), date(2026, 3, 1))
    keep(archive, CLOSED, None, window=month)
    since = read(archive, CLOSED)
    keep(archive, CLOSED, None, window=month, at=later(1))
    assert moved(archive, CLOSED, since) == ["books/closed_months: 2026-02-01"]


def test_an_answer_that_was_lost_or_came_in_between_is_a_change(
    archive: Archive, tmp_path: Path
) -> None:
    keep(archive, EVENTS, {MONDAY: "a"})
    keep(archive, EVENTS, {MONDAY: "a"}, at=later(2))
    since = read(archive, EVENTS)
    keep(archive, EVENTS, {MONDAY: "a"}, at=later(1))
    assert moved(archive, EVENTS, since) == ["cursor/usage_events"], (
        "of a machine whose clock is late"
    )
    for manifest in tmp_path.glob("cursor/usage_events/fetches/*/*.json"):
        manifest.unlink()
    assert moved(archive, EVENTS, since) == ["cursor/usage_events"]


def test_an_input_that_was_never_read_is_a_change(archive: Archive) -> None:
    assert moved(archive, EVENTS, {}) == ["cursor/usage_events"]
    assert Answers(archive, []).moved({"old/one": Mark(0, None)}) != []


def test_every_endpoint_of_every_vendor_is_an_input(archive: Archive) -> None:
    vendors = discovered_vendors()
    known = {one.name for one in inputs(archive, vendors, [])}
    assert {f"{v.name}/{e.name}" for v in vendors for e in v.every_endpoint} <= known
    assert {"reference/users", "reference/seats", "books/closed_months", "focus/bills"} <= known
