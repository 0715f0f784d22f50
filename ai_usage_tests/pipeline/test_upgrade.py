"""The first run of this version on a home that an earlier one left: what it says and what it keeps.

`fixtures/upgrade/README.md` says how the home was made: 2026-02-01 to 2026-03-10, February closed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.days.windows import Window
from ai_usage.ledger.rule_changes import RULE_CHANGES
from ai_usage.orchestration.code_versions import statement_versions
from ai_usage.settings import Settings
from ai_usage.text.words import few
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.filling import EVERY_DAY, lacking
from ai_usage_tests.alerts.receivers import http_receiver
from ai_usage_tests.cli.support import FIXTURES, FROM_ARCHIVE, ROOT, Place
from ai_usage_tests.support.pipeline import warehouse_of

pytestmark = pytest.mark.slow

RUNS_BEFORE = 4
"""A backfill, a run, the checks of a close, and what follows it."""
FEBRUARY = Window(date(2026, 2, 1), date(2026, 3, 1))
LOADED = Window(date(2026, 2, 1), date(2026, 3, 11))


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


def unpacked(home: Path) -> Path:
    """The stored home, in a folder of the test's own."""
    with tarfile.open(FIXTURES / "upgrade" / "home_c8af749.tar.xz") as stored:
        stored.extractall(home, filter="data")
    return home


def test_open_alerts_are_not_told_again_and_what_waited_for_its_channel_still_waits(
    tmp_path: Path,
) -> None:
    with http_receiver() as receiver:
        nobody, here = "json://127.0.0.1:9/", receiver.url()
        place = Place(
            unpacked(tmp_path),
            {**environment(tmp_path), "AI_USAGE_NOTIFY_URLS": f"{nobody}, {here}"},
        )
        before = place.call("notify", "open")
        assert before.out.splitlines()[-1] == "2 messages not delivered yet, tried again."
        done = place.call("run", *FROM_ARCHIVE)
        assert done.code == 0, done.out + done.err
        after = place.call("notify", "open")
    for check in ("fact_ai_costs.cost_attribution", "fact_ai_usage.usage_attribution"):
        assert check in before.out
        assert check in after.out
        assert not [post for post in receiver.posts if check.partition(".")[2] in post["message"]]


def test_runs_and_checks_of_the_earlier_version_are_still_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(unpacked(tmp_path), environment(tmp_path))
    done = place.call("run", *FROM_ARCHIVE)
    assert done.code == 0, done.out + done.err
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with dg.DagsterInstance.get() as instance:
        for table in ("raw_ai_events", "fact_ai_usage", "fact_ai_costs"):
            built = instance.get_materialized_partitions(dg.AssetKey(table))
            assert built >= {day.isoformat() for day in FEBRUARY.days()}, table
        assert len(instance.get_run_records()) == RUNS_BEFORE + len(("inputs", "warehouse"))


def test_a_sensor_that_was_switched_off_stays_off(tmp_path: Path) -> None:
    home = unpacked(tmp_path)
    listed = subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("dagster"), "sensor", "list", "-w", "workspace.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "DAGSTER_HOME": str(home / "dagster"),
            **environment(home),
        },
    )
    assert listed.returncode == 0, listed.stderr
    sensors = {line for line in listed.stdout.splitlines() if line.startswith("Sensor: ")}
    assert "Sensor: alerts_courier [STOPPED]" in sensors
    assert {line.rpartition(" ")[2] for line in sensors - {"Sensor: alerts_courier [STOPPED]"}} == {
        "[RUNNING]"
    }


def test_open_days_are_rebuilt_once_with_the_reasons_and_the_closed_month_stays(
    tmp_path: Path,
) -> None:
    before = february(unpacked(tmp_path))
    # By the old version's rules the cost of no single product was nobody's.
    (tmp_path / "reference" / "other_costs.csv").write_text(
        "cost_id,platform,line_kind,amount,date_from\nsetup,cursor,one_time,21,2026-03-05\n"
    )
    place = Place(tmp_path, environment(tmp_path))
    done = place.call("run", *FROM_ARCHIVE)
    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[: len(RULE_CHANGES) + 3] == [
        "10 days (2026-03-01..2026-03-10) are rebuilt from the archive, once, because this version "
        "builds days by other rules:",
        *(f"  - {change.reason}" for change in RULE_CHANGES),
        f"  - SQL has changed: {few(list(statement_versions()))}",
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


def assert_filled(warehouse: Warehouse) -> None:
    """No table lacks a day, and the rollups say of each what the facts say."""
    for table in EVERY_DAY:
        assert lacking(warehouse, table, LOADED) == [], table
    (differing,) = warehouse.rows(
        """
WITH facts AS (
  SELECT DATE(cost_timestamp, 'UTC') AS day, SUM(total_cost_usd) AS usd
  FROM fact_ai_costs WHERE cost_timestamp >= TIMESTAMP '2026-01-01' GROUP BY 1
),
rollup AS (
  SELECT date AS day, SUM(total_cost_usd) AS usd
  FROM agg_costs_daily WHERE date >= DATE '2026-01-01' GROUP BY 1
)
SELECT COUNT(*) AS days, COUNTIF(f.usd IS DISTINCT FROM r.usd) AS differ
FROM facts AS f FULL JOIN rollup AS r ON r.day = f.day
"""
    )
    assert differing == {"days": len(LOADED.days()), "differ": 0}


def test_a_killed_upgrade_goes_on_and_a_part_of_a_closed_month_counts_from_its_first_day(
    tmp_path: Path,
) -> None:
    """Ann bears $1.458334 a day: $0.125 of Cursor, and two thirds of Anthropic's $2.00.

    Two thirds are the larger share, which takes what truncation leaves.
    """
    before = february(unpacked(tmp_path))
    place = Place(tmp_path, {**environment(tmp_path), "PYTHONUNBUFFERED": "1"})
    with place.start("run", *FROM_ARCHIVE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "filling int_cost_bearers" in line:
                break
        process.kill()
    done = place.call("run", *FROM_ARCHIVE)
    assert done.code == 0, done.out + done.err
    assert "filling int_cost_bearers: 2026-02 (1 of 1)" in done.out
    assert "filling identity_days" not in done.out
    assert february(tmp_path) == before
    warehouse = warehouse_of(Settings.load(environment(tmp_path)))
    assert_filled(warehouse)

    (tmp_path / "reference" / "budgets.csv").write_text(
        "scope_type,scope_value,amount,valid_from\nperson,ann@acme.test,100,2026-02-01\n"
    )
    part = ("--from", "2026-02-10", "--to", "2026-02-12")
    again = place.call("backfill", *part, "--closed", *FROM_ARCHIVE)
    assert again.code == 0, again.out + again.err
    assert "filling" not in again.out
    sql = (
        "SELECT DISTINCT DATE(f.cost_timestamp, 'UTC') AS day, f.budget_remaining_usd AS usd "
        "FROM fact_ai_costs AS f JOIN dim_users AS u ON u.user_sk = f.user_sk "
        "WHERE f.cost_timestamp >= TIMESTAMP '2026-02-01' AND u.user_email = 'ann@acme.test' "
        "AND f.cost_timestamp < TIMESTAMP '2026-03-01' ORDER BY day"
    )
    assert [(row["day"].day, row["usd"]) for row in warehouse.rows(sql)] == [
        *((day, None) for day in range(1, 10)),
        *((day, 100 - day * Decimal("1.458334")) for day in range(10, 29)),
    ]
    assert_filled(warehouse)
