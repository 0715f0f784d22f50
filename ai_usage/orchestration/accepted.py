"""What a reference file was accepted from: while that is as it was, the file is not read again.

Judging a file takes all files and everybody whom a directory ever listed. An hour later mostly
nothing of that is otherwise, and so neither is what comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import dagster as dg
import msgspec

from ai_usage.focus.shelf import BILLS
from ai_usage.focus.shelf import VENDOR as BILLS_OF
from ai_usage.instance.key_values import note, noted
from ai_usage.ledger.moved import Answers, Input, Mark
from ai_usage.orchestration.resources import Resources
from ai_usage.reference import VENDOR, Reading, ReferenceFile, encode, reference_files
from ai_usage.reference.known import USERS
from ai_usage.reference.states import digest_of
from ai_usage.settings import Settings
from ai_usage.warehouse.files import installed_version

_KEY = "ai_usage/accepted_from/{}"
"""Key in the instance's key-value store, by the file's stem."""


@dataclass(frozen=True)
class Lists:
    """The lists of people that files are judged by, and those of them that were never read."""

    inputs: Sequence[Input]
    unread: Sequence[str]


class Accepted(msgspec.Struct, frozen=True):
    """What a file was accepted from, and what was told of it."""

    version: str
    marks: dict[str, Mark]
    state_digest: str
    """Of the accepted state: see `reference.states.digest_of`."""
    rows: int
    warnings: list[str]


@dataclass(frozen=True)
class Seen:
    """What a file would be accepted from: how far the archive was read, the rest by a digest."""

    version: str
    answers: Answers


def look(settings: Settings, given: Resources, lists: Lists | None) -> Seen:
    """What there is to judge a file by; `lists` where it may name people."""
    told = [
        installed_version(),
        settings.model_dump_json(),
        given.clock.today.isoformat(),
        repr(lists and list(lists.unread)),
        *(_digest(settings.reference_path / file.name) for file in reference_files()),
    ]
    of = [Input(BILLS_OF, BILLS)]
    if lists is not None:
        stem = next(file.stem for file in reference_files() if file.name == USERS)
        of += [*lists.inputs, Input(VENDOR, stem, "state")]
    version = sha256("\0".join(told).encode()).hexdigest()
    return Seen(version, Answers(given.archive, of))


def accepted_from(instance: dg.DagsterInstance, file: ReferenceFile, now: Seen) -> Accepted | None:
    """What was told of the file as it was accepted from the same; None if it never was."""
    known = noted(instance, _KEY.format(file.stem), Accepted)
    if known is None or known.version != now.version or now.answers.moved(known.marks):
        return None
    return known


def accepted(seen: Seen, file: ReferenceFile, reading: Reading) -> Accepted:
    """What to remember of a file that was accepted from what was seen before it was read."""
    return Accepted(
        seen.version,
        seen.answers.marks,
        digest_of(encode(file, reading.rows)),
        len(reading.rows),
        [warning.text(file.name) for warning in reading.warnings],
    )


def note_accepted(instance: dg.DagsterInstance, file: ReferenceFile, known: Accepted) -> None:
    """Remember it for the next run."""
    note(instance, _KEY.format(file.stem), known)


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"{type(error).__name__} {error.errno}"
