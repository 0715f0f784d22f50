"""What a sum of a month leaves out, or may still lose or gain: a line each, beside the sum."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ai_usage.days.months import month_of
from ai_usage.text.figures import money
from ai_usage.text.words import counted
from ai_usage.warehouse.base import Query, Warehouse

_PROVISIONAL = """
SELECT SUM(provisional_cost) AS usd FROM vw_cost_allocation_detailed WHERE month = @month
"""
_UNKNOWN = """
SELECT MAX(unknown_charge_records) AS records FROM vw_executive_dashboard WHERE month = @month
"""
_HELD_BACK = """
SELECT platform_code, SUM(adjustment_usd) AS usd FROM vw_adjustments
WHERE month = @month AND status = 'held_back' GROUP BY 1 ORDER BY 1
"""
_LOADED = """
SELECT platform_code, MAX(loaded_days) AS loaded, MAX(days_in_month) AS days
FROM vw_loaded_days WHERE month = @month AND platform_code != 'all' GROUP BY 1 ORDER BY 1
"""


def left_out(warehouse: Warehouse, month: date, today: date) -> Iterator[str]:
    """Lines without a full stop; none where the month is whole, final, and known to the cent."""
    bound = {"month": month}
    runs = month == month_of(today)
    for row in warehouse.rows(Query(_LOADED, bound)):
        over = today.day - 1 if runs else row["days"]
        if row["loaded"] < over:
            yield (
                f"Not in it: {counted(over - row['loaded'], 'day')} of {month:%B %Y} that "
                f"{row['platform_code']} was not loaded for"
            )
    for row in warehouse.rows(Query(_UNKNOWN, bound)):
        if row["records"]:
            yield (
                f"Not in it: {counted(row['records'], 'record')} whose amount is not known (check "
                "charges_known)"
            )
    for row in warehouse.rows(Query(_HELD_BACK, bound)):
        yield (
            f"Not in it: {money(row['usd'])} that {row['platform_code']} said since; "
            "`ai-usage run --closed` takes it in"
        )
    for row in warehouse.rows(Query(_PROVISIONAL, bound)):
        if row["usd"] not in (None, Decimal()):
            yield f"In it, and the vendor may still change it: {money(row['usd'])}"
