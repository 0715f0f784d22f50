"""Spend by team and platform, this month and last, as a table that fits 80 columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from rich import box
from rich.table import Table

from ai_usage.warehouse.base import Query, Warehouse

_SPEND = """
SELECT
  department, team, platform_name,
  SUM(IF(month = @month, total_cost, 0)) AS this_month,
  SUM(IF(month = @last_month, total_cost, 0)) AS last_month
FROM vw_cost_allocation_detailed
WHERE month IN (@month, @last_month)
GROUP BY 1, 2, 3
"""

_LOADED = """
SELECT MAX(loaded_days) AS loaded, MAX(days_in_month) AS days
FROM vw_loaded_days
WHERE platform_code = 'all' AND month = @month
"""


def how_much(warehouse: Warehouse, month: date) -> str:
    """What of a month that is over the company knows: "2 of 28 days"; nothing if it is whole."""
    (row,) = warehouse.query(Query(_LOADED, {"month": month})).to_pylist()
    if row["loaded"] is None or row["loaded"] == row["days"]:
        return ""
    return f"{row['loaded']} of {row['days']} days"


def spend_table(warehouse: Warehouse, today: date) -> Table:
    """A row a team: this month by platform and in all, and last month in all, US dollars."""
    month = today.replace(day=1)
    last_month = (month - timedelta(days=1)).replace(day=1)
    rows = warehouse.query(Query(_SPEND, {"month": month, "last_month": last_month})).to_pylist()
    platforms = sorted({row["platform_name"] for row in rows})
    known = how_much(warehouse, last_month)
    before = f"{last_month:%B} ({known})" if known else f"{last_month:%B}"
    table = Table(
        title=f"Spend by team, {month:%B %Y} so far and {before}, US dollars",
        title_justify="left",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )
    # Names may be long; what is counted must never be cut.
    table.add_column("Team", overflow="fold")
    for name in [*platforms, "Total", f"{last_month:%B}"]:
        # A word a line: the amounts must fit beside the team in 80 columns.
        title = name.replace(" ", "\n")
        table.add_column(title, justify="right", no_wrap=True, min_width=7, vertical="bottom")
    for department, team in sorted({(row["department"], row["team"]) for row in rows}, key=_order):
        of_team = [r for r in rows if (r["department"], r["team"]) == (department, team)]
        name = team if team == department else f"{department}, {team}"
        table.add_row(
            name,
            *(_dollars(_sum(of_team, "this_month", platform)) for platform in platforms),
            _dollars(_sum(of_team, "this_month")),
            _dollars(_sum(of_team, "last_month")),
        )
    table.add_section()
    for label, column in (("Total", "this_month"), (f"{last_month:%B}", "last_month")):
        by_platform = (_dollars(_sum(rows, column, platform)) for platform in platforms)
        table.add_row(label, *by_platform, _dollars(_sum(rows, column)), "")
    return table


def _order(of: tuple[str, str]) -> tuple[bool, str, str]:
    """Teams by department; last what belongs to no person."""
    department, team = of
    return department in ("Shared", "Unattributed"), department, team


def _sum(rows: Iterable[dict[str, object]], column: str, platform: str | None = None) -> Decimal:
    amounts = (r[column] for r in rows if platform is None or r["platform_name"] == platform)
    return sum((a for a in amounts if isinstance(a, Decimal)), Decimal(0))


def _dollars(amount: Decimal) -> str:
    return f"{amount:,.0f}" if amount else "–"  # noqa: RUF001
