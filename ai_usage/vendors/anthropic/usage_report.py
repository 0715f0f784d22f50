"""Tokens per day by key, workspace, model, service tier and context window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.event import price_tier, unheard_of
from ai_usage.vendors.kit.reading import Bucket
from ai_usage.vendors.kit.values import Int, total
from ai_usage.vendors.rows import RawEvent

PATH = "/v1/organizations/usage_report/messages"
GROUPS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
"""Five dimensions: more are refused ("Cannot specify more than 5 group_by[] dimensions.")."""
COMMITTED = "priority"
"""The tier whose tokens a commitment pays; those of `priority_on_demand` are billed."""


class _CacheCreation(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: Int = None
    ephemeral_1h_input_tokens: Int = None


class _ServerToolUse(msgspec.Struct, gc=False):
    web_search_requests: Int = None


class Usage(msgspec.Struct, gc=False):
    """A usage result; the last two fields only come in simplified samples.

    The analytics have the same words for tokens.
    """

    uncached_input_tokens: Int = None
    cache_read_input_tokens: Int = None
    cache_creation: _CacheCreation | None = None
    output_tokens: Int = None
    server_tool_use: _ServerToolUse | None = None
    api_key_id: str | None = None
    workspace_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    account_id: str | None = None
    service_account_id: str | None = None
    cached_input_tokens: Int = None
    request_count: Int = None


_USAGE = msgspec.json.Decoder(Usage, strict=False)
_NO_CACHE, _NO_TOOLS = _CacheCreation(), _ServerToolUse()


def tokens(usage: Usage) -> dict[str, int | None]:
    """The columns of tokens and searches that a result fills."""
    cache = usage.cache_creation or _NO_CACHE
    written = total(cache.ephemeral_5m_input_tokens, cache.ephemeral_1h_input_tokens)
    return {
        "input_tokens": usage.uncached_input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens if written is None else written,
        "cache_read_tokens": usage.cache_read_input_tokens,
        "cache_write_5m_tokens": cache.ephemeral_5m_input_tokens,
        "cache_write_1h_tokens": cache.ephemeral_1h_input_tokens,
        "web_search_requests": (usage.server_tool_use or _NO_TOOLS).web_search_requests,
    }


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    lag = api.USAGE_FINALIZATION_LAG
    return api.buckets(client, "usage_report", PATH, GROUPS, window, now, lag)


def _event(record: msgspec.Raw, bucket: Bucket, context: ReadContext) -> RawEvent:
    usage = _USAGE.decode(record)
    return RawEvent(
        identity=(
            bucket.iso,
            usage.api_key_id,
            usage.workspace_id,
            usage.model,
            usage.service_tier,
            usage.context_window,
            usage.inference_geo,
            usage.speed,
            usage.account_id,
            usage.service_account_id,
        ),
        event_timestamp=bucket.start,
        event_date=bucket.day,
        event_type="usage",
        platform_subtype=api.API,
        api_key_id=usage.api_key_id,
        workspace_id=usage.workspace_id,
        model=usage.model,
        service_tier=usage.service_tier,
        context_window=usage.context_window,
        **tokens(usage),  # type: ignore[arg-type]
        request_count=usage.request_count,
        price_tier=price_tier(usage.service_tier == "batch"),
        is_committed=usage.service_tier == COMMITTED,
        vendor_user_id=usage.account_id or usage.service_account_id,
        validation_errors=unheard_of("service_tier", usage.service_tier, api.SERVICE_TIERS),
    )


ENDPOINT = Endpoint(
    name="usage_report",
    description="Tokens a day by key, workspace, model, service tier, context window.",
    api_path=f"GET {PATH}",
    yields=RawEvent,
    fetch=_fetch,
    read=api.DAYS.events(_event, event_type="usage", product=api.API),
    saved=api.saved_buckets(frozenset({"uncached_input_tokens", "output_tokens"})),
    max_days=api.MOST_BUCKETS,
    finalization_lag=api.USAGE_FINALIZATION_LAG,
)
