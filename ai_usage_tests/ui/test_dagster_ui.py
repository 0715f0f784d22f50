"""`ai-usage dev` on a free port: what the UI shows, and a range materialised from it.

Everything goes through the GraphQL that the UI itself asks; runs go through the daemon's queue and
a run worker, as from the button.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ai_usage.orchestration.checks.bills import BILLS_DUE
from ai_usage.simulator.company import Company
from ai_usage.simulator.reference import write_reference_files
from ai_usage.simulator.server import serve
from ai_usage.simulator.vendors import ANTHROPIC_KEY, CURSOR_KEY
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.views import view_names, view_schema
from ai_usage_tests.cli.support import TODAY, Place, vendors
from ai_usage_tests.support.ports import listening_elsewhere_than_on_loopback
from ai_usage_tests.support.secrets import found, texts_below

pytestmark = pytest.mark.slow

DAYS = ["2026-03-16", "2026-03-17"]
START, LOAD, RUN = 90, 90, 240
"""Seconds to wait for the server, the code location and a run; far more than they need."""


@dataclass(frozen=True)
class Ui:
    """A running UI."""

    url: str
    place: Place
    process: subprocess.Popen[str]

    def log(self) -> str:
        """What it has printed."""
        return (self.place.folder / "log.txt").read_text()

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer to a GraphQL query."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            body = json.load(answer)
        assert not body.get("errors"), body["errors"]
        return body["data"]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    folder = tmp_path_factory.mktemp("ui")
    company = Company(today=TODAY, people=30)
    write_reference_files(company, folder / ".ai_usage" / "reference")
    with serve(company) as url:
        place = Place(folder, vendors(url))
        with (
            (folder / "log.txt").open("w") as log,
            place.start("dev", "--port", str(port), log=log) as process,
        ):
            running = Ui(f"http://127.0.0.1:{port}", place, process)
            try:
                _wait_until_it_serves(running)
                yield running
            finally:
                # A termination signal ends every process that it has started.
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=60) == 0, running.log()
                _wait_until_none_is_left(process.pid)


def _wait_until_it_serves(ui: Ui) -> None:
    deadline = time.monotonic() + START + LOAD
    query = (
        "{workspaceOrError {... on Workspace {locationEntries {locationOrLoadError {__typename}}}}}"
    )
    while time.monotonic() < deadline:
        assert ui.process.poll() is None, ui.log()
        try:
            entries = ui.ask(query)["workspaceOrError"]["locationEntries"]
            loaded = [entry["locationOrLoadError"] for entry in entries]
            if loaded and all(loaded):
                assert [entry["__typename"] for entry in loaded] == ["RepositoryLocation"]
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.5)
    raise AssertionError("the UI did not start")


@pytest.fixture(scope="module")
def nodes(ui: Ui) -> dict[str, Any]:
    """Every asset as the UI's catalogue and overview show it, by name."""
    found = ui.ask(
        """{assetNodes {
          assetKey {path} groupName kinds description isMaterializable isPartitioned
          owners {... on TeamAssetOwner {team}}
          backfillPolicy {policyType}
          metadataEntries {... on TableSchemaMetadataEntry {schema {
            columns {name type description constraints {nullable}}}}}
        }}"""
    )["assetNodes"]
    return {node["assetKey"]["path"][-1]: node for node in found}


@pytest.fixture(scope="module")
def materialised(ui: Ui, nodes: dict[str, Any]) -> str:
    """Two days of the whole graph, launched as the button does; the run's id, once it succeeded.

    For a range of assets whose policy is a single run, the UI launches one run with the range in
    its tags.
    """
    launched = ui.ask(
        """mutation ($params: [ExecutionParams!]!) {
          launchMultipleRuns(executionParamsList: $params) {
          ... on LaunchMultipleRunsResult {launchMultipleRunsResult {
            __typename
            ... on LaunchRunSuccess {run {runId}}
            ... on InvalidSubsetError {message}
            ... on PythonError {message}
          }}
        }}""",
        params=[
            {
                "mode": "default",
                "runConfigData": "{}",
                "selector": {
                    "repositoryLocationName": "ai_usage",
                    "repositoryName": "__repository__",
                    "pipelineName": "__ASSET_JOB",
                    "assetSelection": [
                        {"path": node["assetKey"]["path"]} for node in nodes.values()
                    ],
                },
                "executionMetadata": {
                    "tags": [
                        {"key": "dagster/asset_partition_range_start", "value": DAYS[0]},
                        {"key": "dagster/asset_partition_range_end", "value": DAYS[-1]},
                    ]
                },
            }
        ],
    )["launchMultipleRuns"]["launchMultipleRunsResult"]
    assert launched[0]["__typename"] == "LaunchRunSuccess", launched
    run_id: str = launched[0]["run"]["runId"]
    deadline = time.monotonic() + RUN
    status = None
    while time.monotonic() < deadline:
        status = ui.ask(
            "query ($id: ID!) {runOrError(runId: $id) {... on Run {status}}}", id=run_id
        )
        status = status["runOrError"]["status"]
        if status in ("SUCCESS", "FAILURE", "CANCELED"):
            break
        time.sleep(0.5)
    assert status == "SUCCESS", ui.log()
    return run_id


def test_every_asset_shows_group_kind_owner_and_description(nodes: dict[str, Any]) -> None:
    groups = {node["groupName"] for node in nodes.values()}
    assert {"sources_cursor", "sources_anthropic", "reference", "raw", "identity"} <= groups
    assert {"dimensions", "facts", "views"} <= groups
    for name, node in nodes.items():
        assert node["groupName"] != "default", name
        assert node["kinds"], name
        assert node["owners"], name
        assert len(node["description"]) > 20, name
        assert node["isMaterializable"], name
        assert node["isPartitioned"], name
        assert node["backfillPolicy"]["policyType"] == "SINGLE_RUN", name


@pytest.mark.parametrize("name", [*table_names(), *view_names()])
def test_every_table_and_view_shows_its_columns_with_their_meaning(
    nodes: dict[str, Any], name: str
) -> None:
    (schema,) = [entry["schema"] for entry in nodes[name]["metadataEntries"] if entry]
    shown = [(column["name"], column["description"]) for column in schema["columns"]]
    if name in table_names():
        assert shown == [(c.name, c.description) for c in table_schema(name).columns]
        types = [(c["type"], c["constraints"]["nullable"]) for c in schema["columns"]]
        assert types == [(c.type, c.nullable) for c in table_schema(name).columns]
    else:
        assert shown == list(view_schema(name).columns)
    assert all(meaning for _, meaning in shown)


ASSET = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
  partitionStats {numMaterialized numFailed}
  assetPartitionStatuses {... on TimePartitionStatuses {ranges {status startKey endKey}}}
  assetMaterializations(limit: 1) {metadataEntries {
    ... on TableColumnLineageMetadataEntry {lineage {
      columnName columnDeps {assetKey {path} columnName}}}}}
  assetChecksOrError {... on AssetChecks {checks {
    name
    executionForLatestMaterialization {status}
    partitionStatuses {... on AssetCheckTimePartitionStatuses {ranges {status startKey endKey}}}
  }}}
}}}"""


def asset(ui: Ui, name: str) -> Any:
    return ui.ask(ASSET, key={"path": [name]})["assetNodeOrError"]


@pytest.mark.usefixtures("materialised")
def test_a_range_materialised_from_the_ui_fills_every_assets_partitions(
    ui: Ui, nodes: dict[str, Any]
) -> None:
    for name in nodes:
        shown = asset(ui, name)
        assert shown["partitionStats"] == {"numMaterialized": 2, "numFailed": 0}, name
        (days,) = shown["assetPartitionStatuses"]["ranges"]
        assert (days["status"], days["startKey"], days["endKey"]) == ("MATERIALIZED", *DAYS), name


@pytest.mark.usefixtures("materialised")
def test_every_check_has_a_result_for_every_day_or_for_the_table_as_a_whole(ui: Ui) -> None:
    seen = of_days = 0
    for name in table_names():
        for check in asset(ui, name)["assetChecksOrError"]["checks"]:
            seen += 1
            latest = check["executionForLatestMaterialization"]
            assert latest is not None, (name, check["name"])
            assert latest["status"] in ("SUCCEEDED", "FAILED")
            # A table that is one whole is judged once a run; whose bill is due is today's alone.
            is_of_days = table_schema(name).partition_column is not None
            if not is_of_days or check["name"] == BILLS_DUE:
                continue
            ranges = check["partitionStatuses"]["ranges"]
            days = {day for found in ranges for day in (found["startKey"], found["endKey"])}
            assert days == set(DAYS), (name, check["name"])
            assert {found["status"] for found in ranges} <= {"SUCCEEDED", "FAILED"}, name
            of_days += 1
    assert seen > of_days > 30


@pytest.mark.usefixtures("materialised")
def test_column_lineage_leads_from_a_view_to_the_raw_events(ui: Ui) -> None:
    def parents(table: str, column: str) -> set[tuple[str, str]]:
        (event,) = asset(ui, table)["assetMaterializations"]
        (lineage,) = [entry["lineage"] for entry in event["metadataEntries"] if entry]
        (deps,) = [entry["columnDeps"] for entry in lineage if entry["columnName"] == column]
        return {(dep["assetKey"]["path"][-1], dep["columnName"]) for dep in deps}

    way = [("vw_cost_allocation_detailed", "total_cost")]
    for above in (
        ("int_costs_monthly", "total_cost"),
        ("agg_costs_daily", "total_cost_usd"),
        ("fact_ai_costs", "total_cost_usd"),
        ("int_cost_bearers", "part_usd"),
        ("stg_cost_events", "cost_usd"),
        ("stg_events", "cost_usd"),
        ("raw_ai_events", "cost_usd"),
    ):
        assert above in parents(*way[-1])
        way.append(above)


@pytest.mark.usefixtures("materialised")
def test_the_rows_of_the_range_are_in_the_warehouse(ui: Ui) -> None:
    found = ui.place.rows(
        "SELECT DISTINCT CAST(DATE(cost_timestamp) AS STRING) AS day FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp) >= DATE '1900-01-01' ORDER BY day"
    )
    assert [row["day"] for row in found] == DAYS


@pytest.mark.usefixtures("materialised")
def test_a_backfill_from_the_ui_goes_through_the_daemon_as_one_run(ui: Ui) -> None:
    """How the UI launches a range that it cannot put into one run's tags."""
    launched = ui.ask(
        """mutation ($params: LaunchBackfillParams!) {
          launchPartitionBackfill(backfillParams: $params) {
          __typename
          ... on LaunchBackfillSuccess {backfillId}
          ... on PythonError {message}
        }}""",
        params={"assetSelection": [{"path": ["dim_dates"]}], "partitionNames": ["2026-03-18"]},
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    deadline = time.monotonic() + RUN
    backfill: Any = {}
    while time.monotonic() < deadline:
        backfill = ui.ask(
            """query ($id: String!) {partitionBackfillOrError(backfillId: $id) {
              ... on PartitionBackfill {status runs {status}}
            }}""",
            id=launched["backfillId"],
        )["partitionBackfillOrError"]
        if backfill["status"].startswith(("COMPLETED", "FAILED", "CANCELED")):
            break
        time.sleep(1)
    assert backfill == {"status": "COMPLETED_SUCCESS", "runs": [{"status": "SUCCESS"}]}


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: the page cannot be looked at")
def test_the_lineage_page_draws_every_group(ui: Ui, nodes: dict[str, Any], tmp_path: Path) -> None:
    assert CHROMIUM is not None
    page = subprocess.run(  # noqa: S603
        [
            CHROMIUM,
            *["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
            *["--disable-background-networking", "--disable-component-update"],
            *["--disable-sync", "--disable-dev-shm-usage"],
            f"--user-data-dir={tmp_path}",
            "--window-size=2000,1400",
            "--virtual-time-budget=30000",
            "--dump-dom",
            f"{ui.url}/asset-groups",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    text = re.sub(r"<[^>]+>", " ", page)
    for group in {node["groupName"] for node in nodes.values()}:
        assert re.search(rf"\b{group}\b", text), group


@pytest.mark.usefixtures("materialised")
def test_the_console_shows_where_the_ui_is_and_no_noise(ui: Ui) -> None:
    """Not a warning a definition at every load, not every event of a run."""
    printed = ui.log()
    assert printed.startswith(f"Starting Dagster's UI on {ui.url}")
    assert len(re.findall(rf"^Ready after \d+ s: open {ui.url}\.", printed, re.MULTILINE)) == 1
    for noise in ("WARNING", "Warning", "DEBUG", "Traceback"):
        assert noise not in printed
    assert len(printed.splitlines()) < 10, printed


@pytest.mark.usefixtures("materialised")
def test_every_port_of_its_processes_is_on_loopback(ui: Ui) -> None:
    """The UI has no sign-in: whoever reaches it may start and delete."""
    pids = map(int, _processes_of(ui.process.pid, "pid=").split())
    assert listening_elsewhere_than_on_loopback(pids) == set()


@pytest.mark.usefixtures("materialised")
def test_no_key_is_in_anything_that_its_processes_printed_or_kept(ui: Ui) -> None:
    secrets = {CURSOR_KEY, ANTHROPIC_KEY}
    assert secrets <= {*ui.place.environment.values()}
    assert not found(secrets, ui.log())
    for name, text in texts_below(ui.place.folder):
        assert not found(secrets, text), name


def _wait_until_none_is_left(session: int) -> None:
    """All are in the session that `ai-usage dev` began; code servers take a moment to notice."""
    deadline = time.monotonic() + 60
    while (left := _processes_of(session)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not left


def _processes_of(session: int, shown: str = "args=") -> str:
    return subprocess.run(  # noqa: S603
        ["ps", "-s", str(session), "-o", shown],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout
