"""Anthropic's Admin API: how to ask it, the shape of its answers, and what they mean.

The contract (limits, units, traps) is the vendor's reference at https://platform.claude.com/docs;
a comment says where public reports of live calls decide. All days are UTC days.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, Params, PlatformRow, ReadContext, Vendor
from ai_usage.vendors.paging import Paging
from ai_usage.vendors.parsing import (
    NULL,
    UNREADABLE_VALUE,
    Int,
    UnreadableAmount,
    charge,
    day_of,
    day_start_of,
    email_of,
    field_of,
    instant_of,
    text_of,
    total,
    undecodable,
    usd,
)
from ai_usage.vendors.rows import ApiKey, Person, PriceTier, RawEvent, WeightClass, Workspace
from ai_usage.vendors.saved import (
    Body,
    PageTells,
    SavedReport,
    Span,
    day_from,
    moment,
    records_of,
)

NAME = "anthropic"
API, CODE = "claude_api", "claude_code"

MOST_BUCKETS = 31
"""The server's limit for daily buckets in a page, and so our longest window."""
MOST_RECORDS = 1000
"""The server's limit for records in a page of every other endpoint."""

USAGE_FINALIZATION_LAG, COST_FINALIZATION_LAG = timedelta(hours=2), timedelta(hours=24)
"""How long after a day's end its figures may still come in or change."""

USAGE_GROUPS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
"""Five dimensions: more are refused ("Cannot specify more than 5 group_by[] dimensions.")."""
COST_GROUPS = ("workspace_id", "description")
_REPORTS = {"usage_report": "usage_report/messages", "cost_report": "cost_report"}

COST_TYPES = frozenset(
    {
        "tokens",
        "web_search",
        "code_execution",
        "session_usage",
        # Simplified samples name the token class here.
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
        "cache_read_input_tokens",
    }
)
TOKEN_TYPES: Mapping[str, WeightClass] = {
    "uncached_input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
}
"""What a line of each token class counts."""
_COUNTED: Mapping[str, WeightClass] = {
    "web_search": "web_search_requests",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
}
"""What a line without a token class counts, by its cost type."""
COMMITTED = "priority"
"""The tier whose tokens a commitment pays; those of `priority_on_demand` are billed."""
SERVICE_TIERS = frozenset(
    {"standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount"}
)


# --- Asking ----------------------------------------------------------------------------------


def _headers(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": "2023-06-01"}


class _Answer(msgspec.Struct):
    """Every list of this API; the directory pages by `last_id`, the reports by `next_page`."""

    data: list[msgspec.Raw]
    has_more: bool | None = None
    next_page: str | None = None
    last_id: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def _paged(
    client: Client,
    endpoint: str,
    path: str,
    params: Params,
    paging: Paging,
    where: str,
    watch: Callable[[Paging, Page], str | None],
) -> Iterator[Page]:
    """Every page of a report, following `next_page` until `has_more` is false.

    `watch` holds each page to what it must keep, and gives the next one's token.
    """
    token: str | None = None
    number = 1
    while True:
        asked = [*params, *([("page", token)] if token else [])]
        page = client.get(endpoint, path, asked, where=f"{where} page {number}")
        token = watch(paging, page)
        yield page
        if token is None:
            return
        number += 1


def _watch_buckets(paging: Paging, page: Page) -> str | None:
    """A bucket is known by where it starts."""
    answer = paging.decode(page, _ANSWER)
    paging.records(page, answer.data, key=_bucket_start)
    return paging.next_token(answer.has_more, answer.next_page)


def _watch_claude_code(paging: Paging, page: Page) -> str | None:
    """Records have no identity: two keys of one name may have the same small day."""
    answer = paging.decode(page, _ANSWER)
    paging.records(page, answer.data, kin=_grain)
    paging.alike(answer.data)
    return paging.next_token(answer.has_more, answer.next_page)


def _listed(client: Client, endpoint: str, window: Window, params: Params) -> Iterator[Page]:
    """Every page of a directory list, by `after_id` (offsets are ignored there, silently)."""
    path = f"/v1/organizations/{endpoint}"
    paging = Paging(NAME, endpoint, f"{window}")
    after: str | None = None
    number = 1
    while True:
        asked = [("limit", str(MOST_RECORDS)), *params, *([("after_id", after)] if after else [])]
        page = client.get(endpoint, path, asked, where=f"{window} page {number}")
        answer = paging.decode(page, _ANSWER)
        paging.records(page, answer.data, key=_id_of)
        if endpoint == "users" and number == 1 and not answer.data:
            raise paging.nobody("ANTHROPIC_ADMIN_KEY")
        yield page
        # Unlike a report's token, the last id is there on the last page too.
        more = bool(answer.has_more)
        after = paging.next_token(more, answer.last_id)
        if after is None:
            return
        number += 1


def _instant(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _buckets(
    client: Client,
    endpoint: str,
    groups: tuple[str, ...],
    window: Window,
    now: datetime,
    finalization_lag: timedelta,
) -> Iterator[Page]:
    """Every page of a report in daily buckets; `ending_at` is exclusive, both take only midnights.

    A day without usage comes as an empty bucket. So a day that has settled and has no bucket is
    missing from the answer, which is not complete then. Raises `VendorError`.
    """
    days: set[date] = set()
    paging = Paging(NAME, endpoint, f"{window}")
    params = [
        ("starting_at", _instant(window.start)),
        ("ending_at", _instant(window.end)),
        ("bucket_width", "1d"),
        ("limit", str(MOST_BUCKETS)),
        *(("group_by[]", group) for group in groups),
    ]
    path = f"/v1/organizations/{_REPORTS[endpoint]}"
    for page in _paged(client, endpoint, path, params, paging, f"{window}", _watch_buckets):
        days.update(_days(paging.decode(page, _ANSWER).data))
        yield page
    settled = [day for day in window.days() if Window.day(day).end_at + finalization_lag <= now]
    if missing := [day for day in settled if day not in days]:
        what = f"{len(missing)} of {len(settled)} days are missing, the first is {missing[0]}"
        raise paging.failure(what)


def _days(buckets: list[msgspec.Raw]) -> Iterator[date]:
    """The days of the buckets; one that cannot be read is the reader's to flag, and has none."""
    for bucket in buckets:
        start = _bucket_start(bucket)
        if start is not None:
            yield start.date()


def _bucket_start(bucket: msgspec.Raw) -> datetime | None:
    with contextlib.suppress(ValueError, UnicodeDecodeError):
        return instant_of(_BUCKET.decode(bucket).starting_at)
    return None


def _id_of(record: msgspec.Raw) -> Hashable | None:
    found = field_of(record, "id")
    return found if isinstance(found, str) else None


def _grain(record: msgspec.Raw) -> Hashable:
    """What the report has a record for."""
    with contextlib.suppress(ValueError, UnicodeDecodeError):
        code = _CODE.decode(record)
        actor = code.actor or _NO_ACTOR
        who = actor.email_address or actor.api_key_name
        return (code.date, actor.type, who, code.terminal_type, code.customer_type)
    return bytes(record)


def _fetch_usage_report(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    return _buckets(client, "usage_report", USAGE_GROUPS, window, now, USAGE_FINALIZATION_LAG)


def _fetch_cost_report(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """A window without a complete bucket, today's alone, is refused with a 400.

    So today is asked together with yesterday, which is complete, and its rows are the caller's to
    leave aside. Taking that 400 for "nothing yet" instead would let a broken request pass as an
    empty answer.
    """
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    asked = Window(min(window.start, yesterday), window.end)
    return _buckets(client, "cost_report", COST_GROUPS, asked, now, COST_FINALIZATION_LAG)


def _fetch_claude_code(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """The endpoint knows no range: a call (and its pages) a day.

    A record that stands on two pages is two records, or one that was pushed onto the next page
    when another came in front. A list that moves does not read the same twice, so it is read once
    more then. Raises `PagesShiftedError`.
    """
    path = "/v1/organizations/usage_report/claude_code"
    for day in window.days():
        params = [("starting_at", day.isoformat()), ("limit", str(MOST_RECORDS))]

        def pages(paging: Paging, params: Params = params, day: date = day) -> Iterator[Page]:
            return _paged(client, CODE, path, params, paging, f"{day}", _watch_claude_code)

        paging = Paging(NAME, CODE, f"{day}")
        yield from pages(paging)
        if paging.repeats:
            again = Paging(NAME, CODE, f"{day}")
            for _ in pages(again):
                pass
            if again.digest != paging.digest:
                raise paging.shifted("a record stands on two pages, and read again they differ")


def _fetch_api_keys(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    return _listed(client, "api_keys", window, [])


def _fetch_users(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    return _listed(client, "users", window, [])


def _fetch_workspaces(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """Archived ones too: what was spent in them still has to be named."""
    return _listed(client, "workspaces", window, [("include_archived", "true")])


# --- Buckets -----------------------------------------------------------------------------------


class _Bucket(msgspec.Struct):
    """A bucket. An empty one says so: without its list it does not say what the day holds."""

    starting_at: str
    results: list[msgspec.Raw] | None


class _BucketPage(msgspec.Struct):
    data: list[msgspec.Raw] | None = None


_BUCKET = msgspec.json.Decoder(_Bucket)
_BUCKET_PAGE = msgspec.json.Decoder(_BucketPage)


def _results(
    pages: Iterable[bytes], context: ReadContext, event_type: str
) -> Iterator[tuple[datetime, list[tuple[int, msgspec.Raw]]] | RawEvent]:
    """Each bucket's start and records; a bucket that cannot be read comes as one flagged event."""
    for page in pages:
        number = 1
        for record in _BUCKET_PAGE.decode(page).data or ():
            try:
                bucket = _BUCKET.decode(record)
                start = instant_of(bucket.starting_at)
            except (ValueError, UnicodeDecodeError):
                known = day_of(field_of(record, "starting_at")) or context.window.start
                event = undecodable(record, known, event_type, API)
                event.record, number = number, number + 1
                yield event
            else:
                results = list(enumerate(bucket.results or (), number))
                number += len(results)
                yield start, results


# --- Usage report ------------------------------------------------------------------------------


class _CacheCreation(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: Int = None
    ephemeral_1h_input_tokens: Int = None


class _ServerToolUse(msgspec.Struct, gc=False):
    web_search_requests: Int = None


class _Usage(msgspec.Struct, gc=False):
    """A usage result; the last two fields only come in simplified samples."""

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


_USAGE = msgspec.json.Decoder(_Usage, strict=False)


def _read_usage_report(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    """One event per bucket, key, workspace, model, service tier and context window: tokens."""
    for found in _results(pages, context, "usage"):
        if isinstance(found, RawEvent):
            yield found
            continue
        start, records = found
        day = start.date()
        bucket = start.isoformat()
        for number, record in records:
            try:
                event = _usage_event(_USAGE.decode(record), start, day, bucket, record)
            except (ValueError, UnicodeDecodeError):
                event = undecodable(record, day, "usage", API)
            event.record = number
            yield event


def _usage_event(
    usage: _Usage, start: datetime, day: date, bucket: str, record: msgspec.Raw
) -> RawEvent:
    written_5m = written_1h = None
    if (cache := usage.cache_creation) is not None:
        written_5m, written_1h = cache.ephemeral_5m_input_tokens, cache.ephemeral_1h_input_tokens
    if written_5m is None and written_1h is None:
        written = usage.cached_input_tokens
    else:
        written = (written_5m or 0) + (written_1h or 0)
    searches = usage.server_tool_use
    return RawEvent(
        identity=(
            bucket,
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
        event_timestamp=start,
        event_date=day,
        event_type="usage",
        platform_subtype=API,
        api_key_id=usage.api_key_id,
        workspace_id=usage.workspace_id,
        model=usage.model,
        service_tier=usage.service_tier,
        context_window=usage.context_window,
        input_tokens=usage.uncached_input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=written,
        cache_read_tokens=usage.cache_read_input_tokens,
        cache_write_5m_tokens=written_5m,
        cache_write_1h_tokens=written_1h,
        web_search_requests=None if searches is None else searches.web_search_requests,
        request_count=usage.request_count,
        price_tier="batch" if usage.service_tier == "batch" else "standard",
        is_committed=usage.service_tier == COMMITTED,
        vendor_user_id=usage.account_id or usage.service_account_id,
        attribution_method="unknown" if usage.api_key_id is None else "api_key_mapping",
        raw_response=str(record, "utf-8", "replace"),
        validation_errors=_unknown("service_tier", usage.service_tier, SERVICE_TIERS),
    )


def _unknown(field: str, value: str | None, known: Container[str]) -> list[str]:
    """A flag for a value that money is allocated by and that nobody here has heard of."""
    return [] if value is None or value in known else [f"unknown_enum:{field}"]


# --- Cost report -------------------------------------------------------------------------------


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


def _read_cost_report(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    """One event per bucket and cost line (workspace and description): money, nobody's name."""
    in_cents = context.amount_unit == "cents"
    for found in _results(pages, context, "cost"):
        if isinstance(found, RawEvent):
            yield found
            continue
        start, records = found
        day = start.date()
        bucket = start.isoformat()
        for number, record in records:
            try:
                event = _cost_event(_COST.decode(record), start, day, bucket, record, in_cents)
            except (ValueError, UnicodeDecodeError):
                event = undecodable(record, day, "cost", API)
            event.record = number
            yield event


def _cost_event(
    cost: _Cost, start: datetime, day: date, bucket: str, record: msgspec.Raw, in_cents: bool
) -> RawEvent:
    currency = "USD" if cost.currency is None else cost.currency.upper()
    errors = [
        *_unknown("token_type", cost.token_type, TOKEN_TYPES),
        *_unknown("cost_type", cost.cost_type, COST_TYPES),
        *_unknown("service_tier", cost.service_tier, SERVICE_TIERS),
    ]
    # The vendor bills in dollars only; another currency's cents are not dollars.
    stated = cost.amount if currency == "USD" else NULL
    amount, flags = charge(stated, bills=True, in_cents=in_cents)
    errors += flags
    return RawEvent(
        identity=(
            bucket,
            cost.workspace_id,
            cost.description,
            cost.cost_type,
            cost.model,
            cost.service_tier,
            cost.token_type,
            cost.context_window,
            cost.inference_geo,
            currency,
        ),
        event_timestamp=start,
        event_date=day,
        event_type="cost",
        platform_subtype=API,
        workspace_id=cost.workspace_id,
        model=cost.model,
        service_tier=cost.service_tier,
        context_window=cost.context_window,
        token_type=cost.token_type,
        weight_class=_counts(cost),
        price_tier=_tier(cost.service_tier),
        is_committed=False,
        cost_usd=amount,
        cost_currency=currency,
        cost_type=cost.token_type or cost.cost_type,
        billing_period="daily",
        raw_response=str(record, "utf-8", "replace"),
        validation_errors=errors,
    )


def _counts(cost: _Cost) -> WeightClass | None:
    """The column of usage that a line bills, whose count it is split by."""
    if cost.token_type is not None:
        return TOKEN_TYPES.get(cost.token_type)
    return None if cost.cost_type is None else _COUNTED.get(cost.cost_type)


def _tier(service_tier: str | None) -> PriceTier | None:
    """Every tier but batch is billed as standard. A line that names none may be of both."""
    if service_tier is None:
        return None
    return "batch" if service_tier == "batch" else "standard"


# --- Claude Code -------------------------------------------------------------------------------


class _Actor(msgspec.Struct, gc=False):
    type: str | None = None
    email_address: str | None = None
    api_key_name: str | None = None


class _Lines(msgspec.Struct, gc=False):
    added: Int = None
    removed: Int = None


class _CoreMetrics(msgspec.Struct, gc=False):
    num_sessions: Int = None
    lines_of_code: _Lines | None = None
    commits_by_claude_code: Int = None
    pull_requests_by_claude_code: Int = None


class _Tool(msgspec.Struct, gc=False):
    accepted: Int = None
    rejected: Int = None


class _Tokens(msgspec.Struct, gc=False):
    input: Int = None
    output: Int = None
    cache_read: Int = None
    cache_creation: Int = None


class _Estimate(msgspec.Struct, gc=False):
    amount: msgspec.Raw = NULL
    currency: str | None = None


class _Model(msgspec.Struct, gc=False):
    model: str | None = None
    tokens: _Tokens | None = None
    estimated_cost: _Estimate | None = None


class _Code(msgspec.Struct, gc=False):
    date: str
    actor: _Actor | None = None
    customer_type: str | None = None
    terminal_type: str | None = None
    core_metrics: _CoreMetrics | None = None
    tool_actions: dict[str, _Tool | None] | None = None
    model_breakdown: list[_Model] | None = None


_CODE = msgspec.json.Decoder(_Code, strict=False)
_NO_ACTOR, _NO_METRICS, _NO_TOKENS = _Actor(), _CoreMetrics(), _Tokens()


def _read_claude_code(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    """One event per actor, terminal, customer type and day."""
    in_cents = context.amount_unit == "cents"
    for page in pages:
        for number, record in enumerate(_BUCKET_PAGE.decode(page).data or (), 1):
            try:
                code = _CODE.decode(record)
                event = _code_event(code, day_start_of(code.date), record, in_cents)
            except (ValueError, UnicodeDecodeError):
                known = day_of(field_of(record, "date")) or context.window.start
                event = undecodable(record, known, "session", CODE)
            event.record = number
            yield event


def _code_event(
    code: _Code, on: tuple[date, datetime, str], record: msgspec.Raw, in_cents: bool
) -> RawEvent:
    """The estimate is at list price and never a cost.

    API customers' cost is in the cost report, and their tokens are in the usage report already.
    """
    day, start, iso = on
    actor = code.actor or _NO_ACTOR
    metrics = code.core_metrics or _NO_METRICS
    email = email_of(actor.email_address)
    name = text_of(actor.api_key_name)
    models = code.model_breakdown or []
    accepted, shown = _proposals(code.tool_actions or {})
    errors: list[str] = []
    if code.customer_type not in ("api", "subscription"):
        errors.append("unknown_enum:customer_type")
    if email is None and name is None:
        errors.append("unknown_enum:actor")
    estimate: Decimal | None = None
    try:
        estimate = _estimate(models, in_cents)
    except UnreadableAmount:
        errors.append(UNREADABLE_VALUE)
    spent = _summed(models) if code.customer_type == "subscription" else _NO_TOKENS
    return RawEvent(
        identity=(
            iso,
            actor.type,
            email or name,
            code.terminal_type,
            code.customer_type,
        ),
        event_timestamp=start,
        event_date=day,
        event_type="session",
        platform_subtype=CODE,
        user_email=email,
        actor_name=name,
        model=models[0].model if len(models) == 1 else None,
        input_tokens=spent.input,
        output_tokens=spent.output,
        cached_input_tokens=spent.cache_creation,
        cache_read_tokens=spent.cache_read,
        session_count=metrics.num_sessions,
        lines_accepted=None if metrics.lines_of_code is None else metrics.lines_of_code.added,
        commits=metrics.commits_by_claude_code,
        pull_requests=metrics.pull_requests_by_claude_code,
        suggestions_shown=shown,
        suggestions_accepted=accepted,
        estimated_cost_usd=estimate,
        price_tier="standard",
        is_committed=False,
        attribution_method="direct_email" if email else "key_name" if name else "unknown",
        raw_response=str(record, "utf-8", "replace"),
        validation_errors=errors,
    )


def _summed(models: list[_Model]) -> _Tokens:
    """The tokens of all models together; mostly there is one."""
    found = [model.tokens for model in models if model.tokens is not None]
    if len(found) == 1:
        return found[0]
    return _Tokens(
        input=total(*[tokens.input for tokens in found]),
        output=total(*[tokens.output for tokens in found]),
        cache_read=total(*[tokens.cache_read for tokens in found]),
        cache_creation=total(*[tokens.cache_creation for tokens in found]),
    )


def _proposals(tools: dict[str, _Tool | None]) -> tuple[int | None, int | None]:
    """Accepted edits and all that were proposed, over every tool; None where none reports."""
    accepted = rejected = 0
    reported = False
    for tool in tools.values():
        if tool is None:
            continue
        if tool.accepted is not None:
            reported = True
            accepted += tool.accepted
        if tool.rejected is not None:
            reported = True
            rejected += tool.rejected
    return (accepted, accepted + rejected) if reported else (None, None)


def _estimate(models: list[_Model], in_cents: bool) -> Decimal | None:
    estimate: Decimal | None = None
    for model in models:
        if (cost := model.estimated_cost) is not None:
            if cost.currency not in ("USD", None):
                raise UnreadableAmount(cost.currency)
            amount = usd(cost.amount, in_cents=in_cents)
            if amount is not None:
                estimate = amount if estimate is None else estimate + amount
    return estimate


# --- Directory ---------------------------------------------------------------------------------


class _CreatedBy(msgspec.Struct):
    id: str | None = None


class _Entry(msgspec.Struct):
    """A user, key or workspace; each has an id and some of the rest."""

    id: str
    name: str | None = None
    email: str | None = None
    role: str | None = None
    status: str | None = None
    workspace_id: str | None = None
    created_at: str | None = None
    expires_at: str | None = None
    archived_at: str | None = None
    created_by: _CreatedBy | None = None


_ENTRY = msgspec.json.Decoder(_Entry)


def _entries(pages: Iterable[bytes]) -> Iterator[_Entry]:
    for page in pages:
        for record in _ANSWER.decode(page).data:
            yield _ENTRY.decode(record)


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else instant_of(text)
    except ValueError:
        return None


def _read_api_keys(pages: Iterable[bytes], context: ReadContext) -> Iterator[ApiKey]:
    """One row per key; no workspace means the default one."""
    for entry in _entries(pages):
        yield ApiKey(
            api_key_id=entry.id,
            api_key_name=entry.name,
            status=entry.status,
            workspace_id=entry.workspace_id,
            created_at=_moment(entry.created_at),
            expires_at=_moment(entry.expires_at),
            created_by_id=None if entry.created_by is None else entry.created_by.id,
        )


def _read_users(pages: Iterable[bytes], context: ReadContext) -> Iterator[Person]:
    """One person per member; who was removed is not listed any more."""
    for entry in _entries(pages):
        yield Person(
            vendor_user_id=entry.id,
            user_email=email_of(entry.email),
            full_name=text_of(entry.name),
            role=entry.role,
        )


def _read_workspaces(pages: Iterable[bytes], context: ReadContext) -> Iterator[Workspace]:
    """One row per workspace, archived ones included; the default workspace is not listed."""
    for entry in _entries(pages):
        yield Workspace(
            workspace_id=entry.id,
            workspace_name=entry.name,
            archived_at=_moment(entry.archived_at),
        )


# --- Saved answers -----------------------------------------------------------------------------


def _bucketed(body: Body, marks: frozenset[str]) -> bool | None:
    """Whether any result of a bucketed report has one of `marks`; None where there is no result."""
    if not isinstance(body.get("data"), list):
        return False
    buckets = records_of(body, "data")
    results = [result for bucket in buckets for result in records_of(bucket, "results")]
    if not results and all(bucket.get("results") == [] for bucket in buckets):
        return None
    return any(marks & result.keys() for result in results)


def _is_usage_report(body: Body) -> bool | None:
    return _bucketed(body, frozenset({"uncached_input_tokens", "output_tokens"}))


def _is_cost_report(body: Body) -> bool | None:
    return _bucketed(body, frozenset({"amount"}))


def _tell_buckets(body: Body) -> PageTells:
    """A bucket without an end is a day."""
    buckets = []
    for bucket in records_of(body, "data"):
        start, end = moment(bucket.get("starting_at")), moment(bucket.get("ending_at"))
        if start is not None:
            buckets.append(Span(start, end) if end and end > start else day_from(start))
    return PageTells(records=len(buckets), more=_more(body), buckets=tuple(buckets))


def _is_claude_code(body: Body) -> bool | None:
    if not isinstance(body.get("data"), list):
        return False
    records = records_of(body, "data")
    if not body["data"]:
        return None
    return any("actor" in r and ("core_metrics" in r or "terminal_type" in r) for r in records)


def _tell_claude_code(body: Body) -> PageTells:
    """A call asks for one day, which its records name."""
    records = records_of(body, "data")
    starts = [at for record in records if (at := moment(record.get("date")))]
    return PageTells(
        records=len(records),
        more=_more(body),
        covers=tuple(map(day_from, dict.fromkeys(starts))),
        states_period=False,
    )


def _more(body: Body) -> bool | None:
    more = body.get("has_more")
    return more if isinstance(more, bool) else None


def _saved(
    recognise: Callable[[Body], bool | None],
    tell: Callable[[Body], PageTells],
    watch: Callable[[Paging, Page], str | None],
) -> SavedReport:
    return SavedReport(recognise, tell, lambda paging, page, _: watch(paging, page) is not None)


# --- Declaration -------------------------------------------------------------------------------


def _platform(subtype: str, name: str, **values: str | int | bool) -> PlatformRow:
    common: dict[str, str | int | bool] = {"vendor": "Anthropic", "is_active": True}
    return PlatformRow(
        platform_code=NAME,
        platform_subtype=subtype,
        platform_name=name,
        values={**common, **values},
    )


VENDOR = Vendor(
    name=NAME,
    title="Anthropic",
    key_setting="ANTHROPIC_ADMIN_KEY",
    base_url_setting="ANTHROPIC_BASE_URL",
    base_url="https://api.anthropic.com",
    headers=_headers,
    # The limit is one for all endpoints and not published: polling once a minute is supported,
    # bursts for paging are tolerated. One a second keeps a backfill well below what was refused.
    requests_per_minute=60,
    # Claude Code names the keys it makes itself after their owner's mailbox.
    key_name_patterns={
        r"^claude_code_key_(?P<owner>[A-Za-z0-9][\w.+'-]*)_[A-Za-z0-9]+$": "claude_code"
    },
    endpoints=(
        Endpoint(
            name="usage_report",
            description="Tokens a day by key, workspace, model, service tier, context window.",
            api_path="GET /v1/organizations/usage_report/messages",
            yields=RawEvent,
            fetch=_fetch_usage_report,
            read=_read_usage_report,
            saved=_saved(_is_usage_report, _tell_buckets, _watch_buckets),
            max_days=MOST_BUCKETS,
            finalization_lag=USAGE_FINALIZATION_LAG,
        ),
        Endpoint(
            name="cost_report",
            description="What is billed a day, by workspace and kind of line.",
            api_path="GET /v1/organizations/cost_report",
            yields=RawEvent,
            fetch=_fetch_cost_report,
            read=_read_cost_report,
            saved=_saved(_is_cost_report, _tell_buckets, _watch_buckets),
            max_days=MOST_BUCKETS,
            finalization_lag=COST_FINALIZATION_LAG,
            lookback="cost",
        ),
        Endpoint(
            name="claude_code",
            description="Claude Code: sessions, lines, commits and tool actions a person and day.",
            api_path="GET /v1/organizations/usage_report/claude_code",
            yields=RawEvent,
            fetch=_fetch_claude_code,
            read=_read_claude_code,
            saved=_saved(_is_claude_code, _tell_claude_code, _watch_claude_code),
            max_days=MOST_BUCKETS,
            finalization_lag=USAGE_FINALIZATION_LAG,
        ),
        Endpoint(
            name="api_keys",
            description="The organisation's API keys and who made them.",
            api_path="GET /v1/organizations/api_keys",
            yields=ApiKey,
            fetch=_fetch_api_keys,
            read=_read_api_keys,
            kind="snapshot",
            max_days=1,
            finalization_lag=timedelta(0),
        ),
        Endpoint(
            name="users",
            description="The organisation's members.",
            api_path="GET /v1/organizations/users",
            yields=Person,
            fetch=_fetch_users,
            read=_read_users,
            kind="snapshot",
            max_days=1,
            finalization_lag=timedelta(0),
        ),
        Endpoint(
            name="workspaces",
            description="The organisation's workspaces, archived ones included.",
            api_path="GET /v1/organizations/workspaces",
            yields=Workspace,
            fetch=_fetch_workspaces,
            read=_read_workspaces,
            kind="snapshot",
            max_days=1,
            finalization_lag=timedelta(0),
        ),
    ),
    platforms=(
        _platform(
            API,
            "Claude API",
            category="llm_api",
            primary_use_case="Models called by programs",
            cost_model="usage_based",
            supports_token_tracking=True,
            supports_session_tracking=False,
            supports_productivity_metrics=False,
            supports_real_time_cost=False,
            unit_type="tokens",
            billing_cycle="monthly",
            api_endpoint="https://api.anthropic.com",
            max_batch_size=MOST_BUCKETS,
        ),
        _platform(
            CODE,
            "Claude Code",
            category="coding_assistant",
            primary_use_case="Writing code in the terminal",
            cost_model="hybrid",
            supports_token_tracking=True,
            supports_session_tracking=True,
            supports_productivity_metrics=True,
            supports_real_time_cost=False,
            unit_type="tokens",
            billing_cycle="monthly",
            api_endpoint="https://api.anthropic.com",
            max_batch_size=MOST_RECORDS,
        ),
        # No endpoint of this API reports claude.ai: its cost comes from seats and invoices.
        _platform(
            "claude_web",
            "Claude",
            category="chat_interface",
            primary_use_case="Chat in the browser and on the desktop",
            cost_model="subscription",
            supports_token_tracking=False,
            supports_session_tracking=False,
            supports_productivity_metrics=False,
            supports_real_time_cost=False,
            billing_cycle="monthly",
        ),
    ),
)
