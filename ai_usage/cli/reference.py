"""`ai-usage reference check` and `init`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.cli.rule_reach import DAYS, last_days, reaches
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.orchestration.assets.finance import FinanceSnapshot
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.resources import client_resources, configured_among
from ai_usage.reference import (
    Beyond,
    Checked,
    RefusedFileError,
    Row,
    check,
    products_of,
    read_path,
    reference_file,
    reference_files,
    write_samples,
)
from ai_usage.reference.known import SEATS
from ai_usage.settings import Settings
from ai_usage.text.words import counted
from ai_usage.vendors.base import discovered_vendors

RULES = "allocation_rules.csv"


def checked_files(settings: Settings) -> tuple[list[Checked], str | None]:
    """What a check of the files finds, and why it cannot tell whether people are known, if so.

    Whatever is wrong with a directory or the archive is not the files' fault: they are checked.
    """
    why = None
    people: Sequence[Row] | None = None
    finance_snapshot = _finance_snapshot(settings)
    directory, beyond = finance_snapshot.directory, Beyond(products_of(discovered_vendors()))
    configured = configured_among(client_resources(settings, discovered_vendors()))
    try:
        people, unread = directory.known_people(configured), directory.unread(configured)
        beyond = finance_snapshot.beyond(configured)
        if unread:
            have = "have" if len(unread) > 1 else "has"
            why = f"{' and '.join(unread)} {have} not been read yet. See: ai-usage run"
    except AiUsageError as error:
        why = f"{error}"
    return check(reference_files(), settings.reference_path, people, beyond), why


def check_files(console: Console, settings: Settings) -> bool:
    """Print every file's state, each problem and warning on its own line; True if all are good."""
    found, why = checked_files(settings)
    for file in found:
        if not file.ok:
            state = "[red]refused[/red]"
        elif not file.present:
            state = "none   "
        else:
            state = "[green]ok     [/green]"
        console.print(
            f"{state} {file.name}" + (f", {counted(file.rows, 'row')}" if file.present else "")
        )
        for line in (*file.problems, *file.warnings):
            say(console, f"  {line}")
        for line in _beside(file, settings):
            say(console, f"  {line}")
    if why and any(file.present for file in found):
        told = f"Whether people are known is not checked: {why}"
        say(console, told)
    return all(file.ok for file in found)


def seat_notes(settings: Settings) -> list[str]:
    """What to look at among the seats, by the files as they are, else as last accepted."""
    finance_snapshot = _finance_snapshot(settings)

    def rows(name: str) -> list[Row]:
        try:
            reading = read_path(reference_file(name), settings.reference_path)
        except RefusedFileError:
            return finance_snapshot.rows(name)
        return reading.rows if reading.present else finance_snapshot.rows(name)

    return finance_snapshot.seat_notes(rows(SEATS), rows("seat_assignments.csv"))


def _finance_snapshot(settings: Settings) -> FinanceSnapshot:
    declared = Declared.of(settings, discovered_vendors())
    return FinanceSnapshot(Directory(declared, Archive.of(settings), settings))


def _beside(file: Checked, settings: Settings) -> Iterator[str]:
    """What an acceptable file means for what is loaded."""
    if not file.ok or not file.rows:
        return
    if file.name == RULES:
        yield from _rules(settings)
    if file.name == SEATS:
        try:
            yield from seat_notes(settings)
        except AiUsageError as error:
            yield f"Who held the seats is not known: {error}"


def _rules(settings: Settings) -> Iterator[str]:
    """What each rule would have split in the last days, in dollars."""
    window = last_days(settings.today)
    try:
        rows = read_path(reference_file(RULES), settings.reference_path).rows
        found = reaches(warehouse_resource(settings).warehouse(), rows, window)
    except AiUsageError as error:
        yield f"What the rules split is not known: {error}"
        return
    if found is None:
        yield (
            "What the rules split is not known: the warehouse holds nothing yet. See: ai-usage run"
        )
        return
    yield f"What each rule would have split in the last {DAYS} days:"
    for reach in found:
        yield f"  {reach.text(window)}"


def write_sample_files(console: Console, settings: Settings) -> None:
    """Write the samples that are missing and say which."""
    written = write_samples(reference_files(), settings.reference_path)
    for path in written:
        say(console, f"wrote {path}")
    if not written:
        console.print(f"{settings.reference_path} has every file already; nothing was written.")
