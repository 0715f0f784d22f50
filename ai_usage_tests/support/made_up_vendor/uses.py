"""What people did: one record per person and day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.paginate import Listing, Place, paginate
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.values import Int, email_of, midnight
from ai_usage.vendors.rows import RawEvent

from . import api


class _Use(msgspec.Struct):
    day: date
    person: str
    tokens_in: Int = None
    tokens_out: Int = None
    lines: Int = None
    seconds: Int = None


_USE = msgspec.json.Decoder(_Use)
_LISTING = Listing("number", api.says)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    for day in window.days():

        def ask(place: Place, where: str, day: date = day) -> Page:
            params = [("day", day.isoformat()), ("page", str(place.number))]
            return client.get("uses", "/v9/uses", params, where=where)

        yield from paginate(_LISTING, ask, vendor=api.NAME, endpoint="uses", where=f"{day}")


def _event(record: msgspec.Raw, context: ReadContext) -> RawEvent:
    use = _USE.decode(record)
    return RawEvent(
        identity=(use.day.isoformat(), use.person),
        event_timestamp=midnight(use.day),
        event_date=use.day,
        event_type="usage",
        platform_subtype=api.PILOT,
        user_email=email_of(use.person),
        model="acme-1",
        input_tokens=use.tokens_in,
        output_tokens=use.tokens_out,
        lines_accepted=use.lines,
        quantity=None if use.seconds is None else Decimal(use.seconds),
        quantity_unit=None if use.seconds is None else "seconds",
        price_tier="standard",
        is_committed=False,
    )


ENDPOINT = Endpoint(
    name="uses",
    description="What people did.",
    api_path="GET /v9/uses",
    yields=RawEvent,
    fetch=_fetch,
    read=events(api.records, _event, event_type="usage", product=api.PILOT, days=("day",)),
)
