"""Small tables as a finance person would type them, read as the files they stand for."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from ai_usage.days.windows import Window
from ai_usage.finance import (
    Rates,
    Seating,
    assign_seats,
    read_contracts,
    read_holders,
    seat_events,
)
from ai_usage.identity import Snapshot, members_of
from ai_usage.identity.history import People, fold_people
from ai_usage.reference import Row, read_text, reference_file
from ai_usage.vendors.rows import Person, RawEvent

USD_ONLY = Rates()


def rows_of(name: str, table: str) -> list[Row]:
    """Rows of the file from text whose columns stand apart by blanks; `.` is an empty cell."""
    lines = [line.split() for line in table.strip().splitlines()]
    cells = [",".join("" if cell == "." else cell for cell in line) for line in lines]
    return read_text(reference_file(name), "\n".join(cells) + "\n").rows


def contract(
    pricing: str = "daily",
    *,
    quantity: int = 1,
    price: str = "31.00",
    first: str = "2026-01-01",
    last: str = "",
    **cells: str,
) -> list[Row]:
    """A contract `c` of the platform `p`."""
    line = {
        "contract_id": "c",
        "platform": "p",
        "platform_subtype": "p",
        "quantity": str(quantity),
        "price": price,
        "valid_from": first,
        "valid_to": last,
        "pricing": pricing,
    } | cells
    text = f"{','.join(line)}\n{','.join(line.values())}\n"
    return read_text(reference_file("seats.csv"), text).rows


def held(*stretches: tuple[str, str, str]) -> list[Row]:
    """Assignments to any seat of the platform `p`: (who, first day, last day)."""
    lines = [f"p,{who}@x.com,{first},{last}" for who, first, last in stretches]
    text = "\n".join(["platform,user_email,valid_from,valid_to", *lines]) + "\n"
    return read_text(reference_file("seat_assignments.csv"), text).rows


def members(day: date, *names: str, removed: tuple[str, ...] = ()) -> Snapshot:
    """The member list of `p` on a day."""
    people = [Person(vendor_user_id=n, user_email=f"{n}@x.com") for n in names]
    gone = [Person(vendor_user_id=n, user_email=f"{n}@x.com", is_removed=True) for n in removed]
    return Snapshot(day, members_of("p"), [*people, *gone])


def people_of(table: str) -> People:
    """The people of a users.csv."""
    return fold_people([Snapshot(date(2026, 12, 31), "users.csv", rows_of("users.csv", table))])


def seated(
    contracts: list[Row],
    assignments: list[Row] = [],  # noqa: B006 (never changed)
    snapshots: tuple[Snapshot, ...] = (),
    people: People | None = None,
) -> Seating:
    return assign_seats(read_contracts(contracts), read_holders(assignments, snapshots, people))


def window(first: str, last: str) -> Window:
    """Both days included."""
    end = date.fromordinal(date.fromisoformat(last).toordinal() + 1)
    return Window(date.fromisoformat(first), end)


def events(seating: Seating, first: str, last: str, rates: Rates = USD_ONLY) -> list[RawEvent]:
    found = seat_events(seating, rates, window(first, last))
    return [event for stream in found for event in stream.events]


def borne(found: list[RawEvent]) -> dict[str, Decimal]:
    """Dollars by bearer: the name before the @, or `shared`."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for event in found:
        sums[(event.user_email or "shared").partition("@")[0]] += event.cost_usd or Decimal()
    return dict(sums)


def holders_on(seating: Seating, day: str) -> list[str]:
    """Who holds the seats of a day, seat by seat; `-` for nobody."""
    on = date.fromisoformat(day)
    return [
        (period.user_email or "-").partition("@")[0]
        for seat in seating.seats
        for period in seat.periods
        if period.span.first <= on <= period.span.last
    ]
