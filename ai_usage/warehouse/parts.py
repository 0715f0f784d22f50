"""A long range is built in parts, one after the other: memory follows the part, not the range."""

from __future__ import annotations

from collections.abc import Sequence

from ai_usage.days.windows import Window
from ai_usage.warehouse.base import Parameters, Query

MONTHS_AT_ONCE = 2
"""Months that a statement is run for at once; more are run one by one. A look-back of weeks reaches
over two."""

ROWS_AT_ONCE = 1_000_000
"""Rows of a table that a statement reads at once, or of one day where that has more: so many can be
joined and sorted with the least memory that DuckDB is given."""


def parts_of(query: Query, most_a_day: int) -> Sequence[Parameters]:
    """What the query is run with; `most_a_day` are the rows of the busiest day that it reads."""
    if query.by_days is None:
        return [query.parameters]
    window = query.by_days.window
    months = window.months()
    spans = months if len(months) > MONTHS_AT_ONCE else [window]
    days = max(1, ROWS_AT_ONCE // max(1, most_a_day))
    parts = [part for span in spans for part in _evenly(span, days)]
    if len(parts) == 1:
        return [query.parameters]
    return [query.by_days.parameters(part) for part in parts]


def _evenly(window: Window, most_days: int) -> list[Window]:
    """As few windows as there can be, one as long as the other as far as that goes."""
    days = len(window.days())
    number = -(-days // most_days)
    return window.chunks(-(-days // number))
