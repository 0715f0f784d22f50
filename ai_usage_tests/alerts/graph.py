"""A small graph whose checks fail when a test says so, run in a real instance.

The assets have names of the product's tables, the checks are made by the product's factory.
"""

# Dagster wants real annotations on assets and checks.
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from ai_usage.alerts.alerts import Alerts
from ai_usage.alerts.findings import STARTED_BY
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.instance.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    BACKFILL_ID_TAG,
)
from ai_usage.orchestration.assets.common import explained
from ai_usage.orchestration.checks.factory import table_check
from ai_usage.orchestration.io_managers import DuckDBWarehouseResource
from ai_usage.orchestration.resources import Resources
from ai_usage.orchestration.run_history import DagsterRunHistory, catalogue_of
from ai_usage.orchestration.runs import dagster_yaml
from ai_usage.orchestration.sensors import alert_sensors
from ai_usage.quality.outcome import Outcome, Validation
from ai_usage.settings import Settings
from ai_usage_tests.support.dagster_private import (
    BulkActionStatus,
    DagsterExecutionInterruptedError,
    PartitionBackfill,
)

DAY = date(2026, 3, 10)
PARTITIONS = dg.DailyPartitionsDefinition("2026-01-01", end_offset=1, timezone="UTC")
ONE_RUN = dg.BackfillPolicy.single_run()
ASSETS = {
    "raw_ai_events": ("raw", "team:data-platform"),
    "dim_users": ("dimensions", "team:data-platform"),
    "fact_ai_usage": ("facts", "team:engineering"),
    "fact_ai_costs": ("facts", "team:finance"),
}
BLOCKING = "contract"
WARNING = "quality"


@dataclass
class World:
    """What is wrong today. `rows` are the failing rows of a day, as (asset, check, rule)."""

    rows: dict[tuple[str, str, str], dict[date, int]] = field(default_factory=dict)
    samples: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """Assets that cannot be built, and the person's error that says so."""
    interrupted: set[str] = field(default_factory=set)
    """Assets during whose build a person stops the run."""

    touched: set[str] = field(default_factory=set)
    """Assets that anything was ever wrong with."""

    def fails(self, asset: str, check: str, *days: date, rule: str = "rule", rows: int = 1) -> None:
        """Let a check fail on the days, in addition to what fails already."""
        self.touched.add(asset)
        self.rows.setdefault((asset, check, rule), {}).update(dict.fromkeys(days, rows))

    def remedy(self, asset: str) -> None:
        """Nothing is wrong with the asset any more."""
        self.broken.pop(asset, None)
        self.rows = {key: days for key, days in self.rows.items() if key[0] != asset}

    def validation(self, asset: str, check: str, window: Window | None) -> Validation:
        """What the check finds."""
        whole = Outcome()
        by_day: dict[date, Outcome] = {}
        for (of, name, rule), days in self.rows.items():
            if (of, name) == (asset, check):
                for day, rows in days.items():
                    if window is None or window.start <= day < window.end:
                        whole.failures[rule] = whole.failures.get(rule, 0) + rows
                        by_day.setdefault(day, Outcome()).failures[rule] = rows
        if whole.failures:
            whole.sample = [dict(row) for row in self.samples.get(asset, [])]
        return Validation(whole, by_day, 10)


def definitions(world: World, home: Path) -> dg.Definitions:
    """The graph: every table with a blocking check and one that warns."""

    def made(name: str, group: str, owner: str) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            group_name=group,
            owners=[owner],
            deps=[] if name in ("raw_ai_events", "dim_users") else ["raw_ai_events"],
            partitions_def=PARTITIONS,
            backfill_policy=ONE_RUN,
        )
        def asset() -> dg.MaterializeResult[None]:
            with explained():
                if name in world.broken:
                    raise AiUsageError(world.broken[name])
            if name in world.interrupted:
                raise DagsterExecutionInterruptedError
            return dg.MaterializeResult()

        return asset

    def checks(name: str) -> Iterator[dg.AssetChecksDefinition]:
        for check, blocking in ((BLOCKING, True), (WARNING, False)):

            def evaluate(
                _given: Resources, window: Window | None, check: str = check
            ) -> Validation:
                return world.validation(name, check, window)

            yield table_check(
                name,
                check,
                f"{check} of {name}",
                evaluate,
                severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
                blocking=blocking,
                partitions=PARTITIONS,
            )

    resource = DuckDBWarehouseResource(path=str(home / "none.duckdb"), dataset="ai_usage")
    return dg.Definitions(
        assets=[made(name, group, owner) for name, (group, owner) in ASSETS.items()],
        asset_checks=[check for name in ASSETS for check in checks(name)],
        resources={"warehouse": resource},
        executor=dg.in_process_executor,
    )


class Clock:
    """The time of the alerts; a test moves it on."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, **duration: float) -> None:
        """Move on."""
        self.now += timedelta(**duration).total_seconds()


@dataclass
class Place:
    """An installation with the small graph: an instance on disk, settings, alerts."""

    world: World
    settings: Settings
    instance: dg.DagsterInstance
    defs: dg.Definitions
    clock: Clock

    @property
    def history(self) -> DagsterRunHistory:
        """The instance's runs, as alerts see them."""
        return DagsterRunHistory(self.instance, catalogue_of(self.defs.resolve_asset_graph()))

    def alerts(self, **settings: str) -> Alerts:
        """The alerts, as another process would make them."""
        made = self.settings if not settings else self._settings(**settings)
        return Alerts(made, [], catalogue_of(self.defs.resolve_asset_graph()), self.clock)

    def _settings(self, **more: str) -> Settings:
        urls = self.settings.notify_urls
        base = {
            "AI_USAGE_HOME": str(self.settings.home),
            "AI_USAGE_ENV_FILE": str(self.settings.home / "no.env"),
            "AI_USAGE_NOTIFY_URLS": urls.get_secret_value() if urls else "",
        }
        return Settings.load(base | more)

    def run(
        self,
        first: date = DAY,
        last: date | None = None,
        *,
        select: list[str] | None = None,
        by: str = "",
        **tags: str,
    ) -> dg.DagsterRun:
        """Run the assets that anything was ever wrong with (or all) over the days; tell nobody."""
        select = select or sorted(self.world.touched)
        days = {
            ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: (last or first).isoformat(),
        }
        started = {STARTED_BY: by} if by else {}
        result = self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={**days, **started, **tags},
            asset_selection=[dg.AssetKey(name) for name in select] if select else None,
        )
        run = self.instance.get_run_by_id(result.run_id)
        assert run is not None
        return run

    def tell(self, *args: Any, **kwargs: Any) -> dg.DagsterRun:
        """Run, report and deliver."""
        run = self.run(*args, **kwargs)
        alerts = self.alerts()
        alerts.report(self.history, run.run_id)
        alerts.deliver(self.history)
        return run

    @contextmanager
    def backfill(self, backfill_id: str) -> Iterator[dict[str, str]]:
        """A backfill that the instance knows: the tags of its runs; it has ended on leaving."""
        backfill = PartitionBackfill(
            backfill_id=backfill_id,
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=self.clock(),
        )
        self.instance.add_backfill(backfill)
        yield {BACKFILL_ID_TAG: backfill_id}
        ended = backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS)  # type: ignore[no-untyped-call]
        self.instance.update_backfill(ended)

    def run_of_others(self) -> dg.DagsterRun:
        """A failed run of another team's code location."""

        @dg.asset
        def theirs() -> None:
            raise ValueError("theirs")

        result = dg.materialize([theirs], instance=self.instance, raise_on_error=False)
        run = self.instance.get_run_by_id(result.run_id)
        assert run is not None
        return run

    def sensors(self) -> dict[str, dg.SensorDefinition]:
        """The sensors that a daemon would evaluate."""
        return {sensor.name: sensor for sensor in alert_sensors(self.alerts())}

    def tick(self, sensor: str, cursor: str | None = None) -> tuple[str | None, list[str]]:
        """Evaluate a sensor as the daemon does: the new cursor, and why it did nothing more."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=cursor, definitions=self.defs
        )
        data = self.sensors()[sensor].evaluate_tick(context)
        reactions = [r.error.message for r in data.dagster_run_reactions or [] if r.error]
        assert not reactions, reactions
        return data.cursor, [data.skip_message or ""]


@contextmanager
def place(home: Path, urls: str, **more: str) -> Iterator[Place]:
    """An installation whose alerts go to the URLs."""
    settings = Settings.load(
        {
            "AI_USAGE_HOME": str(home),
            "AI_USAGE_ENV_FILE": str(home / "no.env"),
            "AI_USAGE_NOTIFY_URLS": urls,
            **more,
        }
    )
    world = World()
    defs = definitions(world, home)
    dagster = home / "dagster"
    dagster.mkdir(parents=True)
    # The product's own configuration, but for the folder, which it takes from the environment.
    text = dagster_yaml().read_text().replace("env: DAGSTER_HOME", str(dagster))
    (dagster / "dagster.yaml").write_text(text)
    with dg.DagsterInstance.from_config(str(dagster)) as instance:
        yield Place(world, settings, instance, defs, Clock())
