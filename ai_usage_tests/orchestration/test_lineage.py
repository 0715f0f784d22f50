"""Column lineage is what the SQL computes, and Dagster shows it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from ai_usage.instance.partitions import daily_partitions
from ai_usage.orchestration.assets.sql_tables import sql_table_assets
from ai_usage.orchestration.io_managers import WarehouseIOManager, warehouse_resource
from ai_usage.orchestration.lineage import column_lineage
from ai_usage.orchestration.resources import resources_of
from ai_usage.settings import Settings
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.lineage import column_sources, columns_of, sources_of
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import view_names

RAW = "raw_ai_events"
BRIDGE = "bridge_user_identity"

EVENTS = "stg_events"

# Read from the SQL by hand: what a value is computed from, not what rows are joined by.
BY_HAND = {
    ("stg_events", "session_count"): {(RAW, "session_count")},
    ("stg_events", "total_tokens"): {
        (RAW, "input_tokens"),
        (RAW, "output_tokens"),
        (RAW, "cached_input_tokens"),
        (RAW, "cache_read_tokens"),
    },
    ("fact_ai_usage", "session_count"): {(EVENTS, "session_count")},
    ("fact_ai_usage", "acceptance_rate"): {(EVENTS, "lines_accepted"), (EVENTS, "lines_added")},
    ("fact_ai_usage", "time_sk"): {(EVENTS, "event_timestamp")},
    ("fact_ai_usage", "platform_sk"): {("dim_platforms", "platform_sk")},
    ("fact_ai_usage", "user_sk"): {(BRIDGE, "user_sk"), (EVENTS, "data_quality_score")},
    ("fact_ai_usage", "active_time_seconds"): set(),
    ("fact_ai_usage", "pipeline_run_id"): set(),
    ("fact_ai_costs", "event_id"): {("int_cost_bearers", "event_id")},
    ("fact_ai_costs", "cost_timestamp"): {("stg_cost_events", "event_timestamp")},
    ("fact_ai_costs", "pipeline_run_id"): set(),
}


@pytest.mark.parametrize(("relation", "column"), BY_HAND)
def test_a_columns_sources_are_those_that_its_sql_computes_it_from(
    relation: str, column: str
) -> None:
    assert set(sources_of(relation)[column]) == BY_HAND[relation, column]


def origins(relation: str, column: str) -> set[tuple[str, str]]:
    """The columns of base tables that a column is computed from, step by step."""
    if layer_of(relation) is None:
        return {(relation, column)}
    sources = sources_of(relation)[column]
    return {found for source in sources for found in origins(*source)}


def test_a_split_dollar_comes_from_the_amount_and_the_usage_that_splits_it() -> None:
    found = origins("fact_ai_costs", "total_cost_usd")
    assert found >= {(RAW, "cost_usd"), (RAW, "output_tokens"), (RAW, "cache_read_tokens")}
    assert ("allocation_rules", "weight") in found


def test_a_table_hidden_by_a_cte_of_its_name_is_no_source() -> None:
    sql = (
        "WITH dim_users AS (SELECT platform_sk AS user_sk FROM dim_platforms) "
        "SELECT * FROM dim_users"
    )
    assert column_sources(sql) == {"user_sk": [("dim_platforms", "platform_sk")]}


@pytest.mark.parametrize("relation", [*built_tables(), *view_names()])
def test_every_output_column_has_an_entry_and_every_source_exists(relation: str) -> None:
    sources = sources_of(relation)
    assert set(sources) == set(columns_of(relation))
    found = {pair for pairs in sources.values() for pair in pairs}
    assert found, "something is read"
    for table, column in found:
        assert column in columns_of(table)


def test_dagsters_materialisation_of_a_fact_carries_its_lineage(tmp_path: Path) -> None:
    settings = Settings.load({"AI_USAGE_HOME": str(tmp_path), "AI_USAGE_AS_OF": "2026-03-20"})
    resource = warehouse_resource(settings)
    for table in (RAW, BRIDGE, "dim_platforms"):
        resource.warehouse().ensure_table(table)
    (usage,) = (
        asset
        for asset in sql_table_assets(settings, daily_partitions(settings))
        if asset.key == dg.AssetKey("fact_ai_usage")
    )
    with dg.instance_for_test() as instance:
        done = dg.materialize(
            [usage],
            partition_key="2026-03-10",
            instance=instance,
            resources={
                **resources_of(settings),
                "io_manager": WarehouseIOManager(resource=resource),
            },
        )
        (made,) = done.asset_materializations_for_node("fact_ai_usage")
    shown = made.metadata["dagster/column_lineage"].value
    assert isinstance(shown, dg.TableColumnLineage)
    assert shown == column_lineage(statement("fact_ai_usage"))
    assert shown.deps_by_column["session_count"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(EVENTS), column_name="session_count")
    ]
    assert set(shown.deps_by_column) == set(table_schema("fact_ai_usage").column_names)
