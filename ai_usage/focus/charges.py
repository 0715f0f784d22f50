"""One line of a FOCUS file: its columns in every version, and the charge that it is. Pure.

Columns are read by name, whatever case they are written in; columns that nobody reads stay in the
record. What differs between the versions that we read:

- the provider is ProviderName up to 1.2, ServiceProviderName from 1.4 on, in 1.3 both;
- 1.2 brings the InvoiceId and the pricing currency, which bills nothing: amounts are in the
  BillingCurrency in every version.

Source: the FOCUS specification's Cost and Usage dataset. No file of a live account was ever read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from ai_usage.days.spans import Span, day_before
from ai_usage.days.windows import Window
from ai_usage.reference.currencies import CURRENCIES
from ai_usage.vendors.event_ids import hash_text
from ai_usage.vendors.kit.values import UnreadableAmount, instant_of, parsed_usd

Record = Mapping[str, str]
"""A line as it came: its cells that hold something, by the names of its columns."""

NEEDED = (
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargeCategory",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ServiceName",
)
"""Columns without which a file is no FOCUS file; every version has them."""
PROVIDERS = ("ServiceProviderName", "ProviderName")
"""The column of the provider, newest first; one of them is needed."""

_IDENTIFYING = (
    "SubAccountId",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SkuMeter",
    "ResourceId",
    "RegionId",
    "PricingCategory",
    "CommitmentDiscountId",
    "InvoiceId",
    "Tags",
)
"""What makes a charge the same charge in a later file of its bill; no amount is among them."""
_OTHERS = (
    "EffectiveCost",
    "ListCost",
    "ChargeFrequency",
    "CommitmentDiscountCategory",
    "CommitmentDiscountType",
    "ContractCommitmentId",
    "PricingCurrency",
    "CapacityReservationId",
)
_NAMES = {name.casefold(): name for name in (*NEEDED, *PROVIDERS, *_IDENTIFYING, *_OTHERS)}
_COMMITMENTS = (
    "CommitmentDiscountId",
    "CommitmentDiscountCategory",
    "CommitmentDiscountType",
    "ContractCommitmentId",
)
_NULLS = frozenset({"", "null"})
_ONE_DAY = timedelta(hours=25)
"""A day of a time zone that leaves daylight saving is an hour longer."""

CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")


class BadLineError(ValueError):
    """A line cannot be read as a charge: which column, what is wrong with it, and the fix."""

    def __init__(self, column: str, what: str, remedy: str) -> None:
        super().__init__(f"{column}: {what}; {remedy}")


@dataclass(frozen=True)
class Charge:
    """A line, read. Amounts are in `currency`; `days` are the UTC days that bear it.

    All of a bill's charges lie within its billing period, so that a period's days sum to the bill:
    a charge period that reaches beyond is cut to it, one that lies outside (a correction of an
    earlier period, capacity for a later one) stands on the period's nearest day. One that is longer
    than a day is spread evenly over its days, a shorter one stands on the day on which it begins.
    """

    record: Record
    account: str
    period: Window
    provider: str
    service: str
    category: str
    cost_type: str
    currency: str
    billed: Decimal
    effective: Decimal | None
    list_price: Decimal | None
    is_truncated: bool
    days: Span
    is_correction: bool
    tags: Mapping[str, str]

    @property
    def identity(self) -> str:
        """A digest of what identifies it within its bill; the same where an amount is restated."""
        return sha256(hash_text(self.record.get(n) for n in _IDENTIFYING).encode()).hexdigest()


def canonical(columns: Iterable[str]) -> list[str]:
    """The columns by the names that the specification gives them; others as they are."""
    return [_NAMES.get(name.strip().casefold(), name.strip()) for name in columns]


def missing_columns(columns: Collection[str]) -> list[str]:
    """Which needed columns a file lacks, by canonical names; none for a FOCUS file."""
    missing = [name for name in NEEDED if name not in columns]
    if not any(name in columns for name in PROVIDERS):
        missing.append(" or ".join(PROVIDERS))
    return missing


def version_of(columns: Collection[str]) -> str:
    """The version whose columns a file has: a file does not say it."""
    has = set(columns).__contains__
    if has("ServiceProviderName"):
        return "1.3" if has("ProviderName") else "1.4"
    if has("InvoiceId") or has("PricingCurrency"):
        return "1.2"
    return "1.1" if has("CapacityReservationId") else "1.0"


def charge_of(record: Record) -> Charge:
    """The charge that a record is. Raises `BadLineError`."""
    period = _period(record)
    category = _category(record)
    billed, is_truncated = _amount(record, "BilledCost")
    if billed is None:
        raise BadLineError("BilledCost", "is empty", "export the column")
    effective, _ = _amount(record, "EffectiveCost")
    list_price, _ = _amount(record, "ListCost")
    currency = _needed(record, "BillingCurrency").upper()
    if currency not in CURRENCIES:
        what = f"{currency!r} is no currency in circulation"
        raise BadLineError("BillingCurrency", what, "write the code of ISO 4217")
    provider = next((record[name] for name in PROVIDERS if record.get(name)), None)
    if provider is None:
        raise BadLineError(PROVIDERS[0], "is empty", f"fill it in, or {PROVIDERS[1]}")
    return Charge(
        record=record,
        account=_needed(record, "BillingAccountId"),
        period=period,
        provider=provider,
        service=_needed(record, "ServiceName"),
        category=category,
        cost_type=_cost_type(category, billed, record),
        currency=currency,
        billed=billed,
        effective=effective,
        list_price=list_price,
        is_truncated=is_truncated,
        days=_days(record, period),
        is_correction=record.get("ChargeClass", "").casefold() == "correction",
        tags=_tags(record),
    )


def is_null(cell: str) -> bool:
    """Whether a cell says nothing: empty, or the word null."""
    return cell.strip().casefold() in _NULLS


def _needed(record: Record, column: str) -> str:
    value = record.get(column, "").strip()
    if not value:
        raise BadLineError(column, "is empty", "export the column")
    return value


def _amount(record: Record, column: str) -> tuple[Decimal | None, bool]:
    text = record.get(column)
    if text is None:
        return None, False
    try:
        return parsed_usd(text.strip(), False)
    except UnreadableAmount:
        what = f"{text[:40]!r} is no amount"
        raise BadLineError(column, what, "export plain decimal numbers") from None


def _instant(record: Record, column: str) -> datetime:
    text = _needed(record, column)
    try:
        return instant_of(text.removesuffix(" UTC"))
    except ValueError:
        what = f"{text[:40]!r} is no instant"
        raise BadLineError(column, what, "write it like 2026-03-01T00:00:00Z") from None


def _period(record: Record) -> Window:
    """Whole days, also where the provider's months do not begin at midnight UTC: they tile."""
    first = _instant(record, "BillingPeriodStart").date()
    end = _instant(record, "BillingPeriodEnd").date()
    if end <= first:
        what = f"{end} does not lie after BillingPeriodStart {first}"
        raise BadLineError(
            "BillingPeriodEnd", what, "the end is exclusive: the next period's start"
        )
    return Window(first, end)


def _days(record: Record, period: Window) -> Span:
    start, end = _instant(record, "ChargePeriodStart"), _instant(record, "ChargePeriodEnd")
    last = start if end - start <= _ONE_DAY else end - timedelta(microseconds=1)
    within = Span(period.start, day_before(period.end))
    days = Span(start.date(), last.date()) & within
    if days:
        return days
    nearest: date = min(max(start.date(), within.first), within.last)
    return Span(nearest, nearest)


def _category(record: Record) -> str:
    text = _needed(record, "ChargeCategory")
    for category in CATEGORIES:
        if text.casefold() == category.casefold():
            return category
    raise BadLineError(
        "ChargeCategory", f"{text[:40]!r} is not known", f"one of {', '.join(CATEGORIES)}"
    )


def _cost_type(category: str, billed: Decimal, record: Record) -> str:
    """The words of `raw_ai_events.cost_type`. An adjustment is what its sign makes it."""
    if category == "Purchase":
        once = record.get("ChargeFrequency", "").casefold() == "one-time"
        commits = once or any(record.get(name) for name in _COMMITMENTS)
        return "commitment" if commits else "subscription"
    if category == "Adjustment":
        return "credit" if billed < 0 else "one_time"
    return category.casefold()


def _tags(record: Record) -> Mapping[str, str]:
    """Tags by their keys; a value that is none (a tag that is only a key) is left out.

    An object of keys and values, as the specification has it, or a list of objects with a key and
    a value each, as an export from a table with repeated records writes it.
    """
    text = record.get("Tags")
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and all(isinstance(tag, dict) and "key" in tag for tag in found):
        found = {str(tag["key"]): tag.get("value") for tag in found}
    if not isinstance(found, dict):
        what = f"{text[:40]!r} is no JSON object"
        raise BadLineError("Tags", what, 'export it as JSON, like {"team": "search"}')
    return {key: value.strip() for key, value in found.items() if _is_text(value)}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
