"""Asset checks in Dagster: a result for every day, blocking only where a contract is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.days.windows import Window
from ai_usage.orchestration.checks.factory import (
    promises_check,
    warehouse_checks,
)
from ai_usage.quality.rules import RELATIONS, RULES
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.support.check_runs import PARTITIONS, Ran, run
from ai_usage_tests.warehouse.rows import DAY, Row, arrow, event_id, open_warehouse, raw, row

DAYS = [DAY + timedelta(days=n) for n in range(3)]
KEYS = [day.isoformat() for day in DAYS]
RAW = "raw_ai_events"


def checks_of(table: str, *names: str) -> list[dg.AssetChecksDefinition]:
    return [promises_check(table, names, PARTITIONS)]


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return open_warehouse(tmp_path)


def fill(warehouse: DuckDBWarehouse, table: str, rows: list[Row]) -> None:
    partitioned = table_schema(table).partition_column is not None
    window = Window(DAYS[0], DAYS[-1] + timedelta(days=1)) if partitioned else None
    warehouse.replace(table, window, arrow(table, rows))


def over_the_range(
    warehouse: DuckDBWarehouse,
    table: str,
    checks: list[dg.AssetChecksDefinition],
    *,
    persistent: bool = False,
) -> Ran:
    return run(warehouse, table, checks, DAYS[0], DAYS[-1], persistent=persistent)


# -- recorded per partition ---------------------------------------------------------------------


def test_a_range_run_records_every_day_and_only_the_failing_one_fails(
    warehouse: DuckDBWarehouse,
) -> None:
    """Of itself Dagster records one evaluation, and each partition's planned row stays open."""
    fill(warehouse, RAW, [raw(d, d) for d in DAYS] + [raw(DAYS[1], "bad", event_type="gift")])
    ran = over_the_range(warehouse, RAW, checks_of(RAW, "contract", "quality"), persistent=True)
    assert ran.recorded["contract"] == {
        KEYS[0]: "SUCCEEDED",
        KEYS[1]: "FAILED",
        KEYS[2]: "SUCCEEDED",
        None: "FAILED",
    }
    assert ran.recorded["quality"] == dict.fromkeys([*KEYS, None], "SUCCEEDED")


@pytest.mark.parametrize("one_partition", [True, False], ids=["partition", "range of one day"])
@pytest.mark.parametrize(("broken", "status"), [(False, "SUCCEEDED"), (True, "FAILED")])
def test_a_run_of_one_day_records_that_day(
    warehouse: DuckDBWarehouse, one_partition: bool, broken: bool, status: str
) -> None:
    fill(warehouse, RAW, [raw(DAY, "a", event_type="gift" if broken else "usage")])
    ran = run(
        warehouse, RAW, checks_of(RAW, "contract", "quality"), DAY, DAY, one_partition=one_partition
    )
    assert ran.recorded["contract"][KEYS[0]] == status
    assert set(ran.recorded["contract"].values()) == {status}, "no planned row stays open"


# -- blocking -----------------------------------------------------------------------------------


def test_a_broken_contract_stops_what_is_downstream(warehouse: DuckDBWarehouse) -> None:
    fill(warehouse, RAW, [raw(DAYS[2], "bad", event_id="?")])
    ran = over_the_range(warehouse, RAW, checks_of(RAW, "contract", "quality"))
    assert not ran.success
    assert ran.built == {RAW}
    assert ran.summaries["contract"].severity == dg.AssetCheckSeverity.ERROR


def test_poor_quality_warns_and_stops_nothing(warehouse: DuckDBWarehouse) -> None:
    fill(warehouse, RAW, [raw(DAYS[2], "poor", commits=-1)])
    ran = over_the_range(warehouse, RAW, checks_of(RAW, "contract", "quality"))
    assert ran.success
    assert ran.built == {RAW, "downstream"}
    assert ran.recorded["quality"] == {
        KEYS[0]: "SUCCEEDED",
        KEYS[1]: "SUCCEEDED",
        KEYS[2]: "FAILED",
        None: "FAILED",
    }
    assert ran.summaries["quality"].severity == dg.AssetCheckSeverity.WARN


# -- what a person sees ---------------------------------------------------------------------------


def test_metadata_counts_all_failing_rows_shows_a_few_and_names_nobody(
    warehouse: DuckDBWarehouse,
) -> None:
    bad = [
        raw(
            DAYS[n % 2],
            n,
            event_type="gift",
            user_email=f"person{n}@example.com",
            raw_response='{"secret": 1}',
        )
        for n in range(300)
    ]
    fill(warehouse, RAW, bad)
    ran = over_the_range(warehouse, RAW, checks_of(RAW, "contract", "quality"))
    metadata = ran.summaries["contract"].metadata
    assert metadata["rows"].value == 300
    assert metadata["failing_rows"].value == 300
    assert metadata["failures"].value == {"known_event_type": 300}
    sample: Any = metadata["sample"].value
    assert len(sample) == 5
    assert {one["user_email"] for one in sample} == {"p***@example.com"}
    whole = json.dumps({k: str(v.value) for k, v in metadata.items()})
    assert "person" not in whole
    assert "secret" not in whole
    assert len(whole) < 10_000


# -- keys and relations -------------------------------------------------------------------------


def test_a_doubled_key_fails_its_days_and_blocks(warehouse: DuckDBWarehouse) -> None:
    rows = [raw(DAYS[0], "a"), raw(DAYS[1], "b"), raw(DAYS[1], "b"), raw(DAYS[2], "c")]
    fill(warehouse, RAW, rows)
    ran = over_the_range(warehouse, RAW, checks_of(RAW, "unique_key"))
    assert ran.recorded["unique_key"] == {
        KEYS[0]: "SUCCEEDED",
        KEYS[1]: "FAILED",
        KEYS[2]: "SUCCEEDED",
        None: "FAILED",
    }
    assert ran.summaries["unique_key"].metadata["failures"].value == {"event_id not unique": 2}
    assert ran.built == {RAW}


def test_a_key_that_stands_on_two_days_fails_both(warehouse: DuckDBWarehouse) -> None:
    fill(warehouse, RAW, [raw(DAYS[0], "same"), raw(DAYS[2], "same")])
    ran = over_the_range(warehouse, RAW, checks_of(RAW, "unique_key"))
    assert [ran.recorded["unique_key"][key] for key in KEYS] == ["FAILED", "SUCCEEDED", "FAILED"]


def test_a_key_of_several_columns_is_unique_as_a_whole(warehouse: DuckDBWarehouse) -> None:
    table = "fact_ai_costs"
    parts = [row(table, DAY, event_part=n, event_id=event_id("e")) for n in (1, 2)]
    fill(warehouse, table, parts)
    checks = checks_of(table, "unique_key")
    assert over_the_range(warehouse, table, checks).success
    fill(warehouse, table, [*parts, parts[1]])
    assert not over_the_range(warehouse, table, checks).success


def test_a_table_that_is_one_whole_is_judged_once_and_not_for_each_day(
    warehouse: DuckDBWarehouse,
) -> None:
    """Its state is what it is, whatever days a run covers; a year would be 365 equal events."""
    fill(warehouse, "dim_users", [row("dim_users"), row("dim_users", user_email="other")])
    ran = over_the_range(warehouse, "dim_users", checks_of("dim_users", "unique_key"))
    assert ran.found("unique_key") == {None: "FAILED"}


def known(warehouse: DuckDBWarehouse, table: str) -> None:
    """Fill the dimensions with what a plain row of the table points to."""
    plain = row(table)
    for relation in RELATIONS[table]:
        target = [row(relation.target, **{relation.target_column: plain[relation.column]})]
        fill(warehouse, relation.target, target)
    days = [row("dim_dates", date_sk=int(f"{day:%Y%m%d}")) for day in DAYS]
    fill(warehouse, "dim_dates", days)


@pytest.mark.parametrize("table", RELATIONS)
def test_a_key_without_its_dimensions_row_fails_its_day_and_blocks(
    warehouse: DuckDBWarehouse, table: str
) -> None:
    known(warehouse, table)
    partitioned = table_schema(table).partition_column is not None
    day = DAYS[1] if partitioned else DAY
    orphans = [row(table, day, **{relation.column: 99}) for relation in RELATIONS[table]]
    fill(warehouse, table, [row(table), *orphans])
    ran = over_the_range(warehouse, table, checks_of(table, "foreign_keys"))
    metadata = ran.summaries["foreign_keys"].metadata
    assert metadata["failures"].value == {
        f"{relation.column} not in {relation.target}": 1 for relation in RELATIONS[table]
    }
    expected: dict[str | None, str] = {None: "FAILED"}
    if partitioned:
        expected |= {KEYS[0]: "SUCCEEDED", KEYS[1]: "FAILED", KEYS[2]: "SUCCEEDED"}
    assert ran.found("foreign_keys") == expected
    assert ran.built == {table}


def test_rows_whose_dimensions_are_there_pass(warehouse: DuckDBWarehouse) -> None:
    known(warehouse, "fact_ai_costs")
    fill(warehouse, "fact_ai_costs", [row("fact_ai_costs", day) for day in DAYS])
    checks = checks_of("fact_ai_costs", "foreign_keys")
    ran = over_the_range(warehouse, "fact_ai_costs", checks)
    assert ran.success
    assert ran.recorded["foreign_keys"] == dict.fromkeys([*KEYS, None], "SUCCEEDED")


def test_orphans_of_every_relation_together_show_no_more_than_five(
    warehouse: DuckDBWarehouse,
) -> None:
    known(warehouse, "fact_ai_costs")
    lost: dict[str, Any] = {r.column: 99 for r in RELATIONS["fact_ai_costs"]}
    fill(warehouse, "fact_ai_costs", [row("fact_ai_costs", **lost) for _ in range(9)])
    checks = checks_of("fact_ai_costs", "foreign_keys")
    metadata = over_the_range(warehouse, "fact_ai_costs", checks).summaries["foreign_keys"].metadata
    sample: Any = metadata["sample"].value
    assert len(sample) == 5
    assert len(dict(metadata["failures"].value)) == 4  # type: ignore[arg-type]


# -- all of them --------------------------------------------------------------------------------


def test_every_table_has_the_checks_that_its_declarations_call_for() -> None:
    tables = [*RULES, "dim_model_prices"]
    checks = warehouse_checks(tables, PARTITIONS)
    got = {(key.asset_key.path[-1], key.name) for check in checks for key in check.check_keys}
    expected: set[tuple[str, str]] = {(table, "contract") for table in tables}
    with_warnings: Callable[[str], bool] = lambda t: any(r.severity == "warning" for r in RULES[t])  # noqa: E731
    expected |= {(table, "quality") for table in RULES if with_warnings(table)}
    expected |= {(table, "unique_key") for table in tables if table in UNIQUE_KEYS}
    expected |= {(table, "foreign_keys") for table in RELATIONS}
    assert got == expected
    assert [len(list(check.check_specs)) for check in checks].count(4) == 2, "in one step a table"
    blocking = {spec.name: spec.blocking for check in checks for spec in check.check_specs}
    assert blocking == {
        "contract": True, "quality": False, "unique_key": True, "foreign_keys": True,
    }  # fmt: skip
