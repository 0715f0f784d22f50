"""A disk that is full or read-only: one line that says so, nothing lost, and it goes on after."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError, ArchiveError, WarehouseError
from ai_usage.orchestration.runs import Refetch, RunResult
from ai_usage.settings import Settings
from ai_usage.simulator import Company, serve
from ai_usage.simulator.amendments import restated
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.conftest import ANCHOR, TODAY
from ai_usage_tests.support.disks import read_only, small_disk
from ai_usage_tests.support.pipeline import (
    Tables,
    assert_equal_tables,
    run_window,
    simulated_settings,
    tables,
    warehouse_of,
    window,
)
from ai_usage_tests.warehouse.processes import TABLE, version_of
from ai_usage_tests.warehouse.rows import DAY

DAYS = window(date(2026, 3, 15), TODAY)
EVENTS = 'key:"source_cursor_usage_events" or key:"raw_ai_events"'
KILOBYTE = 1024


@dataclass(frozen=True)
class Shop:
    """An installation that has run once; since then the vendors have restated the days."""

    home: Path
    base_url: str
    before: Tables
    after: Tables

    def settings(self, home: Path, **more: str) -> Settings:
        return simulated_settings(home, self.base_url, TODAY, DAYS.start, **more)

    def copied(self, home: Path, **more: str) -> Settings:
        """Its whole state in another folder."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return self.settings(home, **more)


def run(settings: Settings) -> RunResult:
    """Ask for the days again and write them."""
    refetch = Refetch.since(DAYS.start)
    return run_window(settings, DAYS, selection=EVENTS, refetch=refetch, checks=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    truth = Company(today=TODAY, people=30, anchor=ANCHOR)
    companies = [truth]
    root = tmp_path_factory.mktemp("shop")
    with serve(lambda: companies[-1]) as base_url:
        made = Shop(root / "old", base_url, {}, {})
        assert run(made.settings(made.home)).success
        before = tables(warehouse_of(made.settings(made.home)))
        companies.append(truth.amended(*restated(truth, 4)))
        new = made.copied(root / "new")
        assert run(new).success
        yield Shop(made.home, base_url, before, tables(warehouse_of(new)))


def failed(settings: Settings, *says: str) -> None:
    """The run fails with one line that says this."""
    result = run(settings)
    assert not result.success
    (line,) = result.errors
    assert "\n" not in line
    for words in says:
        assert words in line


def succeeds(settings: Settings, shop: Shop) -> None:
    """The run brings what the vendors say now."""
    result = run(settings)
    assert result.success, result.errors
    assert_equal_tables(warehouse_of(settings), shop.after)


@pytest.mark.slow
def test_a_full_archive_fails_the_source_and_the_tables_stay(shop: Shop, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8 * KILOBYTE * KILOBYTE) as disk:
        archive = disk.path / "archive"
        settings = shop.copied(tmp_path / "home", AI_USAGE_ARCHIVE=str(archive))
        shutil.copytree(shop.home / "archive", archive)
        disk.leave(4 * KILOBYTE)
        failed(settings, str(archive), "cannot be written: the disk is full: make room.")
        assert_equal_tables(warehouse_of(settings), shop.before)
        assert not list(archive.rglob("*.tmp"))
        disk.leave(8 * KILOBYTE * KILOBYTE)
        succeeds(settings, shop)


@pytest.mark.slow
def test_a_full_disk_under_the_warehouse_leaves_the_old_rows(shop: Shop, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64 * KILOBYTE * KILOBYTE) as disk:
        path = disk.path / "warehouse.duckdb"
        settings = shop.copied(tmp_path / "home", AI_USAGE_DUCKDB_PATH=str(path))
        shutil.copy(shop.home / "warehouse.duckdb", path)
        disk.leave(16 * KILOBYTE)
        failed(settings, f"{path} cannot be written: the disk is full: make room", "old rows stay.")
        assert_equal_tables(warehouse_of(settings), shop.before)
        disk.leave(64 * KILOBYTE * KILOBYTE)
        succeeds(settings, shop)


@pytest.mark.slow
def test_a_full_disk_under_dagsters_state_is_one_line_too(shop: Shop, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64 * KILOBYTE * KILOBYTE) as disk:
        settings = shop.copied(disk.path / "home")
        disk.leave(0)
        with pytest.raises(AiUsageError) as caught:
            run(settings)
        assert str(caught.value).startswith(f"{settings.home}/dagster")
        assert "the disk is full: make room, and run the same command again." in str(caught.value)
        assert_equal_tables(warehouse_of(settings), shop.before)
        disk.leave(64 * KILOBYTE * KILOBYTE)
        succeeds(settings, shop)


@pytest.mark.slow
def test_a_read_only_archive_or_warehouse_is_said_so_and_can_still_be_read(
    shop: Shop, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    path = files / "warehouse.duckdb"
    settings = shop.copied(tmp_path / "home", AI_USAGE_DUCKDB_PATH=str(path))
    files.mkdir()
    shutil.copy(shop.home / "warehouse.duckdb", path)
    why = "the file system is read-only" if os.geteuid() == 0 else "permission denied"
    with read_only(settings.home / "archive"):
        failed(settings, f"{settings.home}/archive/cursor/", f"cannot be written: {why}")
    assert_equal_tables(warehouse_of(settings), shop.before)
    with read_only(files):
        failed(settings, f"{path} cannot be written: {why}")
        assert_equal_tables(warehouse_of(settings), shop.before)
    succeeds(settings, shop)


def in_a_child_that_may_write(size: int, work: Callable[[], None]) -> None:
    """Do it in a fork whose files may have so many bytes: a refusal that any user can meet."""
    if (child := os.fork()) == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_file_that_may_not_grow_is_told_by_archive_and_warehouse(tmp_path: Path) -> None:
    archive, days = Archive(str(tmp_path / "archive")), Window.day(date(2026, 3, 15))
    body = b'{"data": "' + os.urandom(20_000).hex().encode() + b'"}'
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", "ai_usage")
    old: pa.Table = version_of(DAY, 1, 10)
    warehouse.replace(TABLE, Window.day(DAY), old)
    at = datetime(2026, 3, 18, tzinfo=UTC)

    def fetch() -> None:
        with archive.recording("cursor", "spend", days, fetched_at=at) as recorder:
            recorder.add(Page(body, "page 1"))

    def refused() -> None:
        with pytest.raises(ArchiveError, match=r"\.gz cannot be written: it would be larger than"):
            fetch()
        with pytest.raises(WarehouseError, match=r"w\.duckdb cannot be written: it would be large"):
            warehouse.replace(TABLE, Window.day(DAY), version_of(DAY, 2, 1000))

    in_a_child_that_may_write(10 * KILOBYTE, refused)
    assert not [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]
    read = "SELECT lines_added FROM raw_ai_events WHERE event_date >= DATE '1900-01-01'"
    assert [row["lines_added"] for row in warehouse.rows(read)] == [1] * 10
    fetch()
    assert archive.coverage("cursor", "spend", days)
    warehouse.replace(TABLE, Window.day(DAY), version_of(DAY, 2, 10))
    assert [row["lines_added"] for row in warehouse.rows(read)] == [2] * 10
