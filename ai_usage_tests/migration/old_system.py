"""A company's old tables with one fault of each kind, and the vendor's own figures beside them.

Four weeks of March 2026. Cursor bills Ann 1.50, Bob 2.25 and Cyd 0.75 dollars a day, at 20:00 UTC:
4.50 a day. Claude bills the default workspace on each day n of March n dollars at 02:00 UTC, which
in Los Angeles is the evening before, and 10 dollars at 20:00 UTC.

| fault | where | dollars |
|---|---|---|
| cents kept as dollars | `cursor_costs`, 8 to 14 March | old 3150.00, vendor 31.50 |
| a missing day | `cursor_costs`, 5 March | vendor 4.50 |
| a row twice | `cursor_costs`, 17 March, Bob | old 4.50, vendor 2.25 |
| an address in another case | `cursor_costs`, 20 March, `Cyd@X.io` | 0.75 on both sides |
| a column renamed | `cursor_costs`: `email` up to 14 March, `user_email` from 15 March | none |
| local days | `claude_costs`: days of Los Angeles | each day 1 dollar more than the UTC day |
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 28)
DAYS = [FIRST + timedelta(days=n) for n in range(28)]
CENTS = (date(2026, 3, 8), date(2026, 3, 14))
MISSING = date(2026, 3, 5)
DOUBLED = date(2026, 3, 17)
OTHER_CASE = date(2026, 3, 20)
RENAMED = date(2026, 3, 15)
FAULTS = frozenset({"cents", "missing", "doubled", "other case", "renamed", "local"})
"""The faults of the table above, in its order; a test may plant some of them."""

DOLLARS = {"ann@x.io": Decimal("1.50"), "bob@x.io": Decimal("2.25"), "cyd@x.io": Decimal("0.75")}


def cursor_hours() -> dict[datetime, Decimal]:
    """Cursor's own dollars by the hour."""
    return {datetime.combine(day, time(20), UTC): Decimal("4.50") for day in DAYS}


def claude_hours() -> dict[datetime, Decimal]:
    """Anthropic's own dollars by the hour."""
    early = {datetime.combine(day, time(2), UTC): Decimal(day.day) for day in DAYS}
    late = {datetime.combine(day, time(20), UTC): Decimal(10) for day in DAYS}
    return early | late


def old_rows(
    faults: Collection[str] = FAULTS,
) -> list[tuple[str | None, str | None, date, int, Decimal]]:
    """Rows of `cursor_costs`: email, user_email, usage_date, lines, amount."""
    rows = []
    for day in DAYS:
        for address, dollars in DOLLARS.items():
            if "missing" in faults and day == MISSING:
                continue
            other_case = "other case" in faults and (day, address) == (OTHER_CASE, "cyd@x.io")
            spelled = "Cyd@X.io" if other_case else address
            names = (spelled, None) if "renamed" in faults and day < RENAMED else (None, spelled)
            in_cents = "cents" in faults and CENTS[0] <= day <= CENTS[1]
            row = (*names, day, 7, dollars * 100 if in_cents else dollars)
            twice = "doubled" in faults and (day, address) == (DOUBLED, "bob@x.io")
            rows += [row, row] if twice else [row]
    return rows


def utc_rows() -> list[tuple[date, Decimal]]:
    """Rows of `claude_costs` as they would be without a fault."""
    return [(day, Decimal(day.day + 10)) for day in DAYS]


def local_rows() -> list[tuple[date, Decimal]]:
    """Rows of `claude_costs`: the day in Los Angeles and its dollars.

    The evening of a day is the next UTC day's 02:00; of 28 March's only what 29 March would bring
    is missing, and 28 February has the first evening.
    """
    evening = {day - timedelta(days=1): Decimal(day.day) for day in DAYS}
    days = [FIRST - timedelta(days=1), *DAYS]
    late = dict.fromkeys(DAYS, Decimal(10))
    nothing = Decimal(0)
    return [(day, late.get(day, nothing) + evening.get(day, nothing)) for day in days]


def build(path: Path, faults: Collection[str] = FAULTS) -> Path:
    """The old system as a DuckDB file, in the schema `finance`, with the faults."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA finance")
        connection.execute(
            "CREATE TABLE finance.cursor_costs (email VARCHAR, user_email VARCHAR, "
            "usage_date DATE, lines BIGINT, amount DOUBLE)"
        )
        connection.executemany(
            "INSERT INTO finance.cursor_costs VALUES (?, ?, ?, ?, ?)", old_rows(faults)
        )
        connection.execute(
            "CREATE TABLE finance.claude_costs (local_day DATE, cost_usd DECIMAL(12, 2))"
        )
        claude = local_rows() if "local" in faults else utc_rows()
        connection.executemany("INSERT INTO finance.claude_costs VALUES (?, ?)", claude)
    return path
