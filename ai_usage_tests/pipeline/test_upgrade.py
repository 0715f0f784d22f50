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
from ai_usage_tests.alerts.receivers import http_receiver
from ai_usage_tests.cli.support import FIXTURES, ROOT, Place
from ai_usage_tests.support.pipeline import warehouse_of

pytestmark = pytest.mark.slow

RUNS_BEFORE = 4
"""A backfill, a run, the checks of a close, and what follows it."""
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
        done = place.call("run")
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
    done = place.call("run")
    assert done.code == 0, done.out + done.err
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with dg.DagsterInstance.get() as instance:
        for table in ("raw_ai_events", "fact_ai_usage", "fact_ai_costs"):
            built = instance.get_materialized_partitions(dg.AssetKey(table))
            assert built >= {day.isoformat() for day in FEBRUARY.days()}, table
        assert len(instance.get_run_records()) == RUNS_BEFORE + 1


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
    done = place.call("run")
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
