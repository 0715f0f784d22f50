"""What the company does with GitHub Copilot and what that costs: its own books and truth.

An enterprise with one organisation. Its people are known by login alone. A pool of credits comes
with the seats; what goes beyond it in a month is billed. The wire is in `github_copilot_api`.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from ai_usage.simulator import seeding
from ai_usage.simulator.roster import Person

if TYPE_CHECKING:
    from ai_usage.simulator.company import Company

ENTERPRISE: Final = "example-group"
ORGANISATION: Final = "example"
CREDITS_FROM: Final = date(2026, 6, 1)
POOL_CREDITS: Final = 1900
"""A seat's part of a month's pool."""
CREDIT_USD: Final = Decimal("0.01")
_MODELS: Final = ("claude-sim-4", "gpt-sim-5", "auto")


class CopilotSpend(msgspec.Struct, frozen=True):
    """A person's day with one model. Dollars; `net` is billed, `discount` is the pool's."""

    day: date
    person: int
    login: str
    model: str
    credits: Decimal
    input: int
    output: int
    cache_read: int
    cache_write: int
    discount: Decimal
    net: Decimal

    @property
    def gross(self) -> Decimal:
        """At list price."""
        return self.discount + self.net


class CopilotDay(msgspec.Struct, frozen=True):
    """What a person's editor counted on a day."""

    day: date
    person: int
    login: str
    interactions: int
    generated: int
    accepted: int
    suggested_lines: int
    lines: int
    cli_requests: int
    credits: Decimal


def login(person: Person) -> str:
    """The login as its owner writes it; logins know no case."""
    return f"{person.first_name}-{person.number}x".encode("ascii", "ignore").decode()


def has_seat(person: Person) -> bool:
    """Two of three have a seat."""
    return person.number % 3 != 2


def is_in_register(person: Person) -> bool:
    """Whether users.csv knows the login; of others the directory does, of a few nobody."""
    return has_seat(person) and person.number % 4 != 1


def is_in_directory(person: Person) -> bool:
    """Whether SCIM knows the login."""
    return has_seat(person) and person.number % 4 == 1 and person.number % 8 != 5


def holders(company: Company, day: date) -> list[Person]:
    """Who holds a seat on a day."""
    return [person for person in company.people if has_seat(person) and person.employed(day)]


def days_of(company: Company, day: date) -> list[CopilotDay]:
    """Everyone who was active, by number."""

    def make() -> list[CopilotDay]:
        spent: dict[int, Decimal] = defaultdict(Decimal)
        for spend in _uses(company, day):
            spent[spend.person] += spend.credits
        found = [_counted(company, day, company.people[n], spent[n]) for n in sorted(spent)]
        return company.as_amended("copilot_days", day, found)

    return company.cache.get("copilot days", day, make)


def _counted(company: Company, day: date, person: Person, credits_used: Decimal) -> CopilotDay:
    rng = seeding.stream(company.seed, "copilot counts", day, person.number)
    generated = rng.randrange(10, 90)
    # Whose telemetry is off is active all the same.
    on = 0 if person.number % 11 == 4 else 1
    return CopilotDay(
        day=day,
        person=person.number,
        login=login(person),
        interactions=on * rng.randrange(1, 40),
        generated=on * generated,
        accepted=on * rng.randrange(generated),
        suggested_lines=on * rng.randrange(200),
        lines=on * rng.randrange(400),
        cli_requests=rng.randrange(30),
        credits=credits_used,
    )


def spending(company: Company, day: date) -> list[CopilotSpend]:
    """What the day's export has: a row a person and model, before `CREDITS_FROM` none."""
    if day < CREDITS_FROM:
        return []
    first = day.replace(day=1)
    whole = company.cache.get("copilot month", first, lambda: _month(company, first))
    return [spend for spend in whole if spend.day == day]


def _month(company: Company, first: date) -> list[CopilotSpend]:
    """The pool goes to whoever comes first; it ends within a row."""
    last = min((first + timedelta(days=31)).replace(day=1) - timedelta(days=1), company.today)
    left = POOL_CREDITS * len(holders(company, first)) * CREDIT_USD
    found = []
    for number in range((last - first).days + 1):
        for spend in _uses(company, first + timedelta(days=number)):
            discount = min(spend.net, left)
            left -= discount
            net = spend.net - discount
            found.append(msgspec.structs.replace(spend, discount=discount, net=net))
    return found


def _uses(company: Company, day: date) -> list[CopilotSpend]:
    """What was used, as if there were no pool."""
    if day > company.today or day.weekday() > 4:
        return []
    found = []
    for person in holders(company, day):
        rng = seeding.stream(company.seed, "copilot", day, person.number)
        if rng.random() < 0.2:
            continue
        for model in _MODELS[: rng.randrange(1, 3)]:
            used = Decimal(rng.randrange(5_000, 3_600_000)) / 10_000
            found.append(
                CopilotSpend(
                    day=day,
                    person=person.number,
                    login=login(person),
                    model=model,
                    credits=used,
                    input=rng.randrange(1_000, 90_000),
                    output=rng.randrange(100, 9_000),
                    cache_read=rng.randrange(50_000),
                    cache_write=rng.randrange(9_000),
                    discount=Decimal(0),
                    net=used * CREDIT_USD,
                )
            )
    return company.as_amended("copilot_uses", day, found)
