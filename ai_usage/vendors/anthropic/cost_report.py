"""What is billed per day, by workspace and kind of line; from a day on by person and key.

The report that has been there for long says of no line who caused it. Where the key may read the
newer one (`analytics`), a setting says from which day on that is asked instead: a day's dollars
are those of one of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.anthropic import analytics, api, lines
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.event import charge, price_tier, unheard_of
from ai_usage.vendors.kit.reading import Bucket, events
from ai_usage.vendors.kit.values import NULL
from ai_usage.vendors.rows import RawEvent

PATH = "/v1/organizations/cost_report"
GROUPS = ("workspace_id", "description")

SINCE_SETTING = "ANTHROPIC_ANALYTICS_COST_FROM"
BY_ACTOR = ("actor", "api_key_id", "workspace_id", "model", "speed")
"""Whom a line names, and what its price depends on: with these nothing has to be split."""


class _Cost(msgspec.Struct, gc=False):
    """A cost result. `amount` is cents, a decimal text, fractional."""

    amount: msgspec.Raw = NULL
    currency: str | None = None
    description: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    workspace_id: str | None = None


_COST = msgspec.json.Decoder(_Cost, strict=False)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """Each day from the one report that is its own: never from both."""
    since = client.option(SINCE_SETTING)
    new = (
        window.end
        if since is None
        else min(max(date.fromisoformat(since), window.start), window.end)
    )
    if window.start < new:
        yield from _by_line(client, Window(window.start, new), now)
    if new < window.end and (known := analytics.kept(Window(new, window.end), now)):
        groups = (*BY_ACTOR, *analytics.COST_GROUPS)
        yield from analytics.pages(client, "cost_report", "cost", groups, known, now)


def _by_line(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """A window without a complete bucket, today's alone, is refused with a 400.

    So today is asked together with yesterday, which is complete, and its rows are the caller's to
    leave aside. Taking that 400 for "nothing yet" instead would let a broken request pass as an
    empty answer.
    """
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    asked = Window(min(window.start, yesterday), window.end)
    lag = api.COST_FINALIZATION_LAG
    return api.buckets(client, "cost_report", PATH, GROUPS, asked, now, lag)


def _event(record: msgspec.Raw, bucket: Bucket, context: ReadContext) -> RawEvent:
    """A cost line: money, nobody's name."""
    cost = _COST.decode(record)
    currency = "USD" if cost.currency is None else cost.currency.upper()
    # The vendor bills in dollars only; another currency's cents are not dollars.
    stated = cost.amount if currency == "USD" else NULL
    amount, flags = charge(stated, bills=True, in_cents=context.amount_unit == "cents")
    tier = cost.service_tier
    return RawEvent(
        identity=(
            bucket.iso,
            cost.workspace_id,
            cost.description,
            cost.cost_type,
            cost.model,
            tier,
            cost.token_type,
            cost.context_window,
            cost.inference_geo,
            currency,
        ),
        event_timestamp=bucket.start,
        event_date=bucket.day,
        event_type="cost",
        platform_subtype=api.API,
        workspace_id=cost.workspace_id,
        model=cost.model,
        service_tier=tier,
        context_window=cost.context_window,
        token_type=cost.token_type,
        weight_class=lines.weight_class(cost.token_type, cost.cost_type),
        # A line that names no tier may be of both.
        price_tier=None if tier is None else price_tier(tier == "batch"),
        is_committed=False,
        cost_usd=amount,
        cost_currency=currency,
        cost_type=cost.token_type or cost.cost_type,
        billing_period="daily",
        validation_errors=[
            *lines.unknown(cost.token_type, cost.cost_type),
            *unheard_of("service_tier", tier, api.SERVICE_TIERS),
            *flags,
        ],
    )


_IN_BUCKETS = api.DAYS.events(_event, event_type="cost", product=api.API)
_BY_ACTOR = events(
    analytics.records,
    analytics.cost_event,
    event_type="cost",
    product=api.API,
    days=("starting_at",),
)


def _read(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    """Every page as the report that it is of."""
    for page in pages:
        yield from (_BY_ACTOR if analytics.is_page(page) else _IN_BUCKETS)([page], context)


ENDPOINT = Endpoint(
    name="cost_report",
    description="What is billed a day, by workspace and kind of line.",
    api_path=f"GET {PATH}",
    yields=RawEvent,
    fetch=_fetch,
    read=_read,
    saved=api.saved_buckets(frozenset({"amount"})),
    max_days=api.MOST_BUCKETS,
    finalization_lag=api.COST_FINALIZATION_LAG,
    lookback="cost",
)
