"""Runs the real graph over the simulated vendors, and compares the tables it leaves.

A loaded company is slow to make: copy its state (`copied`) instead of loading it again.
"""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from filelock import FileLock

from ai_usage.days.windows import Window
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.runs import Refetch, RunResult, dagster_home, run_assets
from ai_usage.settings import Settings
from ai_usage.simulator import (
    ANTHROPIC_KEY,
    CURSOR_KEY,
    Company,
    Truth,
    serve,
    write_directory_files,
)
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.compare import compare_rows
from ai_usage.warehouse.schema import table_names

NO_SERVER = "http://127.0.0.1:9"
"""For runs that must not ask anybody."""

SHOWN_DIFFERENCES = 12


def window(first: date, last: date) -> Window:
    """The days from `first` to `last`, both included."""
    return Window(first, last + timedelta(days=1))


def simulated_environment(
    home: Path, base_url: str, today: date, start_date: date, **more: str
) -> dict[str, str]:
    """The variables of an installation whose vendors are simulated; an empty value unsets one.

    `today` is what the pipeline takes for the current UTC date: give the company's.
    """
    return {
        "AI_USAGE_ENV_FILE": str(home / "no.env"),
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_AS_OF": today.isoformat(),
        "AI_USAGE_START_DATE": start_date.isoformat(),
        # The simulator answers at once; an outage that a test makes must not be waited out.
        "AI_USAGE_HTTP_ATTEMPTS": "1",
        "CURSOR_API_KEY": CURSOR_KEY,
        "CURSOR_BASE_URL": f"{base_url}/cursor",
        "ANTHROPIC_ADMIN_KEY": ANTHROPIC_KEY,
        "ANTHROPIC_BASE_URL": f"{base_url}/anthropic",
        **more,
    }


def simulated_settings(
    home: Path, base_url: str, today: date, start_date: date, **more: str
) -> Settings:
    """The settings of `simulated_environment`; nothing of the process's environment gets in."""
    return Settings.load(simulated_environment(home, base_url, today, start_date, **more))


def run_window(
    settings: Settings,
    days: Window,
    *,
    selection: str = "*",
    refetch: Refetch | None = None,
    vendors: Sequence[Vendor] | None = None,
    checks: bool = True,
    leave_closed: bool = False,
    spare: bool = False,
) -> RunResult:
    """Materialise the selection for the days in one run, as the command line does.

    Without `checks` a run takes half the time: for tests of the tables alone.
    """
    defs = build_defs(settings, vendors=vendors)
    if not checks:
        defs = dg.Definitions(
            assets=defs.assets, resources=defs.resources, executor=dg.in_process_executor
        )
    with own_dagster_home():
        asked = refetch or Refetch.nothing()
        return run_assets(
            defs, settings, selection, days, refetch=asked, leave_closed=leave_closed, spare=spare
        )


def materializations(settings: Settings, run_id: str) -> dict[str, dict[str, Any]]:
    """What a run noted on each asset that it materialised: the metadata's values by name."""
    with own_dagster_home():
        dagster_home(settings)
        with dg.DagsterInstance.get() as instance:
            entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = [entry.asset_materialization for entry in entries]
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.metadata.items()}
        for event in found
        if event is not None
    }


@contextmanager
def own_dagster_home() -> Iterator[None]:
    """A run sets DAGSTER_HOME for its process: put back what was there."""
    before = os.environ.get("DAGSTER_HOME")
    try:
        yield
    finally:
        os.environ.pop("DAGSTER_HOME", None)
        if before is not None:
            os.environ["DAGSTER_HOME"] = before


@dataclass(frozen=True)
class Loaded:
    """A company's days in a warehouse, and the run that brought them there."""

    company: Company
    settings: Settings
    days: Window
    result: RunResult

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse that holds the days."""
        return warehouse_of(self.settings)

    @property
    def truth(self) -> Truth:
        """What really happened."""
        return Truth(self.company)

    @property
    def last(self) -> date:
        """The last day loaded."""
        return self.days.end - timedelta(days=1)


def load(home: Path, company: Company, days: Window, *, checks: bool = True) -> Loaded:
    """Serve the company, and run everything over the days into a state folder of its own."""
    with serve(company) as base_url:
        settings = simulated_settings(home, base_url, company.today, days.start)
        write_directory_files(company, settings.reference_path)
        result = run_window(settings, days, checks=checks)
    assert result.success, result.errors
    return Loaded(company, settings, days, result)


def load_once(folders: pytest.TempPathFactory, name: str, company: Company, days: Window) -> Loaded:
    """`load`, done by the first of several workers that asks; each has a copy of its own."""
    home = folders.mktemp(name)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return load(home, company, days)
    first = folders.getbasetemp().parent / name
    done = first / "result.pickle"
    with FileLock(first.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(first, ignore_errors=True)
            done.write_bytes(pickle.dumps(load(first, company, days).result))
        shutil.copytree(first, home, dirs_exist_ok=True)
    settings = simulated_settings(home, NO_SERVER, company.today, days.start)
    return Loaded(company, settings, days, pickle.loads(done.read_bytes()))  # noqa: S301


def copied(loaded: Loaded, home: Path, base_url: str = NO_SERVER, **more: str) -> Settings:
    """A copy of the loaded state in another folder, whose vendors are at `base_url`."""
    shutil.copytree(
        loaded.settings.home, home, ignore=shutil.ignore_patterns("dagster"), dirs_exist_ok=True
    )
    return simulated_settings(home, base_url, loaded.company.today, loaded.days.start, **more)


def warehouse_of(settings: Settings) -> Warehouse:
    """The warehouse that the settings name."""
    return warehouse_resource(settings).warehouse()


Tables = Mapping[str, pa.Table]


def tables(warehouse: Warehouse) -> dict[str, pa.Table]:
    """Every table of the product that the warehouse has, whole: for small companies."""
    return {name: warehouse.read(name) for name in table_names() if warehouse.exists(name)}


def assert_equal_tables(
    left: Warehouse | Tables, right: Warehouse | Tables, *, besides: Sequence[str] = ()
) -> None:
    """Fail with the first differences unless both hold the same tables with equal rows.

    "Equal" is the design's: `ai_usage.warehouse.compare`. The tables `besides` may differ, and the
    ledger of what was restated on the way: it tells how a state was reached, not the state. Some
    rows must be there to compare.
    """
    one = tables(left) if isinstance(left, Warehouse) else left
    other = tables(right) if isinstance(right, Warehouse) else right
    assert set(one) == set(other), "not the same tables"
    names = [name for name in one if name not in (*besides, "raw_restatements")]
    assert any(one[name].num_rows for name in names), "nothing to compare"
    differences = (d for name in names for d in compare_rows(name, one[name], other[name]))
    shown = [str(difference) for difference in islice(differences, SHOWN_DIFFERENCES)]
    assert not shown, "tables differ:\n" + "\n".join(shown)
