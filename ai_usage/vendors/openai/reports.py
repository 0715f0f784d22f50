"""What was used, by eleven reports in one answer, and what is billed, in dollars; a day at a time.

A record without a key is of the account that acted without one (the playground): the list of keys
has these too, a person's with the person as owner, and so people are found as for keys. One with a
key is the key's, whoever used it: a service account's is nobody's until a register says whose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.event import charge, price_tier, unheard_of
from ai_usage.vendors.kit.reading import Bucket
from ai_usage.vendors.kit.values import NULL, Int, total
from ai_usage.vendors.openai import api
from ai_usage.vendors.rows import RawEvent, WeightClass

USAGE_FINALIZATION_LAG, COST_FINALIZATION_LAG = timedelta(hours=2), timedelta(hours=24)
"""How late figures come is not said: usage within minutes, of costs nothing is known."""

# --- Usage -----------------------------------------------------------------------------------

_WHO = ("project_id", "user_id", "api_key_id")
_MODEL = (*_WHO, "model")
KINDS: Mapping[str, tuple[str, ...]] = {
    "completions": (*_MODEL, "batch", "service_tier"),
    "embeddings": _MODEL,
    "moderations": _MODEL,
    "images": _MODEL,
    "audio_speeches": _MODEL,
    "audio_transcriptions": _MODEL,
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": _WHO,
    "web_search_calls": _MODEL,
    "decisions": _MODEL,
}
"""The path's last word, and what it is grouped by. The reference lists the groups of some kinds
only: the others are asked for what their records have."""
_OBJECTS = {"file_searches": "file_search_calls", "web_searches": "web_search_calls"}
"""Records that are called otherwise than their path."""
_COUNTS = {
    "images": ("images", "images"),
    "audio_speeches": ("characters", "characters"),
    "audio_transcriptions": ("seconds", "seconds"),
    "vector_stores": ("usage_bytes", "bytes"),
    "code_interpreter_sessions": ("num_sessions", "sessions"),
    "file_search_calls": ("num_requests", "searches"),
}
"""The field of what is no token, and its unit."""


class _Usage(msgspec.Struct, gc=False):
    """A result of any kind; most fields may be absent or null."""

    object: str
    input_tokens: Int = None
    input_cached_tokens: Int = None
    input_cache_write_tokens: Int = None
    input_cache_write_30m_tokens: Int = None
    input_cache_write_12h_tokens: Int = None
    output_tokens: Int = None
    num_model_requests: Int = None
    num_requests: Int = None
    images: Int = None
    characters: Int = None
    seconds: Int = None
    usage_bytes: Int = None
    num_sessions: Int = None
    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None


_USAGE = msgspec.json.Decoder(_Usage, strict=False)


def _fetch_usage(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """A day is complete with the reports of all kinds."""
    for kind, groups in KINDS.items():
        path, lag = f"usage/{kind}", USAGE_FINALIZATION_LAG
        yield from api.report(client, "usage", path, groups, window, now, lag)


def _usage(record: msgspec.Raw, bucket: Bucket, context: ReadContext) -> RawEvent:
    """One event a result; ValueError where more of the input is cached than there is.

    `input_tokens` has all input: what is cached or written is taken off. Reasoning is inside the
    output. The requests of a model that searches are in its own report, and not counted twice.
    """
    usage = _USAGE.decode(record)
    name = usage.object.removeprefix("organization.usage.").removesuffix(".result")
    kind = _OBJECTS.get(name, name)
    field, unit = _COUNTS.get(kind, ("", None))
    counted: int | None = getattr(usage, field, None)
    read, written = usage.input_cached_tokens, usage.input_cache_write_tokens
    if written is None:
        written = total(usage.input_cache_write_30m_tokens, usage.input_cache_write_12h_tokens)
    uncached = usage.input_tokens
    if uncached is not None:
        uncached -= (read or 0) + (written or 0)
        if uncached < 0:
            raise ValueError("more cached input than input")
    who = (usage.project_id, usage.user_id, usage.api_key_id)
    searches = kind == "web_search_calls"
    return RawEvent(
        identity=(bucket.iso, kind, *who, usage.model, str(usage.batch), usage.service_tier),
        event_timestamp=bucket.start,
        event_date=bucket.day,
        event_type="usage",
        platform_subtype=api.API,
        api_key_id=usage.api_key_id or usage.user_id,
        workspace_id=usage.project_id,
        model=usage.model,
        # The tier of batches is the interactive one's: what splits costs tells them apart by it.
        service_tier="batch" if usage.batch else usage.service_tier,
        input_tokens=uncached,
        output_tokens=usage.output_tokens,
        cached_input_tokens=written,
        cache_read_tokens=read,
        web_search_requests=usage.num_requests if searches else None,
        request_count=None if searches else usage.num_model_requests,
        price_tier=price_tier(usage.batch is True),
        is_committed=False,
        quantity=None if counted is None else Decimal(counted),
        quantity_unit=None if counted is None else unit,
        vendor_user_id=usage.user_id,
        validation_errors=unheard_of("object", kind, KINDS),
    )


# --- Costs -----------------------------------------------------------------------------------

GROUPS = ("project_id", "line_item", "api_key_id")
TOKEN_CLASSES: Mapping[str, WeightClass | None] = {
    "input": "input_tokens",
    "input_uncached": "input_tokens",
    "output": "output_tokens",
    "cached_input": "cache_read_tokens",
    "input_cached": "cache_read_tokens",
    # The cache's lifetimes are others than the columns'.
    "input_cache_write": None,
    "input_cache_write_30m": None,
    "input_cache_write_12h": None,
}
"""What a line of each token class counts; the class is spelt without `_tokens`."""


class _Amount(msgspec.Struct, gc=False):
    """Dollars: documented as a number, seen live as a text too."""

    value: msgspec.Raw = NULL
    currency: str | None = None


class _Cost(msgspec.Struct, gc=False):
    amount: _Amount | None = None
    line_item: str | None = None
    project_id: str | None = None
    api_key_id: str | None = None
    user_id: str | None = None
    quantity_unit: str | None = None


_COST = msgspec.json.Decoder(_Cost)


def _fetch_costs(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """By person too, where organization and time allow it together with the project.

    Else the vendor answers 400, and is asked without it: never both, they show the same dollars. A
    request that is wrong in another way is refused again.
    """

    def asked(groups: Sequence[str]) -> Iterator[Page]:
        lag = COST_FINALIZATION_LAG
        return api.report(client, "costs", "costs", groups, window, now, lag)

    pages = asked((*GROUPS, "user_id"))
    try:
        first = next(pages)
    except VendorError as error:
        if error.status != 400:
            raise
        pages = asked(GROUPS)
    else:
        yield first
    yield from pages


def _cost(record: msgspec.Raw, bucket: Bucket, context: ReadContext) -> RawEvent:
    """A line of money. One without key or person is split by usage. A credit keeps its sign."""
    cost = _COST.decode(record)
    stated = cost.amount or _Amount()
    currency = (stated.currency or "USD").upper()
    # Another currency's amount is no dollars.
    value = stated.value if currency == "USD" else NULL
    amount, flags = charge(value, bills=True, in_cents=False)
    # "model, token class", or a category.
    model, _, item = (cost.line_item or "").rpartition(",")
    item = "_".join(item.lower().replace("_", " ").split())
    token_class = item.removesuffix("_tokens")
    if model.strip() and (cost.quantity_unit or "").endswith("tokens"):
        flags = [*unheard_of("line_item", token_class, TOKEN_CLASSES), *flags]
    counts = TOKEN_CLASSES.get(token_class)
    is_search = item.startswith("web_search")
    who = (cost.project_id, cost.api_key_id, cost.user_id)
    return RawEvent(
        identity=(bucket.iso, cost.line_item, *who, currency),
        event_timestamp=bucket.start,
        event_date=bucket.day,
        event_type="cost",
        platform_subtype=api.API,
        api_key_id=cost.api_key_id or cost.user_id,
        workspace_id=cost.project_id,
        model=model.strip() or None,
        # A class that no column counts is split by all that was used, as what is no token.
        token_type=None if counts is None else item,
        weight_class="web_search_requests" if is_search else counts,
        is_committed=False,
        cost_usd=amount,
        cost_currency=currency,
        cost_type=item or None,
        billing_period="daily",
        vendor_user_id=cost.user_id,
        validation_errors=flags,
    )


USAGE = Endpoint(
    name="usage",
    description="What was used a day, of every kind, by project, key, person, model.",
    # The kinds' reports stand below it.
    api_path=f"GET {api.BASE}/usage",
    yields=RawEvent,
    fetch=_fetch_usage,
    read=api.DAYS.events(_usage, event_type="usage", product=api.API),
    max_days=api.MOST_BUCKETS,
    finalization_lag=USAGE_FINALIZATION_LAG,
)
COSTS = Endpoint(
    name="costs",
    description="What is billed a day, by project, line item, key and person.",
    api_path=f"GET {api.BASE}/costs",
    yields=RawEvent,
    fetch=_fetch_costs,
    read=api.DAYS.events(_cost, event_type="cost", product=api.API),
    max_days=api.MOST_BUCKETS,
    finalization_lag=COST_FINALIZATION_LAG,
    lookback="cost",
)
