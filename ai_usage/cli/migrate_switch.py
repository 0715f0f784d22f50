"""The steps of a migration that write old tables: dual write, cutover, and the ways back and on."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.cli.migrate_gate import gate, gate_window, refuse_unmet
from ai_usage.migration.description import FILE_NAME, Description, read_description
from ai_usage.migration.dual_write import (
    is_on,
    keep_marks,
    refuse_other_writers,
    written_tables,
)
from ai_usage.migration.left_behind import in_words, left_behind
from ai_usage.migration.log import entries, note, step
from ai_usage.migration.opening import open_source, open_target
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import Entry, check_step, unfinished
from ai_usage.migration.steps import (
    OldNames,
    aside,
    hindrances,
    old_names,
    readers,
    rehearse,
    retire,
    snapshot_of,
    statements,
    switch,
    switch_back,
)
from ai_usage.migration.writing import query_of
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings, acting_user
from ai_usage.text.printable import one_line
from ai_usage.text.words import counted, few
from ai_usage.warehouse.base import Warehouse


def dual_write(
    console: Console, settings: Settings, file: Path | None, *, on: bool, why: str, dry_run: bool
) -> None:
    """Switch dual write on or off, and note it.

    Raises `MigrationError` where there is nothing to write, or somebody else still writes it.
    """
    archive = Archive.of(settings)
    if on:
        description = read_description(file or settings.home / FILE_NAME)
        target = open_target(description.source, _warehouse(settings))
        mappings = written_tables(description)
        tables = list(mappings)
        refuse_other_writers(target, archive, tables)
        say(console, f"each run writes {', '.join(tables)} in {target.where}, too")
        if dry_run:
            for name, mapping in mappings.items():
                days = [settings.now.date()]
                asked = query_of(mapping, days)
                _show(console, target.statements(name, mapping, asked, days))
            return
        keep_marks(archive, target, tables, settings.now)
    else:
        was = "was on" if is_on(entries(archive)) else "was off already"
        say(console, f"dual write {was}; the old tables stay as they are")
        if dry_run:
            return
    said = {"switch": "on" if on else "off"}
    note(
        archive,
        Entry(
            at=settings.now,
            step="dual_write",
            outcome="done",
            by=acting_user(settings),
            why=one_line(why),
            details=said,
        ),
    )


def cutover(
    console: Console, settings: Settings, file: Path | None, *, why: str, dry_run: bool
) -> None:
    """Let views over the new tables have the old names, once everything allows it.

    Raises `MigrationError` where something does not, and where a view differs from its table.
    """
    archive = Archive.of(settings)
    kept = entries(archive)
    resumes = check_step(kept, "cutover", settings.now)
    description = read_description(file or settings.home / FILE_NAME)
    names = old_names(description, _warehouse(settings))
    if not resumes:
        _refuse_unready(console, settings, description, names, file)
    for table, columns in names.unwritten.items():
        empty = f"; {', '.join(columns)} will be NULL" if columns else ""
        place = names.switching.aside(table)
        say(console, f"{table}: moves to {place}, a view takes its name{empty}")
    if dry_run:
        _show(console, names.switching.statements("cutover", names.switch))
        return
    told: dict[str, str] = {"tables": ", ".join(names.tables)}
    with step(
        archive, "cutover", by=acting_user(settings), why=why, now=settings.now, details=told
    ):
        open_ = unfinished(entries(archive))
        begun = open_.at if open_ is not None else settings.now
        snapshot = snapshot_of(names, _folder(settings), begun)
        told |= snapshot.details
        for line in snapshot.told:
            say(console, line)
        moved = switch(names)
    # Said when it is noted: a reader who has gone away would make it look as if it had failed.
    say(console, f"{counted(len(moved), 'name')} switched; the way back is kept 30 days")


def rollback(
    console: Console, settings: Settings, file: Path | None, *, why: str, dry_run: bool
) -> None:
    """Let the old tables have their names again, with what was written since."""
    archive = Archive.of(settings)
    check_step(entries(archive), "rollback", settings.now)
    description = read_description(file or settings.home / FILE_NAME)
    warehouse = _warehouse(settings)
    for table, place in aside(description, warehouse).items():
        say(console, f"{table}: the view goes, {place} has its name again")
    if dry_run:
        _show(console, statements(description, warehouse, "rollback"))
        return
    with step(archive, "rollback", by=acting_user(settings), why=why, now=settings.now):
        moved = switch_back(description, warehouse)
    say(console, f"{counted(len(moved), 'name')} switched back; the migration is parallel")


def retire_tables(
    console: Console, settings: Settings, file: Path | None, *, why: str, dry_run: bool
) -> None:
    """Archive the old tables as Parquet, and drop them, once nobody can go back or reads them."""
    archive = Archive.of(settings)
    check_step(entries(archive), "retire", settings.now)
    description = read_description(file or settings.home / FILE_NAME)
    warehouse = _warehouse(settings)
    reading = readers(description, warehouse)
    if reading:
        who = few([f"{one.who} ({one.table})" for one in reading], most=10)
        raise MigrationError(f"retire: old names are still read by {who}.")
    if reading is None and not why:
        raise MigrationError(
            "retire: nobody keeps a list of who reads a file; say in --note whom you asked."
        )
    for table in written_tables(description):
        say(console, f"{table}: goes to {_folder(settings) / 'retired'} as Parquet, then away")
    if dry_run:
        _show(console, statements(description, warehouse, "retire"))
        return
    told: dict[str, str] = {}
    with step(archive, "retire", by=acting_user(settings), why=why, now=settings.now, details=told):
        told |= retire(description, warehouse, _folder(settings) / "retired")
    for table, digest in told.items():
        say(console, f"{table}.parquet: read back, SHA-256 {digest}")


def rehearse_switch(console: Console, settings: Settings, file: Path | None) -> bool:
    """Cut over and roll back a copy; True where every table is then as it was."""
    description = read_description(file or settings.home / FILE_NAME)
    names = old_names(description, _warehouse(settings))
    found = rehearse(names, _folder(settings))
    for one in found:
        same = "as it was" if one.before == one.after else "NOT as it was"
        say(console, f"{one.table}: {same} ({_short(one.before)}, {_short(one.after)})")
    days = sum(len(own.days) for own in names.written.values())
    say(console, f"{counted(days, 'written day')} gave the same rows under the old names")
    return all(one.before == one.after for one in found)


def _refuse_unready(
    console: Console,
    settings: Settings,
    description: Description,
    names: OldNames,
    file: Path | None,
) -> None:
    """Raise `MigrationError` for the first thing that forbids a cutover."""
    warehouse = _warehouse(settings)
    source = open_source(description.source, warehouse)
    lost = {
        table: left_behind(source, table, mapping, warehouse)
        for table, mapping in names.tables.items()
    }
    wrong = [
        *hindrances(names),
        *(in_words(table, days) for table, days in lost.items() if days),
    ]
    if wrong:
        raise MigrationError(f"cutover: {few(wrong, most=10)}.")
    if not is_on(entries(Archive.of(settings))):
        raise MigrationError(
            "cutover: dual write is off, and the way back would lose days: `ai-usage migrate "
            "dual-write on`."
        )
    found = gate(settings, gate_window(settings), file)
    for one in found:
        say(console, f"{'met' if one.met else 'NOT met'}: {one.name} ({one.found})")
    refuse_unmet(found)


def _warehouse(settings: Settings) -> Warehouse:
    return warehouse_resource(settings).warehouse()


def _show(console: Console, sent: Sequence[str]) -> None:
    """The statements that a step would send, each ended by a semicolon."""
    for statement in sent:
        say(console, f"{statement.rstrip().rstrip(';')};")


def _folder(settings: Settings) -> Path:
    return settings.home / "migration"


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
