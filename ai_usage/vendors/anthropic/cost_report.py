"""What is billed per day, by workspace and kind of line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.buckets import bucket_records
from ai_usage.vendors.kit.event import charge, price_tier, unheard_of
from ai_usage.vendors.kit.reading import Bucket, bucket_events
from ai_usage.vendors.kit.values import NULL
from ai_usage.vendors.rows import RawEvent, WeightClass

PATH = "/v1/organizations/cost_report"
GROUPS = ("workspace_id", "description")

TOKEN_TYPES: Mapping[str, WeightClass] = {
    "uncached_input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
}
"""What a line of each token class counts."""
COST_TYPES: Mapping[str, WeightClass | None] = {
    "tokens": None,
    "web_search": "web_search_requests",
    "code_execution": None,
    "session_usage": None,
    # Simplified samples name the token class here.
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_input_tokens": None,
    "cache_read_input_tokens": None,
}
"""What a line without a token class counts."""


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
        weight_class=_weight_class(cost),
        # A line that names no tier may be of both.
        price_tier=None if tier is None else price_tier(tier == "batch"),
        is_committed=False,
        cost_usd=amount,
        cost_currency=currency,
        cost_type=cost.token_type or cost.cost_type,
        billing_period="daily",
        validation_errors=[
            *unheard_of("token_type", cost.token_type, TOKEN_TYPES),
            *unheard_of("cost_type", cost.cost_type, COST_TYPES),
            *unheard_of("service_tier", tier, api.SERVICE_TIERS),
            *flags,
        ],
    )


def _weight_class(cost: _Cost) -> WeightClass | None:
    """The column of usage that a line bills, by whose count it is split."""
    if cost.token_type is not None:
        return TOKEN_TYPES.get(cost.token_type)
    return None if cost.cost_type is None else COST_TYPES.get(cost.cost_type)


ENDPOINT = Endpoint(
    name="cost_report",
    description="What is billed a day, by workspace and kind of line.",
    api_path=f"GET {PATH}",
    yields=RawEvent,
    fetch=_fetch,
    read=bucket_events(bucket_records, _event, event_type="cost", product=api.API),
    saved=api.saved_buckets(frozenset({"amount"})),
    max_days=api.MOST_BUCKETS,
    finalization_lag=api.COST_FINALIZATION_LAG,
    lookback="cost",
)
