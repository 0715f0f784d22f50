"""What is kept of a fetch is what it means: never less, never of another, and worked out once."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError
from ai_usage.normalised import kept as module
from ai_usage.normalised.kept import KeptEvents
from ai_usage.orchestration.assets.raw_events import event_batches
from ai_usage.simulator import Company
from ai_usage.simulator.server import serve
from ai_usage.vendors.base import ReadContext, Vendor
from ai_usage.vendors.cursor import VENDOR
from ai_usage.vendors.event_columns import EventColumns
from ai_usage.vendors.fetching import fetch_window
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.support.simulated import bought

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WINDOW = Window(date(2026, 11, 1), date(2026, 11, 6))
ENDPOINT = VENDOR.endpoint("usage_events")
SCHEMA = table_schema("raw_ai_events").arrow_schema


def record(day: date, n: int = 0, **values: Any) -> dict[str, Any]:
    at = Window.day(day).start_at + timedelta(seconds=n)
    return {
        "timestamp": str(int(at.timestamp()) * 1000),
        "userEmail": "ada@example.com",
        "kind": "Usage-based",
        "isChargeable": True,
        "tokenUsage": {"inputTokens": n},
        "chargedCents": 12.5,
    } | values


def answer(
    archive: Archive, records: Iterable[Any], window: Window = WINDOW, at: datetime = NOW
) -> None:
    """A complete answer about the window; a text is a page's body as it is."""
    with archive.recording("cursor", "usage_events", window, fetched_at=at) as recorder:
        body = json.dumps({"usageEvents": list(records)}).encode()
        recorder.add(Page(body, "page 1"))


def rows(
    archive: Archive,
    folder: Path | None,
    window: Window = WINDOW,
    vendors: tuple[Vendor, ...] = (VENDOR,),
    run_id: str | None = "run",
) -> list[dict[str, Any]]:
    batches = event_batches(vendors, archive, window, run_id, kept=KeptEvents(folder))
    table = pa.Table.from_batches(batches, SCHEMA)
    return sorted(table.to_pylist(), key=lambda row: (row["event_id"], row["archive_page"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "events"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    held = Archive(str(tmp_path / "archive"))
    answer(held, [record(day, n) for day in WINDOW.days() for n in range(3)])
    return held


class Counting:
    """The vendor, its reader of usage events counting the pages that it decodes."""

    def __init__(self) -> None:
        self.pages = 0
        counted = dataclasses.replace(ENDPOINT, columns=self._columns)
        self.vendors = (dataclasses.replace(VENDOR, endpoints=(counted,), from_files=()),)

    def _columns(self, page: bytes, context: ReadContext) -> EventColumns:
        self.pages += 1
        assert ENDPOINT.columns is not None
        return ENDPOINT.columns(page, context)


def forms(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.rglob("index.json"))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


# -- it is what decoding gives -------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Three days of everything that every simulated vendor is asked."""
    days = Window(date(2026, 11, 17), date(2026, 11, 20))
    archive = Archive(str(tmp_path_factory.mktemp("simulated")))
    with serve(Company(today=NOW.date(), people=30)) as url:
        for by in bought(NOW):
            if not by.label.endswith("-otherwise"):
                with by.client(url) as client:
                    for endpoint in by.endpoints:
                        if endpoint in by.vendor.event_endpoints:
                            fetch_window(
                                by.vendor, endpoint, days, client=client, archive=archive, now=NOW
                            )
    return archive


@pytest.mark.slow
def test_of_every_vendor_what_is_kept_is_what_is_decoded(simulated: Archive, folder: Path) -> None:
    days = Window(date(2026, 11, 16), date(2026, 11, 21))
    vendors = tuple(by.vendor for by in bought(NOW) if not by.label.endswith("-otherwise"))
    decoded = rows(simulated, None, days, vendors)
    reported = {(row["platform"], row["source_endpoint"]) for row in decoded}
    assert len(reported) >= 10
    assert rows(simulated, folder, days, vendors) == decoded
    assert len(forms(folder)) >= len(reported)
    for archive in (simulated, Archive(simulated.root)):
        assert rows(archive, folder, days, vendors) == decoded
    day = Window.day(date(2026, 11, 18))
    assert rows(simulated, folder, day, vendors) == [
        row for row in decoded if row["event_date"] == day.start
    ]


ODD = st.sampled_from(
    [
        {"chargedCents": "a lot"},
        {"chargedCents": 10**40},
        {"chargedCents": 0.12345678901234567},
        {"timestamp": "soon"},
        {"kind": "\ud800", "isChargeable": None},
        {"kind": "Errored, Not Charged", "isChargeable": None},
        {"note": 1e300},
        {"userEmail": "nobody at all"},
        {},
    ]
)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 2), ODD), max_size=8))
def test_whatever_the_records_are_like_what_is_kept_is_what_is_decoded(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, int, dict[str, Any]]]
) -> None:
    tmp_path = tmp_path_factory.mktemp("drawn")
    archive = Archive(str(tmp_path / "archive"))
    answer(
        archive,
        [record(WINDOW.start + timedelta(days=day), n, **odd) for day, n, odd in drawn],
    )
    decoded = rows(archive, None)
    assert rows(archive, tmp_path / "cache" / "events") == decoded
    assert rows(archive, tmp_path / "cache" / "events") == decoded


def test_the_run_is_the_one_that_writes(archive: Archive, folder: Path) -> None:
    first, again = (rows(archive, folder, run_id=name) for name in ("first", "again"))
    assert {row["pipeline_run_id"] for row in first} == {"first"}
    assert {row["pipeline_run_id"] for row in again} == {"again"}


# -- it is worked out once -----------------------------------------------------------------------


def test_of_a_fetch_of_many_days_no_page_is_decoded_twice(archive: Archive, folder: Path) -> None:
    counting = Counting()
    for day in (*WINDOW.days(), *WINDOW.days()):
        assert len(rows(archive, folder, Window.day(day), counting.vendors)) == 3
    assert len(rows(archive, folder, WINDOW, counting.vendors)) == 15
    assert counting.pages == 1


def test_a_day_without_events_is_known_to_have_none(tmp_path: Path, folder: Path) -> None:
    archive, counting = Archive(str(tmp_path / "archive")), Counting()
    answer(archive, [])
    assert rows(archive, folder, vendors=counting.vendors) == []
    assert rows(archive, folder, vendors=counting.vendors) == []
    assert counting.pages == 1


def test_without_a_folder_each_question_is_decoded(archive: Archive) -> None:
    counting = Counting()
    for _ in range(2):
        assert len(rows(archive, None, vendors=counting.vendors)) == 15
    assert counting.pages == 2


# -- it is never believed where it may be wrong --------------------------------------------------


def _cut(folder: Path) -> None:
    files(folder)[1].write_bytes(files(folder)[1].read_bytes()[:-100])


def _flip(folder: Path) -> None:
    content = bytearray(files(folder)[1].read_bytes())
    content[len(content) // 2] ^= 1
    files(folder)[1].write_bytes(content)


def _swap(folder: Path) -> None:
    shutil.copy(files(folder)[0], files(folder)[1])


def _lose(folder: Path) -> None:
    files(folder)[1].unlink()


def _lose_index(folder: Path) -> None:
    (forms(folder)[0] / "index.json").unlink()


def _edit_index(folder: Path) -> None:
    index = forms(folder)[0] / "index.json"
    index.write_bytes(index.read_bytes().replace(b"2026-11-02", b"2026-11-09"))


def _folder_for_file(folder: Path) -> None:
    files(folder)[1].unlink()
    (forms(folder)[0] / "2026-11-02.parquet").mkdir()


@pytest.mark.parametrize(
    "damage", [_cut, _flip, _swap, _lose, _lose_index, _edit_index, _folder_for_file]
)
def test_what_is_damaged_is_made_anew(
    archive: Archive, folder: Path, damage: Callable[[Path], None]
) -> None:
    counting = Counting()
    whole = rows(archive, folder, vendors=counting.vendors)
    damage(folder)
    assert rows(archive, folder, vendors=counting.vendors) == whole
    assert counting.pages == 2
    assert rows(archive, folder, vendors=counting.vendors) == whole
    assert counting.pages == 2, "it is whole again"


def test_another_fetchs_form_is_not_believed(archive: Archive, folder: Path) -> None:
    """Of the same days and instant, from another archive: only the pages differ."""
    other = Archive(f"{archive.root}-other")
    answer(other, [record(WINDOW.start, 7)])
    assert len(rows(archive, folder)) == 15
    (held,) = forms(folder)
    assert len(rows(other, folder)) == 1
    mine = next(form for form in forms(folder) if form != held)
    assert len({held, mine}) == 2
    shutil.rmtree(held, ignore_errors=True)
    mine.rename(held)
    assert len(rows(archive, folder)) == 15


def test_another_version_makes_it_anew_and_leaves_nothing_of_the_old(
    archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting()
    rows(archive, folder, vendors=counting.vendors)
    monkeypatch.setattr(module, "readers_version", lambda: "f" * 64)
    rows(archive, folder, vendors=counting.vendors)
    assert counting.pages == 2
    assert [path.name for path in folder.iterdir()] == ["f" * 16]


def test_what_an_endpoint_is_declared_to_bill_makes_it_anew(archive: Archive, folder: Path) -> None:
    bad = Window.day(WINDOW.start)
    answer(archive, [record(bad.start, isChargeable="?")], bad, NOW + timedelta(hours=1))
    usage = dataclasses.replace(ENDPOINT, lookback="usage")
    vendor = dataclasses.replace(VENDOR, endpoints=(usage,))
    for vendors, unknown in (((VENDOR,), True), ((vendor,), False), ((VENDOR,), True)):
        (row,) = rows(archive, folder, bad, vendors)
        assert row["is_charge_unknown"] is unknown


def test_what_cannot_be_read_fails_each_time_and_is_not_kept(tmp_path: Path, folder: Path) -> None:
    archive = Archive(str(tmp_path / "archive"))
    with archive.recording("cursor", "usage_events", WINDOW, fetched_at=NOW) as recorder:
        recorder.add(Page(json.dumps({"usageEvents": [record(WINDOW.start)]}).encode(), "1"))
        recorder.add(Page(b'{"usageEvents": "none"}', "2"))
    for _ in range(2):
        with pytest.raises(ArchiveError, match="has a shape that cannot be read"):
            rows(archive, folder)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_written_costs_time_and_nothing_else(
    archive: Archive, folder: Path
) -> None:
    folder.parent.mkdir()
    folder.write_text("a file stands here")
    counting = Counting()
    for _ in range(2):
        assert len(rows(archive, folder, vendors=counting.vendors)) == 15
    assert counting.pages == 2


# -- restated, and as it was known ---------------------------------------------------------------


def test_a_restated_day_is_read_from_its_new_answer_and_the_old_form_of_it_goes(
    archive: Archive, folder: Path
) -> None:
    assert len(rows(archive, folder)) == 15
    later = Window(WINDOW.start + timedelta(days=2), WINDOW.end)
    answer(archive, [record(later.start, 9)], later, NOW + timedelta(hours=1))
    found = rows(archive, folder)
    assert found == rows(archive, None)
    assert len(found) == 2 * 3 + 1
    assert [path.stem for path in files(folder)] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert rows(archive, folder) == found


def test_an_answer_that_serves_no_day_any_more_leaves_nothing(
    archive: Archive, folder: Path
) -> None:
    rows(archive, folder)
    answer(archive, [record(WINDOW.start, 9)], WINDOW, NOW + timedelta(hours=1))
    assert len(rows(archive, folder)) == 1
    assert len(forms(folder)) == 1


def test_the_archive_as_it_was_known_gives_what_was_known(archive: Archive, folder: Path) -> None:
    before = rows(archive, folder)
    answer(archive, [record(WINDOW.start, 9)], WINDOW, NOW + timedelta(hours=1))
    after = rows(archive, folder)
    for _ in range(2):
        assert rows(archive.as_of(NOW), folder) == before
        assert rows(archive, folder) == after
