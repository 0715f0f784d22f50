"""From the simulated company's files to events: every dollar equals a truth worked out apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.days.windows import Window
from ai_usage.finance import (
    Rates,
    Seating,
    assign_seats,
    dim_seats,
    other_cost_events,
    raw_invoices,
    read_contracts,
    read_holders,
    seat_events,
)
from ai_usage.finance.exact import cents
from ai_usage.identity import Snapshot, members_of
from ai_usage.identity.history import fold_people
from ai_usage.reference import Row, read_checked, reference_files
from ai_usage.simulator import Company, Truth, write_reference_files
from ai_usage.simulator.roster import RECENT_LEAVER
from ai_usage.vendors.rows import Person

TODAY = date(2026, 3, 18)
PERIODS = 3
"""The second last of Cursor's is the one that bills too much."""
YEAR = Window(TODAY - timedelta(days=365), TODAY + timedelta(days=1))


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=TODAY)


@pytest.fixture(scope="module")
def files(company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    folder = tmp_path_factory.mktemp("files")
    write_reference_files(company, folder, invoiced_periods=PERIODS)
    return {file.name: read_checked(file, folder).rows for file in reference_files()}


def listed(company: Company, day: date) -> Snapshot:
    """Cursor's member list as it is answered on the day."""
    rows = [
        Person(
            vendor_user_id=str(person.cursor_id),
            user_email=person.email,
            is_removed=not person.employed(day),
        )
        for person in company.people
        if person.has_cursor_seat and person.start_date <= day
    ]
    return Snapshot(day, members_of("cursor"), rows)


def seating_of(files: Mapping[str, list[Row]], *lists: Snapshot) -> Seating:
    people = fold_people([Snapshot(TODAY, "users.csv", files["users.csv"])])
    holders = read_holders(files["seat_assignments.csv"], lists, people)
    return assign_seats(read_contracts(files["seats.csv"]), holders)


def test_every_day_of_every_seat_equals_the_truth(
    company: Company, files: dict[str, list[Row]]
) -> None:
    """The file speaks of Cursor's seats up to yesterday, the list of today."""
    seating = seating_of(files, listed(company, TODAY))
    truth = Truth(company).seat_dollars(YEAR.start, TODAY)
    assert dollars(seating, files) == truth
    assert seating.warnings() == []
    leaver = company.people[RECENT_LEAVER].email
    assert any(key[2] == leaver for key in truth)


def test_lists_alone_tell_no_less_than_the_file_and_nothing_of_the_days_before_them(
    company: Company, files: dict[str, list[Row]]
) -> None:
    """With a list a day for 120 days and no line of Cursor's: Shared before, the truth since."""
    since = TODAY - timedelta(days=120)
    own = [row for row in files["seat_assignments.csv"] if row["platform"] != "cursor"]
    lists = [listed(company, since + timedelta(days=n)) for n in range(121)]
    found = dollars(seating_of({**files, "seat_assignments.csv": own}, *lists), files)
    truth = Truth(company).seat_dollars(YEAR.start, TODAY)
    assert {k: d for k, d in found.items() if k[0] >= since or k[1] == "anthropic"} == {
        k: d for k, d in truth.items() if k.day >= since or k.platform == "anthropic"
    }
    before = {k: d for k, d in found.items() if k[0] < since and k[1] == "cursor"}
    assert {email for _day, _platform, email in before} == {None}
    assert sum(before.values()) == sum(
        d for k, d in truth.items() if k.day < since and k.platform == "cursor"
    )


def dollars(
    seating: Seating, files: Mapping[str, list[Row]]
) -> dict[tuple[date, str, str | None], Decimal]:
    found: dict[tuple[date, str, str | None], Decimal] = defaultdict(Decimal)
    for stream in seat_events(seating, Rates(files["fx_rates.csv"]), YEAR):
        for event in stream.events:
            found[event.event_date, stream.platform, event.user_email] += event.cost_usd or 0
    return dict(found)


def test_every_other_cost_equals_the_truth(company: Company, files: dict[str, list[Row]]) -> None:
    found: dict[tuple[date, str, str | None], Decimal] = defaultdict(Decimal)
    for stream in other_cost_events(files["other_costs.csv"], Rates(), YEAR):
        for event in stream.events:
            found[event.event_date, stream.platform, event.cost_type] += event.cost_usd or 0
    assert found == Truth(company).other_dollars(YEAR.start, TODAY)


def test_every_invoice_in_dollars_equals_the_truth(
    company: Company, files: dict[str, list[Row]]
) -> None:
    compared: dict[str, Decimal] = defaultdict(Decimal)
    others: dict[str, Decimal] = defaultdict(Decimal)
    for row in raw_invoices(files["invoices.csv"], Rates(files["fx_rates.csv"])):
        sums = compared if row["line_kind"] in ("usage", "seat") else others
        sums[row["invoice_id"]] += row["amount_usd"]
    truths = Truth(company).invoices(PERIODS)
    assert compared == {i.invoice_id: i.invoiced_usd for i in truths}
    assert others == {i.invoice_id: i.other_invoiced_usd for i in truths if i.other_invoiced_usd}


def test_the_team_plans_invoices_are_its_seats_to_the_cent(
    company: Company, files: dict[str, list[Row]], tmp_path: Path
) -> None:
    """Reconciled in dollars although the seats and the invoices are in euros."""
    rates = Rates(files["fx_rates.csv"])
    seating = seating_of(files, listed(company, TODAY))
    for invoice in Truth(company).invoices(PERIODS):
        if invoice.billing_account_id != "claude-team":
            continue
        window = Window(invoice.period_from, invoice.period_to + timedelta(days=1))
        dollars = sum(
            (
                event.cost_usd or Decimal()
                for stream in seat_events(seating, rates, window)
                if stream.platform == "anthropic"
                for event in stream.events
                if event.billing_account_id == invoice.billing_account_id
            ),
            Decimal(),
        )
        assert cents(dollars) == invoice.invoiced_usd


def test_the_table_of_seats_holds_every_seat_of_a_day_once(
    company: Company, files: dict[str, list[Row]]
) -> None:
    seating = seating_of(files, listed(company, TODAY))
    rows = dim_seats(seating, Rates(files["fx_rates.csv"]))
    assert len({row["seat_id"] for row in rows}) == len(rows)
    for day in (YEAR.start, date(2025, 12, 31), TODAY):
        on = [row for row in rows if row["valid_from"] <= day <= row["valid_to"]]
        bought = sum(
            row["quantity"]
            for row in files["seats.csv"]
            if row["valid_from"] <= day <= (row["valid_to"] or date.max)
        )
        held = [row["user_email"] for row in on if row["platform"] == "cursor"]
        people = [email for email in held if email]
        assert len(on) == bought
        assert len(set(people)) == len(people) > 20
