"""`migrate load` against the planted old system: once, in ranges, and the vendor wins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from sqlglot import exp

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.ledger.missing_days import archived_days, first_archived_day
from ai_usage.migration import loading
from ai_usage.migration.archived import legacy_batches, legacy_days, stood_for
from ai_usage.migration.description import Description, read_description
from ai_usage.migration.embedded_source import EmbeddedSource
from ai_usage.migration.loading import LoadedRange, load_table, unload
from ai_usage.migration.opening import open_source
from ai_usage.migration.reading import old_rows
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.migration import described, old_system

NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
MARCH = Window(date(2026, 3, 1), date(2026, 4, 1))


@pytest.fixture
def system(tmp_path: Path) -> tuple[Source, Description, Archive]:
    path = old_system.build(tmp_path / "old.duckdb")
    description = read_description(described.write(tmp_path, f"duckdb:{path}#finance"))
    return open_source(description.source), description, Archive(str(tmp_path / "archive"))


def load(
    system: tuple[Source, Description, Archive], window: Window = MARCH, **more: Any
) -> list[LoadedRange]:
    source, description, archive = system
    mapping = description.tables["cursor_costs"]
    return list(load_table(source, "cursor_costs", mapping, archive, window, NOW, **more))


def events(archive: Archive, window: Window = MARCH) -> list[dict[str, Any]]:
    schema = table_schema("raw_ai_events").arrow_schema
    found: list[dict[str, Any]] = pa.Table.from_batches(
        legacy_batches(archive, window, None), schema
    ).to_pylist()
    return found


def test_rows_become_events_under_the_tables_name(
    system: tuple[Source, Description, Archive],
) -> None:
    (march,) = load(system)
    assert (march.read, march.repeated, march.written) == (82, 1, 81)
    found = events(system[2])
    assert len({event["event_id"] for event in found}) == 81
    assert {(e["platform"], e["source_endpoint"]) for e in found} == {
        ("cursor", "legacy:cursor_costs")
    }
    # 20 days of 4.50, and a week of 450: what the old table says, until somebody declares cents.
    assert sum(e["cost_usd"] for e in found) == march.usd == Decimal("3240.00")
    # An address is spelled in lower case, whatever the old row has.
    assert {e["user_email"] for e in found} == set(old_system.DOLLARS)
    assert {e["attribution_method"] for e in found} == {"direct_email"}


def test_declared_cents_of_a_week_are_dollars(tmp_path: Path) -> None:
    path = old_system.build(tmp_path / "old.duckdb")
    units = "    units: [{column: cost_usd, unit: cents, from: 2026-03-08, to: 2026-03-14}]\n"
    file = described.write(
        tmp_path, f"duckdb:{path}#finance", ("    write:\n", f"{units}    write:\n")
    )
    description = read_description(file)
    archive = Archive(str(tmp_path / "archive"))
    (march,) = load((open_source(description.source), description, archive))
    assert march.usd == Decimal("121.50")


def test_a_second_load_finds_everything_there(system: tuple[Source, Description, Archive]) -> None:
    load(system)
    before = events(system[2])
    (again,) = load(system)
    assert (again.there_already, again.read) == (True, 0)
    (read_again,) = load(system, again=True)
    assert (read_again.there_already, read_again.read) == (False, 82)
    assert [e["event_id"] for e in events(system[2])] == [e["event_id"] for e in before]


def test_a_load_that_is_killed_goes_on_where_it_was(
    system: tuple[Source, Description, Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    window = Window(date(2026, 2, 15), date(2026, 4, 1))
    whole = old_rows

    def killed(*given: Any) -> Iterator[Any]:
        for n, row in enumerate(whole(*given)):
            if n == 40:
                raise KeyboardInterrupt
            yield row

    monkeypatch.setattr(loading, "old_rows", killed)
    with pytest.raises(KeyboardInterrupt):
        load(system, window)
    assert events(system[2], window) == []
    monkeypatch.setattr(loading, "old_rows", whole)
    february, march = load(system, window)
    assert (february.there_already, march.there_already) == (True, False)
    assert len(events(system[2], window)) == 81


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_at_any_row_changes_nothing_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    path = old_system.build(tmp_path / "old.duckdb")
    description = read_description(described.write(tmp_path, f"duckdb:{path}#finance"))
    source = open_source(description.source)
    at = Random(seed).randrange(82)  # noqa: S311

    def killed(*given: Any) -> Iterator[Any]:
        for n, row in enumerate(old_rows(*given)):
            if n == at:
                raise KeyboardInterrupt
            yield row

    whole = (source, description, Archive(str(tmp_path / "whole")))
    broken = (source, description, Archive(str(tmp_path / "broken")))
    load(whole)
    with monkeypatch.context() as patched:
        patched.setattr(loading, "old_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            load(broken)
    assert events(broken[2]) == []
    load(broken)
    one, other = events(whole[2]), events(broken[2])
    for event in [*one, *other]:
        del event["ingest_timestamp"]
    assert one == other


def test_a_table_that_changes_while_it_is_loaded_leaves_nothing_of_the_range(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    file = folder / "cursor_costs.csv"
    line = ",ann@x.io,2026-03-01,7,1.50\n"
    file.write_text("email,user_email,usage_date,lines,amount\n" + line)

    class Changing(EmbeddedSource):
        def rows(self, statement: exp.Query) -> Iterator[dict[str, Any]]:
            for row in super().rows(statement):
                yield row
                file.write_text(file.read_text() + line.replace("ann", "bob"))

    changed = described.write(
        tmp_path, f"files:{folder}", ("day: usage_date", "day: CAST(usage_date AS DATE)")
    )
    description = read_description(changed)
    archive = Archive(str(tmp_path / "archive"))
    with pytest.raises(MigrationError, match="changed while it was read, and nothing of it was"):
        load((Changing(folder, None, description.source), description, archive))
    assert events(archive) == []
    load((open_source(description.source), description, archive))
    assert [event["user_email"] for event in events(archive)] == ["ann@x.io", "bob@x.io"]


def test_a_day_that_the_vendor_has_answered_is_the_vendors(
    system: tuple[Source, Description, Archive],
) -> None:
    load(system)
    archive = system[2]
    days = Window(date(2026, 3, 20), date(2026, 4, 1))
    with archive.recording("cursor", "usage_events", days, fetched_at=NOW) as recorder:
        recorder.add(Page(b"{}", "asked"))
    # 18 of the 19 days before the 20th have rows.
    assert len(events(archive)) == 54
    (own,) = legacy_days(archive, MARCH)
    assert (own.days[-1], own.vendor_days) == (date(2026, 3, 19), days.days())
    before = Window(MARCH.start, days.start).days()
    assert stood_for(archive, MARCH) == {("cursor", "usage_events", day) for day in before}


def test_loaded_days_are_history_that_a_rebuild_brings_back(
    system: tuple[Source, Description, Archive],
) -> None:
    assert first_archived_day(system[2], ()) is None
    load(system)
    assert first_archived_day(system[2], ()) == MARCH.start
    assert archived_days(system[2], (), MARCH) == set(MARCH.days())


def test_what_was_loaded_can_be_taken_out_again(
    system: tuple[Source, Description, Archive],
) -> None:
    load(system)
    _, description, archive = system
    out = Window(date(2026, 3, 1), date(2026, 3, 27))
    unload("cursor_costs", description.tables["cursor_costs"], archive, out, NOW)
    assert {e["event_date"] for e in events(archive)} == {date(2026, 3, 27), date(2026, 3, 28)}
