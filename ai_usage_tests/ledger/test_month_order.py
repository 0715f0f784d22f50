"""A lock keeps out only what it may: the days of months that are closed, and no others.

Ada spends 10 dollars on 25 February, 20 on 10 March and 5 on 1 April. The vendor restates the 25th
to 70 while March is closed and February is open, however that came.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import (
    UNSIGNED,
    closings,
    history,
    month_window,
    record_close,
    record_reopening,
)
from ai_usage_tests.cli.support import FIXTURES, FROM_ARCHIVE
from ai_usage_tests.ledger.small import ADA, Small, loaded

FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (2, 3, 4))
LATE = date(2026, 2, 25)
RESTATED = {LATE: {ADA: "70"}}
SPENT = {
    LATE: {ADA: "10"},
    date(2026, 3, 10): {ADA: "20"},
    date(2026, 4, 1): {ADA: "5"},
}

FACTS_ONLY = (
    'key:"raw_ai_events" or key:"dim_dates" or group:staging or group:intermediate or group:facts'
)

REPORTED = (
    f'{FACTS_ONLY} or group:rollups or key:"raw_restatements" or key:"closed_months" or group:views'
)

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def both_open(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return loaded(tmp_path_factory.mktemp("both_open"), SPENT)


@pytest.fixture(scope="module")
def both_closed(both_open: Small, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """February and March in one go; what was said then is kept beside."""
    small = both_open.copied(tmp_path_factory.mktemp("both_closed"))
    (small.home / "said").write_text(small.done("close", "2026-03", "--with-earlier"))
    return small


def close_as_c8af749(small: Small, month: date, dollars: int) -> None:
    """The record of a close as that version wrote it: month and totals, nobody's name."""
    total = {
        "platform_code": "cursor",
        "platform_name": "Cursor",
        "user_sk": small.rows("SELECT user_sk FROM dim_users WHERE user_email = @a", a=ADA)[0][
            "user_sk"
        ],
        "user_email": ADA,
        "full_name": None,
        "department": "Unassigned",
        "team": "Core",
        "cost_center": "CC1",
        "total_cost_usd": str(dollars),
    }
    body = json.dumps({"month": month.isoformat(), "totals": [total]}).encode()
    with small.archive.recording(
        "books", "closed_months", month_window(month), fetched_at=small.settings.now
    ) as recorder:
        recorder.add(Page(body, f"ai-usage close {month:%Y-%m}"))


@pytest.fixture(scope="module")
def march_alone(both_open: Small, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """What c8af749 left: March closed, February open; the next day the vendor says 70."""
    small = both_open.copied(tmp_path_factory.mktemp("march_alone"))
    close_as_c8af749(small, MARCH, 20)
    small = small.on(date(2026, 4, 4))
    small.says(Window.day(LATE), RESTATED)
    return small


# -- the order of closes ------------------------------------------------------------------------


@slow
def test_a_month_is_not_closed_before_an_earlier_one_that_is_loaded(both_open: Small) -> None:
    done = both_open.call("close", "2026-03")
    assert (done.code, done.error) == (
        1,
        "2026-03 cannot be closed: 2026-02 lies before it, loaded and still open; `ai-usage close "
        "2026-02` first, or `ai-usage close 2026-03 --with-earlier` for all in order.",
    )
    assert history(both_open.archive).standing == {}


@slow
def test_with_earlier_closes_them_in_order_and_names_who_did(both_closed: Small) -> None:
    small, said = both_closed, (both_closed.home / "said").read_text()
    closed = [line.partition(" in ")[0] for line in said.splitlines() if " is closed " in line]
    assert closed == [
        "2026-02 is closed by fin@x.io at $10.00",
        "2026-03 is closed by fin@x.io at $20.00",
    ]
    assert [fetch.window.start for fetch in history(small.archive).closed] == [FEBRUARY, MARCH]
    assert small.rows(
        "SELECT month, total_cost_usd, closed_by, accepted_reason FROM closed_months ORDER BY month"
    ) == [
        {"month": FEBRUARY, "total_cost_usd": 10, "closed_by": "fin@x.io", "accepted_reason": None},
        {"month": MARCH, "total_cost_usd": 20, "closed_by": "fin@x.io", "accepted_reason": None},
    ]


@slow
def test_with_earlier_closes_none_where_the_last_cannot_be(
    both_open: Small, tmp_path: Path
) -> None:
    small = both_open.copied(tmp_path)
    small.file("other_costs.csv", *ONE_TIME)
    done = small.call("close", "2026-03", "--with-earlier")
    assert done.error.endswith(
        "other_costs.csv has changed since it was built; `ai-usage run` takes it in."
    )
    assert history(small.archive).standing == {}


ONE_TIME = (
    "cost_id,platform,line_kind,amount,date_from",
    "setup,cursor,one_time,21,2026-03-05",
)


@slow
def test_a_first_month_that_is_not_loaded_whole_forbids_no_later_close(
    both_open: Small, tmp_path: Path
) -> None:
    """It could never be closed; it stays open."""
    small = replace(both_open.copied(tmp_path), first=date(2026, 2, 10))
    assert "2026-03 is closed by fin@x.io at $20.00" in small.done("close", "2026-03")


# -- an open month before a closed one ----------------------------------------------------------


@slow
def test_what_an_old_lock_kept_out_of_an_open_month_is_told_in_dollars_and_then_built(
    march_alone: Small, tmp_path: Path
) -> None:
    """The look-back begins on 28 March: the first run tells, and the second reaches back."""
    small = march_alone.copied(tmp_path)
    march = small.written(month_window(MARCH))
    said = small.done("run", *FROM_ARCHIVE)
    assert said.startswith(
        "2026-02 is open though 2026-03 is closed: it changes by itself until `ai-usage close "
        "2026-02`.\n"
    )
    assert small.spent(FEBRUARY) == {LATE: 10}
    assert small.held_back() == [(FEBRUARY, Decimal(60), LATE, False)]
    assert "warning  vw_adjustments.closed_month_changed\n" in said
    assert (
        "2026-02 cursor: +60.00 US dollars held back, from 2026-02-25 on; `ai-usage run` takes "
        "them in.\n"
    ) in said
    said = small.run()
    assert (
        "2026-02 is open though a later month is closed, and was restated: days from 2026-02-25 "
        "on are rebuilt.\n"
    ) in said
    assert small.spent(FEBRUARY) == {LATE: 70}
    assert small.held_back() == []
    assert small.written(month_window(MARCH)) == march, "not a row of March was written anew"
    assert small.rows("SELECT month, total_cost_usd, closed_by FROM closed_months") == [
        {"month": MARCH, "total_cost_usd": 20, "closed_by": None}
    ]
    assert small.rows("SELECT * FROM vw_adjustments") == []


@slow
def test_a_look_back_into_an_open_month_builds_it_and_skips_the_closed_one(
    march_alone: Small, tmp_path: Path
) -> None:
    """March, too, is restated, from 20 to 25: 5 dollars are held back, 60 are in the facts."""
    small = march_alone.copied(tmp_path)
    small.says(Window.day(date(2026, 3, 10)), {date(2026, 3, 10): {ADA: "25"}})
    march = small.written(month_window(MARCH))
    said = small.done("run", "--select", REPORTED, AI_USAGE_LOOKBACK_COST_DAYS="60")
    assert (small.spent(FEBRUARY), small.spent(MARCH)) == (
        {LATE: Decimal(70)},
        {date(2026, 3, 10): Decimal(20)},
    )
    assert small.written(month_window(MARCH)) == march
    assert small.held_back() == [(MARCH, Decimal(5), date(2026, 3, 10), True)]
    assert (
        "2026-03 cursor: +5.00 US dollars held back, from 2026-03-10 on; `ai-usage run --closed` "
        "takes them in.\n"
    ) in said


@slow
def test_the_days_of_an_open_month_may_be_built_by_themselves(
    march_alone: Small, tmp_path: Path
) -> None:
    small = march_alone.copied(tmp_path)
    small.done("backfill", "--from", "2026-02-20", "--to", "2026-02-28", "--select", FACTS_ONLY)
    assert small.spent(FEBRUARY) == {LATE: 70}
    into = small.call("backfill", "--from", "2026-02-20", "--to", "2026-03-04")
    assert into.error == (
        "2026-02-20..2026-03-04 reaches into closed books. 2026-03 is closed and stays as "
        "reported: end with --to 2026-02-28, or add --closed to build them anew; what changes is "
        "an adjustment."
    )
    around = small.call("backfill", "--from", "2026-02-20")
    assert "ask for 2026-02-20..2026-02-28 and 2026-04-01..2026-04-04 one by one, or" in (
        around.error
    )
    whole = small.call("backfill", "--from", "2026-03-02", "--to", "2026-03-04")
    assert whole.error.endswith(
        "as reported: add --closed to build them anew; what changes is an adjustment."
    )


@slow
def test_a_month_that_is_opened_again_takes_its_own_in_and_no_later_one_moves(
    both_closed: Small, tmp_path: Path
) -> None:
    small = both_closed.copied(tmp_path)
    small = small.on(date(2026, 4, 4))
    small.says(Window.day(LATE), RESTATED)
    small.run()
    assert small.held_back() == [(FEBRUARY, Decimal(60), LATE, True)]
    march = small.written(month_window(MARCH))
    assert small.done("close", "2026-02", "--reopen").splitlines()[-1] == (
        "Later months stay closed: 2026-03. The next run builds what was held back from 2026-02; "
        "no later month closes before `ai-usage close 2026-02`."
    )
    assert small.held_back() == [(FEBRUARY, Decimal(60), LATE, False)]
    refused = small.call("close", "2026-02")
    assert refused.error == (
        "2026-02 cannot be closed: the facts do not have the newest answer of cursor.usage_events "
        "for 2026-02-25; `ai-usage backfill --from 2026-02-25 --to 2026-02-25`."
    )
    small.run()
    assert small.spent(FEBRUARY) == {LATE: 70}
    assert small.written(month_window(MARCH)) == march
    assert "2026-02 is closed by fin@x.io at $70.00" in small.done("close", "2026-02")
    assert [sum(t.total_cost_usd for t in one.totals) for one in closings(small.archive)] == [
        70,
        20,
    ]


@slow
def test_a_changed_file_is_in_the_open_month_and_what_the_closed_one_lacks_is_told(
    march_alone: Small, tmp_path: Path
) -> None:
    """A licence of 62 dollars from 26 February to 28 March: 2 a day, 6 of them in February."""
    small = march_alone.copied(tmp_path)
    small.file(
        "other_costs.csv",
        "cost_id,platform,line_kind,amount,date_from,date_to",
        "licence,cursor,one_time,62,2026-02-26,2026-03-28",
    )
    said = small.run()
    assert (
        "other_costs.csv has changed from 2026-03-01 on. 2026-03 is closed and stays as reported; "
        "`ai-usage run --closed` takes the change in as an adjustment.\n"
    ) in said
    days = {date(2026, 2, day): 2 for day in (26, 27, 28)}
    assert small.spent(FEBRUARY) == {LATE: 10, **days}
    assert small.spent(MARCH) == {date(2026, 3, 10): 20}
    again = small.run()
    assert "other_costs.csv has changed: days from" not in again, "February is not built for ever"
    assert "other_costs.csv has changed from 2026-03-01 on." in again


@slow
def test_a_first_partition_that_is_moved_earlier_is_loaded_though_later_months_are_closed(
    both_closed: Small, tmp_path: Path
) -> None:
    small = both_closed.copied(tmp_path)
    small = replace(small, first=date(2026, 1, 1))
    february = small.written(month_window(FEBRUARY))
    january = Window(date(2026, 1, 1), FEBRUARY)
    small.says(january, {date(2026, 1, 20): {ADA: "3"}})
    small.done("backfill", "--from", "2026-01-01", "--to", "2026-01-31", "--select", FACTS_ONLY)
    assert small.spent(january.start) == {date(2026, 1, 20): 3}
    assert small.written(month_window(FEBRUARY)) == february
    assert "2026-01 is closed by fin@x.io at $3.00" in small.done("close", "2026-01")


# -- which days are locked ----------------------------------------------------------------------

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)


@pytest.fixture
def locked(tmp_path: Path) -> Callable[..., Archive]:
    def made(*months: date) -> Archive:
        archive = Archive(str(tmp_path))
        for month in months:
            record_close(archive, month, [], NOON)
        return archive

    return made


def test_a_window_is_cut_at_the_closed_months_within_it(locked: Callable[..., Archive]) -> None:
    known = history(locked(FEBRUARY, APRIL))
    window = Window(date(2026, 1, 30), date(2026, 5, 2))
    assert known.open(window) == [
        Window(date(2026, 1, 30), FEBRUARY),
        Window(MARCH, APRIL),
        Window(date(2026, 5, 1), date(2026, 5, 2)),
    ]
    assert known.locked(window) == [Window(FEBRUARY, MARCH), Window(APRIL, date(2026, 5, 1))]
    inside = Window(date(2026, 2, 3), date(2026, 2, 5))
    assert (known.open(inside), known.locked(inside)) == ([], [inside])


def test_first_open_and_locked_days_and_months_before_a_closed_one(
    locked: Callable[..., Archive],
) -> None:
    known = history(locked(FEBRUARY, MARCH, date(2026, 5, 1)))
    assert known.first_open(date(2026, 2, 9)) == APRIL
    assert known.first_open(date(2026, 4, 9)) == date(2026, 4, 9)
    assert known.first_locked(date(2026, 1, 9)) == FEBRUARY
    assert known.first_locked(date(2026, 3, 9)) == date(2026, 3, 9)
    assert known.first_locked(date(2026, 6, 1)) is None
    assert known.open_before(date(2026, 1, 15)) == [date(2026, 1, 1), APRIL]
    assert known.open_before(FEBRUARY, date(2026, 7, 1)) == [APRIL, date(2026, 6, 1)]


def test_closes_that_an_older_version_recorded_stay_readable_and_name_nobody(
    tmp_path: Path,
) -> None:
    with tarfile.open(FIXTURES / "upgrade" / "home_c8af749.tar.xz") as home:
        home.extractall(tmp_path, filter="data")
    (root,) = tmp_path.rglob("archive")
    (one,) = closings(Archive(str(root)))
    assert (one.month, one.signature) == (FEBRUARY, UNSIGNED)
    # 28 days of 2.00 + 0.125 + 0.07 dollars.
    assert sum(total.total_cost_usd for total in one.totals) == Decimal("61.46")


def test_a_month_that_was_opened_again_is_not_locked(locked: Callable[..., Archive]) -> None:
    archive = locked(FEBRUARY, MARCH)
    record_reopening(archive, FEBRUARY, NOON + timedelta(hours=1))
    assert list(history(archive).standing) == [MARCH]
    assert history(archive).open(month_window(FEBRUARY)) == [month_window(FEBRUARY)]
