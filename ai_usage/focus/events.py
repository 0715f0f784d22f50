"""Cost events of bills: the charges of services that the mapping calls AI tools.

`cost_usd` is the BilledCost; EffectiveCost and ListCost stand beside it and are no cost. A foreign
amount is converted at the rate of its billing period's first day, as its invoice is. Usage that
names no person or key is split by usage as a cost report's line is; a purchase, tax, credit or
adjustment that names nobody is shared, unless it names a team, whose rule then splits it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.days.spans import Span
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.finance.currency import Rate, Rates, in_usd
from ai_usage.finance.events import identified, midnight, rate_columns
from ai_usage.finance.exact import on_day
from ai_usage.focus.charges import Charge, charge_of
from ai_usage.focus.mapping import Services
from ai_usage.focus.same_dollars import Source, clashes
from ai_usage.focus.shelf import HeldBill, lines_of, newest_bills
from ai_usage.identity.aliases import Aliases
from ai_usage.reference.column import Row
from ai_usage.vendors.rows import RawEvent

FOCUS = "focus"
"""`source_endpoint` of the events."""

FetchedDirectly = Callable[[str, date], bool]
"""Whether a platform's cost of a day comes from the vendor itself."""


@dataclass(frozen=True)
class BillEvents:
    """Events of one bill and platform, with their ids; read them once."""

    platform: str
    imported_at: datetime
    events: Iterator[RawEvent]


def bill_events(
    archive: Archive,
    services: Services,
    rates: Rates,
    window: Window,
    aliases: Aliases,
    is_direct: FetchedDirectly,
    others: Collection[Source] = (),
) -> Iterator[BillEvents]:
    """The window's events of the newest bills, a bill in memory at a time.

    Raises `AiUsageError` where a rate is missing, or where a charge is of a platform whose cost of
    that day comes from the vendor or another source too: a dollar has one source.
    """
    asked = Span(window.start, window.end - timedelta(days=1))
    for bill in newest_bills(archive):
        period = Span(bill.fetch.window.start, bill.fetch.window.end - timedelta(days=1))
        if not period & asked or not _has_tools(bill, services):
            continue
        for clash in clashes(bill.head, services, others, asked):
            raise AiUsageError(f"{clash}")
        found: dict[str, list[RawEvent]] = defaultdict(list)
        for place, record in lines_of(archive, bill):
            charge = charge_of(record)
            for day, line in _lines(charge, services, asked):
                if is_direct(line["platform"], day):
                    raise AiUsageError(refusal_of_direct(charge.service, bill.head.name, line))
                rate = rates.usd(charge.currency, charge.period.start)
                found[line["platform"]].append(_event(charge, day, line, rate, aliases, place))
        for platform, events in sorted(found.items()):
            stream = identified(platform, FOCUS, events)
            yield BillEvents(platform, bill.fetch.fetched_at, stream.events)


def platforms_of(bill: HeldBill, services: Services) -> set[str]:
    """The platforms that a bill brings cost of."""
    return {
        line["platform"]
        for billed in bill.head.services
        for day in billed.days()
        if (line := services.included(billed.provider, billed.service, day)) is not None
    }


def refusal_of_direct(service: str, bill: str, line: Row | None) -> str:
    """Why a service that its vendor reports itself is no part of a bill."""
    platform = f" is platform {line['platform']} in focus_mapping.csv, whose" if line else "'s"
    return (
        f"{bill}: {service!r}{platform} cost comes from the vendor itself, so that its dollars "
        "would count twice: set its treatment in focus_mapping.csv to exclude for those days, or "
        "give it another platform if it is another product."
    )


def _has_tools(bill: HeldBill, services: Services) -> bool:
    return bool(platforms_of(bill, services))


def _lines(charge: Charge, services: Services, asked: Span) -> Iterator[tuple[date, Row]]:
    """The asked days of a charge on which its service is an AI tool, and the line that says so.

    Each day is judged by itself: a fee of a month belongs to a tool that is mapped from the 15th
    on for the days from then on.
    """
    for day in (charge.days & asked).days():
        line = services.included(charge.provider, charge.service, day)
        if line is not None:
            yield day, line


def _event(
    charge: Charge, day: date, line: Row, rate: Rate, aliases: Aliases, place: str
) -> RawEvent:
    """What a day of a charge bears."""
    whole = charge.days
    days, n = (whole.last - whole.first).days + 1, (day - whole.first).days + 1

    def share(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else on_day(in_usd(amount, rate), n, days)

    return RawEvent(
        identity=(charge.account, str(charge.period), day.isoformat(), charge.identity),
        event_timestamp=midnight(day),
        event_date=day,
        event_type="cost",
        platform_subtype=line["platform_subtype"],
        cost_usd=share(charge.billed),
        effective_cost_usd=share(charge.effective),
        list_cost_usd=share(charge.list_price),
        cost_currency=charge.currency,
        cost_type=charge.cost_type,
        billing_period="daily",
        billing_account_id=charge.account,
        raw_response=msgspec.json.encode(charge.record).decode(),
        archive_page=place,
        **_bearer(charge, line, aliases),
        **rate_columns(rate),
    )


def _bearer(charge: Charge, line: Row, aliases: Aliases) -> dict[str, Any]:
    """What the tags name, by the mapping: a person before a key; a team as the workspace."""

    def tagged(column: str) -> str | None:
        return charge.tags.get(line[column]) if line[column] else None

    person, key = tagged("person_tag"), tagged("key_tag")
    team, project = tagged("team_tag"), tagged("project_tag")
    flags = ["truncated_amount"] if charge.is_truncated else []
    if person is not None and "@" not in person:
        flags.append("unknown_enum:person_tag")
        person = None
    if person is not None:
        method = "direct_email"
    elif key is not None:
        method = "api_key_mapping"
    else:
        method = "unknown" if team or charge.category == "Usage" else "shared"
    return {
        "user_email": aliases.resolve(person) if person else None,
        "api_key_id": key,
        "workspace_id": team,
        "project_codes": [project] if project else None,
        "attribution_method": method,
        "validation_errors": flags,
    }
