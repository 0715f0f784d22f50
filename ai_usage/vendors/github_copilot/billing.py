"""What AI credits cost, billed from 2026-06-01 on: net is the cost, the discount is the pool's.

Of an enterprise the export has a row per person, day and model; it is made while one waits. The
plain answer has no person and checks it. An organisation has the plain answer alone. Amounts are
dollars; each is rounded for itself, so that no product of a quantity and a price is taken for one.
Days before hold no credit; what premium requests cost then is not read, but entered by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.github_copilot import api
from ai_usage.vendors.kit.event import charge
from ai_usage.vendors.kit.files import Files, is_table, table_as_json, table_records
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import reader
from ai_usage.vendors.kit.values import (
    NULL,
    Int,
    UnreadableAmount,
    day_of,
    field_of,
    midnight,
    text_of,
    usd,
)
from ai_usage.vendors.rows import RawEvent

FIRST = date(2026, 6, 1)
PAUSE_SECONDS, MOST_LOOKS = 5.0, 120
FILES = Files(api.NAME, "billing", table_as_json, table_records, bytes)
_CENT = Decimal("0.01")
Sums = tuple[Decimal, Decimal]
"""Net and discount, which make the gross."""


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
    gross_quantity: msgspec.Raw = NULL
    product: str | None = None
    sku: str | None = None
    model: str | None = None


class _Plain(msgspec.Struct, rename="camel"):
    time_period: dict[str, int | None]
    usage_items: list[msgspec.Raw]
    enterprise: str | None = None


class _Job(msgspec.Struct):
    id: int | str
    status: str
    download_urls: list[str] = []


_LINE, _ITEM = msgspec.json.Decoder(_Line, strict=False), msgspec.json.Decoder(_Item)
_PLAIN, _JOB = msgspec.json.Decoder(_Plain), msgspec.json.Decoder(_Job)


# --- Asking ----------------------------------------------------------------------------------


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    account = api.account_of(client)
    if window.end <= FIRST:
        return
    window = Window(max(window.start, FIRST), window.end)
    if not account.is_enterprise:
        for day in window.days():
            yield _plain(client, account, day)
        return
    exported = list(_export(client, account, window, now))
    records = [record for page in exported for record in table_records(page.body)]
    for day in window.days():
        # Before a day has settled, the two are of different moments.
        if Window.day(day).end_at + api.FINALIZATION_LAG <= now:
            page = _plain(client, account, day)
            _check(day, records, page)
            exported.append(page)
    yield from exported


def _plain(client: Client, account: api.Account, day: date) -> Page:
    """A day of the plain answer, which for a day that it does not understand gives the year."""
    asked = {"year": day.year, "month": day.month, "day": day.day}
    path = f"{account.billing}/ai_credit/usage"
    page = client.get("billing", path, [(k, str(v)) for k, v in asked.items()], where=f"{day}")
    paging = _paging(day)
    said = paging.decode(page, _PLAIN).time_period
    if _day(said) != day:
        raise paging.failure(f"it answers with {said}")
    return page


def _export(client: Client, account: api.Account, window: Window, now: datetime) -> Iterator[Page]:
    """Order the export (both days inclusive), look until it is there, and take its files."""
    last = min(window.end - timedelta(days=1), now.date())
    order = {
        "report_type": "ai_credit",
        "start_date": f"{window.start}",
        "end_date": f"{last}",
        "send_email": False,
    }
    path, paging = f"{account.billing}/reports", _paging(window)
    job = paging.decode(client.post("billing", path, order, where=f"{window}"), _JOB)
    for _ in range(MOST_LOOKS):
        if job.status not in ("processing", "pending", "queued"):
            break
        client.pause(PAUSE_SECONDS)
        job = paging.decode(client.get("billing", f"{path}/{job.id}", where=f"{window}"), _JOB)
    if job.status != "completed" or not job.download_urls:
        raise paging.failure(f'the export that was ordered is "{job.status}"')
    yield from FILES.fetched(client, job.download_urls, f"{window}")


def _check(day: date, records: Sequence[msgspec.Raw], page: Page) -> None:
    """The export's day must come to what the plain answer says, cents of rounding apart.

    Some sources say that the plain answer leaves out what is charged to a cost centre: either way
    it must agree. A row that cannot be read, which is flagged, leaves nothing to compare.
    """
    try:
        lines = [line for line in map(_LINE.decode, records) if day_of(line.date) == day]
        items = [_ITEM.decode(item) for item in _PLAIN.decode(page.body).usage_items]
        stated = _sums(items)
        exported = [_sums([x for x in lines if not x.cost_center_name]), _sums(lines)]
    except (ValueError, UnicodeDecodeError):
        return
    slack = _CENT * (1 + (len(lines) + len(items)) // 100)
    if not any(
        abs(net - stated[0]) <= slack and abs(discount - stated[1]) <= slack
        for net, discount in exported
    ):
        net, discount = exported[1]
        what = f"the export has {net} USD and {discount} USD of discount"
        raise _paging(day).shifted(f"{what}, the plain answer {stated[0]} and {stated[1]}")


def _sums(lines: Sequence[_Line | _Item]) -> Sums:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        for name in ("net_amount", "discount_amount"):
            amount = usd(getattr(line, name), in_cents=False)
            if amount is None:
                raise UnreadableAmount(name)
            found[name] += amount
    return found["net_amount"], found["discount_amount"]


def _paging(where: object) -> Paging:
    return Paging(api.NAME, "billing", f"{where}")


def _day(period: dict[str, int | None]) -> date | None:
    """The day that an answer is about; None for a longer time."""
    parts = [part for name in ("year", "month", "day") if (part := period.get(name))]
    return date(*parts) if len(parts) == 3 else None


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
    pool, odd_pool = charge(item.discount_amount, bills=False, in_cents=False)
    gross, odd_gross = charge(item.gross_amount, bills=False, in_cents=False)
    # Credits: their unit has two names in the sources.
    quantity = item.quantity if isinstance(item, _Line) else item.gross_quantity
    used, odd_used = charge(quantity, bills=False, in_cents=False)
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
        validation_errors=list(dict.fromkeys([*flags, *odd_pool, *odd_gross, *odd_used])),
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
