"""The first run of this version on a home that an earlier one left: what it says and what it keeps.

`fixtures/upgrade/README.md` says how the home was made: 2026-02-01 to 2026-03-10, February closed.
"""

from __future__ import annotations

import tarfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.ledger.rule_changes import RULE_CHANGES
from ai_usage.settings import Settings
from ai_usage_tests.cli.support import FIXTURES, Place
from ai_usage_tests.support.pipeline import warehouse_of

pytestmark = pytest.mark.slow

FEBRUARY = Window(date(2026, 2, 1), date(2026, 3, 1))


def environment(home: Path) -> dict[str, str]:
    """No vendor is configured: all days come from the archive."""
    return {
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_ENV_FILE": str(home / "no.env"),
        "AI_USAGE_START_DATE": "2026-02-01",
        "AI_USAGE_AS_OF": "2026-03-11",
    }


def february(home: Path) -> list[dict[str, Any]]:
    """Every event and fact of the closed month, in the columns that the old version had."""
    rows: list[dict[str, Any]] = []
    for table in ("raw_ai_events", "fact_ai_usage", "fact_ai_costs"):
        found = warehouse_of(Settings.load(environment(home))).read(table, FEBRUARY).to_pylist()
        assert found, table
        rows += sorted(found, key=lambda row: (row["event_id"], row.get("event_part", 0)))
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_open_days_are_rebuilt_once_with_the_reasons_and_the_closed_month_stays(
    tmp_path: Path,
) -> None:
    with tarfile.open(FIXTURES / "upgrade" / "home_c8af749.tar.xz") as stored:
        stored.extractall(tmp_path, filter="data")
    before = february(tmp_path)
    # By the old version's rules the cost of no single product was nobody's.
    (tmp_path / "reference" / "other_costs.csv").write_text(
        "cost_id,platform,line_kind,amount,date_from\nsetup,cursor,one_time,21,2026-03-05\n"
    )
    place = Place(tmp_path, environment(tmp_path))
    done = place.call("run")
    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[: len(RULE_CHANGES) + 2] == [
        "10 days (2026-03-01..2026-03-10) are rebuilt from the archive, once, because this version "
        "builds days by other rules:",
        *(f"  - {change.reason}" for change in RULE_CHANGES),
        "Days up to 2026-02-28 are closed and stay as reported.",
    ]
    assert february(tmp_path) == before
    warehouse = warehouse_of(Settings.load(environment(tmp_path)))
    sql = (
        "SELECT p.platform_name, f.platform_sk, f.total_cost_usd FROM fact_ai_costs AS f "
        "JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
        "WHERE DATE(f.cost_timestamp) >= DATE '2026-03-01' AND f.cost_type = 'one_time'"
    )
    (row,) = warehouse.rows(sql)
    assert (row["platform_name"], row["total_cost_usd"]) == ("Cursor (whole platform)", Decimal(21))
    assert list(warehouse.rows("SELECT * FROM vw_adjustments")) == []
    again = place.call("run", "--select", "dim_dates")
    assert again.code == 0, again.err
    assert "rebuilt" not in again.out
