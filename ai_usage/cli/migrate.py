"""`ai-usage migrate`: the way from old tables to these, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.cli.importer import build_without_vendors
from ai_usage.cli.migrate_words import compared_lines, loaded_line, planned_lines
from ai_usage.cli.progress import refuse_closed
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.instance.partitions import checked_window
from ai_usage.migration.comparing import compare_table
from ai_usage.migration.description import FILE_NAME, Description, TableMapping, read_description
from ai_usage.migration.dual_write import is_on, written_so_far
from ai_usage.migration.inventory import READ_DAYS, Inventory, VendorHours, take_inventory
from ai_usage.migration.loading import LoadedRange, load_table, unload
from ai_usage.migration.log import entries, note
from ai_usage.migration.opening import open_old, open_source
from ai_usage.migration.planning import plan_table
from ai_usage.migration.reading import ENDPOINT_PREFIX
from ai_usage.migration.references import sheet_of
from ai_usage.migration.report import as_csv, as_html
from ai_usage.migration.sample import evidence, sample
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.migration.states import Entry, state_of, unfinished
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings, acting_user
from ai_usage.text.csv_cells import text
from ai_usage.text.words import counted, few, ranges

_HOURS = """
SELECT
  platform,
  source_endpoint,
  TIMESTAMP_TRUNC(event_timestamp, HOUR) AS hour,
  SUM(cost_usd) AS usd
FROM raw_ai_events
WHERE event_date >= DATE '1900-01-01' AND cost_usd IS NOT NULL
GROUP BY platform, source_endpoint, hour
"""


def show_inventory(
    console: Console, settings: Settings, source: str | None, file: Path | None
) -> None:
    """Print what every old table holds, and who reads it."""
    found = _inventory(settings, source, file)
    for profile in found.profiles:
        for n, line in enumerate(evidence(profile)):
            say(console, line if n == 0 else f"  {line}")
    if found.readers is None:
        say(console, f"{found.where}: nobody keeps a list of who reads it; ask around.")
    else:
        say(console, f"read in the last {READ_DAYS} days by: {_readers(found)}")


def write_description(
    console: Console, settings: Settings, source: str | None, file: Path | None
) -> None:
    """Write a first description. Raises `MigrationError` where there is one already."""
    path = file or _default(settings)
    if path.exists():
        raise MigrationError(f"{path} is there already: move it away, or give --file another name.")
    if source is None:
        raise MigrationError("name the old system with --source, like duckdb:old.duckdb#finance.")
    written = sample(_inventory(settings, source, file))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written, encoding="utf-8")
    say(console, f"wrote {path}; put it right, then: ai-usage migrate plan")


def show_plan(
    console: Console,
    settings: Settings,
    first: date,
    last: date,
    tables: Sequence[str] | None,
    file: Path | None,
) -> None:
    """Print what a load would bring; nothing is written."""
    source, description = _described(settings, file)
    window, archive = checked_window(settings, first, last), Archive.of(settings)
    for table, mapping in _chosen(description, tables):
        for line in planned_lines(plan_table(source, table, mapping, archive, window)):
            say(console, line)
    for table, reference in description.references.items():
        sheet = sheet_of(source, table, reference)
        say(console, f"{table}: {counted(sheet.rows, 'line')} for {sheet.file}")


def load_tables(
    console: Console,
    settings: Settings,
    first: date,
    last: date,
    tables: Sequence[str] | None,
    file: Path | None,
    *,
    again: bool,
    closed: bool,
) -> None:
    """Load the days, note it, and build them.

    Raises `MigrationError`, and `AiUsageError` for days of closed months if `closed` is not set.
    """
    source, description = _described(settings, file)
    window, archive = _open_window(settings, first, last, closed=closed), _archive(settings)
    by, kept = acting_user(settings), entries(archive)
    for table, mapping in _chosen(description, tables):
        now = settings.now
        for done in load_table(source, table, mapping, archive, window, now, again=again):
            # A load that was ended between the two is noted by the next one.
            if not done.there_already or not _is_noted(kept, done):
                note(archive, _load_entry(done, settings.now, by))
            say(console, loaded_line(done))
    if not tables:
        _write_sheets(console, settings, source, description)
    build_without_vendors(console, settings, window, closed=closed, command="migrate")


def unload_tables(
    console: Console,
    settings: Settings,
    first: date,
    last: date,
    tables: Sequence[str] | None,
    file: Path | None,
    *,
    closed: bool,
) -> None:
    """Take the days of old tables out again, note it, and build them."""
    _, description = _described(settings, file)
    window, archive = _open_window(settings, first, last, closed=closed), _archive(settings)
    by = acting_user(settings)
    for table, mapping in _chosen(description, tables):
        unload(table, mapping, archive, window, settings.now)
        note(archive, _entry("unload", settings.now, by, table, window, {}))
        say(console, f"{table}: {window} taken out; the archive keeps it")
    build_without_vendors(console, settings, window, closed=closed, command="migrate")


def compare_tables(
    console: Console,
    settings: Settings,
    first: date,
    last: date,
    tables: Sequence[str] | None,
    file: Path | None,
    *,
    csv: Path | None,
    html: Path | None,
) -> bool:
    """Print, write and note the comparison; True where nothing is unexplained."""
    source, description = _described(settings, file)
    window, archive = checked_window(settings, first, last), _archive(settings)
    warehouse, by = warehouse_resource(settings).warehouse(), acting_user(settings)
    found = []
    for table, mapping in _chosen(description, tables):
        compared = compare_table(source, table, mapping, warehouse, window)
        found.append(compared)
        for line in compared_lines(compared):
            say(console, line)
        counts: dict[str, str] = {
            one.class_: f"{one.keys} {text(one.difference('usd'))}" for one in compared.totals
        }
        details = {**counts, "green_days": str(compared.green_days)}
        note(archive, _entry("compare", settings.now, by, table, window, details))
    if csv is not None:
        csv.write_text(as_csv(found), encoding="utf-8")
        say(console, f"wrote {csv}")
    if html is not None:
        html.write_text(as_html(found, f"Old and new, {window}"), encoding="utf-8")
        say(console, f"wrote {html}")
    return all(not any(t.class_ == "unexplained" for t in one.totals) for one in found)


def show_status(console: Console, settings: Settings) -> None:
    """Print the state and what was done, oldest first."""
    kept = entries(_archive(settings))
    say(console, f"the migration is {state_of(kept)}")
    open_ = unfinished(kept)
    if open_ is not None:
        say(console, f"{open_.step} of {open_.at:%Y-%m-%d %H:%M} UTC was broken off: run it again")
    for line in _written_lines(settings, kept):
        say(console, line)
    for entry in kept:
        days = f" {entry.first_day}..{entry.last_day}" if entry.first_day else ""
        of = f" {entry.table}" if entry.table else ""
        why = f": {entry.why}" if entry.why else ""
        told = ", ".join(f"{name} {value}" for name, value in entry.details.items())
        say(
            console,
            f"  {entry.at:%Y-%m-%d %H:%M} {entry.step}{of}{days} {entry.outcome} by {entry.by}{why}"
            + (f" ({told})" if told else ""),
        )


def _written_lines(settings: Settings, kept: Sequence[Entry]) -> Iterator[str]:
    """Whether runs write the old tables too, how far they are, and what they lack and why."""
    if not any(entry.step == "dual_write" for entry in kept):
        return
    yield f"dual write is {'on' if is_on(kept) else 'off'}"
    warehouse = warehouse_resource(settings).warehouse()
    for one in written_so_far(warehouse):
        newest = f"written until {one.newest}" if one.newest else "never written"
        lacks = f"; lacks {ranges(one.failed)}: {one.error}" if one.failed else ""
        yield f"  {one.table}: {newest}{lacks}"


def _inventory(settings: Settings, source: str | None, file: Path | None) -> Inventory:
    where = source or read_description(file or _default(settings)).source
    return take_inventory(
        open_source(where, warehouse_resource(settings).warehouse()), _vendor_hours(settings)
    )


def _vendor_hours(settings: Settings) -> list[VendorHours]:
    """What vendors bill by the hour, as it is loaded; nothing where nothing is."""
    try:
        warehouse = warehouse_resource(settings).warehouse()
        if not warehouse.exists("raw_ai_events"):
            return []
        rows = list(warehouse.rows(_HOURS))
    except AiUsageError:
        # There is no warehouse yet: the inventory needs none.
        return []
    found: dict[str, dict[datetime, Decimal]] = {}
    for row in rows:
        if not row["source_endpoint"].startswith(ENDPOINT_PREFIX):
            name = f"{row['platform']}/{row['source_endpoint']}"
            found.setdefault(name, {})[row["hour"]] = row["usd"]
    return [VendorHours(name, hours) for name, hours in sorted(found.items())]


def _readers(found: Inventory) -> str:
    told = [
        f"{one.who} ({one.table}, {counted(one.reads, 'time')}, last on {one.last:%Y-%m-%d})"
        for one in found.readers or ()
    ]
    return few(told, most=20) or "nobody"


def _described(settings: Settings, file: Path | None) -> tuple[Source, Description]:
    description = read_description(file or _default(settings))
    state = state_of(entries(_archive(settings)))
    return open_old(
        description.source, state, warehouse_resource(settings).warehouse()
    ), description


def _default(settings: Settings) -> Path:
    return settings.home / FILE_NAME


def _archive(settings: Settings) -> Archive:
    return Archive.of(settings)


def _chosen(
    description: Description, tables: Sequence[str] | None
) -> Iterator[tuple[str, TableMapping]]:
    for name in tables or ():
        if name not in description.tables:
            known = ", ".join(description.tables) or "none"
            raise MigrationError(f"--table {name} is not described; described are: {known}.")
    for name, mapping in description.tables.items():
        if not tables or name in tables:
            yield name, mapping


def _open_window(settings: Settings, first: date, last: date, *, closed: bool) -> Window:
    window = checked_window(settings, first, last)
    if not closed:
        refuse_closed(settings, window)
    return window


def _is_noted(kept: Sequence[Entry], done: LoadedRange) -> bool:
    return any(
        entry.step == "load"
        and entry.table == done.table
        and entry.details.get("kept_at") == done.kept_at.isoformat()
        for entry in kept
    )


def _load_entry(done: LoadedRange, now: datetime, by: str) -> Entry:
    counts = {
        "read": str(done.read),
        "repeated": str(done.repeated),
        "written": str(done.written),
        "usd": text(done.usd),
    }
    details = {
        # Nobody counts again what a load that was ended had counted.
        **({} if done.there_already else counts),
        "vendor_days": ranges(done.vendor_days, most=len(done.vendor_days)),
        "kept_at": done.kept_at.isoformat(),
    }
    return _entry("load", now, by, done.table, done.window, details)


def _entry(
    step: Any, now: datetime, by: str, table: str, window: Window, details: dict[str, str]
) -> Entry:
    days = window.days()
    return Entry(
        at=now,
        step=step,
        outcome="done",
        by=by,
        table=table,
        first_day=days[0],
        last_day=days[-1],
        details=details,
    )


def _write_sheets(
    console: Console, settings: Settings, source: Source, description: Description
) -> None:
    """Old sheets as files: in their place where there is none, else beside it, for a person."""
    for table, reference in description.references.items():
        sheet = sheet_of(source, table, reference)
        path = settings.reference_path / sheet.file
        if path.exists():
            path = settings.home / "migration" / sheet.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sheet.text, encoding="utf-8")
        beside = "" if path.parent == settings.reference_path else "; take over what is missing"
        say(console, f"{table}: wrote {counted(sheet.rows, 'line')} to {path}{beside}")
