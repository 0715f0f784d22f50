"""What it costs: lines of a day that name an account and no person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.event import charge
from ai_usage.vendors.kit.paginate import Listing, Place, paginate
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.values import NULL, midnight
from ai_usage.vendors.rows import RawEvent, WeightClass

from . import api


class _Bill(msgspec.Struct):
    day: date
    account: str
    counts: str | None = None
    dollars: msgspec.Raw = NULL


_BILL = msgspec.json.Decoder(_Bill)
_LISTING = Listing("link", api.says)
_COUNTED: dict[str | None, WeightClass] = {"spoken": "input_tokens", "written": "output_tokens"}
"""What a line bills, from this vendor's words to ours."""


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    asked = [("from", f"{window.start}"), ("to", f"{window.end}")]

    def ask(place: Place, where: str) -> Page:
        if place.following:
            return client.get("bills", place.following, where=where)
        return client.get("bills", "/v9/bills", asked, where=where)

    return paginate(_LISTING, ask, vendor=api.NAME, endpoint="bills", where=f"{window}")


def _event(record: msgspec.Raw, context: ReadContext) -> RawEvent:
    bill = _BILL.decode(record)
    amount, flags = charge(bill.dollars, bills=True, in_cents=False)
    return RawEvent(
        identity=(bill.day.isoformat(), bill.account, bill.counts),
        event_timestamp=midnight(bill.day),
        event_date=bill.day,
        event_type="cost",
        platform_subtype=api.PILOT,
        model="acme-1",
        cost_usd=amount,
        cost_currency="USD",
        cost_type=bill.counts or "session_usage",
        weight_class=_COUNTED.get(bill.counts),
        is_committed=False,
        billing_period="daily",
        validation_errors=flags,
    )


ENDPOINT = Endpoint(
    name="bills",
    description="What it costs.",
    api_path="GET /v9/bills",
    yields=RawEvent,
    fetch=_fetch,
    read=events(api.records, _event, event_type="cost", product=api.PILOT, days=("day",)),
    lookback="cost",
)
