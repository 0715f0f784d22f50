"""Tables are judged by questions whose text is kept: the same is told, with less imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ai_usage.days.windows import Window
from ai_usage.quality.asking import judged
from ai_usage.quality.judging import judge_together
from ai_usage.quality.promises import promised
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage_tests.warehouse.rows import DAY, arrow, days, open_warehouse, row

WINDOW = days(DAY, 2)
ONE = """
import sys
from pathlib import Path
from ai_usage.quality.asking import judged
from ai_usage.warehouse.kept import keep_in
from ai_usage_tests.warehouse.rows import open_warehouse
folder = Path(sys.argv[1])
keep_in(folder / "cache")
found = judged(open_warehouse(folder), {"dim_dates": ["contract", "unique_key"]}, None)
told = {name: (one.whole.failures, one.rows) for name, one in found["dim_dates"].items()}
print(told, sorted({"ibis", "pandera"} & sys.modules.keys()))
"""


def filled(folder: Path) -> DuckDBWarehouse:
    """Every table has a plain row on a day; the keys of some of them name nothing."""
    warehouse = open_warehouse(folder)
    for table in table_names():
        partitioned = table_schema(table).partition_column is not None
        warehouse.replace(table, WINDOW if partitioned else None, arrow(table, [row(table)]))
    return warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    return filled(tmp_path_factory.mktemp("asking"))


@pytest.mark.slow
@pytest.mark.parametrize("of", [WINDOW, None])
def test_what_is_told_is_what_ibis_tells(warehouse: DuckDBWarehouse, of: Window | None) -> None:
    asked = {table: promised(table) for table in table_names()}
    with warehouse.ibis() as connection:
        told = judge_together(connection, asked, of, warehouse.dataset_of)
    assert judged(warehouse, asked, of) == told


def outcome(folder: Path) -> str:
    """What a process of its own tells of `dim_dates`, and which of the two it has imported."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", ONE, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_what_was_asked_before_is_asked_again_without_ibis_and_pandera(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    warehouse.replace("dim_dates", None, arrow("dim_dates", [row("dim_dates", day_of_week=1)]))
    sound = "{'contract': ({}, 1), 'unique_key': ({}, 1)}"
    assert outcome(tmp_path) == f"{sound} ['ibis', 'pandera']"
    assert outcome(tmp_path) == f"{sound} []"
    with warehouse.connect() as connection:
        connection.execute("ALTER TABLE ai_usage.dim_dates DROP COLUMN day_of_week")
    assert "day_of_week" in outcome(tmp_path), "what was kept is of the columns that there were"


def test_a_key_without_its_target_is_told_of(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    bridge = arrow("bridge_user_identity", [row("bridge_user_identity", user_sk=7)])
    warehouse.replace("bridge_user_identity", None, bridge)
    warehouse.replace("dim_users", None, arrow("dim_users", [row("dim_users", user_sk=8)]))
    asked = {"bridge_user_identity": ["foreign_keys"]}
    found = judged(warehouse, asked, None)["bridge_user_identity"]["foreign_keys"]
    assert found.whole.failures == {"user_sk not in dim_users": 1}
    warehouse.replace("dim_users", None, arrow("dim_users", [row("dim_users", user_sk=7)]))
    assert judged(warehouse, asked, None)["bridge_user_identity"]["foreign_keys"].whole.passed
