"""Every request to a model, with its tokens and its charge."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.cursor import api
from ai_usage.vendors.kit.event import charge
from ai_usage.vendors.kit.paginate import Listing, Says
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.saved import (
    Body,
    PageTells,
    SavedReport,
    Span,
    flag,
    moment,
    records_of,
    whole_number,
)
from ai_usage.vendors.kit.values import (
    DAY_MS,
    NULL,
    Int,
    day_of_ms_number,
    decoded,
    email_of,
    instant_of_ms,
    text_of,
)
from ai_usage.vendors.rows import RawEvent

ROUTE = "/filtered-usage-events"
EVENTS_PER_PAGE = 1000


class _Page(msgspec.Struct, rename="camel"):
    """The dashboard's own answer, which a person may have saved, names its list differently."""

    total_usage_events_count: int | None = None
    usage_events: list[msgspec.Raw] | None = None
    usage_events_display: list[msgspec.Raw] | None = None
    pagination: api.Pagination | None = None


class _Archived(msgspec.Struct, rename="camel"):
    """Of what is archived only the list matters, under either name."""

    usage_events: list[msgspec.Raw] | None = None
    usage_events_display: list[msgspec.Raw] | None = None


class _Tokens(msgspec.Struct, gc=False, rename="camel"):
    input_tokens: Int = None
    output_tokens: Int = None
    cache_write_tokens: Int = None
    cache_read_tokens: Int = None


class _Event(msgspec.Struct, gc=False, rename="camel"):
    """A usage event; only the fields that are used."""

    timestamp: int
    user_email: str | None = None
    model: str | None = None
    kind: str | None = None
    kind_label: str | None = None
    is_chargeable: bool | None = None
    token_usage: _Tokens | None = None
    charged_cents: msgspec.Raw = NULL
    user_id: int | str | None = None
    service_account_id: int | str | None = None
    service_account_name: str | None = None


class _When(msgspec.Struct):
    timestamp: int | str | None = None


_PAGE = msgspec.json.Decoder(_Page, strict=False)
_ARCHIVED = msgspec.json.Decoder(_Archived)
_EVENT = msgspec.json.Decoder(_Event, strict=False)
_WHEN = msgspec.json.Decoder(_When, strict=False)
_NO_TOKENS = _Tokens()


def _moment(record: msgspec.Raw) -> Hashable:
    """Events have no id: two of one moment may be alike by right."""
    event = decoded(_WHEN, record)
    return None if event is None else event.timestamp


def _says(paging: Paging, page: Page, number: int) -> Says:
    """Pages are offsets into a list that may still grow: its announced length must hold."""
    answer = paging.decode(page, _PAGE)
    records = answer.usage_events_display if answer.usage_events is None else answer.usage_events
    announced = answer.total_usage_events_count
    if records is None or (announced is None and paging.announces):
        raise paging.failure("the answer has another shape than documented: no list or no count")
    pagination = answer.pagination or api.NO_PAGINATION
    return Says(records, pagination.has_next_page, number=pagination.current_page, total=announced)


LISTING = Listing("number", _says, kin=_moment)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    asked = api.within(window, now)
    return api.numbered(client, "usage_events", ROUTE, asked, EVENTS_PER_PAGE, LISTING, window)


def _records(page: bytes) -> list[msgspec.Raw]:
    answer = _ARCHIVED.decode(page)
    return answer.usage_events or answer.usage_events_display or []


def _event(record: msgspec.Raw, context: ReadContext) -> RawEvent:
    """A chargeable event bills its charge; any other's is the value that the seat covers.

    The token fee is inside the charge. The request is counted by the daily row, not here. A service
    account is nobody: `api_keys.csv` says whose its use is, under the account's id.
    """
    event = _EVENT.decode(record)
    ms = event.timestamp
    email = email_of(event.user_email)
    kind = event.kind or event.kind_label
    tokens = event.token_usage or _NO_TOKENS
    robot = text_of(event.service_account_id)
    written, read = tokens.cache_write_tokens, tokens.cache_read_tokens
    came, out = tokens.input_tokens, tokens.output_tokens
    chargeable = event.is_chargeable
    errors: list[str] = []
    if chargeable is None:
        chargeable = _is_billed(kind)
        if chargeable is None:
            errors.append("unknown_enum:kind")
    amount, flags = charge(event.charged_cents, bills=chargeable)
    errors += flags
    return RawEvent(
        identity=(
            str(ms),
            email,
            event.model,
            kind,
            None if came is None else str(came),
            None if out is None else str(out),
            None if written is None else str(written),
            None if read is None else str(read),
            # Of people's events the identity is that of the time before there were such accounts.
            *((robot,) if robot else ()),
        ),
        event_timestamp=instant_of_ms(ms),
        event_date=day_of_ms_number(ms // DAY_MS),
        event_type="usage",
        platform_subtype=api.NAME,
        user_email=email,
        actor_name=text_of(event.service_account_name),
        api_key_id=robot,
        model=event.model,
        input_tokens=came,
        output_tokens=out,
        cached_input_tokens=written,
        cache_read_tokens=read,
        cost_usd=amount if chargeable else None,
        included_value_usd=amount if chargeable is False else None,
        cost_currency=None if amount is None else "USD",
        cost_type="overage" if chargeable else None,
        billing_period="usage_based" if chargeable else None,
        price_tier="standard",
        is_committed=False,
        vendor_user_id=text_of(event.user_id) or robot,
        validation_errors=errors,
    )


def _is_billed(kind: str | None) -> bool | None:
    """What the kind tells where `isChargeable` is missing; None where it tells nothing."""
    words = (kind or "").upper().replace(" ", "_").replace("-", "_")
    if "NOT_CHARGED" in words or "INCLUDED" in words:
        return False
    return True if "USAGE_BASED" in words else None


# --- Saved answers -----------------------------------------------------------------------------


def _recognise(body: Body) -> bool:
    return isinstance(body.get("usageEvents", body.get("usageEventsDisplay")), list)


def _tell(body: Body) -> PageTells:
    name = "usageEvents" if "usageEvents" in body else "usageEventsDisplay"
    rows, pagination = records_of(body, name), api.pagination(body)
    instants = [at for row in rows if (at := moment(row.get("timestamp")))]
    covers, said = api.covered(body, ())
    return PageTells(
        records=len(rows),
        more=flag(pagination.get("hasNextPage")),
        total=whole_number(body.get("totalUsageEventsCount")),
        number=whole_number(pagination.get("currentPage")),
        of=whole_number(pagination.get("numPages")),
        asked=api.asked(body),
        covers=covers,
        seen=Span(min(instants), max(instants)) if instants and not said else None,
        states_period=said,
    )


ENDPOINT = Endpoint(
    name="usage_events",
    description="Every request to a model, with its tokens and its charge.",
    api_path=f"POST {api.TEAM}{ROUTE}",
    yields=RawEvent,
    fetch=_fetch,
    read=events(_records, _event, event_type="usage", product=api.NAME, days=("timestamp",)),
    saved=SavedReport(_recognise, _tell, LISTING),
    max_days=30,
    # The vendor recomputes charges for about a day.
    finalization_lag=timedelta(hours=24),
    lookback="cost",
    # Copies of the documentation say 20 (older) and 60 (2026-10): a 429 is waited out.
    requests_per_minute=60,
)
