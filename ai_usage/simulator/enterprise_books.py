"""What the company does on claude.ai under its Enterprise plan, and what of it costs extra.

Books of their own. A few people use more than their seats hold: that alone is billed. The reports
show the Console's traffic too, whose tokens and dollars are the Console's.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ai_usage.simulator import behaviour, seeding
from ai_usage.simulator.analytics_books import CLASSES, Fact, Line, console_facts, user_actor
from ai_usage.simulator.pricing import OPUS, SHORT, SONNET
from ai_usage.simulator.records import UNKNOWN, Owner
from ai_usage.simulator.roster import CONTRACTOR, Person

if TYPE_CHECKING:
    from ai_usage.simulator.company import Company

DISCOUNT: Final = Decimal("0.9")
_PRODUCTS: Final = ("chat", "cowork", "claude_code", "brand_new_product")


class CodeDay(msgspec.Struct, frozen=True):
    """A member's day in Claude Code."""

    person: Person
    sessions: int
    lines: int
    commits: int
    accepted: int
    rejected: int


def members(company: Company) -> list[Person]:
    """Who has a seat: most of the company, and no contractor."""
    return [p for p in company.people if p.number % 3 and p.number != CONTRACTOR]


def member_id(company: Company, person: Person) -> str:
    """A member's id, which is none of the Console's."""
    return seeding.opaque_id("user", company.seed, "enterprise", person.user_id)


def own_facts(company: Company, day: date) -> list[Fact]:
    """What members did, each of it in one product with one model; some of it names nobody."""
    found = []
    for person in members(company):
        if behaviour.works(company.seed, person, day):
            draw = seeding.stream(company.seed, "enterprise", person.number, day)
            gone = not person.employed(company.today)
            actor = user_actor(
                member_id(company, person), person.email, person.full_name, deleted=gone
            )
            product = _PRODUCTS[min(int(draw.random() * 3.2), 3)]
            beyond = person.number % (10 if company.tidy else 5) == 1
            found.append(_fact(company, day, draw, actor, product, beyond))
    if not company.tidy:
        draw = seeding.stream(company.seed, "enterprise nobody", day)
        found.insert(0, _fact(company, day, draw, None, "claude_tag", beyond_seat=True))
    return company.as_amended("enterprise_facts", day, found)


def _fact(
    company: Company,
    day: date,
    draw: Random,
    actor: dict[str, Any] | None,
    product: str,
    beyond_seat: bool,
) -> Fact:
    model = OPUS if draw.random() < 0.3 else SONNET
    most = (40_000, 9_000, 300_000, 20_000, 5_000)
    share = 1 if actor else 0.02
    tokens = {n: int(m * share * draw.random()) for n, m in zip(CLASSES, most, strict=True)}
    groups = {
        "actor": actor,
        "api_key_id": None,
        "workspace_id": None,
        "product": product,
        "model": model,
        "context_window": SHORT,
        "speed": "standard",
        "service_tier": None,
        "inference_geo": "global",
    }
    lines: list[Line] = []
    for name, count in tokens.items() if beyond_seat else ():
        listed = company.prices.cents(day, model, "standard", SHORT, name, count)
        cents = (listed * DISCOUNT).quantize(Decimal("0.0000001"))
        lines.append(Line("tokens", name, cents, listed))
    return Fact(groups, tokens, int(draw.random() * 3), 1 + int(draw.random() * 30), tuple(lines))


def enterprise_facts(company: Company, day: date) -> list[Fact]:
    """What the reports show: the members' own, and the programs of the Console's keys."""
    programs = [
        Fact({**fact.groups, "workspace_id": None, "api_key_id": None}, *_figures(fact))
        for fact in console_facts(company, day)[:20]
    ]
    return [*own_facts(company, day), *programs]


def _figures(fact: Fact) -> tuple[Any, ...]:
    return fact.tokens, fact.searches, fact.requests, fact.lines


def code_days(company: Company, day: date) -> list[CodeDay]:
    """The day in Claude Code of every member who used it."""
    found = []
    for person in members(company):
        if behaviour.works(company.seed, person, day) and person.number % 2:
            draw = seeding.stream(company.seed, "enterprise code", person.number, day).randrange
            found.append(CodeDay(person, 1 + draw(5), draw(400), draw(4), draw(30), draw(9)))
    return company.as_amended("enterprise_code", day, found)


def owner_of(fact: Fact) -> Owner:
    """Who can be named: of a deleted member only an id is left."""
    email = (fact.groups["actor"] or {}).get("email_address")
    return Owner("person", email) if email else UNKNOWN


def enterprise_dollars(company: Company, day: date) -> dict[Owner, Decimal]:
    """What is billed for a day besides seats, by who can be named."""
    found: dict[Owner, Decimal] = {}
    for fact in own_facts(company, day):
        for line in fact.lines:
            owner = owner_of(fact)
            found[owner] = found.get(owner, Decimal(0)) + line.cents / 100
    return found
