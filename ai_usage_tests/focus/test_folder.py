"""A watched folder or bucket prefix: what is new is taken once, what is refused holds none back."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import dagster as dg
import fsspec
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.clock import SystemClock
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError, SettingsError
from ai_usage.focus.folder import Folder, at_rest, exports
from ai_usage.focus.shelf import newest_bills
from ai_usage.instance.partitions import daily_partitions
from ai_usage.ledger.bills import note_bills_built, pending_bills
from ai_usage.orchestration.assets.focus import focus_asset
from ai_usage.orchestration.resources import ArchiveResource, ClockResource
from ai_usage.settings import Settings
from ai_usage.vendors.answers import ImportRefusedError
from ai_usage_tests.focus.support import Shelf, line, whole, written

AN_HOUR = 3600


def lying(path: Path, *lines: dict[str, str], age: int = AN_HOUR) -> None:
    """A file that changed so many seconds ago."""
    written(path, list(lines))
    then = time.time() - age
    os.utime(path, (then, then))


def test_files_are_found_below_the_folder_oldest_change_first(tmp_path: Path) -> None:
    lying(tmp_path / "b" / "new.csv", line(), age=60)
    lying(tmp_path / "a" / "old.csv", line(), age=600)
    (tmp_path / "a" / "notes.txt").write_text("nothing of ours")
    assert [file.name for file in Folder(str(tmp_path)).files()] == ["a/old.csv", "b/new.csv"]


def test_parts_of_an_export_in_one_folder_are_read_together(tmp_path: Path) -> None:
    for name in ("march/x-00001.csv", "march/x-00002.csv", "april/x-00001.csv", "year-2025.csv"):
        lying(tmp_path / name, line())
    found = exports(Folder(str(tmp_path)).files())
    assert sorted(sorted(file.name for file in export) for export in found) == [
        ["april/x-00001.csv"],
        ["march/x-00001.csv", "march/x-00002.csv"],
        ["year-2025.csv"],
    ]


def test_a_file_that_has_just_changed_is_not_at_rest(tmp_path: Path) -> None:
    lying(tmp_path / "a.csv", line(), age=10)
    files = Folder(str(tmp_path)).files()
    now = datetime.now(UTC)
    assert not at_rest(files, now)
    assert at_rest(files, now + timedelta(seconds=60))


def test_a_bucket_prefix_is_read_like_a_folder(tmp_path: Path) -> None:
    bucket = f"memory://bills-{uuid4().hex}"
    store, base = fsspec.core.url_to_fs(bucket)
    file = written(tmp_path / "m.csv", whole(line(3, "5")))
    store.pipe_file(f"{base}/in/m.csv", file.path.read_bytes())
    folder = Folder(bucket)
    (found,) = folder.files()
    shelf = Shelf(tmp_path)
    with folder.opened([found]) as files:
        shelf.take(*files)
    assert found.name == "in/m.csv"
    assert shelf.usd() == Decimal(5)


def test_a_file_that_goes_after_it_was_listed_is_refused_by_its_name(tmp_path: Path) -> None:
    """Or that cannot be opened: whoever may read all still cannot open what points at itself."""
    lying(tmp_path / "gone.csv", *whole(line(3, "5")))
    lying(tmp_path / "locked.csv", *whole(line(3, "5")))
    folder = Folder(str(tmp_path))
    listed = folder.files()
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / "locked.csv").symlink_to("locked.csv")
    shelf = Shelf(tmp_path)
    reasons = {"gone.csv": "No such file", "locked.csv": "symbolic links"}
    for found in listed:
        why = rf"{found.name} cannot be read: .*{reasons[found.name]}"
        with folder.opened([found]) as files, pytest.raises(ImportRefusedError, match=why):
            shelf.take(*files)
    assert [file.name for file in folder.files()] == ["locked.csv"]


def test_an_object_that_goes_after_it_was_listed_is_told_with_the_setting(tmp_path: Path) -> None:
    bucket = f"memory://bills-{uuid4().hex}"
    store, base = fsspec.core.url_to_fs(bucket)
    store.pipe_file(f"{base}/m.csv", written(tmp_path / "m.csv", whole(line(3))).path.read_bytes())
    folder = Folder(bucket)
    listed = folder.files()
    store.rm(f"{base}/m.csv")
    with (
        pytest.raises(AiUsageError, match=rf"AI_USAGE_FOCUS_PATH={bucket} cannot be read"),
        folder.opened(listed),
    ):
        raise AssertionError("it was opened")


def test_a_folder_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"AI_USAGE_FOCUS_PATH=.*is no folder: make it"):
        Folder(str(tmp_path / "none")).files()


# --- The source -----------------------------------------------------------------------------------


class Watched:
    """The source over a folder, on 2 April 2026."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "in"
        self.folder.mkdir()
        reference = tmp_path / "reference"
        reference.mkdir()
        (reference / "focus_mapping.csv").write_text("service,platform\nModels,sky_models\n")
        self.settings = Settings.load(
            {
                "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
                "AI_USAGE_HOME": str(tmp_path / "home"),
                "AI_USAGE_REFERENCE_DIR": str(reference),
                "AI_USAGE_FOCUS_PATH": str(self.folder),
                "AI_USAGE_AS_OF": "2026-04-02",
                "AI_USAGE_START_DATE": "2026-03-01",
            }
        )
        self.archive = Archive(self.settings.archive_root)

    def run(self) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [focus_asset(self.settings, (), daily_partitions(self.settings))],
            partition_key="2026-04-01",
            resources={
                "archive": ArchiveResource(root=self.settings.archive_root),
                "clock": ClockResource(as_of="2026-04-02"),
            },
            raise_on_error=False,
        )

    def amounts(self) -> list[Decimal]:
        return [bill.head.totals["USD"] for bill in newest_bills(self.archive)]


@pytest.mark.slow
def test_a_file_is_taken_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    lying(watched.folder / "march.csv", *whole(line(3, "10")))
    assert watched.run().success
    assert watched.amounts() == [Decimal(10)]
    assert watched.run().success
    assert len(watched.archive.fetches("focus", "bills")) == 1
    lying(watched.folder / "march.csv", *whole(line(3, "12.50")), age=600)
    assert watched.run().success
    assert watched.amounts() == [Decimal("12.50")]


@pytest.mark.slow
def test_of_two_versions_in_the_folder_the_one_that_changed_last_counts(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    lying(watched.folder / "a-corrected.csv", *whole(line(3, "12")), age=600)
    lying(watched.folder / "b-first.csv", *whole(line(3, "10")), age=1200)
    assert watched.run().success
    assert watched.amounts() == [Decimal(12)]


@pytest.mark.slow
def test_a_refused_file_fails_the_source_and_holds_back_no_other(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    lying(watched.folder / "part.csv", line(3, "1"), line(31), age=1200)
    lying(watched.folder / "good.csv", *whole(line(3, "10"), account="acc-2"))
    for _ in range(2):
        done = watched.run()
        assert not done.success
        (failure,) = [event for event in done.all_events if event.is_step_failure]
        assert "part.csv covers a part of" in str(failure.step_failure_data.user_failure_data)
    assert watched.amounts() == [Decimal(10)]


@pytest.mark.slow
def test_a_period_that_runs_waits_without_failing(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    april = {
        "BillingPeriodStart": "2026-04-01T00:00:00Z",
        "BillingPeriodEnd": "2026-05-01T00:00:00Z",
    }
    lying(watched.folder / "april.csv", line(1, "1", **april))
    assert watched.run().success
    assert watched.amounts() == []


# --- What the facts do not know yet ---------------------------------------------------------------


def march(first: int, end: int = 34) -> Window:
    """Days of March, and of April after the 31st."""
    return Window(date(2026, 3, 1) + timedelta(first - 1), date(2026, 3, 1) + timedelta(end - 1))


def test_a_bill_is_pending_until_each_of_its_days_is_built(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    clock = SystemClock(date(2026, 4, 2))
    first = date(2026, 3, 10)
    shelf.take(written(tmp_path / "a.csv", whole(line(3, "10"))))
    (pending,) = pending_bills(shelf.archive, first)
    assert pending.day == first, "what lies before the first partition is never built"
    # A run of the look-back alone leaves out days of it, also where nothing else is loaded yet.
    note_bills_built(shelf.archive, clock, march(28))
    (pending,) = pending_bills(shelf.archive, first)
    assert pending.day == first
    note_bills_built(shelf.archive, clock, march(10, 20))
    (pending,) = pending_bills(shelf.archive, first)
    assert pending.day == date(2026, 3, 20)
    note_bills_built(shelf.archive, clock, march(20, 28))
    assert pending_bills(shelf.archive, first) == []
    # A later file of the same period is news again.
    shelf.take(written(tmp_path / "b.csv", whole(line(3, "11"))))
    assert len(pending_bills(shelf.archive, first)) == 1
