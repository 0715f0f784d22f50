"""Assets, checks and views with resources of a test's own, and nothing of the world besides.

The archive is in memory, the clock stands, the vendor is the simulator's over HTTP; the settings
that the graph was made with name other places, which must stay empty.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import msgspec
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import newest_day, tags_of_part
from ai_usage.ledger.closing import record_close
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import DuckDBWarehouseResource, WarehouseIOManager
from ai_usage.orchestration.open_days import LEAVE_CLOSED
from ai_usage.orchestration.resources import ArchiveResource, ClockResource, client_resources
from ai_usage.settings import Settings
from ai_usage.simulator import ANTHROPIC_KEY, Company, serve
from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.schema import table_names
from ai_usage_tests.support.pipeline import simulated_settings

TODAY, DAY = date(2026, 3, 2), date(2026, 2, 27)
COSTS = "source_anthropic_cost_report"


@dataclass(frozen=True)
class World:
    """The graph by its names, and resources that are none of its settings'."""

    settings: Settings
    definitions: dict[str, Any]
    resources: dict[str, Any]

    @property
    def archive(self) -> Archive:
        """The archive in memory."""
        found: ArchiveResource = self.resources["archive"]
        return found.archive()

    def materialize(self, *names: str, **more: Any) -> dg.ExecuteInProcessResult:
        """Build the assets and evaluate the checks of these names for the day."""
        chosen = [self.definitions[name] for name in names]
        done = dg.materialize(
            chosen, partition_key=DAY.isoformat(), resources=self.resources, **more
        )
        assert done.success
        return done

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query of the warehouse."""
        found: DuckDBWarehouseResource = self.resources["warehouse"]
        return list(found.warehouse().rows(sql))


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    with serve(Company(today=TODAY, people=30, scale=0.05)) as url:
        yield url


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[str, Any]]:
    """Assets and checks by name, of settings that know no vendor and no pretended day."""
    home = tmp_path_factory.mktemp("graph")
    settings = Settings.load(
        {
            "AI_USAGE_HOME": str(home),
            "AI_USAGE_ENV_FILE": str(home / "no.env"),
            "AI_USAGE_START_DATE": "2026-02-27",
        }
    )
    defs = build_defs(settings)
    found: dict[str, Any] = {
        asset.key.path[-1]: asset
        for asset in defs.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
    }
    for check in defs.asset_checks or ():
        found |= {key.name: check for key in check.check_keys}
    return settings, found


@pytest.fixture
def world(tmp_path: Path, vendor: str, graph: tuple[Settings, dict[str, Any]]) -> World:
    settings, definitions = graph
    other = simulated_settings(tmp_path / "other", vendor, TODAY, DAY, CURSOR_API_KEY="")
    warehouse = DuckDBWarehouseResource(path=str(tmp_path / "w.duckdb"), dataset="ai_usage")
    for table in table_names():
        warehouse.warehouse().ensure_table(table)
    return World(
        settings,
        definitions,
        {
            "archive": ArchiveResource(root=f"memory://{uuid.uuid4()}"),
            "clock": ClockResource(as_of=TODAY.isoformat()),
            "warehouse": warehouse,
            "io_manager": WarehouseIOManager(resource=warehouse),
            **client_resources(other, discovered_vendors()),
        },
    )


def test_a_source_asks_its_client_by_the_clock_and_keeps_the_answer_in_the_archive(
    world: World,
) -> None:
    done = world.materialize(COSTS)
    (fetch,) = world.archive.fetches("anthropic", "cost_report")
    assert fetch.complete
    assert fetch.window == Window.day(DAY)
    assert fetch.fetched_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    (said,) = done.asset_materializations_for_node(COSTS)
    assert said.metadata["days_fetched"].value == 1
    assert said.metadata["status"].value == "fetched"
    again = world.materialize(COSTS).asset_materializations_for_node(COSTS)[0]
    assert again.metadata["days_held"].value == 1, "by the clock the day has settled"
    assert not Path(world.settings.archive_root).exists()


def test_a_run_that_starts_by_itself_says_of_a_source_which_days_are_new_and_else_the_newest(
    world: World,
) -> None:
    days = Window(DAY, date(2026, 3, 3))

    def said() -> list[str]:
        done = dg.materialize(
            [world.definitions[COSTS]],
            resources=world.resources,
            tags=tags_of_part(days, newest_day(days)),
            run_config={"ops": {COSTS: {"config": {"refetch_since": DAY.isoformat()}}}},
        )
        assert done.success
        return sorted(str(m.partition) for m in done.asset_materializations_for_node(COSTS))

    assert said() == [day.isoformat() for day in days.days()]
    assert said() == ["2026-03-02"], "the answers are the same"
    (fetch,) = world.archive.fetches("anthropic", "cost_report")
    assert fetch.window == days, "asked as ever, at the instant at which the clock stands"


def test_a_source_whose_client_is_not_configured_says_so(world: World) -> None:
    name = "source_cursor_members"
    (said,) = world.materialize(name).asset_materializations_for_node(name)
    assert said.metadata["status"].value == "Cursor is not configured: set CURSOR_API_KEY."


def test_raw_events_are_read_from_the_archive_into_the_warehouse(world: World) -> None:
    (said,) = world.materialize(COSTS).asset_materializations_for_node(COSTS)
    (fetch,) = world.archive.fetches("anthropic", "cost_report")
    days = [day for page in world.archive.pages(fetch) for day in msgspec.json.decode(page)["data"]]
    billed = sum((Decimal(r["amount"]) for day in days for r in day["results"]), Decimal(0)) / 100
    world.materialize("raw_ai_events")
    (row,) = world.rows("SELECT SUM(cost_usd) AS usd, COUNT(*) AS n FROM raw_ai_events")
    assert row["usd"] == billed > 0
    # The day of the source says the same, before anything is built of it.
    assert (said.metadata["usd"].value, said.metadata["records"].value) == (
        float(billed),
        row["n"],
    )
    assert row["n"] == sum(len(day["results"]) for day in days)


def test_a_dimension_reaches_to_the_end_of_the_clocks_year(world: World) -> None:
    world.resources["clock"] = ClockResource(as_of="2031-05-01")
    world.materialize("dim_dates")
    (row,) = world.rows("SELECT MIN(date) AS first_day, MAX(date) AS last_day FROM dim_dates")
    assert row == {"first_day": date(2026, 1, 27), "last_day": date(2031, 12, 31)}


def test_a_fact_leaves_the_days_of_a_month_that_the_archive_knows_as_closed(world: World) -> None:
    def written(**more: Any) -> str:
        done = world.materialize("fact_ai_usage", **more)
        (made,) = done.asset_materializations_for_node("fact_ai_usage")
        window = made.metadata.get("window")
        return str(window.value) if window else "nothing"

    assert written(tags=dict(LEAVE_CLOSED)).startswith("2026-02-27")
    record_close(world.archive, date(2026, 2, 1), [], datetime(2026, 3, 1, tzinfo=UTC))
    assert written(tags=dict(LEAVE_CLOSED)) == "nothing"
    assert written().startswith("2026-02-27"), "a person asked for its days"


def test_a_view_is_seen_from_the_clocks_day(world: World, tmp_path: Path) -> None:
    world.materialize("vw_executive_dashboard")
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as connection:
        (text,) = connection.execute(
            "SELECT sql FROM duckdb_views() WHERE view_name = 'vw_executive_dashboard'"
        ).fetchone() or ("",)
    assert "2026-03-02" in text
    assert "now()" not in text.lower()


def test_a_check_expects_answers_of_the_vendors_whose_clients_are_configured(world: World) -> None:
    world.materialize(COSTS)
    done = world.materialize("raw_ai_events", "completeness")
    (evaluation,) = done.get_asset_check_evaluations()
    failures: Any = evaluation.metadata["failures"].value
    assert "anthropic.cost_report" not in failures
    assert failures["anthropic.usage_report"] == 1
    assert {name.partition(".")[0] for name in failures} == {"anthropic"}


def test_a_client_shows_no_key(world: World) -> None:
    """Dagster shows what a resource is configured with: a client is not a configurable one."""
    client = world.resources["anthropic"]
    assert not isinstance(client, dg.ConfigurableResource)
    assert ANTHROPIC_KEY not in repr(client)
