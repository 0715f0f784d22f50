"""A vendor that nobody sells: everything of it in this one file, as a new vendor would come.

`Acme Pilot` answers one page a day with what people did and one line of cost a workspace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Endpoint, PlatformRow, ReadContext, Vendor
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import RawEvent

NAME = "acme"


class _Use(msgspec.Struct):
    person: str
    tokens_in: int
    tokens_out: int
    lines: int


class _Bill(msgspec.Struct):
    account: str
    dollars: str


class _Day(msgspec.Struct):
    day: date
    uses: list[_Use] = []
    bills: list[_Bill] = []


_DAY = msgspec.json.Decoder(_Day)


def _fetch(path: str) -> object:
    def fetch(client: VendorClient, window: Window, now: datetime) -> Iterator[Page]:
        for day in window.days():
            yield client.get(path, f"/v9/{path}", [("day", day.isoformat())], where=f"{day}")

    return fetch


def _read_uses(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    for page in pages:
        answer = _DAY.decode(page)
        for use in answer.uses:
            yield RawEvent(
                identity=(answer.day.isoformat(), use.person),
                event_timestamp=datetime.combine(answer.day, time(), UTC),
                event_date=answer.day,
                event_type="usage",
                platform_subtype="acme_pilot",
                user_email=use.person,
                model="acme-1",
                input_tokens=use.tokens_in,
                output_tokens=use.tokens_out,
                lines_accepted=use.lines,
                attribution_method="direct_email",
                raw_response=msgspec.json.encode(use).decode(),
            )


def _read_bills(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    for page in pages:
        answer = _DAY.decode(page)
        for bill in answer.bills:
            yield RawEvent(
                identity=(answer.day.isoformat(), bill.account),
                event_timestamp=datetime.combine(answer.day, time(), UTC),
                event_date=answer.day,
                event_type="cost",
                platform_subtype="acme_pilot",
                model="acme-1",
                cost_usd=Decimal(bill.dollars),
                cost_currency="USD",
                cost_type="session_usage",
                billing_period="daily",
                raw_response=msgspec.json.encode(bill).decode(),
            )


VENDOR = Vendor(
    name=NAME,
    title="Acme Pilot",
    key_setting="ACME_KEY",
    base_url_setting="ACME_BASE_URL",
    base_url="https://acme.example",
    headers=lambda key: {"X-Acme": key},
    endpoints=(
        Endpoint(
            name="uses",
            description="What people did.",
            api_path="GET /v9/uses",
            yields=RawEvent,
            fetch=_fetch("uses"),  # type: ignore[arg-type]
            read=_read_uses,
        ),
        Endpoint(
            name="bills",
            description="What it costs.",
            api_path="GET /v9/bills",
            yields=RawEvent,
            fetch=_fetch("bills"),  # type: ignore[arg-type]
            read=_read_bills,
            lookback="cost",
        ),
    ),
    platforms=(
        PlatformRow(NAME, "acme_pilot", "Acme Pilot", {"vendor": "Acme", "is_active": True}),
    ),
)
