"""The summary's table of spend: every dollar, uncut, in 80 columns."""

from __future__ import annotations

import io
import re
from decimal import Decimal

import pytest
from rich.console import Console

from ai_usage.cli.spend import spend_table
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.cli.support import TODAY, Place

CENT = Decimal("0.01")


@pytest.mark.slow
def test_teams_and_platforms_sum_to_every_dollar_of_the_month(place: Place) -> None:
    warehouse = DuckDBWarehouse(place.folder / ".ai_usage" / "warehouse.duckdb", "ai_usage")
    printed = io.StringIO()
    Console(file=printed, width=80).print(spend_table(warehouse, TODAY))
    lines = printed.getvalue().rpartition("──")[2].splitlines()
    assert "…" not in printed.getvalue()
    rows = {
        re.split(r"  +", line.strip())[0]: [
            Decimal(cell.replace(",", "").replace("–", "0"))  # noqa: RUF001
            for cell in re.findall(r"(?:\d[\d,]*\.\d\d|–)(?= |$)", line)  # noqa: RUF001
        ]
        for line in lines
        if re.search(r"\d|–", line)  # noqa: RUF001
    }
    (billed,) = place.rows(
        "SELECT SUM(total_cost_usd) AS usd FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp) BETWEEN DATE '2026-03-01' AND DATE '2026-03-31'"
    )
    *platforms, total, _february = rows["Total"]
    assert abs(total - Decimal(str(billed["usd"]))) <= Decimal("0.005")
    # Cents: each printed figure may be half a cent off.
    assert abs(sum(platforms) - total) <= CENT * len(platforms)
    teams = [cells[-2] for name, cells in rows.items() if name not in ("Total", "February")]
    assert len(teams) > 5
    assert abs(sum(t for t in teams) - total) <= CENT * len(teams)
