"""A closed month stands still to the last digit until somebody asks, and what changed is told.

One small company, February and the first days of March, closed by the command line as finance
does it. Amounts are worked out from the simulated company's own records.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.progress import window_of_run
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import lookback_window
from ai_usage.ledger.adopted import ReferenceChange, deferred_changes
from ai_usage.ledger.closing import closings
from ai_usage.ledger.rule_changes import RULE_CHANGES
from ai_usage.ledger.totals import totals_of
from ai_usage.orchestration.code_versions import statement_versions
from ai_usage.orchestration.runs import Refetch
from ai_usage.reference import read_path, reference_file
from ai_usage.reference.states import accept
from ai_usage.settings import Settings
from ai_usage.simulator import Company, change, serve
from ai_usage.simulator.records import CursorEvent
from ai_usage.text.words import few
from ai_usage.warehouse.base import Query
from ai_usage_tests.cli.support import Done, Place
from ai_usage_tests.support.pipeline import (
    NO_SERVER,
    load,
    run_window,
    simulated_environment,
    warehouse_of,
    window,
)

pytestmark = pytest.mark.slow

FIRST, TODAY = date(2026, 2, 1), date(2026, 3, 5)
MONTH = "2026-02"
FEBRUARY = Window(FIRST, date(2026, 3, 1))
ACCEPTED = "two keys of a lab that is closed"
"""The company has cost that belongs to nobody known."""
LATE = date(2026, 2, 27)
"""A day of the closed month within the look-back of the next days."""


@dataclass(frozen=True)
class Books:
    """A folder with its archive and warehouse, and the company that the vendors serve."""

    company: Company
    home: Path
    first: date = FIRST

    def environment(self, base_url: str = NO_SERVER) -> dict[str, str]:
        return simulated_environment(self.home, base_url, self.company.today, self.first)

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environment())

    def call(self, *arguments: str, base_url: str = NO_SERVER) -> Done:
        return Place(self.home, self.environment(base_url)).call(*arguments)

    def served(self, *arguments: str) -> Done:
        """Call the command while the vendors are there."""
        with serve(self.company) as base_url:
            done = self.call(*arguments, base_url=base_url)
        assert done.code == 0, done.out + done.err
        return done

    def run(self, *, closed: bool = False) -> str:
        """What `ai-usage run` does, without the checks, which take most of its time."""
        said = io.StringIO()
        with serve(self.company) as base_url:
            settings = Settings.load(self.environment(base_url))
            days = window_of_run(
                Console(file=said, width=500), settings, lookback_window(settings), closed=closed
            )
            result = run_window(
                settings,
                days,
                refetch=Refetch.lookback(settings),
                checks=False,
                leave_closed=not closed,
            )
        assert result.success, result.errors
        return said.getvalue()

    def copied(self, home: Path, company: Company | None = None) -> Books:
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return replace(self, home=home, company=company or self.company)

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        return list(warehouse_of(self.settings).rows(Query(sql, parameters)))

    def month(self) -> list[dict[str, Any]]:
        """Every row of the month's facts and events, without when and by whom it was written."""
        found: list[dict[str, Any]] = []
        for table in ("raw_ai_events", "fact_ai_usage", "fact_ai_costs"):
            rows = warehouse_of(self.settings).read(table, FEBRUARY).to_pylist()
            assert rows, table
            found += sorted(rows, key=lambda row: (row["event_id"], row.get("event_part", 0)))
        return found

    def adjustments(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM vw_adjustments ORDER BY status, user_email, cost_center")


def deferred(settings: Settings) -> list[ReferenceChange]:
    archive = Archive(settings.archive_root)
    return deferred_changes(archive, settings.reference_path, settings)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Books:
    company = Company(today=TODAY, anchor=date(2026, 4, 1), people=30, scale=0.05)
    home = tmp_path_factory.mktemp("loaded")
    load(home, company, window(FIRST, TODAY), checks=False)
    return Books(company, home)


@pytest.fixture(scope="module")
def closed(loaded: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    books = loaded.copied(tmp_path_factory.mktemp("closed"))
    done = books.call("close", MONTH, "--accept", ACCEPTED)
    assert done.code == 0, done.out + done.err
    return books


def tomorrow(company: Company) -> Company:
    return company.on(company.today + timedelta(days=1))


def dear(company: Company) -> CursorEvent:
    return next(e for e in company.cursor_events(LATE) if e.is_chargeable and e.email)


@pytest.fixture(scope="module")
def restated(closed: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The next day the vendor charges 12.50 dollars more for an event of February; then a run."""
    event = dear(closed.company)
    company = tomorrow(closed.company).amended(
        change(
            "cursor_events",
            LATE,
            lambda e: e == event,
            limit=1,
            charged_cents=event.charged_cents + Decimal(1250),
        )
    )
    books = closed.copied(tmp_path_factory.mktemp("restated"), company)
    assert books.run() == ""
    return books


@pytest.fixture(scope="module")
def asked(restated: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    books = restated.copied(tmp_path_factory.mktemp("asked"))
    books.run(closed=True)
    return books


def test_what_is_recorded_is_what_the_facts_sum_to_by_person_product_and_cost_centre(
    closed: Books,
) -> None:
    facts = closed.rows(
        "SELECT c.user_sk, p.platform_name, cc.cost_center, SUM(c.total_cost_usd) AS usd "
        "FROM fact_ai_costs AS c JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk "
        "JOIN dim_cost_centers AS cc ON cc.cost_center_sk = c.cost_center_sk "
        "WHERE DATE(c.cost_timestamp) BETWEEN DATE '2026-02-01' AND DATE '2026-02-28' "
        "GROUP BY 1, 2, 3"
    )
    wanted = {
        (r["user_sk"], r["platform_name"], r["cost_center"].replace("Unknown", "Unassigned")): r[
            "usd"
        ]
        for r in facts
    }
    (one,) = closings(Archive(closed.settings.archive_root))
    recorded = {(t.user_sk, t.platform_name, t.cost_center): t.total_cost_usd for t in one.totals}
    assert {key: usd for key, usd in recorded.items() if usd or key in wanted} == wanted
    assert sum(recorded.values()) > 0
    table = closed.rows("SELECT * FROM closed_months")
    assert {
        (r["user_sk"], r["platform_name"], r["cost_center"]): r["total_cost_usd"] for r in table
    } == recorded
    assert {(r["month"], r["closed_at"]) for r in table} == {(FIRST, one.closed_at)}
    assert closed.adjustments() == []


def test_a_restated_closed_month_stands_still_and_the_difference_is_told_at_once(
    closed: Books, restated: Books
) -> None:
    event = dear(closed.company)
    assert restated.month() == closed.month()
    (row,) = restated.adjustments()
    assert (row["month"], row["platform_code"], row["status"]) == (FIRST, "cursor", "held_back")
    assert row["user_email"] == event.email
    assert row["adjustment_usd"] == Decimal("12.5")
    assert row["first_day"] == LATE
    assert row["closed_at"] < row["first_seen_at"]
    said = restated.call("run", "--select", "vw_adjustments")
    assert said.code == 0, said.err
    assert "warning  vw_adjustments.closed_month_changed\n" in said.out
    assert "not so for 2026-02 cursor." in said.out
    # The open days were built as always.
    (newest,) = restated.rows(
        "SELECT MAX(event_date) AS day FROM raw_ai_events WHERE event_date >= DATE '2026-03-01'"
    )
    assert newest["day"] == restated.company.today


def test_the_ledger_has_the_restatement_with_the_month_closed(restated: Books) -> None:
    event = dear(restated.company)
    rows = restated.rows(
        "SELECT * FROM raw_restatements WHERE event_date = @day AND measure = 'cost_usd'", day=LATE
    )
    (row,) = [row for row in rows if row["month_closed"]]
    assert (row["user_email"], row["difference"]) == (event.email, Decimal("12.5"))
    assert row["was_final"]
    shown = restated.call("changes", "--from", str(LATE), "--to", str(LATE))
    assert shown.code == 0, shown.err
    assert "closed" in shown.out
    assert shown.out.splitlines()[-1].endswith("cost in US dollars: cursor +12.50.")


def test_rebuilt_after_a_loss_the_closed_month_is_as_it_was_reported_and_the_rest_held_back(
    restated: Books, tmp_path: Path
) -> None:
    """What the vendor said after the close is in the archive, and still no part of the month."""
    books = restated.copied(tmp_path)
    wanted, adjustments = books.month(), books.adjustments()
    for file in books.home.glob("warehouse.duckdb*"):
        file.unlink()
    done = books.call("rebuild")
    assert done.code == 0, done.out + done.err
    assert f"{MONTH} is closed and is built as it was known when it was closed." in done.out
    keys = ("event_id", "event_part", "cost_usd", "total_cost_usd", "user_sk", "input_tokens")

    def values(rows: list[dict[str, Any]]) -> list[list[Any]]:
        return [[row.get(key) for key in keys] for row in rows]

    assert values(books.month()) == values(wanted)
    assert books.adjustments() == adjustments
    again = books.call("rebuild", "--from", "2026-03-01", "--to", "2026-03-01")
    assert again.code == 0, again.out + again.err
    assert values(books.month()) == values(wanted)


def test_asked_for_the_month_takes_it_in_and_the_adjustment_has_person_and_cost_centre(
    closed: Books, asked: Books
) -> None:
    """The event is direct: its person bears the 12.50 in the cost centre of the day."""
    event = dear(closed.company)
    email = closed.company.people[event.person].email
    (row,) = asked.adjustments()
    assert (row["status"], row["user_email"]) == ("taken_in", email)
    assert row["adjustment_usd"] == Decimal("12.5")
    assert row["cost_center"] != "Unassigned"
    before, now = (
        sum(r["total_cost_usd"] for r in b.month() if "event_part" in r) for b in (closed, asked)
    )
    assert now - before == Decimal("12.5")
    assert row["first_day"] is None
    assert row["first_seen_at"] > row["closed_at"]


def test_opened_again_the_month_has_nothing_to_adjust_and_its_close_is_kept(
    asked: Books, tmp_path: Path
) -> None:
    books = asked.copied(tmp_path)
    assert refusal(books, "close", MONTH) == (
        "2026-02 was closed on 2026-03-05 12:00 UTC. To accept what has changed since: "
        "`ai-usage close 2026-02 --reopen`, then close it again."
    )
    done = books.call("close", MONTH, "--reopen")
    assert done.code == 0, done.err
    assert done.out == "2026-02 is open again; what it was closed at is kept in the archive.\n"
    assert books.rows("SELECT COUNT(*) AS n FROM closed_months") == [{"n": 0}]
    assert books.adjustments() == []
    archive = Archive(books.settings.archive_root)
    assert len(archive.fetches("books", "closed_months")) == 1
    # What would be closed now is the month with its adjustment.
    totals = totals_of(warehouse_of(books.settings), FIRST, books.settings.now)
    (before,) = closings(Archive(asked.settings.archive_root))
    grown = sum(t.total_cost_usd for t in totals) - sum(t.total_cost_usd for t in before.totals)
    assert grown == Decimal("12.5")


MOVED = date(2026, 2, 14)
"""Since when, as `users.csv` has it, a person of the company belongs to another team."""


@pytest.fixture(scope="module")
def corrected(closed: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The next day two files say otherwise what was in February; then a run.

    21 dollars over the seven days from the 26th on, three of them in February; and who moved on the
    14th has moved on the 10th.
    """
    books = closed.copied(tmp_path_factory.mktemp("corrected"), tomorrow(closed.company))
    folder = books.settings.reference_path
    (folder / "other_costs.csv").write_text(
        "cost_id,platform,line_kind,amount,date_from,date_to\n"
        "setup,cursor,one_time,21,2026-02-26,2026-03-04\n"
    )
    users = (folder / "users.csv").read_text()
    email = mover(books)["user_email"]
    assert f"{email},{MOVED}" in users
    (folder / "users.csv").write_text(users.replace(f"{email},{MOVED}", f"{email},2026-02-10"))
    (books.home / "said").write_text(books.run())
    return books


def mover(books: Books, day: date = MOVED) -> dict[str, Any]:
    sql = "SELECT user_email, team FROM dim_users WHERE effective_date = @day"
    (row,) = books.rows(sql, day=day)
    return row


def test_changed_files_leave_a_closed_month_and_are_in_the_open_days(
    closed: Books, corrected: Books
) -> None:
    held_back = (
        "{} on. Days up to 2026-02-28 are closed and stay as reported; `ai-usage run --closed` "
        "takes the change in as an adjustment."
    )
    assert sorted((corrected.home / "said").read_text().splitlines()) == [
        held_back.format("other_costs.csv has changed from 2026-02-26"),
        held_back.format("users.csv has changed from 2026-02-10"),
    ]
    assert corrected.month() == closed.month()
    assert one_time(corrected) == {date(2026, 3, day): Decimal(3) for day in range(1, 5)}
    assert corrected.adjustments() == [], "what they would change is not known before it is built"
    kept = deferred(corrected.settings)
    assert {change.file.name: change.day for change in kept} == {
        "other_costs.csv": date(2026, 2, 26),
        "users.csv": date(2026, 2, 10),
    }


def test_a_corrected_history_of_a_person_does_not_move_a_closed_months_dollars(
    closed: Books, corrected: Books
) -> None:
    """The version from the 14th on is no more, but facts of the closed month name it.

    It stays in dim_users, on no day, as it was reported.
    """
    view = (
        "SELECT user_email, department, cost_center, platform_name, total_cost "
        "FROM vw_cost_allocation_detailed WHERE month = DATE '2026-02-01' ORDER BY 1, 2, 3, 4"
    )
    moved = mover(closed)
    assert moved["user_email"] in {row["user_email"] for row in closed.rows(view)}
    assert corrected.rows(view) == closed.rows(view)
    assert mover(corrected, date(2026, 2, 10)) == moved
    sql = "SELECT user_email, team FROM dim_users WHERE data_source = 'closed months'"
    assert corrected.rows(sql) == [moved]


def test_asked_for_the_changed_files_are_taken_in_as_adjustments(
    corrected: Books, tmp_path: Path
) -> None:
    books = corrected.copied(tmp_path)
    assert sorted(books.run(closed=True).splitlines()) == [
        "other_costs.csv has changed: days from 2026-02-26 on are rebuilt.",
        "users.csv has changed: days from 2026-02-10 on are rebuilt.",
    ]
    assert one_time(books) == {date(2026, 2, 26) + timedelta(days=n): Decimal(3) for n in range(7)}
    shared = [row for row in books.adjustments() if row["user_email"] == "Shared"]
    assert [(row["status"], row["adjustment_usd"]) for row in shared] == [("taken_in", 9)]
    assert shared[0]["first_seen_at"] is None, "no vendor restated it"
    # The mover's dollars went from one cost centre to another, none was made or lost.
    moved = [row for row in books.adjustments() if row["user_email"] != "Shared"]
    assert {row["user_email"] for row in moved} <= {mover(books, date(2026, 2, 10))["user_email"]}
    assert sum(row["adjustment_usd"] for row in moved) == 0
    assert deferred(books.settings) == []


def test_a_budget_of_a_closed_month_stands_still_until_somebody_asks(
    closed: Books, tmp_path: Path
) -> None:
    """Entered afterwards, in euros: March has it at March's rate, February when it is asked for."""
    books = closed.copied(tmp_path, tomorrow(closed.company))
    folder, email = books.settings.reference_path, mover(books)["user_email"]
    (folder / "fx_rates.csv").write_text(
        "currency,rate_date,usd_per_unit,source\nEUR,2026-02-01,1.10,ECB\nEUR,2026-03-01,1.20,ECB\n"
    )
    (folder / "budgets.csv").write_text(
        f"scope_type,scope_value,amount,currency,valid_from\nperson,{email},100,EUR,2026-02-01\n"
    )
    budgets = (
        "SELECT month, budget_usd FROM vw_budget_status "
        f"WHERE scope_value = '{email}' AND budget_source = 'budgets.csv' ORDER BY month"
    )
    months = (
        "SELECT DISTINCT month, person_month_budget AS budget_usd FROM vw_cost_allocation_detailed "
        f"WHERE user_email = '{email}' ORDER BY month"
    )
    before = books.rows(months)
    books.run()
    march = {"month": date(2026, 3, 1), "budget_usd": Decimal(120)}
    assert books.rows(budgets) == [march]
    assert [row for row in books.rows(months) if row["month"] == FIRST] == before[:1]
    books.run(closed=True)
    both = [{"month": FIRST, "budget_usd": Decimal(110)}, march]
    assert books.rows(budgets) == both
    assert books.rows(months) == both[: len(books.rows(months))]
    assert books.rows(months)


def one_time(books: Books) -> dict[date, Decimal]:
    rows = books.rows(
        "SELECT DATE(cost_timestamp) AS day, SUM(total_cost_usd) AS usd FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp) >= DATE '2026-02-01' AND cost_type = 'one_time' GROUP BY 1"
    )
    return {row["day"]: row["usd"] for row in rows}


def refusal(books: Books, *arguments: str) -> str:
    before = Archive(books.settings.archive_root).fetches("books", "closed_months")
    done = books.call(*arguments)
    assert done.code == 1, done.out
    assert Archive(books.settings.archive_root).fetches("books", "closed_months") == before
    return done.error


def test_a_running_month_is_refused(loaded: Books) -> None:
    assert (
        refusal(loaded, "close", "2026-03") == "2026-03 cannot be closed: it runs until 2026-03-31."
    )


def test_a_month_that_begins_before_the_first_partition_is_refused(loaded: Books) -> None:
    assert refusal(loaded, "close", "2026-01") == (
        "2026-01 cannot be closed: its days before the first partition 2026-02-01 are not loaded; "
        "set AI_USAGE_START_DATE=2026-01-01 and `ai-usage backfill --from 2026-01-01`."
    )


def test_missing_days_are_refused_by_endpoint(loaded: Books, tmp_path: Path) -> None:
    books = loaded.copied(tmp_path)
    for path in (books.home / "archive" / "cursor" / "usage_events" / "fetches").rglob("*.json"):
        path.unlink()
    assert refusal(books, "close", MONTH) == (
        "2026-02 cannot be closed: cursor.usage_events has no complete answer for "
        "2026-02-01..2026-02-28; `ai-usage backfill --from 2026-02-01 --to 2026-02-28`."
    )


def test_days_that_the_vendor_may_still_change_are_refused(loaded: Books, tmp_path: Path) -> None:
    """As if asked at noon of the 1st of March: charges of the 28th settle a day after its end."""
    books = loaded.copied(tmp_path)
    for path in (books.home / "archive" / "cursor" / "usage_events" / "fetches").rglob("*.json"):
        path.rename(path.with_name(path.name.replace("_20260305T", "_20260301T")))
    assert refusal(books, "close", MONTH) == (
        "2026-02 cannot be closed: cursor.usage_events of 2026-02-28 is provisional: it was asked "
        "before 2026-03-02 00:00 UTC, when the vendor's figures settle; after that, "
        "`ai-usage backfill --from 2026-02-28 --to 2026-02-28`."
    )


def test_a_seat_month_that_is_paid_as_a_whole_and_still_runs_is_refused(
    loaded: Books, tmp_path: Path
) -> None:
    """Who joins within it takes over the cost of its days that have passed."""
    books = loaded.copied(tmp_path)
    settings, file = books.settings, reference_file("seats.csv")
    (settings.reference_path / file.name).write_text(
        "contract_id,platform,platform_subtype,quantity,price,valid_from,pricing,billing_day\n"
        "team,cursor,cursor,5,40,2026-01-01,full_month,15\n"
    )
    rows = read_path(file, settings.reference_path).rows
    accept(Archive(settings.archive_root), settings, file, rows)
    assert refusal(books, "close", MONTH) == (
        "2026-02 cannot be closed: the seat month of contract team is paid as a whole and runs "
        "until 2026-03-14."
    )


def test_an_answer_that_is_not_built_is_refused(loaded: Books, tmp_path: Path) -> None:
    books = loaded.copied(tmp_path, tomorrow(loaded.company))
    books.served(
        "backfill",
        *("--from", "2026-02-20", "--to", "2026-02-21", "--refetch"),
        *("--select", "source_cursor_usage_events"),
    )
    assert refusal(books, "close", MONTH) == (
        "2026-02 cannot be closed: the facts do not have the newest answer of cursor.usage_events "
        "for 2026-02-20..2026-02-21; `ai-usage backfill --from 2026-02-20 --to 2026-02-21`."
    )


def test_a_changed_file_that_is_not_built_is_refused(loaded: Books, tmp_path: Path) -> None:
    books = loaded.copied(tmp_path)
    path = books.settings.reference_path / "other_costs.csv"
    path.write_text(
        "cost_id,platform,line_kind,amount,date_from\nsetup,cursor,one_time,21,2026-02-26\n"
    )
    assert refusal(books, "close", MONTH) == (
        "2026-02 cannot be closed: other_costs.csv has changed since it was built; "
        "`ai-usage run` takes it in."
    )


def test_a_failing_blocking_check_is_refused(loaded: Books, tmp_path: Path) -> None:
    books = loaded.copied(tmp_path)
    warehouse = warehouse_of(books.settings)
    day = Window.day(date(2026, 2, 14))
    rows = warehouse.read("fact_ai_costs", day)
    warehouse.replace("fact_ai_costs", day, rows.slice(1))
    error = refusal(books, "close", MONTH)
    assert error.startswith(
        "2026-02 cannot be closed: the check fact_ai_costs.costs_tie_out fails on 2026-02-14 ("
    )
    assert error.endswith("`ai-usage backfill --from 2026-02-01 --to 2026-02-28`.")


def test_what_was_never_closed_cannot_be_opened(loaded: Books) -> None:
    assert refusal(loaded, "close", MONTH, "--reopen") == (
        "2026-02 is not closed: there is nothing to open."
    )


def test_a_backfill_into_closed_books_is_refused_with_the_day_to_begin_with(
    closed: Books,
) -> None:
    assert refusal(closed, "backfill", "--from", "2026-02-20") == (
        "2026-02-20..2026-03-05 reaches into closed books. Days up to 2026-02-28 are closed and "
        "stay as reported: begin with --from 2026-03-01, or add --closed to build them anew; what "
        "changes is an adjustment."
    )


@pytest.fixture(scope="module")
def older(closed: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The closed company as an older version left it: facts by other rules, and no word of rules.

    By those, every allocation was sure to 0.125.
    """
    books = closed.copied(tmp_path_factory.mktemp("older"), tomorrow(closed.company))
    rules = books.home / "archive" / "reference" / "_built_rules"
    assert rules.is_dir()
    shutil.rmtree(rules)
    with duckdb.connect(str(warehouse_of(books.settings).describe())) as connection:
        connection.execute("UPDATE ai_usage.fact_ai_costs SET allocation_confidence = 0.125")
    return books


def test_the_first_run_of_a_newer_version_says_what_it_rebuilds_and_no_closed_month_moves(
    older: Books, tmp_path: Path
) -> None:
    books = older.copied(tmp_path)
    sure = (
        "SELECT DISTINCT DATE(cost_timestamp) AS day FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp) >= DATE '2026-02-01' AND allocation_confidence = 0.125"
    )
    assert refusal(books, "close", "2026-03").startswith("2026-03 cannot be closed: it runs until")
    assert books.run().splitlines() == [
        "5 days (2026-03-01..2026-03-05) are rebuilt from the archive, once, because this version "
        "builds days by other rules:",
        *(f"  - {change.reason}" for change in RULE_CHANGES),
        f"  - SQL has changed: {few(list(statement_versions()))}",
        "Days up to 2026-02-28 are closed and stay as reported.",
    ]
    assert books.month() == older.month()
    assert {row["day"] for row in books.rows(sure)} == set(FEBRUARY.days())
    assert books.adjustments() == []
    assert books.run() == ""


def test_a_month_that_is_opened_again_is_rebuilt_by_the_present_rules(
    older: Books, tmp_path: Path
) -> None:
    books = older.copied(tmp_path)
    books.run()
    assert books.call("close", MONTH, "--reopen").code == 0
    assert refusal(books, "close", MONTH) == (
        "2026-02 cannot be closed: its days from 2026-02-01 on were built by the rules of an older "
        "version; `ai-usage run` rebuilds them."
    )
    assert books.run().startswith("28 days (2026-02-01..2026-02-28) are rebuilt from the archive")
    assert books.rows("SELECT 1 FROM fact_ai_costs WHERE allocation_confidence = 0.125") == []


INVOICES = "invoice_id,platform,period_from,period_to,line_kind,amount\n"


def test_an_invoice_after_the_close_is_judged_without_opening_the_month(
    closed: Books, tmp_path: Path
) -> None:
    """Cursor bills what its events do, Anthropic a dollar more than its report."""
    books = closed.copied(tmp_path, tomorrow(closed.company))
    before = books.month()
    days = FEBRUARY.days()
    charged = [e for d in days for e in books.company.cursor_events(d) if e.is_chargeable]
    cursor = sum((e.charged_cents for e in charged), Decimal()) / 100
    lines = [line for d in days for line in books.company.cost_lines(d)]
    anthropic = sum((line.cents for line in lines), Decimal()) / 100
    (books.settings.reference_path / "invoices.csv").write_text(
        f"{INVOICES}C-2,cursor,2026-02-01,2026-02-28,usage,{cursor:.2f}\n"
        f"A-2,anthropic,2026-02-01,2026-02-28,usage,{anthropic + 1:.2f}\n"
    )
    said = books.run()
    assert "invoices.csv" not in said, "it is no adjustment"
    assert books.month() == before
    assert books.adjustments() == []
    judged = books.rows(
        "SELECT platform_code, SUM(total_cost) AS total, SUM(reconciled_cost) AS reconciled, "
        "SUM(disputed_cost) AS disputed, SUM(pending_cost) AS pending "
        "FROM vw_cost_allocation_detailed WHERE month = DATE '2026-02-01' GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row.values()) for row in judged] == [
        ("anthropic", anthropic, 0, anthropic, 0),
        ("cursor", cursor, cursor, 0, 0),
    ]
    cycles = books.rows(
        "SELECT invoice_ids, reconciliation_status FROM vw_reconciliation "
        "WHERE invoice_ids IS NOT NULL ORDER BY 1"
    )
    assert [tuple(row.values()) for row in cycles] == [("A-2", "disputed"), ("C-2", "reconciled")]
    totals = books.rows("SELECT SUM(total_cost_usd) AS usd FROM closed_months")
    assert totals == [{"usd": cursor + anthropic}]
