"""Cost events of `other_costs.csv`: each amount spread over its days, evenly and exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from ai_usage.days.spans import Span
from ai_usage.days.windows import Window
from ai_usage.finance.currency import Rates
from ai_usage.finance.events import (
    OTHER_COSTS,
    FinanceEvents,
    bearer,
    identified,
    midnight,
    rate_columns,
)
from ai_usage.finance.exact import on_day
from ai_usage.identity.aliases import Aliases
from ai_usage.reference.column import Row
from ai_usage.vendors.rows import RawEvent


def other_cost_events(
    rows: Iterable[Row], rates: Rates, window: Window, aliases: Aliases | None = None
) -> list[FinanceEvents]:
    """One cost event a cost and day of the window, per platform.

    Dollars, exact: a cost's days sum to its amount to the last digit, and every day has its sign.
    The whole amount is converted once, at the rate of `date_from`. `cost_type` is the line_kind.
    Raises `ReferenceFileError` where a rate is missing.
    """
    platforms: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["cost_id"]):
        platforms[row["platform"]].append(row)
    return [
        identified(platform, OTHER_COSTS, _events(own, rates, window, aliases or Aliases()))
        for platform, own in sorted(platforms.items())
    ]


def _events(
    rows: Iterable[Row], rates: Rates, window: Window, aliases: Aliases
) -> Iterator[RawEvent]:
    asked = Span(window.start, window.end - timedelta(days=1))
    for row in rows:
        span = Span(row["date_from"], row["date_to"] or row["date_from"])
        if span & asked:
            yield from _of_cost(row, span, span & asked, rates, aliases)


def _of_cost(
    row: Row, span: Span, asked: Span, rates: Rates, aliases: Aliases
) -> Iterator[RawEvent]:
    amount, rate = rates.converted(row["amount"], row["currency"], span.first)
    days = _number(span.last, span)
    email = aliases.resolve(row["user_email"]) if row["user_email"] else None
    for n in range(_number(asked.first, span), _number(asked.last, span) + 1):
        day = span.first + timedelta(days=n - 1)
        yield RawEvent(
            identity=(row["cost_id"], day.isoformat()),
            event_timestamp=midnight(day),
            event_date=day,
            event_type="cost",
            platform_subtype=row["platform_subtype"],
            cost_usd=on_day(amount, n, days),
            cost_currency=row["currency"],
            cost_type=row["line_kind"],
            billing_account_id=row["billing_account_id"],
            cost_center=row["cost_center"],
            project_codes=list(row["project_codes"]) if row["project_codes"] else None,
            archive_page=f"{OTHER_COSTS}.csv#{row['cost_id']}",
            **bearer(email),
            **rate_columns(rate),
        )


def _number(day: date, span: Span) -> int:
    """The day's number within the span, from 1."""
    return (day - span.first).days + 1
