"""Accepted states of the reference files, kept in the archive for all machines."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.pages import Page
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.reference import (
    VENDOR,
    ReferenceFile,
    RefusedFileError,
    Row,
    decode,
    encode,
    read_text,
    reference_file,
)
from ai_usage.reference.reading import text_of
from ai_usage.warehouse.kept import kept


def accept(archive: Archive, clock: Clock, file: ReferenceFile, rows: Sequence[Row]) -> bool:
    """Keep an accepted state as today's snapshot; True if it differs from the last one."""
    pages, body = _newest_pages(archive, file.stem), encode(file, rows)
    _keep(archive, clock, file.stem, file, body)
    if pages is None or pages == [body]:
        return pages is None
    return encode(file, [row for page in pages for row in decode(file, page)]) != body


def accept_again(archive: Archive, clock: Clock, file: ReferenceFile, digest: str) -> bool:
    """Keep the last accepted state as today's snapshot too, if it is that of the digest.

    Whether it is, and was kept.
    """
    pages = _newest_pages(archive, file.stem)
    if pages is None or len(pages) != 1 or digest_of(pages[0]) != digest:
        return False
    _keep(archive, clock, file.stem, file, pages[0])
    return True


def digest_of(body: bytes) -> str:
    """What tells one accepted state from another: of what `encode` gives."""
    return sha256(body).hexdigest()


def is_kept(archive: Archive, endpoint: str) -> bool:
    """Whether any state was ever kept under the endpoint's name."""
    return _newest(archive, endpoint) is not None


def newest_digest(archive: Archive, endpoint: str) -> str | None:
    """What tells the state from others that was last kept under the endpoint's name.

    None where none was. No row of it is read.
    """
    pages = _newest_pages(archive, endpoint)
    return None if pages is None else digest_of(b"\0".join(pages))


def reads_as(file: ReferenceFile, folder: Path, digest: str) -> bool:
    """Whether the file of the folder says what the state of this digest says, in its order.

    What a text reads as is known from one process to the next; so most files are not read.
    """
    try:
        text = text_of(file, folder)
    except RefusedFileError:
        return False
    return text is not None and _digest_of_text(file.name, text) == digest


@kept(str)
def _digest_of_text(name: str, text: str) -> str:
    file = reference_file(name)
    try:
        return digest_of(encode(file, read_text(file, text).rows))
    except RefusedFileError:
        return ""


def newest_rows(archive: Archive, file: ReferenceFile) -> list[Row] | None:
    """The rows of the last accepted state; None where none was ever accepted."""
    return newest_state(archive, file.stem, file)


def keep_state(
    archive: Archive, clock: Clock, endpoint: str, file: ReferenceFile, rows: Sequence[Row]
) -> None:
    """Keep a state of the file under the endpoint's name, as of today."""
    _keep(archive, clock, endpoint, file, encode(file, rows))


def newest_state(archive: Archive, endpoint: str, file: ReferenceFile) -> list[Row] | None:
    """The rows that were last kept under the endpoint's name; None where none were."""
    pages = _newest_pages(archive, endpoint)
    return None if pages is None else [row for page in pages for row in decode(file, page)]


def _keep(archive: Archive, clock: Clock, endpoint: str, file: ReferenceFile, body: bytes) -> None:
    today = Window.day(clock.today)
    with archive.recording(VENDOR, endpoint, today, fetched_at=clock.now) as recorder:
        recorder.add(Page(body, file.name))


def _newest_pages(archive: Archive, endpoint: str) -> list[bytes] | None:
    newest = _newest(archive, endpoint)
    return None if newest is None else list(archive.pages(newest))


def _newest(archive: Archive, endpoint: str) -> Fetch | None:
    complete = [fetch for fetch in archive.fetches(VENDOR, endpoint) if fetch.complete]
    return complete[-1] if complete else None
