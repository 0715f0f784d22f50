"""The company's purchases: the written files, and a truth that ties out with them by hand."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import httpx
import pytest

from ai_usage.reference import read_path, reference_file
from ai_usage.simulator import CURSOR_KEY, Company, Truth, serve, write_reference_files
from ai_usage.simulator.money_files import COLUMNS
from ai_usage.simulator.money_truth import SeatKey
from ai_usage.simulator.roster import (
    EARLIER_JOINER,
    NEVER_ACTIVE,
    RECENT_JOINER,
    RECENT_LEAVER,
)
from ai_usage_tests.simulator.conftest import TODAY
from ai_usage_tests.simulator.reading import span

D = Decimal
PERIODS = 6
"""Enough for the one that bills too much, and for the quarter that was paid beforehand."""
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def files(company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("money")
    write_reference_files(company, folder, invoiced_periods=PERIODS)
    found = {}
    for name in COLUMNS:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            found[name] = list(csv.DictReader(file))
    return found


def month(company: Company, first: date) -> dict[SeatKey, D]:
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Truth(company).seat_month_dollars(first, last)


def test_the_columns_are_those_that_the_pipeline_reads() -> None:
    for name, columns in COLUMNS.items():
        assert list(columns) == reference_file(name).column_names


def test_more_cursor_seats_are_bought_than_there_are_members(
    files: dict[str, Rows], company: Company
) -> None:
    members = sum(person.has_cursor_seat for person in company.people)
    bought = [row for row in files["seats.csv"] if row["platform"] == "cursor"]
    assert [int(row["quantity"]) for row in bought] == [members + 3, members + 5]
    assert {(row["currency"], row["pricing"]) for row in bought} == {("USD", "daily")}


def test_a_calendar_month_of_the_team_plan_costs_price_times_seats_times_rate(
    files: dict[str, Rows], company: Company
) -> None:
    rates = {row["rate_date"]: D(row["usd_per_unit"]) for row in files["fx_rates.csv"]}
    terms = [row for row in files["seats.csv"] if row["platform"] == "anthropic"]
    assert {(row["currency"], row["pricing"]) for row in terms} == {("EUR", "full_month")}
    for first in (date(2025, 11, 1), date(2026, 1, 1), date(2026, 2, 1)):
        seats = next(
            int(row["quantity"])
            for row in reversed(terms)
            if row["valid_from"] <= first.isoformat()
        )
        dollars = {k: d for k, d in month(company, first).items() if k.platform == "anthropic"}
        price = D("28.00") * rates[first.isoformat()]
        assert sum(dollars.values()) == price * seats
        assert set(dollars.values()) - {D(0)} == {price}


def test_the_seat_that_is_handed_on_is_the_first_holders_until_the_months_end(
    company: Company,
) -> None:
    first, second = (company.people[n].email for n in (NEVER_ACTIVE, EARLIER_JOINER))
    november = month(company, date(2025, 11, 1))
    december = month(company, date(2025, 12, 1))
    assert SeatKey(date(2025, 11, 1), "anthropic", first) in november
    assert SeatKey(date(2025, 11, 1), "anthropic", second) not in november
    assert SeatKey(date(2025, 12, 1), "anthropic", first) not in december
    assert december[SeatKey(date(2025, 12, 1), "anthropic", second)] > 0


def test_a_cursor_billing_month_costs_price_times_seats(company: Company, truth: Truth) -> None:
    days = truth.seat_dollars(date(2025, 11, 15), date(2025, 12, 14))
    cursor = {key: dollars for key, dollars in days.items() if key.platform == "cursor"}
    members = sum(person.has_cursor_seat for person in company.people)
    assert sum(cursor.values()) == 40 * (members + 5)
    per_person: dict[str | None, Decimal] = defaultdict(Decimal)
    for key, dollars in cursor.items():
        per_person[key.email] += dollars
    assert per_person[company.people[NEVER_ACTIVE].email] == 40
    spare = truth.unassigned_seat_dollars(date(2025, 11, 15), date(2025, 12, 14))
    assert sum(d for (_, platform), d in spare.items() if platform == "cursor") == per_person[None]


def test_a_joiner_costs_from_his_first_day_and_a_leaver_to_his_last(
    company: Company, truth: Truth
) -> None:
    joiner, leaver = company.people[RECENT_JOINER], company.people[RECENT_LEAVER]
    assert leaver.end_date is not None
    days = span(leaver.end_date - timedelta(days=40), 80)
    found = truth.seat_dollars(days[0], days[-1])

    def with_a_seat(email: str) -> list[date]:
        return [day for day in days if SeatKey(day, "cursor", email) in found]

    assert with_a_seat(leaver.email) == [day for day in days if day <= leaver.end_date]
    assert with_a_seat(joiner.email) == [day for day in days if day >= joiner.start_date]


def test_closed_invoices_tie_out_with_the_reports_but_for_one(
    files: dict[str, Rows], truth: Truth
) -> None:
    lines: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in files["invoices.csv"]:
        lines[row["invoice_id"]][row["line_kind"]] += D(row["amount"])
    disputed = []
    for invoice in truth.invoices(PERIODS):
        first, last = invoice.period_from, invoice.period_to
        assert last < TODAY
        own = lines[invoice.invoice_id]
        days = span(first, (last - first).days + 1)
        reported = D(0)
        if invoice.platform == "cursor":
            reported += sum(truth.direct_dollars(first, last).values(), D(0))
        elif invoice.billing_account_id is None:
            reported += sum((c.dollars for day in days for c in truth.cost_lines(day)), D(0))
        if invoice.platform == "cursor" or invoice.billing_account_id:
            reported += sum(
                d
                for key, d in truth.seat_dollars(first, last).items()
                if key.platform == invoice.platform
            )
        cents = reported.quantize(D("0.01"), ROUND_HALF_UP)
        assert cents == invoice.reported_usd > 0
        if invoice.platform == "cursor" or not invoice.billing_account_id:
            assert own["usage"] + own["seat"] == invoice.invoiced_usd
        if invoice.invoiced_usd != cents:
            disputed.append(invoice)
        assert (invoice.invoiced_usd != cents) == (invoice.reconciliation_status == "disputed")
    assert len(disputed) == 1
    assert {kind for own in lines.values() for kind in own} == {
        "usage",
        "seat",
        "tax",
        "credit",
        "commitment",
    }


def test_other_costs_are_spread_to_the_last_digit(files: dict[str, Rows], truth: Truth) -> None:
    dollars: dict[str, Decimal] = defaultdict(Decimal)
    for key, part in truth.other_dollars(date(2025, 1, 1), TODAY).items():
        dollars[key.kind] += part
    assert dollars == {row["line_kind"]: D(row["amount"]) for row in files["other_costs.csv"]}


def test_list_prices_are_those_of_the_cost_report(files: dict[str, Rows], truth: Truth) -> None:
    """Every token line of a day before and a day after the price change, recomputed."""
    prices: dict[tuple[str, ...], list[tuple[str, str, Decimal]]] = {
        (row["model"], row["service_tier"], row["context_window"], row["token_type"]): []
        for row in files["model_prices.csv"]
    }
    for row in files["model_prices.csv"]:
        key = (row["model"], row["service_tier"], row["context_window"], row["token_type"])
        prices[key].append((row["valid_from"], row["valid_to"], D(row["usd_per_million"])))
    checked = 0
    for day in (date(2025, 9, 16), date(2026, 1, 13)):
        tokens: dict[tuple[str, ...], int] = defaultdict(int)
        for usage in truth.company.api_usage(day):
            if usage.service_tier != "priority":
                key = (usage.model, usage.service_tier, usage.context_window, "output_tokens")
                tokens[key] += usage.output
        billed: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for line in truth.cost_lines(day):
            if line.token_type == "output_tokens":
                place = (line.model, line.service_tier, line.context_window, line.token_type)
                billed[tuple(map(str, place))] += line.dollars
        for priced, dollars in billed.items():
            (price,) = (
                p
                for first, last, p in prices[priced]
                if first <= day.isoformat() <= (last or "9999-12-31")
            )
            assert tokens[priced] * price / 1_000_000 == dollars
            checked += 1
    assert checked > 5


@pytest.mark.parametrize("today", [date(2025, 10, 1), date(2026, 1, 1), date(2026, 12, 31)])
def test_the_files_of_any_day_are_accepted_and_tell_nothing_of_the_future(
    today: date, tmp_path: Path
) -> None:
    write_reference_files(Company(today=today), tmp_path, invoiced_periods=2)
    for name in COLUMNS:
        rows = read_path(reference_file(name), tmp_path).rows
        assert rows
        for row in rows:
            for column in ("valid_from", "valid_to", "rate_date", "period_to", "date_from"):
                assert (row.get(column) or date.min) <= today


def test_seats_invoices_and_the_members_spend_have_one_billing_day(
    files: dict[str, Rows], company: Company
) -> None:
    """On the last day of an invoiced cycle the vendor's own spend is the invoice's usage line."""
    invoice = [
        row
        for row in files["invoices.csv"]
        if row["platform"] == "cursor" and row["line_kind"] == "usage"
    ][-1]
    first, last = (date.fromisoformat(invoice[name]) for name in ("period_from", "period_to"))
    (day,) = {row["billing_day"] for row in files["seats.csv"] if row["platform"] == "cursor"}
    assert first.day == int(day)
    with serve(company.on(last)) as url:
        answer = httpx.post(
            f"{url}/cursor/teams/spend", json={"pageSize": 1000}, auth=(CURSOR_KEY, "")
        )
    said = answer.json()
    begun = datetime.fromtimestamp(said["subscriptionCycleStart"] / 1000, UTC)
    assert begun.date() == first
    spent = sum(member["spendCents"] for member in said["teamMemberSpend"])
    # The company sees a day until noon only, and each member's spend is in whole cents.
    noon = sum(
        event.charged_cents for event in company.cursor_events(last) if event.is_chargeable
    ) - sum(
        event.charged_cents for event in company.on(last).cursor_events(last) if event.is_chargeable
    )
    rounding = D("0.5") * len(said["teamMemberSpend"])
    assert abs(spent + noon - D(invoice["amount"]) * 100) <= rounding + D("0.5")
