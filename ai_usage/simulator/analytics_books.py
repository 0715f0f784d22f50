"""What the analytics of Anthropic know of a day: every fact with who caused it.

Books of their own: the older reports sum the same tokens otherwise, and name nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ai_usage.simulator import pricing, seeding
from ai_usage.simulator.records import UNKNOWN, ApiUsage, Owner

if TYPE_CHECKING:
    from ai_usage.simulator.company import Company

CLASSES: Final = pricing.TOKEN_TYPES


class Line(msgspec.Struct, frozen=True):
    """Money of a fact, of one kind; cents are exact."""

    cost_type: str
    token_type: str | None
    cents: Decimal
    list_cents: Decimal


class Fact(msgspec.Struct, frozen=True):
    """What somebody did in one way on one day, in the finest grouping, and what it costs."""

    groups: Mapping[str, Any]
    tokens: Mapping[str, int]
    searches: int
    requests: int
    lines: tuple[Line, ...]


def user_actor(user_id: str, email: str, name: str, *, deleted: bool = False) -> dict[str, Any]:
    """A person; of a deleted one only the id is left."""
    return {
        "type": "user_actor",
        "user_id": user_id,
        "email_address": None if deleted else email,
        "name": None if deleted else name,
        "deleted": deleted,
    }


def default_workspace(company: Company) -> str:
    """The id of the default workspace, which the older API never tells."""
    return seeding.opaque_id("wrkspc", company.seed, "default")


def console_facts(company: Company, day: date) -> list[Fact]:
    """Of the Console's organisation: keys by themselves, the Workbench by who typed there."""
    found = [_console_fact(company, usage) for usage in company.api_usage(day)]
    for execution in company.code_execution(day):
        cents = execution.hours * pricing.CODE_EXECUTION_CENTS_PER_HOUR
        groups = _console_groups(company, execution.key_id, execution.workspace_id, None)
        lines = (Line("code_execution", None, cents, cents),)
        found.append(Fact(groups, {}, 0, 1, lines if cents else ()))
    return found


def _console_groups(
    company: Company, key_id: str | None, workspace_id: str | None, person: int | None
) -> dict[str, Any]:
    actor: dict[str, Any] | None = None
    if key_id is not None:
        actor = {"type": "api_actor", "api_key_id": key_id}
    elif person is not None:
        someone = company.people[person]
        gone = not someone.employed(company.today)
        actor = user_actor(someone.console_id, someone.email, someone.full_name, deleted=gone)
    return {
        "actor": actor,
        "api_key_id": key_id,
        "workspace_id": workspace_id or default_workspace(company),
        "product": "messages_api" if key_id else "claude_console",
        "model": None,
        "context_window": None,
        "speed": None,
        "service_tier": None,
        "inference_geo": None,
    }


def _console_fact(company: Company, usage: ApiUsage) -> Fact:
    groups = _console_groups(company, usage.key_id, usage.workspace_id, usage.person) | {
        "model": usage.model,
        "context_window": usage.context_window,
        "speed": "standard",
        "service_tier": usage.service_tier,
        "inference_geo": usage.inference_geo,
    }
    counts = (usage.uncached, usage.output, usage.cache_read, usage.write_5m, usage.write_1h)
    tokens = dict(zip(CLASSES, counts, strict=True))
    lines: list[Line] = []
    # What a commitment pays is no cost.
    if usage.service_tier != "priority":
        for name, count in tokens.items():
            cents = company.prices.cents(
                usage.day, usage.model, usage.service_tier, usage.context_window, name, count
            )
            lines.append(Line("tokens", name, cents, cents))
    searches = usage.web_searches * pricing.WEB_SEARCH_CENTS
    lines.append(Line("web_search", None, searches, searches))
    paid = tuple(line for line in lines if line.cents)
    return Fact(groups, tokens, usage.web_searches, 1, paid)


def console_dollars(company: Company, day: date) -> dict[Owner, Decimal]:
    """A day's dollars by who can be named: the owner of the key, or who used the Workbench."""
    owned: list[tuple[Owner, Fact]] = []
    for fact in console_facts(company, day):
        owner, actor = UNKNOWN, fact.groups["actor"]
        if fact.groups["api_key_id"]:
            owner = company.key(fact.groups["api_key_id"]).knowable_owner
        elif actor and actor["email_address"]:
            owner = Owner("person", actor["email_address"])
        owned.append((owner, fact))
    return _summed(owned)


def _summed(owned: Iterable[tuple[Owner, Fact]]) -> dict[Owner, Decimal]:
    found: dict[Owner, Decimal] = {}
    for owner, fact in owned:
        cents = sum((line.cents for line in fact.lines), Decimal(0))
        if cents:
            found[owner] = found.get(owner, Decimal(0)) + cents / 100
    return found
