"""What people used on claude.ai, and what of it is billed besides their seats: usage credits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.anthropic import analytics
from ai_usage.vendors.anthropic.api import MOST_BUCKETS
from ai_usage.vendors.anthropic.usage_report import Usage, tokens
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.event import UNREADABLE_VALUE, price_tier
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.values import Int, UnreadableAmount, usd
from ai_usage.vendors.rows import RawEvent

NAME, WEB = "claude_enterprise", "claude_web"
GROUPS = ("actor", "product", "model", "context_window", "speed")
"""Five, the most. Never by group of people: who is in two would count twice."""
PROGRAMS = frozenset({"api_actor", "service_account_actor", "federated_actor"})


class _Usage(Usage, gc=False):
    requests: Int = None


class _Row(msgspec.Struct, gc=False):
    starting_at: str
    group: analytics.Group
    usage: _Usage


_ROW = msgspec.json.Decoder(_Row)


def _is_of_the_console(group: analytics.Group) -> bool:
    """Whether a row is traffic of the API: the Console's organisation reports it.

    Its tokens and dollars are those of the Admin key's reports, where keys have their owners.
    """
    actor = group.actor or analytics.NOBODY
    return group.product in analytics.API_PRODUCTS or actor.type in PROGRAMS


def _usage(record: msgspec.Raw, context: ReadContext) -> RawEvent | None:
    """What one person used of a product and model on a day; None for what the Console reports."""
    row = _ROW.decode(record)
    if _is_of_the_console(row.group):
        return None
    event = analytics.named(row.starting_at, row.group, "usage", (), WEB)
    for column, count in tokens(row.usage).items():
        setattr(event, column, count)
    event.request_count = row.usage.requests
    event.price_tier, event.is_committed = price_tier(batch=False), False
    return event


def _cost(record: msgspec.Raw, context: ReadContext) -> RawEvent | None:
    """What one person is billed for a kind of line; None for what the Console reports.

    The list price is no cost: it is the amount before discounts.
    """
    row = analytics.COST.decode(record)
    if _is_of_the_console(row.group):
        return None
    event = analytics.cost_event(record, context, WEB)
    if event.cost_usd is not None:
        try:
            event.estimated_cost_usd = usd(row.cost.list_amount)
        except UnreadableAmount:
            event.validation_errors = [*event.validation_errors, UNREADABLE_VALUE]
    return event


def _endpoint(
    name: str,
    description: str,
    groups: tuple[str, ...],
    event: Callable[[msgspec.Raw, ReadContext], RawEvent | None],
) -> Endpoint:
    def fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
        if known := analytics.kept(window, now):
            yield from analytics.pages(client, name, name, groups, known, now)

    return Endpoint(
        name=name,
        description=description,
        api_path=f"GET {analytics.PATH}/{name}",
        yields=RawEvent,
        fetch=fetch,
        read=events(analytics.records, event, event_type=name, product=WEB, days=("starting_at",)),
        max_days=MOST_BUCKETS,
        finalization_lag=analytics.LAG,
        lookback="cost" if name == "cost" else "usage",
    )


USAGE = _endpoint("usage", "Tokens a day by person, product and model.", GROUPS, _usage)
COST_GROUPS = (*GROUPS, *analytics.COST_GROUPS)
COST = _endpoint(
    "cost", "What is billed a day besides seats, by person and kind of line.", COST_GROUPS, _cost
)
