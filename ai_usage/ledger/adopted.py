"""Which accepted states of the reference files the facts have adopted.

They are kept in the archive, beside the accepted ones (`reference.states`). What changed between
the two must be rebuilt from its earliest affected day; closed months are locked, and what
they were left with is kept too, until somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from ai_usage.archive.archive import Archive
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.finance import affected_from, read_contracts
from ai_usage.ledger.closing import history
from ai_usage.reference import (
    ReferenceFile,
    Row,
    earliest_change,
    encode,
    read_path,
    reference_file,
    reference_files,
)
from ai_usage.reference.states import (
    digest_of,
    is_kept,
    keep_state,
    newest_digest,
    newest_rows,
    newest_state,
    reads_as,
)

_ADOPTED = "_taken_in"
"""Endpoint suffix of the states that the facts were built from."""
_DEFERRED = "_held_back"
"""Endpoint suffix of the states that the facts of closed months were built from, where a newer one
is in the facts of the open days."""


class Change(Protocol):
    """Something that the facts do not know yet."""

    @property
    def day(self) -> date:
        """The first day that it affects."""


@dataclass(frozen=True)
class ReferenceChange:
    """A file differs from what the facts were built from; `day` is the first one affected."""

    file: ReferenceFile
    day: date


def rows_of_closed_months(archive: Archive, file: ReferenceFile) -> list[Row]:
    """The rows of the state that the facts of closed months were built from.

    The last accepted state where no run has noted any yet; none without one.
    """
    return newest_state(archive, _of_closed_months(archive, file), file) or []


def states_of_closed_months(archive: Archive) -> str:
    """A digest of what the facts of closed months were built from; empty where none is closed."""
    if not history(archive).standing:
        return ""
    files = reference_files()
    states = [newest_digest(archive, _of_closed_months(archive, file)) or "" for file in files]
    return sha256("\0".join(states).encode()).hexdigest()


def pending_changes(archive: Archive, folder: Path, clock: Clock) -> list[ReferenceChange]:
    """What the files of the folder say today that the facts do not know yet.

    A file that is refused, absent or never adopted is no change: the run says what is wrong with
    it, and a first run takes everything in.
    """
    return _changes(archive, folder, clock, _adopted)


def deferred_changes(archive: Archive, folder: Path, clock: Clock) -> list[ReferenceChange]:
    """What the files say today that the facts of closed months do not know.

    Closed months change only when somebody asks; `day` lies before the last of their days. A file
    that only judges them, as invoices do, holds nothing back.
    """
    known = history(archive)
    if not known.standing:
        return []

    def of_closed(file: ReferenceFile) -> str:
        return _deferred(file) if is_kept(archive, _deferred(file)) else _adopted(file)

    found = _changes(archive, folder, clock, of_closed)
    return [
        change
        for change in found
        if known.first_locked(change.day) is not None and not change.file.judges_closed_months
    ]


def adopt(
    archive: Archive,
    clock: Clock,
    built: Window,
    loaded: Window,
    *,
    leaves_closed: bool = False,
) -> None:
    """Remember, after a run of the whole graph, which accepted states are in the facts.

    `built` are the days that the run rebuilt, but for those of closed months if it
    `leaves_closed`; `loaded` are all days that the facts hold. A state is adopted only if no open
    day that it affects was left out. What the days of closed months were left with is remembered
    apart.
    """
    known = history(archive)

    def covers(first: date, end: date) -> bool:
        return built.start <= max(first, loaded.start) and built.end >= end

    def left_out(first: date) -> bool | None:
        """Whether closed days that are affected were left out; None where none is affected."""
        locked = known.first_locked(max(first, loaded.start))
        if locked is None or known.locked_until is None:
            return None
        return leaves_closed or not covers(locked, known.locked_until)

    for file in reference_files():
        if _all_the_same(archive, file):
            continue
        accepted = newest_rows(archive, file) or []
        adopted = newest_state(archive, _adopted(file), file)
        deferred = newest_state(archive, _deferred(file), file)
        of_closed = adopted if deferred is None else deferred
        if of_closed is not None:
            first = earliest_change(file, of_closed, accepted, clock.today)
            if first is not None:
                left = left_out(first)
                if left is None:
                    left = deferred is None or not covers(first, loaded.end)
                # Closed months are asked for by themselves, too: the open days need not follow.
                if not left:
                    keep_state(archive, clock, _deferred(file), file, accepted)
                    deferred = accepted
        first = loaded.start
        if adopted is not None:
            first = earliest_change(file, adopted, accepted, clock.today)
        if first is None:
            continue
        if not covers(known.first_open(max(first, loaded.start)), loaded.end):
            continue
        if left_out(first) and deferred is None:
            keep_state(archive, clock, _deferred(file), file, adopted or [])
        keep_state(archive, clock, _adopted(file), file, accepted)


def widened(
    window: Window,
    changes: Sequence[Change],
    archive: Archive,
    first_day: date,
    *,
    closed: bool = False,
) -> Window:
    """The window, reaching back to the first day that a change affects, at most to `first_day`.

    Also to the first day of a running seat month that is paid as a whole: who joins within it
    takes over the seat's cost of days that have passed. It begins with an open day, unless
    `closed`. Closed months may lie within it: a run with `LEAVE_CLOSED` leaves them as they are.
    """
    first = min([window.start, *(change.day for change in changes)])
    seats = newest_rows(archive, reference_file("seats.csv")) or []
    first = max(affected_from(read_contracts(seats), first), first_day)
    start = first if closed else history(archive).first_open(first)
    # A window that lies in closed months altogether becomes the first open day.
    return Window(start, max(window.end, start + timedelta(days=1)))


def _changes(
    archive: Archive, folder: Path, clock: Clock, endpoint_of: Callable[[ReferenceFile], str]
) -> list[ReferenceChange]:
    changes = []
    for file in reference_files():
        endpoint = endpoint_of(file)
        digest = newest_digest(archive, endpoint)
        if digest is None or reads_as(file, folder, digest):
            continue
        try:
            reading = read_path(file, folder)
        except AiUsageError:
            continue
        if reading.present:
            before = newest_state(archive, endpoint, file) or []
            day = earliest_change(file, before, reading.rows, clock.today)
            if day is not None:
                changes.append(ReferenceChange(file, day))
    return changes


def _all_the_same(archive: Archive, file: ReferenceFile) -> bool:
    """Whether the last accepted state is in the facts of all months, closed ones included."""
    # A file that never was is an empty one: one that comes later is a change of it.
    accepted = newest_digest(archive, file.stem) or digest_of(encode(file, []))
    deferred = newest_digest(archive, _deferred(file))
    return accepted == newest_digest(archive, _adopted(file)) and deferred in (accepted, None)


def _of_closed_months(archive: Archive, file: ReferenceFile) -> str:
    known = (one for one in (_deferred(file), _adopted(file)) if is_kept(archive, one))
    return next(known, file.stem)


def _adopted(file: ReferenceFile) -> str:
    return f"{file.stem}{_ADOPTED}"


def _deferred(file: ReferenceFile) -> str:
    return f"{file.stem}{_DEFERRED}"
