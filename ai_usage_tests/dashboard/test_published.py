"""The copy: swapped while it is read, noticed by readers, in nobody's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ai_usage.dashboard import published as published_module
from ai_usage.dashboard.copied import TO_LABEL
from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import About, Published, publish, queries_of, renew
from ai_usage.dashboard.scope import spend
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage.errors import WarehouseError
from ai_usage.orchestration.assets.dashboard import still_stands
from ai_usage.orchestration.resources import ClockResource
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.parts import parts_of
from ai_usage_tests.dashboard.copies import Cost, Made, Person

ON_BIGQUERY = {"AI_USAGE_WAREHOUSE": "bigquery", "AI_USAGE_BIGQUERY_PROJECT": "my-project"}
ADMIN = Viewer("", Role.ADMIN, Mode.OPEN)
MARCH = Filters(date(2026, 3, 1), date(2026, 3, 1))


def _open_files(path: Path) -> list[str]:
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(descriptor.readlink()))
    return [link for link in found if link.startswith(str(path))]


def costing(dollars: int) -> Made:
    day = date(2026, 3, 2)
    return Made(
        [Person(10, "ann@x.test", "Ads", "Sales", "CC-1")],
        [Cost(day, 10, Decimal(dollars), "Cursor", "CC-1")],
    )


def total(published: Published) -> Decimal:
    (row,) = spend(published, ADMIN, MARCH).to_pylist()
    found: Decimal = row["total"]
    return found


def test_a_reader_sees_a_new_copy_at_its_next_question(tmp_path: Path) -> None:
    path = tmp_path / "copy.duckdb"
    published = costing(1).publish(path)
    assert total(published) == 1
    before = published.key
    costing(2).publish(path)
    assert published.key != before
    assert total(published) == 2
    assert published.about.run_id == "run"


def test_readers_and_swaps_never_meet(tmp_path: Path) -> None:
    path = tmp_path / "copy.duckdb"
    published = costing(0).publish(path)
    seen: list[Decimal] = []
    failures: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                (row,) = published.rows("SELECT SUM(total) AS total FROM costs")
                seen.append(row["total"])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for dollars in range(1, 11):
        costing(dollars).publish(path)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(seen) <= {Decimal(n) for n in range(11)}
    assert total(published) == 10
    # What was swapped away is let go of: no descriptor is left on deleted files.
    assert len(_open_files(path)) <= 1


def test_without_a_copy_the_reader_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="ai-usage run"):
        Published(tmp_path / "nothing.duckdb").rows("SELECT 1")


def test_the_copy_cannot_be_written_through_a_reader(tmp_path: Path) -> None:
    published = costing(1).publish(tmp_path / "copy.duckdb")
    with pytest.raises(Exception, match="read-only"):
        published.rows("INSERT INTO platforms VALUES (9, 'x', 'y') RETURNING 1 AS one")


def test_what_stops_the_warehouse_while_it_is_read_is_told_and_the_old_copy_stays(
    tmp_path: Path,
) -> None:
    class Stopping(DuckDBWarehouse):
        def queries(
            self, queries: Mapping[str, Query]
        ) -> Iterator[tuple[str, pa.RecordBatchReader]]:
            def batches() -> Iterator[pa.RecordBatch]:
                yield pa.record_batch({"user_sk": [1]})
                raise WarehouseError("no room to spill")

            yield (
                next(iter(queries)),
                pa.RecordBatchReader.from_batches(pa.schema([("user_sk", pa.int64())]), batches()),
            )

    path = tmp_path / "copy.duckdb"
    published = costing(1).publish(path)
    warehouse = Stopping(tmp_path / "w.duckdb", "ai_usage")
    with pytest.raises(WarehouseError, match=r"^no room to spill$"):
        publish(warehouse, path, as_of=date(2026, 3, 31), now=datetime(2026, 3, 31, tzinfo=UTC))
    assert total(published) == 1
    assert [found.name for found in tmp_path.glob(".copy*")] == []


def test_daily_rows_are_copied_month_by_month_each_day_once() -> None:
    """Two years and the running month; other tables are one question."""
    of = About(date(2026, 3, 18), datetime(2026, 3, 18, tzinfo=UTC), None)
    asked = queries_of(of)
    assert {name for name, query in asked.items() if query.by_days} == set(TO_LABEL)
    for name in TO_LABEL:
        assert asked[name].parameters == {"start": date(2024, 3, 1), "as_of": date(2026, 3, 18)}
        months = [(part["start"], part["as_of"]) for part in parts_of(asked[name], 0)]
        assert len(months) == 25
        assert months[:2] == [
            (date(2024, 3, 1), date(2024, 3, 31)),
            (date(2024, 4, 1), date(2024, 4, 30)),
        ]
        assert months[-1] == (date(2026, 3, 1), date(2026, 3, 18))


@pytest.mark.parametrize(
    "before",
    ["ALTER TABLE about DROP COLUMN shape", "UPDATE about SET shape = 'of another version'"],
)
def test_a_copy_of_another_version_is_not_read_and_the_next_run_mends_it(
    before: str, tmp_path: Path
) -> None:
    path = tmp_path / "copy.duckdb"
    costing(1).publish(path)
    with duckdb.connect(path) as copy:
        copy.execute(before)
    old = Published(path)
    with pytest.raises(WarehouseError, match="another version of ai-usage; `ai-usage run`"):
        old.rows("SELECT 1")
    costing(2).publish(path)
    assert total(old) == 2


def test_a_copy_of_another_run_than_stands_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is restored from a backup is not of what the warehouse holds."""
    path, warehouse = tmp_path / "copy.duckdb", DuckDBWarehouse(tmp_path / "w.duckdb", "ai_usage")
    costing(1).publish(path)
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("UPDATE about SET run_id = 'before'")
    made = []
    monkeypatch.setattr(published_module, "publish", lambda *_, run_id, **__: made.append(run_id))
    about = Published(path).about
    renew(warehouse, path, as_of=about.as_of, now=about.published_at, run_id="stands", states={})
    assert made == ["stands"]


@pytest.mark.parametrize(
    ("environment", "hours", "stands"),
    [
        ({}, 0, False),
        ({"AI_USAGE_DASHBOARD_HOURS": "3"}, 2, True),
        ({"AI_USAGE_DASHBOARD_HOURS": "3"}, 3, False),
        (ON_BIGQUERY, 11, True),
        (ON_BIGQUERY, 12, False),
        (ON_BIGQUERY | {"AI_USAGE_DASHBOARD_HOURS": "0"}, 0, False),
    ],
)
def test_a_copy_stands_for_hours_where_making_one_costs_dollars(
    environment: dict[str, str], hours: int, stands: bool, tmp_path: Path
) -> None:
    """On BigQuery each evaluates every view; another day always gets its own."""
    path = tmp_path / "copy.duckdb"
    settings = Settings.load({"AI_USAGE_ENV_FILE": "no.env", **environment})
    clock = ClockResource(as_of="2026-03-18")
    assert not still_stands(path, settings, clock)

    def made(as_of: date, at: datetime) -> None:
        costing(1).publish(path)
        with closing(duckdb.connect(str(path))) as connection:
            connection.execute("UPDATE about SET as_of = ?, published_at = ?", [as_of, at])

    made(clock.today, clock.now - timedelta(hours=hours))
    assert still_stands(path, settings, clock) == stands
    made(clock.today - timedelta(days=1), clock.now)
    assert not still_stands(path, settings, clock)
