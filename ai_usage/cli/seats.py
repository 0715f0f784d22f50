"""`ai-usage seats`: what seats cost that nobody needs, and the next day that saves any of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console

from ai_usage.cli.filled import filled_warehouse
from ai_usage.cli.harmless import say
from ai_usage.cli.show import print_rows
from ai_usage.settings import Settings
from ai_usage.text.figures import money
from ai_usage.text.words import counted
from ai_usage.warehouse.base import Query

_SEATS = """
SELECT
  COALESCE(full_name, 'nobody') AS holder,
  COALESCE(platform_name, platform_code) AS product,
  idle_reason AS reason,
  idle_days,
  monthly_price_usd,
  saves_from,
  held_since,
  last_activity_date,
  team,
  contract_id,
  user_email
FROM vw_idle_seats
ORDER BY idle_reason IS NULL, monthly_price_usd DESC, product, holder, seat_id
"""
_SHOWN = {
    "holder": "holder",
    "product": "product",
    "reason": "reason",
    "idle_days": "days",
    "monthly_price_usd": "a month",
    "saves_from": "saves from",
}
"""What fits a terminal; CSV and JSON have the team, the contract and the address besides."""


def show_seats(
    console: Console, messages: Console, settings: Settings, how: str, *, every: bool
) -> None:
    """Print the seats that nobody needs, the dearest first, or `every` seat; then what they cost.

    Raises `AiUsageError` where the warehouse is empty.
    """
    warehouse = filled_warehouse(settings, "vw_idle_seats")
    found = warehouse.query(Query(_SEATS))
    rows = found.to_pylist()
    wasted = [row for row in rows if row["reason"] is not None]
    shown = found if every else found.slice(0, len(wasted))
    if how == "table":
        shown = shown.select(list(_SHOWN)).rename_columns(list(_SHOWN.values()))
    if shown.num_rows or how != "table":
        print_rows(console, shown, how, in_cents=True)
    for line in _sums(rows, wasted):
        say(messages, f"{line}.")


def _sums(rows: Sequence[dict[str, Any]], wasted: Sequence[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["No seats are paid for today: seats.csv has no contract that runs"]
    total, lost = _monthly(rows), _monthly(wasted)
    lines = [
        f"{counted(len(wasted), 'seat')} of {len(rows)} cost {money(lost)} a month that nobody "
        f"needs, of {money(total)} in all"
    ]
    for reason in sorted({row["reason"] for row in wasted}):
        own = [row for row in wasted if row["reason"] == reason]
        lines.append(f"  {reason}: {counted(len(own), 'seat')}, {money(_monthly(own))}")
    days = sorted({row["saves_from"] for row in wasted if row["saves_from"] is not None})
    if days:
        first = [row for row in wasted if row["saves_from"] == days[0]]
        lines.append(
            f"The next day that saves any is {days[0]}: {counted(len(first), 'seat')}, "
            f"{money(_monthly(first))} a month, if they are given back before"
        )
    bound = [row for row in wasted if row["saves_from"] is None]
    if bound:
        lines.append(
            f"Giving back saves nothing of {counted(len(bound), 'seat')}, "
            f"{money(_monthly(bound))} a month: paid to the end of the contract"
        )
    return lines


def _monthly(rows: Sequence[dict[str, Any]]) -> Decimal:
    return sum((row["monthly_price_usd"] for row in rows), Decimal())
