"""A year with everything that finance maintains: facts, vendors' reports, invoices, seats, budgets.

Every expected value comes from the simulator's own books or from the files as a person reads them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.cli.demo import vendor_environment
from ai_usage.simulator import Company, purchases, serve, write_reference_files
from ai_usage.simulator.reference import INVOICED_PERIODS
from ai_usage.simulator.vendors import VENDORS
from ai_usage.warehouse.base import Query
from ai_usage_tests.support.pipeline import Loaded, run_window, simulated_settings, window

pytestmark = pytest.mark.slow

TODAY, ANCHOR = date(2026, 11, 18), date(2026, 12, 1)
FIRST = date(2025, 11, 1)
"""In this year every vendor begins to bill, or has done so before."""
NAMES = {"team": "shared", "unknown": "unattributed"}
"""`user_email` of the members that gather what no person bears."""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A year of the smallest company, of all its vendors and reference files, in one run."""
    company = Company(today=TODAY, anchor=ANCHOR, people=30)
    days = window(FIRST, TODAY)
    with serve(company) as base_url:
        home = tmp_path_factory.mktemp("year")
        settings = simulated_settings(home, base_url, TODAY, FIRST, **vendor_environment(base_url))
        write_reference_files(company, settings.reference_path, of_all=True)
        result = run_window(settings, days, checks=False)
    assert result.success, result.errors
    return Loaded(company, settings, days, result)


def asked(year: Loaded, sql: str) -> list[dict[str, Any]]:
    bound = {"start": FIRST, "end": year.days.end} if "@start" in sql else {}
    return list(year.warehouse.rows(Query(sql, bound)))


def file_rows(year: Loaded, name: str) -> Iterator[dict[str, str]]:
    with Path(year.settings.reference_path / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(line for line in lines if not line.startswith("#"))


def test_facts_equal_the_raw_events_to_the_last_digit_per_platform_and_month(year: Loaded) -> None:
    raw = asked(
        year,
        "SELECT platform, CAST(DATE_TRUNC(event_date, MONTH) AS DATE) AS month, "
        "SUM(cost_usd) AS usd FROM raw_ai_events "
        "WHERE event_date >= @start AND event_date < @end AND cost_usd IS NOT NULL GROUP BY 1, 2",
    )
    facts = asked(
        year,
        "SELECT p.platform_code AS platform, d.month, SUM(f.total_cost_usd) AS usd "
        "FROM fact_ai_costs AS f JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
        "JOIN dim_dates AS d ON d.date_sk = f.date_sk "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end GROUP BY 1, 2",
    )
    expected = {(row["platform"], row["month"]): row["usd"] for row in raw}
    months: dict[str, int] = defaultdict(int)
    for platform, _month in expected:
        months[platform] += 1
    # Thirteen of November to November; Copilot's credits and Enterprise's reports are younger.
    younger = {"github_copilot": 6, "claude_enterprise": 11}
    assert months == {vendor.name: younger.get(vendor.name, 13) for vendor in VENDORS}
    assert {(row["platform"], row["month"]): row["usd"] for row in facts} == expected


def test_the_vendors_reports_are_in_the_facts_to_the_last_digit(year: Loaded) -> None:
    facts = asked(
        year,
        "SELECT p.platform_code AS platform, SUM(f.total_cost_usd) AS usd "
        "FROM fact_ai_costs AS f JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
        "AND f.cost_type IN ('usage', 'overage') GROUP BY 1",
    )
    truth = {
        vendor.name: sum((vendor.billed(year.company, day) for day in year.days.days()), Decimal())
        for vendor in VENDORS
    }
    assert {row["platform"]: row["usd"] for row in facts} == truth
    assert min(truth.values()) > 1


def test_every_seat_day_is_borne_by_who_held_the_seat(year: Loaded) -> None:
    facts = asked(
        year,
        "SELECT DATE(f.cost_timestamp) AS day, p.platform_code AS platform, "
        "IF(f.user_sk > 0, u.user_email, NULL) AS email, SUM(f.total_cost_usd) AS usd "
        "FROM fact_ai_costs AS f JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
        "JOIN dim_users AS u ON u.user_sk = f.user_sk "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
        "AND f.cost_type = 'subscription' GROUP BY 1, 2, 3",
    )
    found = {(r["day"], r["platform"], r["email"]): r["usd"] for r in facts if r["usd"]}
    truth = year.truth.seat_dollars(FIRST, TODAY)
    assert len(found) > 5_000
    assert found == {tuple(key): dollars for key, dollars in truth.items() if dollars}


def test_everybodys_year_of_overage_is_theirs_to_the_last_digit(year: Loaded) -> None:
    facts = asked(
        year,
        "SELECT u.user_email AS email, SUM(f.overage_cost_usd) AS usd FROM fact_ai_costs AS f "
        "JOIN dim_users AS u ON u.user_sk = f.user_sk "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end GROUP BY 1",
    )
    truth: dict[str, Decimal] = defaultdict(Decimal)
    for (_day, owner), dollars in year.truth.direct_dollars(FIRST, TODAY).items():
        truth[NAMES.get(owner.kind, owner.name)] += dollars
    assert {row["email"]: row["usd"] for row in facts if row["usd"]} == dict(truth)


def test_everybodys_year_of_api_cost_is_what_they_spent_under_the_rules_of_the_file(
    year: Loaded, report: Callable[[str], None]
) -> None:
    """The rules are applied to what each key really cost, past the warehouse and its split.

    A split by tokens of one price is right but for the truncation, a micro-dollar a part; only
    code execution has no usage to be split by.
    """
    rules = list(file_rows(year, "allocation_rules.csv"))
    manual = [row for row in rules if row["method"] == "manual"]
    (equal,) = (row for row in rules if row["method"] == "equal_split")
    spent: dict[str, Decimal] = defaultdict(Decimal)
    containers = Decimal()
    for day in year.days.days():
        members = (p for p in year.company.people if p.employed(day))
        team = [p.email for p in members if p.team(day).name == equal["team"]]
        for line in year.truth.spender_lines(day):
            containers += line.dollars if line.cost_type == "code_execution" else 0
            if line.api_key_id == manual[0]["scope_value"]:
                for row in manual:
                    spent[row["user_email"]] += line.dollars * Decimal(row["percentage"]) / 100
            elif line.workspace_id == equal["scope_value"]:
                for email in team:
                    spent[email] += line.dollars / len(team)
            else:
                spent[NAMES.get(line.owner.kind, line.owner.name)] += line.dollars
    facts = asked(
        year,
        "SELECT u.user_email AS email, SUM(f.total_cost_usd) AS usd, COUNT(*) AS parts "
        "FROM fact_ai_costs AS f JOIN dim_users AS u ON u.user_sk = f.user_sk "
        "JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
        "AND f.cost_type = 'usage' AND p.platform_code = 'anthropic' GROUP BY 1",
    )
    borne = {row["email"]: row["usd"] for row in facts}
    parts = sum(row["parts"] for row in facts)
    total = sum(spent.values(), Decimal())
    assert abs(sum(borne.values()) - total) < Decimal("0.000001")
    off = {who: abs(borne.get(who, Decimal()) - spent[who]) for who in {*borne, *spent}}
    relative = {who: off[who] / spent[who] for who in off if spent[who] >= 1}
    assert len(relative) > 15
    mean, worst = sum(relative.values()) / len(relative), max(relative, key=lambda w: relative[w])
    report(
        f"a year's API cost under the file's rules: ${sum(off.values()) / 2:.6f} of ${total:,.2f} "
        f"misplaced; {len(relative)} bearers, mean error {mean:.4%}, worst "
        f"{relative[worst]:.4%} (${off[worst]:.6f})"
    )
    assert sum(off.values()) / 2 <= containers + Decimal("0.000001") * parts


def test_invoices_reconcile_to_the_cent_but_the_one_that_is_wrong(
    year: Loaded, report: Callable[[str], None]
) -> None:
    found = {row["invoice_id"]: row for row in asked(year, "SELECT * FROM invoice_reconciliation")}
    written = year.truth.invoices(INVOICED_PERIODS, of_all=True)
    judged = [truth for truth in written if truth.period_from >= FIRST]
    assert {truth.platform for truth in judged} == {vendor.name for vendor in VENDORS}
    assert len(judged) > 50
    for truth in judged:
        row = found[truth.invoice_id]
        assert row["invoiced_usd"] == truth.invoiced_usd, truth.invoice_id
        assert row["reconciliation_status"] == truth.reconciliation_status, row
    disputed = [t for t in judged if t.reconciliation_status == "disputed"]
    assert [found[t.invoice_id]["difference_usd"] for t in disputed] == [Decimal("12.50")]
    report(f"{len(judged)} invoices of a year: all but {len(disputed)} reconciled to the cent")


def test_an_invoice_stands_on_the_rows_of_its_period(year: Loaded) -> None:
    rows = asked(
        year,
        "SELECT f.invoice_id, MAX(f.reconciliation_status) AS status, "
        "ROUND(SUM(f.total_cost_usd), 2) AS usd FROM fact_ai_costs AS f "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
        "AND f.invoice_id IS NOT NULL AND f.cost_type != 'one_time' GROUP BY 1",
    )
    compared = {r["invoice_id"]: r for r in asked(year, "SELECT * FROM invoice_reconciliation")}
    whole = [row for row in rows if compared[row["invoice_id"]]["period_from"] >= FIRST]
    assert len(whole) > 20
    for row in whole:
        reconciled = compared[row["invoice_id"]]
        assert row["usd"] == reconciled["reported_usd"], row
        assert row["status"] == reconciled["reconciliation_status"], row


def test_one_time_cost_and_the_finance_view_carry_the_status_of_the_cycle(year: Loaded) -> None:
    once = asked(
        year,
        "SELECT f.reconciliation_status, r.reconciliation_status AS judged "
        "FROM fact_ai_costs AS f JOIN invoice_reconciliation AS r ON r.invoice_id = f.invoice_id "
        "AND DATE(f.cost_timestamp) BETWEEN r.period_from AND r.period_to "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
        "AND f.cost_type = 'one_time'",
    )
    assert len(once) > 0
    assert all(row["reconciliation_status"] == row["judged"] for row in once)
    in_view = asked(
        year,
        "SELECT month, SUM(reconciled_cost) AS reconciled, SUM(disputed_cost) AS disputed, "
        "SUM(pending_cost) AS pending FROM vw_cost_allocation_detailed GROUP BY 1 ORDER BY 1",
    )
    in_facts = asked(
        year,
        "SELECT CAST(DATE_TRUNC(DATE(cost_timestamp), MONTH) AS DATE) AS month, "
        "SUM(IF(reconciliation_status = 'reconciled', total_cost_usd, 0)) AS reconciled, "
        "SUM(IF(reconciliation_status = 'disputed', total_cost_usd, 0)) AS disputed, "
        "SUM(IF(reconciliation_status = 'pending', total_cost_usd, 0)) AS pending "
        "FROM fact_ai_costs WHERE DATE(cost_timestamp) >= @start AND DATE(cost_timestamp) < @end "
        "GROUP BY 1 ORDER BY 1",
    )
    assert in_view == in_facts


def test_every_endpoint_that_bills_is_loaded_as_one_that_does(year: Loaded) -> None:
    """Else no invoice of its platform could ever be judged."""
    billing = asked(
        year,
        "SELECT DISTINCT platform, source_endpoint FROM raw_ai_events "
        "WHERE event_date >= @start AND event_date < @end AND cost_usd IS NOT NULL "
        "AND source_endpoint NOT IN ('seats', 'other_costs')",
    )
    loaded = asked(
        year,
        "SELECT DISTINCT platform, source_endpoint FROM loaded_days "
        "WHERE day >= @start AND day < @end AND cost_kind = 'usage'",
    )
    assert {tuple(row.values()) for row in billing} == {tuple(row.values()) for row in loaded}
    assert {row["platform"] for row in loaded} == {vendor.name for vendor in VENDORS}


def test_the_vendor_s_own_spend_of_the_running_cycle_is_its_events(year: Loaded) -> None:
    """Every event is in the vendor's sum once; each member's sum is in whole cents.

    A service account is no member: the vendor's list of spend has none.
    """
    rows = asked(year, "SELECT * FROM vw_member_spend")
    assert {row["cycle_start"] for row in rows} == {purchases.cursor_cycle(TODAY)}
    reported = sum(row["reported_spend_usd"] or 0 for row in rows)
    billed = sum(row["events_usd"] for row in rows)
    assert billed > 0
    cycle = window(purchases.cursor_cycle(TODAY), TODAY).days()
    events = [event for day in cycle for event in year.company.cursor_events(day)]
    programs = [event for event in events if event.service_account and event.is_chargeable]
    billed -= sum((event.charged_cents for event in programs), Decimal()) / 100
    assert abs(reported - billed) <= Decimal("0.005") * len(rows)
    agreeing = [row for row in rows if row["spend_difference_usd"] == 0]
    assert len(agreeing) > len(rows) * 0.8, "but for events that name nobody"


def test_manual_percentages_and_equal_splits_are_those_of_the_file(year: Loaded) -> None:
    manual = [row for row in file_rows(year, "allocation_rules.csv") if row["method"] == "manual"]
    assert len(manual) > 1
    key = manual[0]["scope_value"]
    shares = asked(
        year,
        "SELECT u.user_email, SUM(f.total_cost_usd) AS usd FROM fact_ai_costs AS f "
        "JOIN dim_users AS u ON u.user_sk = f.user_sk "
        "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
        f"AND f.api_key_id = '{key}' AND f.allocation_method = 'manual' GROUP BY 1",
    )
    total = sum(row["usd"] for row in shares)
    assert total > 0
    borne = {row["user_email"]: row["usd"] / total for row in shares}
    for row in manual:
        # Each part is exact to a millionth of a dollar; a year of them is to this.
        expected = Decimal(row["percentage"]) / 100
        assert abs(borne[row["user_email"]] - expected) < Decimal("0.0001"), row


def test_budgets_of_the_file_come_before_the_directory_s(year: Loaded) -> None:
    first_of_month = TODAY.replace(day=1)
    budgets = {
        row["scope_value"]: row
        for row in file_rows(year, "budgets.csv")
        if row["scope_type"] == "person"
        and row["currency"] in ("", "USD")
        and date.fromisoformat(row["valid_from"] or "1900-01-01") <= first_of_month
        and (not row["valid_to"] or date.fromisoformat(row["valid_to"]) >= first_of_month)
    }
    assert budgets
    seen = asked(
        year,
        "SELECT DISTINCT u.user_email, f.budget_allocated_usd AS usd FROM fact_ai_costs AS f "
        "JOIN dim_users AS u ON u.user_sk = f.user_sk WHERE f.user_sk > 0 "
        f"AND DATE(f.cost_timestamp) >= DATE '{first_of_month}' "
        "AND DATE(f.cost_timestamp) < @end AND DATE(f.cost_timestamp) >= @start",
    )
    budget_of = {row["user_email"]: row["usd"] for row in seen}
    compared = [email for email in budgets if email in budget_of]
    assert compared
    for email in compared:
        assert budget_of[email] == Decimal(budgets[email]["amount"]), email


def test_month_to_date_ends_at_the_person_s_month(year: Loaded) -> None:
    """budget_remaining on a person's last day of a month is the budget less the month's cost."""
    rows = asked(
        year,
        "SELECT u.user_email, d.month, d.date AS day, f.total_cost_usd AS usd, "
        "f.budget_allocated_usd AS budget, f.budget_remaining_usd AS remaining "
        "FROM fact_ai_costs AS f JOIN dim_users AS u ON u.user_sk = f.user_sk "
        "JOIN dim_dates AS d ON d.date_sk = f.date_sk WHERE f.user_sk > 0 "
        "AND DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end",
    )
    spent: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    last: dict[tuple[str, date], tuple[date, Any, Any]] = {}
    for row in rows:
        person = row["user_email"], row["month"]
        spent[person] += row["usd"]
        seen = last.get(person)
        if seen is None or row["day"] > seen[0]:
            last[person] = row["day"], row["budget"], row["remaining"]
    with_budget = {p: end for p, end in last.items() if end[1] is not None}
    assert len(with_budget) > 50
    for person, (_day, budget, remaining) in with_budget.items():
        assert remaining == budget - spent[person], person
    assert FIRST + timedelta(days=300) < TODAY
