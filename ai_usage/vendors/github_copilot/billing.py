"""What AI credits cost, billed from 2026-06-01 on: net is the cost, the discount is the pool's.

Of an enterprise the export has a row per person, day and model; it is made while one waits. The
plain answer has no person and checks it. An organisation has the plain answer alone. Amounts are
dollars; each is rounded for itself, so that no product of a quantity and a price is taken for one.
Days before hold no credit; what premium requests cost then is not read, but entered by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.github_copilot import api
from ai_usage.vendors.kit.agreement import agree, sums
from ai_usage.vendors.kit.event import charge, unbilled
from ai_usage.vendors.kit.files import Files, is_table, table_as_json, table_records
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import reader
from ai_usage.vendors.kit.values import (
    NULL,
    Int,
    UnreadableAmount,
    day_of,
    decoded,
    field_of,
    midnight,
    text_of,
)
from ai_usage.vendors.rows import RawEvent

FIRST = date(2026, 6, 1)
FILES = Files("billing", table_as_json, table_records, bytes)
_DOLLARS = ("net_amount", "discount_amount")
"""What makes the gross."""


class _Line(msgspec.Struct, gc=False):
    """A row of the export, whose cells are texts; only the fields that are used."""

    net_amount: msgspec.Raw = NULL
    discount_amount: msgspec.Raw = NULL
    gross_amount: msgspec.Raw = NULL
    product: str | None = None
    sku: str | None = None
    model: str | None = None
    date: str | None = None
    username: str | None = None
    quantity: msgspec.Raw = NULL
    organization: str | None = None
    repository: str | None = None
    cost_center_name: str | None = None
    input: Int = None
    output: Int = None
    cache_read: Int = None
    cache_write: Int = None


class _Item(msgspec.Struct, rename="camel", gc=False):
    """A line of the plain answer, which is about a day as a whole."""

    net_amount: msgspec.Raw
    discount_amount: msgspec.Raw
    gross_amount: msgspec.Raw
    quantity: msgspec.Raw = msgspec.field(name="grossQuantity", default=NULL)
    product: str | None = None
    sku: str | None = None
    model: str | None = None


class _Plain(msgspec.Struct, rename="camel"):
    time_period: dict[str, int | None]
    usage_items: list[msgspec.Raw]
    enterprise: str | None = None


class _Export(msgspec.Struct):
    id: int | str
    status: str
    links: list[str] = msgspec.field(name="download_urls", default_factory=list)


_LINE, _ITEM = msgspec.json.Decoder(_Line, strict=False), msgspec.json.Decoder(_Item)
_PLAIN, _EXPORT = msgspec.json.Decoder(_Plain), msgspec.json.Decoder(_Export)


# --- Asking ----------------------------------------------------------------------------------


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """An export is given once it is checked. A day that has not settled moves between the two."""
    account, billed = api.account_of(client), window.since(FIRST)
    if billed is None:
        return
    if not account.is_enterprise:
        for day in billed.days():
            yield _plain(client, account, day)
        return
    pages = list(_export(client, account, billed, now))
    records = [record for page in pages for record in table_records(page.body)]
    lines = [decoded(_LINE, record) for record in records]
    for day in billed.settled(now, api.FINALIZATION_LAG):
        page = _plain(client, account, day)
        _check(day, lines, page)
        pages.append(page)
    yield from pages


def _plain(client: Client, account: api.Account, day: date) -> Page:
    """A day of the plain answer, which for a day that it does not understand gives the year."""
    asked = [("year", str(day.year)), ("month", str(day.month)), ("day", str(day.day))]
    path, paging = f"{account.billing}/ai_credit/usage", _paging(day)
    page = client.get("billing", path, asked, where=f"{day}")
    said = paging.decode(page, _PLAIN).time_period
    if _day(said) != day:
        raise paging.failure(f"it answers with {said}")
    return page


def _export(client: Client, account: api.Account, window: Window, now: datetime) -> Iterator[Page]:
    """Both days are inclusive."""
    order = {
        "report_type": "ai_credit",
        "start_date": f"{window.start}",
        "end_date": f"{min(window.days()[-1], now.date())}",
        "send_email": False,
    }
    return FILES.ordered(client, f"{account.billing}/reports", order, _EXPORT, f"{window}")


def _check(day: date, lines: Sequence[_Line | None], page: Page) -> None:
    """The export's day must come to what the plain answer says, cents of rounding apart.

    Some sources say that the plain answer leaves out what is charged to a cost center: either way
    it must agree. A row that cannot be read, which is flagged, leaves nothing to compare.
    """
    items = [decoded(_ITEM, item) for item in _PLAIN.decode(page.body).usage_items]
    if None in lines or None in items:
        return
    own = [line for line in lines if line and day_of(line.date) == day]
    try:
        stated, whole = sums(items, *_DOLLARS), sums(own, *_DOLLARS)
        rest = sums((line for line in own if not line.cost_center_name), *_DOLLARS)
    except UnreadableAmount:
        return
    records = len(own) + len(items)
    if not (agree(whole, stated, records) or agree(rest, stated, records)):
        what = "the export has {} USD and {} USD of discount, the plain answer {} and {}"
        raise _paging(day).shifted(what.format(*whole, *stated))


def _paging(day: date) -> Paging:
    return Paging(api.NAME, "billing", f"{day}")


def _day(period: dict[str, int | None]) -> date | None:
    """The day that an answer is about; None for a longer time, or one that no calendar has."""
    parts = [part for name in ("year", "month", "day") if (part := period.get(name))]
    return day_of("{:04}-{:02}-{:02}".format(*parts)) if len(parts) == 3 else None


# --- Reading ---------------------------------------------------------------------------------


def _found(page: bytes) -> Iterator[tuple[msgspec.Raw, date | None]]:
    """Rows of the export, or a day's lines; those that only check an export are no money."""
    if is_table(page):
        for record in table_records(page):
            yield record, day_of(field_of(record, "date"))
        return
    answer = _PLAIN.decode(page)
    for item in () if answer.enterprise else answer.usage_items:
        yield item, _day(answer.time_period)


def _event(record: msgspec.Raw, day: date | None, context: ReadContext) -> RawEvent:
    """What a person's model, or an organisation's, costs on a day; the gross is the list price."""
    if day is None:
        raise ValueError("no day")
    line = _LINE.decode(record)
    is_row = line.date is not None
    item = line if is_row else _ITEM.decode(record)
    login = api.login_of(line.username)
    cost, flags = charge(item.net_amount, bills=True, in_cents=False)
    # Credits: their unit has two names in the sources.
    (pool, gross, used), odd = unbilled(item.discount_amount, item.gross_amount, item.quantity)
    owned = (line.organization, line.repository, line.cost_center_name)
    return RawEvent(
        identity=(day.isoformat(), login, item.product, item.sku, item.model, *owned),
        event_timestamp=midnight(day),
        event_date=day,
        event_type="usage" if is_row else "cost",
        platform_subtype=api.NAME,
        model=text_of(item.model),
        input_tokens=line.input,
        output_tokens=line.output,
        cached_input_tokens=line.cache_write,
        cache_read_tokens=line.cache_read,
        cost_usd=cost,
        included_value_usd=pool,
        estimated_cost_usd=gross,
        cost_currency="USD",
        cost_type="ai_credits",
        billing_period="usage_based",
        price_tier="standard",
        is_committed=False,
        quantity=used,
        quantity_unit=None if used is None else "credits",
        vendor_user_id=login,
        validation_errors=[*flags, *odd],
    )


ENDPOINT = Endpoint(
    name="billing",
    description="What is billed a day: by person and model (an ordered export), or by model.",
    api_path="GET /{account}/settings/billing/ai_credit/usage",
    yields=RawEvent,
    fetch=_fetch,
    read=reader(_found, _event, event_type="cost", product=api.NAME, day=lambda record, day: day),
    max_days=31,
    finalization_lag=api.FINALIZATION_LAG,
    lookback="cost",
)
