"""Every request to a model, with its tokens and its charge."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint
from ai_usage.vendors.cursor import api
from ai_usage.vendors.event_columns import EventColumns
from ai_usage.vendors.kit.event import charge
from ai_usage.vendors.kit.paginate import Listing, Says
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import by_column
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
_counts = attrgetter(*_Tokens.__struct_fields__)


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


def _columns(records: Sequence[msgspec.Raw]) -> EventColumns:
    """A chargeable event bills its charge; any other's is the value that the seat covers.

    The token fee is inside the charge. The request is counted by the daily row, not here. A service
    account is nobody: `api_keys.csv` says whose its use is, under the account's id.
    """
    events = [_EVENT.decode(record) for record in records]
    moments = [e.timestamp for e in events]
    emails = [email_of(e.user_email) for e in events]
    models = [e.model for e in events]
    kinds = [e.kind or e.kind_label for e in events]
    robots = [text_of(e.service_account_id) for e in events]
    came, out, written, read = zip(
        *[_counts(e.token_usage or _NO_TOKENS) for e in events], strict=True
    )
    bills = [_bills(e.is_chargeable, kind) for e, kind in zip(events, kinds, strict=True)]
    charges = [charge(e.charged_cents, bills=bill) for e, bill in zip(events, bills, strict=True)]
    charged = [(amount, bill) for (amount, _), bill in zip(charges, bills, strict=True)]
    identifying = (moments, emails, models, kinds, came, out, written, read)
    identities = zip(
        *([v if v is None else str(v) for v in field] for field in identifying), strict=True
    )
    each: dict[str, Sequence[Any]] = {
        # Of people's events the identity is that of the time before there were such accounts.
        "identity": [
            (*own, robot) if robot else own for own, robot in zip(identities, robots, strict=True)
        ],
        "event_timestamp": list(map(instant_of_ms, moments)),
        "event_date": [day_of_ms_number(ms // DAY_MS) for ms in moments],
        "user_email": emails,
        "actor_name": [text_of(e.service_account_name) for e in events],
        "api_key_id": robots,
        "model": models,
        "input_tokens": came,
        "output_tokens": out,
        "cached_input_tokens": written,
        "cache_read_tokens": read,
        "cost_usd": [amount if bill else None for amount, bill in charged],
        "included_value_usd": [amount if bill is False else None for amount, bill in charged],
        "cost_currency": [None if amount is None else "USD" for amount, _ in charged],
        "cost_type": ["overage" if bill else None for bill in bills],
        "billing_period": ["usage_based" if bill else None for bill in bills],
        "vendor_user_id": [
            text_of(e.user_id) or robot for e, robot in zip(events, robots, strict=True)
        ],
        "validation_errors": [
            ["unknown_enum:kind", *flags] if bill is None else flags
            for bill, (_, flags) in zip(bills, charges, strict=True)
        ],
    }
    said = {"event_type": "usage", "platform_subtype": api.NAME}
    return EventColumns(each, {**said, "price_tier": "standard", "is_committed": False})


def _bills(chargeable: bool | None, kind: str | None) -> bool | None:
    """What its kind tells where an event does not say it; None where that tells nothing."""
    if chargeable is not None:
        return chargeable
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


_PAGES = by_column(_records, _columns, event_type="usage", product=api.NAME, days=("timestamp",))

ENDPOINT = Endpoint(
    name="usage_events",
    description="Every request to a model, with its tokens and its charge.",
    api_path=f"POST {api.TEAM}{ROUTE}",
    yields=RawEvent,
    fetch=_fetch,
    read=_PAGES.read,
    columns=_PAGES.columns,
    saved=SavedReport(_recognise, _tell, LISTING),
    max_days=30,
    # The vendor recomputes charges for about a day.
    finalization_lag=timedelta(hours=24),
    lookback="cost",
    # Copies of the documentation say 20 (older) and 60 (2026-10): a 429 is waited out.
    requests_per_minute=60,
)
