"""A changed file is taken in once, from its first day; what closed months lack is not forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.ledger import adopted
from ai_usage.ledger.adopted import (
    ReferenceChange,
    adopt,
    deferred_changes,
    pending_changes,
    widened,
)
from ai_usage.ledger.closing import record_close, record_reopening
from ai_usage.reference import read_path, reference_file
from ai_usage.reference.states import accept
from ai_usage.settings import Settings

TODAY = date(2026, 3, 18)
FIRST = date(2026, 1, 1)
JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))
EVERYTHING = Window(FIRST, TODAY + timedelta(days=1))
LOOKBACK = Window(date(2026, 3, 11), TODAY + timedelta(days=1))
FILE = reference_file("other_costs.csv")
HEADER = "cost_id,platform,line_kind,amount,date_from\n"
NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)


class Maintained:
    """A folder of files and an archive, as runs of the graph use them."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings.load(
            {
                "AI_USAGE_HOME": str(home),
                "AI_USAGE_ENV_FILE": str(home / "no.env"),
                "AI_USAGE_AS_OF": TODAY.isoformat(),
                "AI_USAGE_START_DATE": FIRST.isoformat(),
            }
        )
        self.archive = Archive(self.settings.archive_root)

    def changes(self, asked: Callable[..., list[ReferenceChange]]) -> list[ReferenceChange]:
        return asked(self.archive, self.settings.reference_path, self.settings)

    def write(self, **days: str) -> None:
        """One cost of 1 dollar a name, on its day."""
        self.settings.reference_path.mkdir(parents=True, exist_ok=True)
        lines = [f"{name},cursor,one_time,1,{day}\n" for name, day in days.items()]
        (self.settings.reference_path / FILE.name).write_text(HEADER + "".join(lines))

    def run(self, window: Window = LOOKBACK, *, closed: bool = False) -> Window:
        """What a run does to the states: widen, accept, build, take in. Gives the days built."""
        changes = self.changes(pending_changes)
        if closed:
            changes += self.changes(deferred_changes)
        built = widened(window, changes, self.archive, self.settings.first_day, closed=closed)
        if (self.settings.reference_path / FILE.name).is_file():
            rows = read_path(FILE, self.settings.reference_path).rows
            accept(self.archive, self.settings, FILE, rows)
        adopt(self.archive, self.settings, built, EVERYTHING, leaves_closed=not closed)
        return built

    def pending(self) -> list[date]:
        return [change.day for change in self.changes(pending_changes)]

    def held_back(self) -> list[date]:
        return [change.day for change in self.changes(deferred_changes)]


@pytest.fixture
def files(tmp_path: Path) -> Maintained:
    made = Maintained(tmp_path)
    made.write(licence="2026-01-05")
    made.run(EVERYTHING)
    assert made.pending() == []
    return made


def test_a_change_reaches_back_to_its_first_day_once(files: Maintained) -> None:
    files.write(licence="2026-01-05", setup="2026-02-10")
    assert files.pending() == [date(2026, 2, 10)]
    assert files.run().start == date(2026, 2, 10)
    assert files.run() == LOOKBACK


def test_of_a_file_that_says_what_the_facts_know_no_state_is_read(
    files: Maintained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("rows of a state are read")

    with monkeypatch.context() as patched:
        patched.setattr(adopted, "newest_state", read)
        assert files.pending() == []
        assert files.run() == LOOKBACK
    (files.settings.reference_path / FILE.name).write_bytes(b"\xff")
    assert files.pending() == [], "the run says what is wrong with it"
    # The same said in other words is no change either.
    files.write(licence="2026-01-05")
    path = files.settings.reference_path / FILE.name
    path.write_text("# Licences\n" + path.read_text())
    assert files.pending() == []


def test_a_file_that_comes_later_is_a_change_of_an_empty_one(tmp_path: Path) -> None:
    later = Maintained(tmp_path)
    later.run(EVERYTHING)
    later.write(setup="2026-02-10")
    assert later.run().start == date(2026, 2, 10)


def test_a_closed_month_is_left_out_and_what_it_lacks_is_told_until_it_is_asked_for(
    files: Maintained,
) -> None:
    record_close(files.archive, FEBRUARY, [], NOW)
    files.write(licence="2026-01-05", setup="2026-02-10")
    assert files.held_back() == [date(2026, 2, 10)]
    assert files.run().start == MARCH
    assert files.run() == LOOKBACK, "the open days have it: they are not built again and again"
    assert (files.pending(), files.held_back()) == ([], [date(2026, 2, 10)])
    assert files.run(closed=True).start == date(2026, 2, 10)
    assert (files.pending(), files.held_back()) == ([], [])


@pytest.mark.parametrize("open_days_first", [True, False])
def test_asking_for_the_closed_days_alone_is_enough(
    files: Maintained, open_days_first: bool
) -> None:
    record_close(files.archive, FEBRUARY, [], NOW)
    files.write(licence="2026-01-05", setup="2026-02-10")
    if open_days_first:
        files.run()
    rows = read_path(FILE, files.settings.reference_path).rows
    accept(files.archive, files.settings, FILE, rows)
    adopt(files.archive, files.settings, Window(FEBRUARY, MARCH), EVERYTHING)
    assert files.held_back() == []
    assert files.run().start == (LOOKBACK.start if open_days_first else MARCH)
    assert (files.pending(), files.held_back()) == ([], [])


def test_a_second_change_adds_to_what_is_held_back_from_the_first_ones_day(
    files: Maintained,
) -> None:
    record_close(files.archive, FEBRUARY, [], NOW)
    files.write(licence="2026-01-05", setup="2026-02-20")
    files.run()
    files.write(licence="2026-01-05", setup="2026-02-20", more="2026-03-02", less="2026-01-09")
    files.run()
    assert files.held_back() == [date(2026, 1, 9)]
    assert files.run(closed=True).start == date(2026, 1, 9)
    assert files.held_back() == []


def test_a_change_that_is_taken_back_is_held_back_no_more(files: Maintained) -> None:
    record_close(files.archive, FEBRUARY, [], NOW)
    files.write(licence="2026-01-05", setup="2026-02-20")
    files.run()
    files.write(licence="2026-01-05")
    assert files.held_back() == []
    files.run()
    assert (files.pending(), files.held_back()) == ([], [])


def test_what_was_built_before_a_month_was_closed_is_not_held_back_from_it(
    files: Maintained,
) -> None:
    """Also after something was held back from an earlier month and taken in."""
    record_close(files.archive, JANUARY, [], NOW)
    files.write(licence="2026-01-06")
    files.run()
    files.run(closed=True)
    files.write(licence="2026-01-06", setup="2026-02-10")
    files.run()
    record_close(files.archive, FEBRUARY, [], NOW)
    assert files.held_back() == []


def test_a_look_back_ends_at_the_closed_month(files: Maintained) -> None:
    record_close(files.archive, FEBRUARY, [], NOW)
    reaching = Window(date(2026, 2, 20), LOOKBACK.end)
    assert files.run(reaching) == Window(MARCH, LOOKBACK.end)
    assert files.run(reaching, closed=True) == reaching
    record_reopening(files.archive, FEBRUARY, NOW)
    assert files.run(reaching) == reaching


def test_a_window_of_closed_days_alone_becomes_the_first_open_day(files: Maintained) -> None:
    """A tick of the last month that is transformed only after the month was closed."""
    record_close(files.archive, FEBRUARY, [], NOW)
    late = Window(date(2026, 2, 20), MARCH)
    assert widened(late, [], files.archive, files.settings.first_day) == Window.day(MARCH)


def test_a_partial_run_over_closed_days_takes_nothing_in(files: Maintained) -> None:
    record_close(files.archive, FEBRUARY, [], NOW)
    files.write(licence="2026-01-05", setup="2026-02-10")
    accept(files.archive, files.settings, FILE, read_path(FILE, files.settings.reference_path).rows)
    adopt(files.archive, files.settings, Window.day(date(2026, 2, 10)), EVERYTHING)
    assert (files.pending(), files.held_back()) == ([date(2026, 2, 10)], [date(2026, 2, 10)])
