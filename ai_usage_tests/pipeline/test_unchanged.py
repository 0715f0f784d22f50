"""A run that builds only the days for which something has moved leaves what a full one leaves.

What may happen between two runs, in a company of a few dollars with seats, an invoice and a
directory: each by itself with the days that must be built, worked out by hand, and random sequences
of them. After the last one the tables are those of a full rebuild of the same archive.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import duckdb
import pytest

from ai_usage.dashboard.published import Published
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import lookback_window
from ai_usage.ledger.closing import record_close
from ai_usage.orchestration import unchanged
from ai_usage.orchestration.outcome import RunResult
from ai_usage.orchestration.resources import Resources, resources_of
from ai_usage.orchestration.runs import dagster_instance
from ai_usage.orchestration.selection import Selection, select
from ai_usage.orchestration.unchanged import look
from ai_usage.reference import read_path, reference_file
from ai_usage.reference.states import accept
from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.files import installed_version
from ai_usage_tests.ledger.small import ADA, NOBODY, Small
from ai_usage_tests.support.pipeline import (
    assert_equal_tables,
    own_dagster_home,
    run_window,
    tables,
    warehouse_of,
)

pytestmark = pytest.mark.slow

FIRST, TODAY = date(2026, 3, 20), date(2026, 4, 3)
DAYS = Window(FIRST, TODAY + timedelta(days=1))
CYCLE = (date(2026, 3, 28), date(2026, 3, 30))
"""An invoiced cycle, of three days with 3.50 each: it is reconciled as long as they stay so."""


def since(day: int, month: int = 4, *, today: date = TODAY) -> Window:
    """The days that a run must build from this one on."""
    return Window(date(2026, month, day), today + timedelta(days=1))


@dataclass
class Story:
    """The company, what its vendor has said so far, and what is drawn at random."""

    small: Small
    draw: random.Random
    said: dict[date, dict[str, str]] = field(
        default_factory=lambda: {day: {ADA: "2.50", NOBODY: "1"} for day in DAYS.days()}
    )
    code: str = field(default_factory=installed_version)

    def run(self, *, spare: bool = True) -> RunResult:
        """What `ai-usage run` does, without checks; the schedule's days."""
        settings = self.small.settings
        result = run_window(
            settings, lookback_window(settings), checks=False, leave_closed=True, spare=spare
        )
        assert result.success, result.errors
        return result

    def ask_again(self) -> None:
        """The vendor says of the last days what it said before, in another answer."""
        days = Window(self.small.today - timedelta(days=7), self.small.today + timedelta(days=1))
        self.small.says(days, {day: self.said[day] for day in days.days() if day in self.said})

    def restate(self, days_ago: int | None = None) -> None:
        """It says something else of one of them."""
        ago = self.draw.randrange(7) if days_ago is None else days_ago
        day = self.small.today - timedelta(days=ago)
        self.said.setdefault(day, {})[ADA] = str(self.draw.randrange(3, 90))
        self.ask_again()

    def restate_yesterday(self) -> None:
        self.restate(1)

    def restate_a_day_of_the_cycle(self) -> None:
        self.restate(4)

    def edit_a_file(self) -> None:
        team = f"Team {self.draw.randrange(1000)}"
        self.small.file("users.csv", "user_email,team,cost_center", f"{ADA},{team},CC1")

    def buy_a_seat(self) -> None:
        """From tomorrow on: of the days until then nothing is booked."""
        day = self.small.today + timedelta(days=1)
        self.small.file(
            "seats.csv",
            "contract_id,platform,platform_subtype,quantity,price,currency,pricing,valid_from",
            f"C1,cursor,cursor,1,{self.draw.randrange(20, 60)},USD,full_month,{day}",
        )

    def take_files(self) -> None:
        """What the inputs do before: the files are accepted as they are."""
        for file in map(reference_file, ("users.csv", "seats.csv", "invoices.csv")):
            if (self.small.settings.reference_path / file.name).exists():
                rows = read_path(file, self.small.settings.reference_path).rows
                accept(self.small.archive, self.small.settings, file, rows)

    def change_the_code(self) -> None:
        self.code = f"another {self.draw.random()}"

    def close_the_month(self) -> None:
        month = self.small.today.replace(day=1) - timedelta(days=1)
        at = datetime(2026, 4, 3, 11, tzinfo=UTC)
        record_close(self.small.archive, month.replace(day=1), [], at)

    def write_from_elsewhere(self) -> None:
        """Somebody builds a table alone, by hand."""
        settings = self.small.settings
        result = run_window(
            settings, lookback_window(settings), selection="fact_ai_costs", checks=False
        )
        assert result.success, result.errors

    def let_a_day_pass(self) -> None:
        self.small = self.small.on(self.small.today + timedelta(days=1))


WHOLE = since(27, 3)
"""The schedule's days: today and the look-back of seven."""

CHANGES: dict[Callable[[Story], None], Window] = {
    Story.restate_yesterday: since(2),
    # The 30th is of the cycle, which begins on the 28th.
    Story.restate_a_day_of_the_cycle: since(28, 3),
    Story.edit_a_file: WHOLE,
    Story.buy_a_seat: WHOLE,
    Story.change_the_code: WHOLE,
    # March is closed.
    Story.close_the_month: WHOLE,
    Story.write_from_elsewhere: WHOLE,
    # What was of yesterday is final now, and its midnight has passed.
    Story.let_a_day_pass: since(3, today=TODAY + timedelta(days=1)),
}
"""What may happen, and the days that are to be built then."""
RANDOM = (*CHANGES, Story.restate, Story.let_a_day_pass)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """All of it is built."""
    charges = {day: {ADA: "2.50", NOBODY: "1"} for day in DAYS.days()}
    small = Small(tmp_path_factory.mktemp("small"), first=FIRST, today=TODAY)
    small.file("users.csv", "user_email,team,cost_center", f"{ADA},Core,CC1")
    small.file(
        "invoices.csv",
        "invoice_id,platform,period_from,period_to,line_kind,amount,currency",
        f"i1,cursor,{CYCLE[0]},{CYCLE[1]},usage,10.50,USD",
    )
    small.load(charges)
    return small


@pytest.fixture
def story(company: Small, monkeypatch: pytest.MonkeyPatch) -> Story:
    """The company as it was loaded; its folder keeps its name, of which what is known speaks."""
    kept = company.home.with_name("kept")
    if not kept.exists():
        shutil.copytree(company.home, kept)
    shutil.rmtree(company.home)
    shutil.copytree(kept, company.home)
    story = Story(company, random.Random(0))  # noqa: S311
    monkeypatch.setattr(unchanged, "installed_version", lambda: story.code)
    return story


def selected(story: Story) -> Selection:
    """What a run builds that starts now."""
    settings, vendors = story.small.settings, discovered_vendors()
    given = Resources.named(resources_of(settings, vendors))
    with own_dagster_home(), dagster_instance(settings) as instance:
        now = look(settings, vendors, given)
        return select(instance, settings, vendors, given, lookback_window(settings), now)


def stands(story: Story) -> bool:
    """Whether a run that starts now has nothing to build."""
    return selected(story).written is None


@pytest.mark.parametrize(("happens", "days"), CHANGES.items())
def test_whatever_may_change_a_row_is_built_and_what_cannot_is_not(
    story: Story, happens: Callable[[Story], None], days: Window
) -> None:
    story.ask_again()
    assert stands(story)
    happens(story)
    story.take_files()
    assert selected(story).written == days


def test_a_warehouse_that_was_lost_does_not_stand(story: Story) -> None:
    story.small.settings.warehouse_path.unlink()
    assert selected(story).written == WHOLE


@pytest.mark.parametrize(
    "by_hand",
    [
        "DROP VIEW ai_usage.vw_executive_dashboard",
        "CREATE OR REPLACE VIEW ai_usage.vw_loaded_days AS SELECT 1 AS n",
        "DROP TABLE ai_usage.dim_users",
        "DROP TABLE ai_usage_internal.agg_costs_daily",
    ],
)
def test_a_warehouse_without_a_table_or_view_does_not_stand(story: Story, by_hand: str) -> None:
    story.ask_again()
    assert stands(story)
    with closing(duckdb.connect(str(story.small.settings.warehouse_path))) as connection:
        connection.execute(by_hand)
    found = selected(story)
    assert found.written == WHOLE
    assert "the warehouse is not as run" in str(found.told(WHOLE))


def test_what_was_dropped_by_hand_is_made_again_and_holds_all_days(story: Story) -> None:
    before = tables(warehouse_of(story.small.settings))
    with closing(duckdb.connect(str(story.small.settings.warehouse_path))) as connection:
        connection.execute("DROP VIEW ai_usage.vw_executive_dashboard")
        connection.execute("DROP TABLE ai_usage_internal.agg_costs_daily")
        connection.execute("DROP TABLE ai_usage.dim_users")
    story.ask_again()
    assert story.run().since is None
    assert warehouse_of(story.small.settings).exists("vw_executive_dashboard")
    assert_equal_tables(before, warehouse_of(story.small.settings))
    story.ask_again()
    assert stands(story)


def test_a_warehouse_from_before_the_last_run_does_not_stand(story: Story) -> None:
    """One that is restored from a backup: nothing has come into the archive since."""
    settings = story.small.settings
    backup = settings.warehouse_path.with_name("backup")
    shutil.copy(settings.warehouse_path, backup)
    story.restate_yesterday()
    assert story.run().since is None
    shutil.copy(backup, settings.warehouse_path)
    story.ask_again()
    assert story.run().since is None
    yesterday = TODAY - timedelta(days=1)
    assert story.small.spent(date(2026, 4, 1))[yesterday] == int(story.said[yesterday][ADA]) + 1
    assert_same_as_whole(story)


def test_a_warehouse_from_after_the_last_run_that_is_known_does_not_stand(story: Story) -> None:
    """Dagster's storage is restored from a backup, or is another one that knows less."""
    home = story.small.home / "dagster"
    shutil.copytree(home, home.with_name("backup"))
    story.restate_yesterday()
    assert story.run().since is None
    story.ask_again()
    assert stands(story)
    shutil.rmtree(home)
    home.with_name("backup").rename(home)
    assert selected(story).written == WHOLE


def test_days_that_nothing_reaches_stand_and_others_are_right(story: Story) -> None:
    stood = Window(FIRST, TODAY - timedelta(days=1))
    before = story.small.written(stood)
    story.let_a_day_pass()
    story.said[story.small.today] = {ADA: "7"}
    story.ask_again()
    assert story.run().since is None
    assert story.small.written(stood) == before, "also which run wrote them: still the first"
    assert story.small.spent(date(2026, 4, 1))[story.small.today] == 7
    # The 30th, a day of the cycle, which was reconciled and is not any more.
    story.restate(5)
    assert story.run().since is None
    rows = story.small.rows(
        "SELECT DISTINCT DATE(cost_timestamp, 'UTC') AS day, reconciliation_status AS status "
        "FROM fact_ai_costs WHERE cost_timestamp >= TIMESTAMP(@start, 'UTC')",
        start=CYCLE[0],
    )
    found = {row["day"]: row["status"] for row in rows}
    cycle = Window(CYCLE[0], CYCLE[1] + timedelta(days=1)).days()
    assert {found[day] for day in cycle} == {"disputed"}
    assert found[CYCLE[1] + timedelta(days=1)] == "pending"
    assert_same_as_whole(story)


def assert_same_as_whole(story: Story) -> None:
    """All days built anew leave what stands."""
    spared = tables(warehouse_of(story.small.settings))
    assert story.run(spare=False).since is None
    assert_equal_tables(spared, warehouse_of(story.small.settings))


@pytest.mark.parametrize("seed", [7, 8])
def test_random_changes_end_as_a_full_rebuild(story: Story, seed: int) -> None:
    story.draw.seed(seed)
    for happens in story.draw.choices(RANDOM, k=3):
        happens(story)
        assert story.run().since is None, f"{happens.__name__} must be built"
    story.ask_again()
    assert story.run().since is not None, f"nothing is new after {happens.__name__}"
    assert_same_as_whole(story)


def test_what_a_run_takes_in_of_files_is_no_news_to_the_next_one(story: Story) -> None:
    story.close_the_month()
    assert story.run().since is None
    # Of open days alone: the state that closed months are built from moves on with it.
    story.buy_a_seat()
    assert story.run().since is None
    story.ask_again()
    assert story.run().since is not None
    assert_same_as_whole(story)


def test_a_run_with_nothing_new_says_so_of_every_asset_once(story: Story) -> None:
    before = story.small.written(DAYS)
    story.ask_again()
    result = story.run()
    assert result.since is not None
    assert story.small.written(DAYS) == before
    assert {"loaded_days", "raw_member_spend", "raw_group_spend"} <= set(result.materialized)
    assert not result.not_built
    settings = story.small.settings
    with own_dagster_home(), dagster_instance(settings) as instance:
        for name in result.standing:
            event = instance.get_latest_materialization_event(dg.AssetKey(name))
            assert event is not None
            told = event.asset_materialization
            assert told is not None
            assert told.partition == TODAY.isoformat(), name
            assert told.metadata["unchanged"].value is True, name
    about = Published(settings.published_path).about
    assert about.run_id == result.since
    assert stands(story), "the run that found nothing new is no writer from elsewhere"
