"""What the company bought beside usage: seats, other costs; its exchange rates and its rules.

Facts that hang on the company's anchor, like the roster. The files that tell of them are written
in `money_files`, what they add up to is in `money_truth`; what the vendors billed is in
`invoices`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from ai_usage.simulator import seeding
from ai_usage.simulator.company import Company
from ai_usage.simulator.roster import EARLIER_JOINER, NEVER_ACTIVE, Person

CURSOR_CONTRACT: Final = "cursor-business"
CLAUDE_CONTRACT: Final = "claude-team"
CLAUDE_ACCOUNT: Final = "claude-team"
CURSOR_BILLING_DAY: Final = 15
CURSOR_PRICE: Final = Decimal("40.00")
CLAUDE_PRICE_EUR: Final = Decimal("28.00")
SPARE_CURSOR_SEATS: Final = 3
MORE_CURSOR_SEATS: Final = 2
"""Bought about three months before the anchor."""


@dataclass(frozen=True, slots=True)
class Bought:
    """Seats bought from a day on, until the next line of the contract."""

    since: date
    quantity: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who held a seat, by number."""

    person: int
    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class OtherCost:
    """A cost that no vendor's API reports, in US dollars."""

    cost_id: str
    platform: Literal["cursor", "anthropic"]
    platform_subtype: str
    kind: Literal["one_time", "commitment"]
    description: str
    dollars: Decimal
    first: date
    last: date
    cost_center: str
    project_codes: tuple[str, ...] = ()


def month_first(day: date, months: int = 0) -> date:
    """The first day of the month that lies so many months from the day's."""
    at = day.year * 12 + day.month - 1 + months
    return date(at // 12, at % 12 + 1, 1)


def contract_start(company: Company) -> date:
    """The first day of both contracts: before the history begins."""
    return month_first(company.anchor - timedelta(days=590))


# Cursor: more seats than members, billed from the 15th, members known from the vendor's list, and
# from a file for the time before it was first read.


def cursor_members(company: Company) -> list[Person]:
    """Everybody who ever has a Cursor seat."""
    return [person for person in company.people if person.has_cursor_seat]


def cursor_assignments(company: Company) -> list[Assignment]:
    """Who held a Cursor seat up to yesterday: from today on the vendor's list tells."""
    start = contract_start(company).replace(day=CURSOR_BILLING_DAY)
    yesterday = company.today - timedelta(days=1)
    found = [
        Assignment(
            person.number,
            max(person.start_date, start),
            min(person.end_date or yesterday, yesterday),
        )
        for person in cursor_members(company)
    ]
    return [held for held in found if held.last is not None and held.first <= held.last]


def cursor_bought(company: Company) -> list[Bought]:
    """The contract's quantities, the earliest first."""
    seats = len(cursor_members(company)) + SPARE_CURSOR_SEATS
    more = month_first(company.anchor, -3).replace(day=CURSOR_BILLING_DAY)
    start = contract_start(company).replace(day=CURSOR_BILLING_DAY)
    lines = [Bought(start, seats), Bought(more, seats + MORE_CURSOR_SEATS)]
    return [line for line in lines if line.since <= company.today]


def cursor_cycle(day: date) -> date:
    """The first day of the billing cycle that holds the day: seats, usage and spend have one."""
    begun = day if day.day >= CURSOR_BILLING_DAY else month_first(day, -1)
    return begun.replace(day=CURSOR_BILLING_DAY)


# Claude Team: in euros, a seat handed on within a month, holders known from a file only.


def claude_holders(company: Company) -> list[Person]:
    """Who holds a Claude Team seat from the contract's first day to this day."""
    return [p for p in company.people if p.code_mode in ("subscription", "both")]


def handover(company: Company) -> date:
    """The last day on which the seat that is handed on is its first holder's."""
    return company.anchor - timedelta(days=40)


def claude_assignments(company: Company) -> list[Assignment]:
    """The Claude Team seats' holders as known on `today`."""
    start, given = contract_start(company), handover(company)
    found = [Assignment(person.number, start, None) for person in claude_holders(company)]
    known = given < company.today
    found.append(Assignment(NEVER_ACTIVE, start, given if known else None))
    if known:
        found.append(Assignment(EARLIER_JOINER, given + timedelta(days=1), None))
    return found


def claude_bought(company: Company) -> list[Bought]:
    """As many seats as holders, and from the anchor on one that nobody holds."""
    seats = len(claude_holders(company)) + 1
    lines = [Bought(contract_start(company), seats), Bought(company.anchor, seats + 1)]
    return [line for line in lines if line.since <= company.today]


def euro_rate(company: Company, day: date) -> Decimal:
    """US dollars for a euro: one rate a month, four places, of the month's first day."""
    drawn = seeding.number(company.seed, "euro", month_first(day).isoformat())
    return Decimal(10_500 + drawn % 900).scaleb(-4)


def euro_months(company: Company) -> list[date]:
    """The first days of the months that have a rate on `today`."""
    first, found = contract_start(company), []
    while first <= company.today:
        found.append(first)
        first = month_first(first, 1)
    return found


# The rest.


def other_costs(company: Company) -> list[OtherCost]:
    """A workshop in one day, and a quarter's Priority Tier commitment."""
    quarter = month_first(company.anchor, -3)
    workshop = company.anchor - timedelta(days=75)
    found = [
        OtherCost(
            cost_id="cursor-onboarding",
            platform="cursor",
            platform_subtype="cursor",
            kind="one_time",
            description="Onboarding workshop",
            dollars=Decimal("2500.00"),
            first=workshop,
            last=workshop,
            cost_center="CC-1100",
        ),
        OtherCost(
            cost_id="priority-tier",
            platform="anthropic",
            platform_subtype="claude_api",
            kind="commitment",
            description="Priority Tier, one quarter",
            dollars=Decimal("2700.00"),
            first=quarter,
            last=company.anchor - timedelta(days=1),
            cost_center="CC-2200",
            project_codes=("ATLAS",),
        ),
    ]
    return [cost for cost in found if cost.first <= company.today]
