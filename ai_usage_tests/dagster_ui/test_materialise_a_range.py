"""`make dev` shows the graph, and a range materialised from the UI lands in the warehouse."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from ai_usage.settings import Settings
from ai_usage.simulator import Company, serve, write_directory_files
from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.views import view_names
from ai_usage_tests.support.pipeline import simulated_environment, warehouse_of

pytestmark = pytest.mark.slow

TODAY = date(2026, 3, 18)
DAYS = ["2026-03-16", "2026-03-17"]


class Ui(NamedTuple):
    """A running UI and the installation that it shows."""

    url: str
    settings: Settings

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of a GraphQL answer."""
        answer = httpx.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60
        ).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    home = tmp_path_factory.mktemp("ui")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serve(Company(today=TODAY, people=30)) as base_url:
        environment = simulated_environment(home, base_url, TODAY, date(2026, 3, 1))
        settings = Settings.load(environment)
        write_directory_files(Company(today=TODAY, people=30), settings.reference_path)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AI_USAGE", "DAGSTER"))}
        process = subprocess.Popen(  # noqa: S603
            [str(Path(sys.executable).with_name("ai-usage")), "dev", "--port", str(port)],
            env={**kept, **environment},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait(lambda: up(url), "the UI to come up", 180)
            yield Ui(url, settings)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/server_info", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def wait(done: Any, what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(1)


def test_the_graph_explains_itself(ui: Ui) -> None:
    nodes = ui.ask(
        "{ assetNodes { assetKey { path } groupName kinds description "
        "owners { ... on TeamAssetOwner { team } } "
        "metadataEntries { label ... on TableSchemaMetadataEntry "
        "{ schema { columns { name description } } } } } }"
    )["assetNodes"]
    found = {node["assetKey"]["path"][-1]: node for node in nodes}
    assert set(table_names()) | set(view_names()) <= set(found)
    for name, node in found.items():
        assert node["groupName"], name
        assert node["groupName"] != "default", name
        assert node["description"], name
        assert node["kinds"], name
        assert node["owners"], name
    for name in (*table_names(), *view_names()):
        schemas = [e["schema"] for e in found[name]["metadataEntries"] if "schema" in e]
        assert schemas, name
        assert all(column["description"] for column in schemas[0]["columns"]), name


def test_a_range_materialised_from_the_ui_lands_in_the_warehouse(ui: Ui) -> None:
    nodes = ui.ask("{ assetNodes { assetKey { path } isMaterializable } }")["assetNodes"]
    keys = [{"path": n["assetKey"]["path"]} for n in nodes if n["isMaterializable"]]
    launched = ui.ask(
        "mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: "
        "$params) { __typename ... on LaunchBackfillSuccess { backfillId } "
        "... on PythonError { message } } }",
        params={"assetSelection": keys, "partitionNames": DAYS},
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def status() -> str:
        answer = ui.ask(
            "query ($id: String!) { partitionBackfillOrError(backfillId: $id) "
            "{ ... on PartitionBackfill { status } } }",
            id=launched["backfillId"],
        )
        return str(answer["partitionBackfillOrError"]["status"])

    wait(lambda: status().startswith(("COMPLETED", "FAILED")), "the backfill", 280)
    assert status() == "COMPLETED_SUCCESS"
    rows = warehouse_of(ui.settings).rows(
        "SELECT DATE(cost_timestamp) AS day, COUNT(*) AS n FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp) >= DATE '2026-03-01' GROUP BY 1"
    )
    assert {str(row["day"]) for row in rows if row["n"] > 0} == set(DAYS)
    lineage = ui.ask(
        '{ assetNodeOrError(assetKey: {path: ["fact_ai_costs"]}) { ... on AssetNode '
        "{ assetMaterializations(limit: 1) { partition metadataEntries { __typename "
        "... on TableColumnLineageMetadataEntry { lineage { columnName } } } } } } }"
    )["assetNodeOrError"]["assetMaterializations"][0]
    columns = {c["columnName"] for e in lineage["metadataEntries"] for c in e.get("lineage", [])}
    assert "total_cost_usd" in columns
