"""The graph as it is meant to be: a change of it shows as a change of a readable file.

`make snapshots` writes the file anew; read what changed before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.instance.dagster_private import AssetGraph
from ai_usage.orchestration.definitions import build_defs
from ai_usage.settings import Settings
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.views import view_names, view_schema

SNAPSHOT = Path(__file__).with_name("definitions.txt")


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    settings = {"AI_USAGE_HOME": str(home), "AI_USAGE_ENV_FILE": str(home / "no.env")}
    return build_defs(Settings.load(settings))


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions) -> AssetGraph:
    return defs.resolve_asset_graph()


def described(graph: AssetGraph) -> str:
    """Groups, their assets with kinds and what they are made of, and the assets' checks."""
    lines = []
    nodes = [graph.get(key) for key in sorted(graph.executable_asset_keys)]
    for group in sorted({node.group_name for node in nodes}):
        lines.append(f"{group}")
        for node in [node for node in nodes if node.group_name == group]:
            name = node.key.path[-1]
            kinds = " ".join(sorted(node.kinds))
            lines.append(f"  {name} [{kinds}] {' '.join(sorted(node.owners))}")
            parents = sorted(key.path[-1] for key in node.parent_keys)
            lines.extend(f"    from {parent}" for parent in parents)
            for check in sorted(node.check_keys, key=lambda key: key.name):
                word = "blocks" if graph.get_check_spec(check).blocking else "warns"
                lines.append(f"    check {check.name} {word}")
    return "\n".join(lines) + "\n"


def test_the_graph_is_the_one_in_the_snapshot(graph: AssetGraph) -> None:
    now = described(graph)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(now)
    assert now.splitlines() == SNAPSHOT.read_text().splitlines(), (
        "the graph has changed: `make snapshots`, read the difference, commit it"
    )


def test_every_asset_has_a_group_an_owner_a_kind_and_a_description(graph: AssetGraph) -> None:
    for key in graph.executable_asset_keys:
        node = graph.get(key)
        assert node.group_name != "default", key
        assert node.owners, key
        assert node.kinds, key
        assert len(node.description or "") > 20, key


def test_every_check_says_what_it_promises(graph: AssetGraph) -> None:
    assert graph.asset_check_keys
    for key in graph.asset_check_keys:
        promise = graph.get_check_spec(key).description or ""
        assert len(promise) > 20, key


def test_all_assets_share_one_daily_partitioning_and_run_a_range_as_one_run(
    graph: AssetGraph,
) -> None:
    partitionings = {graph.get(key).partitions_def for key in graph.executable_asset_keys}
    assert len(partitionings) == 1
    policies = {graph.get(key).backfill_policy for key in graph.executable_asset_keys}
    assert policies == {dg.BackfillPolicy.single_run()}


def test_every_table_and_view_is_an_asset_with_its_columns(graph: AssetGraph) -> None:
    for name in [*table_names(), *view_names()]:
        shown = graph.get(dg.AssetKey(name)).metadata["dagster/column_schema"]
        declared = (
            [(c.name, c.type, c.description, c.nullable) for c in table_schema(name).columns]
            if name in table_names()
            else [(column, None, meaning, None) for column, meaning in view_schema(name).columns]
        )
        columns = [
            (
                column.name,
                column.type if name in table_names() else None,
                column.description,
                column.constraints.nullable if name in table_names() else None,
            )
            for column in shown.columns
        ]
        assert columns == declared, name


def test_loading_the_definitions_warns_of_nothing(
    recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ai_usage.orchestration import definitions

    monkeypatch.chdir(tmp_path)
    definitions.defs()
    assert [str(w.message) for w in recwarn if "dagster" in w.filename] == []
