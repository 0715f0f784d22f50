"""What finance's cost events have in common: who they are for, and their rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from ai_usage.finance.currency import ONE, Rate
from ai_usage.vendors.event_ids import with_event_ids
from ai_usage.vendors.rows import RawEvent

SEATS = "seats"
OTHER_COSTS = "other_costs"
"""`source_endpoint` of the events: the files' stems."""

COST_KINDS = {SEATS: "seat", OTHER_COSTS: "other"}
"""Which kind of cost each file brings, as `loaded_days` and invoices tell kinds apart."""

DIRECT, SHARED = "direct_email", "shared"
"""`attribution_method`: a person is named, or the cost is everybody's."""


class FinanceEvents(NamedTuple):
    """Cost events of one platform and endpoint, with their ids; read them once."""

    platform: str
    endpoint: str
    events: Iterator[RawEvent]


def identified(platform: str, endpoint: str, events: Iterable[RawEvent]) -> FinanceEvents:
    """The events with their ids, which ignore every amount: a new price is the same event."""
    return FinanceEvents(platform, endpoint, with_event_ids(platform, endpoint, events))


def midnight(day: date) -> datetime:
    """The UTC midnight on which the day begins: the timestamp of what is known by the day."""
    return datetime.combine(day, time(), UTC)


def bearer(email: str | None) -> dict[str, Any]:
    """The columns that say who bears the event; without an address it is shared."""
    method = DIRECT if email else SHARED
    return {"user_email": email, "attribution_method": method}


def rate_columns(rate: Rate) -> dict[str, Any]:
    """The columns of an event that say how it was converted; empty for US dollars."""
    if rate is ONE:
        return {}
    return {
        "exchange_rate": rate.rate,
        "exchange_rate_date": rate.rate_date,
        "exchange_rate_source": rate.source,
        "is_rate_stale": rate.is_stale,
    }
