"""Days that an older version's rules built are rebuilt once; closed months keep their rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import record_close, record_reopening
from ai_usage.ledger.rule_changes import (
    RULE_CHANGES,
    RuleChange,
    note_built,
    note_empty,
    outdated_days,
)
from ai_usage.settings import Settings

TODAY = date(2026, 3, 18)
NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))
TOMORROW = TODAY + timedelta(days=1)
LOADED = Window(JANUARY, TOMORROW)
LOOKBACK = Window(date(2026, 3, 11), TOMORROW)
ONE, TWO = RuleChange("one", "the first reason"), RuleChange("two", "the second reason")


class Installation:
    """An archive, and what each version of the code would rebuild."""

    def __init__(self, home: Path, first: date = JANUARY) -> None:
        self.settings = Settings.load(
            {
                "AI_USAGE_HOME": str(home),
                "AI_USAGE_ENV_FILE": str(home / "no.env"),
                "AI_USAGE_AS_OF": TODAY.isoformat(),
                "AI_USAGE_START_DATE": first.isoformat(),
            }
        )
        self.archive = Archive(self.settings.archive_root)

    def outdated(self, *changes: RuleChange) -> tuple[Window, list[str]] | None:
        found = outdated_days(self.archive, self.settings.first_day, lambda: LOADED, changes)
        return (found.days, [change.name for change in found.changes]) if found else None

    def build(self, days: Window, *changes: RuleChange) -> None:
        note_built(self.archive, self.settings, days, LOADED, changes)


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_every_change_has_a_name_of_its_own_and_a_reason() -> None:
    assert len({change.name for change in RULE_CHANGES}) == len(RULE_CHANGES) > 0
    assert all(change.reason and not change.reason.endswith(".") for change in RULE_CHANGES)


def test_days_loaded_before_a_change_are_rebuilt_once(installed: Installation) -> None:
    assert installed.outdated(ONE) == (LOADED, ["one"])
    installed.build(LOADED, ONE)
    assert installed.outdated(ONE) is None


def test_only_the_changes_that_the_days_lack_are_told(installed: Installation) -> None:
    installed.build(LOADED, ONE)
    assert installed.outdated(ONE, TWO) == (LOADED, ["two"])
    installed.build(LOADED, ONE, TWO)
    assert installed.outdated(ONE, TWO) is None


def test_a_run_over_the_look_back_alone_leaves_the_days_before_it(
    installed: Installation,
) -> None:
    installed.build(LOOKBACK, ONE)
    assert installed.outdated(ONE) == (Window(JANUARY, LOOKBACK.start), ["one"])
    installed.build(Window(JANUARY, FEBRUARY), ONE)
    assert installed.outdated(ONE) == (Window(FEBRUARY, LOOKBACK.start), ["one"])
    installed.build(Window.day(date(2026, 2, 10)), ONE)
    assert installed.outdated(ONE) == (Window(FEBRUARY, LOOKBACK.start), ["one"])


def test_closed_months_stay_and_an_opened_one_is_rebuilt(installed: Installation) -> None:
    for month in (JANUARY, FEBRUARY):
        record_close(installed.archive, month, [], NOW)
    assert installed.outdated(ONE) == (Window(MARCH, TOMORROW), ["one"])
    installed.build(Window(MARCH, TOMORROW), ONE)
    assert installed.outdated(ONE) is None
    record_reopening(installed.archive, FEBRUARY, NOW)
    assert installed.outdated(ONE) == (Window(FEBRUARY, MARCH), ["one"])


def test_an_open_month_before_a_closed_one_is_rebuilt_once_and_the_closed_one_stays(
    installed: Installation,
) -> None:
    record_close(installed.archive, FEBRUARY, [], NOW)
    found = outdated_days(installed.archive, installed.settings.first_day, lambda: LOADED, [ONE])
    assert found is not None
    assert found.open == (Window(JANUARY, FEBRUARY), Window(MARCH, TOMORROW))
    note_built(installed.archive, installed.settings, found.days, LOADED, [ONE], leaves_closed=True)
    assert installed.outdated(ONE) is None
    record_reopening(installed.archive, FEBRUARY, NOW)
    assert installed.outdated(ONE) == (Window(FEBRUARY, MARCH), ["one"])


def test_a_first_load_follows_the_present_rules_though_it_fails_midway(
    installed: Installation,
) -> None:
    note_empty(installed.archive, installed.settings, [ONE])
    assert installed.outdated(ONE) is None
    assert installed.outdated(ONE, TWO) == (LOADED, ["two"])


def test_days_before_the_first_partition_are_not_asked_for(tmp_path: Path) -> None:
    later = Installation(tmp_path, first=FEBRUARY)
    assert later.outdated(ONE) == (Window(FEBRUARY, TOMORROW), ["one"])
    later.build(Window(FEBRUARY, TOMORROW), ONE)
    assert later.outdated(ONE) is None
