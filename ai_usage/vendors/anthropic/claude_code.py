"""Claude Code: sessions, lines, commits and tool actions per person and day."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.decoding import UNREADABLE
from ai_usage.vendors.kit.asking import listed
from ai_usage.vendors.kit.event import UNREADABLE_VALUE
from ai_usage.vendors.kit.paginate import Listing
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.saved import (
    Body,
    PageTells,
    SavedReport,
    day_from,
    flag,
    moment,
    records_of,
)
from ai_usage.vendors.kit.values import (
    NULL,
    Int,
    UnreadableAmount,
    day_start_of,
    email_of,
    text_of,
    total,
    usd,
)
from ai_usage.vendors.rows import RawEvent

PATH = "/v1/organizations/usage_report/claude_code"


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
_NO_ACTOR, _NO_METRICS, _NO_LINES, _NO_TOKENS = _Actor(), _CoreMetrics(), _Lines(), _Tokens()


def _grain(record: msgspec.Raw) -> Hashable:
    """What the report has a record for."""
    with contextlib.suppress(*UNREADABLE):
        code = _CODE.decode(record)
        actor = code.actor or _NO_ACTOR
        who = actor.email_address or actor.api_key_name
        return (code.date, actor.type, who, code.terminal_type, code.customer_type)
    return bytes(record)


LISTING = Listing("token", api.report_says, kin=_grain, proves_itself=False)
"""Records have no identity: two keys of one name may have the same small day."""


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """The endpoint knows no range: a call (and its pages) per day."""
    for day in window.days():
        params = [("starting_at", day.isoformat()), ("limit", str(api.MOST_RECORDS))]
        yield from listed(client, LISTING, api.CODE, PATH, params, f"{day}")


def _event(record: msgspec.Raw, context: ReadContext) -> RawEvent:
    """One event per actor, terminal, customer type and day.

    The estimate is at list price and never a cost: API customers' cost is in the cost report, and
    their tokens are in the usage report already.
    """
    code = _CODE.decode(record)
    day, start, iso = day_start_of(code.date)
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
        estimate = _estimate(models, in_cents=context.amount_unit == "cents")
    except UnreadableAmount:
        errors.append(UNREADABLE_VALUE)
    spent = _summed(models) if code.customer_type == "subscription" else _NO_TOKENS
    return RawEvent(
        identity=(iso, actor.type, email or name, code.terminal_type, code.customer_type),
        event_timestamp=start,
        event_date=day,
        event_type="session",
        platform_subtype=api.CODE,
        user_email=email,
        actor_name=name,
        model=models[0].model if len(models) == 1 else None,
        input_tokens=spent.input,
        output_tokens=spent.output,
        cached_input_tokens=spent.cache_creation,
        cache_read_tokens=spent.cache_read,
        session_count=metrics.num_sessions,
        lines_accepted=(metrics.lines_of_code or _NO_LINES).added,
        commits=metrics.commits_by_claude_code,
        pull_requests=metrics.pull_requests_by_claude_code,
        suggestions_shown=shown,
        suggestions_accepted=accepted,
        estimated_cost_usd=estimate,
        price_tier="standard",
        is_committed=False,
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


def _estimate(models: list[_Model], *, in_cents: bool) -> Decimal | None:
    estimate: Decimal | None = None
    for model in models:
        if (cost := model.estimated_cost) is not None:
            if cost.currency not in ("USD", None):
                raise UnreadableAmount(cost.currency)
            amount = usd(cost.amount, in_cents=in_cents)
            if amount is not None:
                estimate = amount if estimate is None else estimate + amount
    return estimate


# --- Saved answers -----------------------------------------------------------------------------


def _recognise(body: Body) -> bool | None:
    if not isinstance(body.get("data"), list):
        return False
    records = records_of(body, "data")
    if not body["data"]:
        return None
    return any("actor" in r and ("core_metrics" in r or "terminal_type" in r) for r in records)


def _tell(body: Body) -> PageTells:
    """A call asks for one day, which its records name."""
    records = records_of(body, "data")
    starts = [at for record in records if (at := moment(record.get("date")))]
    return PageTells(
        records=len(records),
        more=flag(body.get("has_more")),
        covers=tuple(map(day_from, dict.fromkeys(starts))),
        states_period=False,
    )


ENDPOINT = Endpoint(
    name="claude_code",
    description="Claude Code: sessions, lines, commits and tool actions a person and day.",
    api_path=f"GET {PATH}",
    yields=RawEvent,
    fetch=_fetch,
    read=events(api.records, _event, event_type="session", product=api.CODE, days=("date",)),
    saved=SavedReport(_recognise, _tell, LISTING),
    max_days=api.MOST_BUCKETS,
    finalization_lag=api.USAGE_FINALIZATION_LAG,
)
