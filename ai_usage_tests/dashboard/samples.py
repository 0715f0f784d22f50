"""Hand-made tables that charts and pages are tried on: one company, seen on 28 November 2026."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

MONEY = pa.decimal128(38, 9)
PLATFORMS = ("Cursor", "Claude Code", "Claude API", "Claude")
COSTS = ("4210.11", "3120.42", "2456.5", "990")
TEAMS = (
    *("Payments", "Platform", "Data", "Mobile", "Search and recommendations", "Growth", "Risk"),
    *("Infrastructure", "Design systems", "Internal tools", "Security", "Support", "Labs", "QA"),
)


def table(types: dict[str, Any], *rows: tuple[Any, ...]) -> pa.Table:
    """A typed table of rows; texts become money where the type is money."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in types)
    return pa.table(
        {
            name: pa.array(
                [round(Decimal(v), 6) if kind == MONEY and v is not None else v for v in column],
                kind,
            )
            for (name, kind), column in zip(types.items(), columns, strict=True)
        }
    )


def month(number: int) -> date:
    """First day of the month, so many months after December 2025."""
    return date(2025 + (11 + number) // 12, (11 + number) % 12 + 1, 1)


def parts() -> pa.Table:
    rows = [
        (month(m), platform, str(Decimal(COSTS[p]) * (50 + 5 * m + 3 * (m * p % 4)) / 100))
        for m in range(12)
        for p, platform in enumerate(PLATFORMS)
    ]
    return table({"month": pa.date32(), "part": pa.string(), "cost": MONEY}, *rows)


def totals() -> pa.Table:
    sums: dict[date, Decimal] = {}
    for row in parts().to_pylist():
        sums[row["month"]] = sums.get(row["month"], Decimal(0)) + row["cost"]
    rows = [
        (
            at,
            str(cost),
            "11000" if number < 6 else "12500",
            None if number < 3 else str(cost * (60 + number) / 100),
            str(cost * 30 / 27) if number == 11 else None,
            number == 11,
        )
        for number, (at, cost) in enumerate(sums.items())
    ]
    types = {"month": pa.date32(), "cost": MONEY, "budget": MONEY, "last_year": MONEY}
    return table({**types, "forecast": MONEY, "is_partial": pa.bool_()}, *rows)


def days(count: int = 58, scale: int = 1) -> pa.Table:
    last = date(2026, 11, 27)
    rows = []
    for number in range(count):
        at = last - timedelta(days=count - 1 - number)
        weekend = at.isoweekday() > 5
        cost = Decimal((60 if weekend else 420) + number * 3 + 37 * (number % 5)) * scale
        rows.append((at, str(cost), number >= count - 2))
    return table({"date": pa.date32(), "cost": MONEY, "is_provisional": pa.bool_()}, *rows)


def adoption() -> pa.Table:
    rows = [
        (team, part, (number * 7 + 3 * place) % 11 + 1)
        for number, team in enumerate(TEAMS[:7])
        for place, part in enumerate(("None", "Light", "Moderate", "Heavy"))
    ]
    return table({"row": pa.string(), "part": pa.string(), "value": pa.int64()}, *rows)


def mix() -> pa.Table:
    rows = [("November 2026", p, cost) for p, cost in zip(PLATFORMS, COSTS, strict=True)]
    return table({"row": pa.string(), "part": pa.string(), "value": MONEY}, *rows)


def teams() -> pa.Table:
    rows = [
        (team, str(Decimal("4321.55") / (number + 1)), "1500" if number < 4 else None)
        for number, team in enumerate(TEAMS)
    ]
    return table({"name": pa.string(), "value": MONEY, "budget": MONEY}, *rows)


def team_days() -> pa.Table:
    rows = [
        (team, row["date"], str(row["cost"] / (number + 1)))
        for number, team in enumerate(TEAMS)
        for row in days(30).to_pylist()
    ]
    return table({"name": pa.string(), "date": pa.date32(), "cost": MONEY}, *rows)


def steps() -> pa.Table:
    rows = [
        *[("People", "640.25"), ("Volume", "1210.5"), ("Mix", "-220.75"), ("Price", "-310")],
        *[("Seats", "180"), ("Credits", "-250"), ("One-time", "400")],
    ]
    return table({"step": pa.string(), "amount": MONEY}, *rows)


def month_days() -> pa.Table:
    rows = [
        (row["date"], str(row["cost"]))
        for row in days().to_pylist()
        if row["date"] >= date(2026, 11, 1)
    ]
    return table({"date": pa.date32(), "cost": MONEY}, *rows)
