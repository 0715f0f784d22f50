"""Killed at seeded moments and run again: the tables of a run that nobody disturbed.

Every run is a child forked from this warm process, so that nothing is imported twice. In it the
operations of each stage are counted, and at the drawn one SIGKILL leaves no time for anything:
no wall clock decides, the same seed kills at the same places.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ai_usage.cli.demo import vendor_environment
from ai_usage.normalised import events as normalising
from ai_usage.orchestration.assets import dimensions
from ai_usage.orchestration.runs import Refetch
from ai_usage.settings import Settings
from ai_usage.simulator import Company, serve, write_directory_files
from ai_usage.simulator.amendments import late, restated
from ai_usage.simulator.vendors import VENDOR_KEYS
from ai_usage.vendors import fetching
from ai_usage.vendors.http import VendorClient
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.support.kills import Moment, Tick, Told, in_a_child, killed
from ai_usage_tests.support.pipeline import (
    Tables,
    assert_equal_tables,
    run_window,
    simulated_settings,
    tables,
    warehouse_of,
    window,
)

SEED = 20260318
FIRST_KILLS = ("archive", "fetch", "archive", "normalise", "archive", "replace", "fold")
"""One a story. Two more follow, then a run to the end; the even stories begin with nothing."""
TODAY, ANCHOR = date(2026, 11, 18), date(2026, 12, 1)
"""Every vendor bills then."""
DAYS = window(date(2026, 11, 17), TODAY)
_GROUPS = ("staging", "intermediate", "rollups", *(f"sources_{name}" for name in VENDOR_KEYS))
_TABLES = (
    "reference_users",
    "reference_api_keys",
    "raw_ai_events",
    "dim_users",
    "api_key_mappings",
    "bridge_user_identity",
    "fact_ai_costs",
)
ASSETS = " or ".join([*(f"group:{name}" for name in _GROUPS), *(f'key:"{t}"' for t in _TABLES)])
FOLDED = {"dim_users", "api_key_mappings", "bridge_user_identity"}


@contextmanager
def counted(tick: Tick) -> Iterator[None]:
    """Tell `tick` of the stage of every operation.

    That is a request, a step of a file's way to the disk, an event that is normalised, a statement
    of a table's replacement, a snapshot or table that is folded.
    """
    with pytest.MonkeyPatch.context() as patch:

        def before(owner: Any, name: str, stage: str) -> None:
            whole = getattr(owner, name)

            def told(*arguments: Any, **named: Any) -> Any:
                tick(stage)
                return whole(*arguments, **named)

            patch.setattr(owner, name, told)

        def each(owner: Any, name: str, stage: str) -> None:
            whole = getattr(owner, name)

            def told(*arguments: Any, **named: Any) -> Iterator[Any]:
                for item in whole(*arguments, **named):
                    tick(stage)
                    yield item

            patch.setattr(owner, name, told)

        before(VendorClient, "_answer", "fetch")
        before(os, "fsync", "archive")
        before(Path, "replace", "archive")
        each(fetching, "with_event_ids", "normalise")
        each(normalising, "event_columns", "normalise")
        each(dimensions.Directory, "snapshots", "fold")
        replace, connect = DuckDBWarehouse.replace, DuckDBWarehouse.connect
        stages: list[str] = []

        def replaced(self: DuckDBWarehouse, table: str, *arguments: Any) -> Any:
            stages.append("fold" if table in FOLDED else "replace")
            try:
                return replace(self, table, *arguments)
            finally:
                stages.pop()

        @contextmanager
        def connected(self: DuckDBWarehouse, *, read_only: bool = False) -> Iterator[Any]:
            with connect(self, read_only=read_only) as connection:
                yield Told(connection, lambda: tick(stages[-1])) if stages else connection

        patch.setattr(DuckDBWarehouse, "replace", replaced)
        patch.setattr(DuckDBWarehouse, "connect", connected)
        yield


def run(settings: Settings) -> None:
    """Ask for all of it again, and write it."""
    again = Refetch.since(DAYS.start)
    result = run_window(settings, DAYS, selection=ASSETS, refetch=again, checks=False)
    assert result.success, result.errors


def drawn(counts: Counter[str], draw: random.Random) -> list[list[Moment]]:
    """Three moments a story. Only the first one may be the archive's: it writes no page twice."""
    later = ["fetch", "normalise", "replace", "fold"] * len(FIRST_KILLS)
    stages = [[first, *later[2 * n : 2 * n + 2]] for n, first in enumerate(FIRST_KILLS)]
    return [[Moment(s, draw.randint(1, counts[s])) for s in story] for story in stages]


@pytest.mark.slow
def test_runs_killed_at_seeded_moments_and_run_again_end_in_the_undisturbed_tables(
    tmp_path: Path, report: Callable[[str], None]
) -> None:
    """Into an empty warehouse, and over the rows of answers that the vendors have restated."""
    truth = Company(today=TODAY, people=30, scale=0.2, anchor=ANCHOR)
    before = truth.amended(*restated(truth, 2), *late(truth, 1))
    companies = [before]
    counts: Counter[str] = Counter()
    with serve(lambda: companies[-1]) as base_url:

        def place(name: str) -> Settings:
            return simulated_settings(
                tmp_path / name, base_url, TODAY, DAYS.start, **vendor_environment(base_url)
            )

        old = place("old")
        write_directory_files(truth, old.reference_path)
        empty = tmp_path / "empty"
        shutil.copytree(old.home, empty)
        run(old)
        # What Dagster makes of an empty folder takes long, and is not what is killed here.
        shutil.copytree(old.home / "dagster", empty / "dagster")
        companies.append(truth)
        # Over tables that are there: what is counted now is never more than in a story.
        shutil.copytree(old.home, tmp_path / "new")
        with counted(lambda stage: counts.update([stage])):
            run(place("new"))
        expected: Tables = tables(warehouse_of(place("new")))
        billed = expected["raw_ai_events"].select(["platform", "cost_usd"]).to_pylist()
        assert {row["platform"] for row in billed if row["cost_usd"]} == set(VENDOR_KEYS)
        assert set(counts) == {"fetch", "archive", "normalise", "replace", "fold"}

        moments = []
        for number, story in enumerate(drawn(counts, random.Random(SEED))):  # noqa: S311
            settings = place(f"story{number}")
            shutil.copytree(old.home if number % 2 else empty, settings.home)
            work = partial(run, settings)
            moments += [moment for moment in story if killed(work, counted, moment)]
            assert in_a_child(work) == 0
            assert_equal_tables(tables(warehouse_of(settings)), expected)
            shutil.rmtree(settings.home)
    assert len(moments) >= 20
    assert {moment.stage for moment in moments} == set(counts)
    named = ", ".join(f"{stage} {number}" for stage, number in moments)
    report(f"killed {len(moments)} times ({named}), and run to the end {len(FIRST_KILLS)} times")
