"""What fetches mean, kept in a folder beside the warehouse: a form per fetch, a file per day.

    <folder>/<version>/<vendor>/<endpoint>/<fetch>-<key>/index.json
    <folder>/<version>/<vendor>/<endpoint>/<fetch>-<key>/<day>.parquet

The version is that of code, SQL and what decodes; the key is a digest of the fetch's pages and of
all else that its rows follow from, so that what is kept can be found but for what it was made of.
The index tells the digest of each day's file: one that is missing, damaged or somebody else's is
never believed. The folder may be removed at will; what cannot be read or written costs time and
nothing else. Days that a newer form has, and other versions' forms, are removed.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ai_usage.archive.archive import Fetch, Manifest
from ai_usage.days.windows import Window
from ai_usage.vendors.event_columns import BATCH_ROWS
from ai_usage.warehouse.files import installed_version
from ai_usage.warehouse.kept import sealed, unsealed
from ai_usage.warehouse.schema import table_schema

_DECODES = ("duckdb", "ibis-framework", "msgspec", "pyarrow")
_INDEX = "index.json"
_LEFT_BEHIND = 86_400
"""Seconds after which a form that was never finished is taken for a dead process's."""
_NAME = re.compile(
    r"(?P<start>\d{4}-\d\d-\d\d)_(?P<end>\d{4}-\d\d-\d\d)_(?P<at>\d{8}T\d{12}Z)_complete-\w+"
)


@cache
def readers_version() -> str:
    """Of all that rows follow from besides the archive."""
    said = [installed_version(), *(version(name) for name in _DECODES)]
    return sha256(repr(said).encode()).hexdigest()


def of_this_version(folder: Path) -> Path:
    """Where a folder has what follows from today's code; what follows from other code is beside."""
    return folder / readers_version()[:16]


def remove_other_versions(folder: Path) -> None:
    """Leave of a folder only what follows from today's code. OSError where it cannot be listed."""
    for other in folder.iterdir():
        if other != of_this_version(folder):
            shutil.rmtree(other, ignore_errors=True)


def key_of(manifest: Manifest, bills: bool, finalization_lag: timedelta) -> str:
    """A digest of what the rows of a fetch follow from, besides the version."""
    said = (
        *(manifest.vendor, manifest.endpoint, manifest.start, manifest.end, manifest.fetched_at),
        *(manifest.amount_unit, bills, finalization_lag),
        *(page.sha256 for page in manifest.pages),
    )
    return sha256(repr(said).encode()).hexdigest()


class _Index(msgspec.Struct, frozen=True):
    """What a form has: the key in full, and of each day with events its file's SHA-256."""

    key: str
    days: dict[date, str]


class KeptEvents:
    """The forms in a folder, which is made below one that must be there; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def form(self, fetch: Fetch, key: str) -> Form:
        """What is kept of a fetch."""
        if self._folder is None:
            return Form(None, key)
        stem = fetch.path.rpartition("/")[2].removesuffix(".json")
        own = of_this_version(self._folder) / fetch.vendor / fetch.endpoint
        place = own / f"{stem}-{key[:16]}"
        return Form(place, key, self._folder)


NOTHING_KEPT = KeptEvents(None)


class Form:
    """A fetch's events by day, or the place where they will be."""

    def __init__(self, place: Path | None, key: str, folder: Path | None = None) -> None:
        self._place, self._key, self._folder = place, key, folder
        self._days: dict[date, str] | None = None
        if place is not None:
            with suppress(OSError, msgspec.MsgspecError):
                body = unsealed((place / _INDEX).read_bytes())
                index = None if body is None else msgspec.json.decode(body, type=_Index)
                if index is not None and index.key == key:
                    self._days = index.days

    def day(self, day: date) -> Iterator[pa.RecordBatch] | None:
        """The day's events; None where they are not kept, or not as they were."""
        if self._place is None or self._days is None:
            return None
        if day not in self._days:
            return iter(())
        try:
            content = (self._place / _file_name(day)).read_bytes()
            if sha256(content).hexdigest() != self._days[day]:
                return None
            file = pq.ParquetFile(pa.BufferReader(content))
        except (OSError, pa.ArrowException):
            return None
        schema = table_schema("raw_ai_events").arrow_schema
        batches = file.iter_batches(BATCH_ROWS, use_threads=False)
        return (batch.cast(schema) for batch in batches)

    def keep(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """All that the fetch says of its window, as it is; kept once it is taken to its end."""
        if self._place is None or self._folder is None or not self._folder.parent.parent.is_dir():
            yield from batches
            return
        writing = _Writing(self._place)
        try:
            for batch in batches:
                writing.add(batch)
                yield batch
            if writing.finish(self._key):
                _tidy(self._folder, self._place)
        finally:
            writing.discard()


class _Writing:
    """A form that is being made, beside its place: whole or not at all. It gives up quietly."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._temporary = place.with_name(f".{uuid.uuid4().hex}.tmp")
        self._writers: dict[date, pq.ParquetWriter] = {}
        self._failed = False
        with self._giving_up():
            self._temporary.mkdir(parents=True)

    def add(self, batch: pa.RecordBatch) -> None:
        """Write each day's rows to its file."""
        with self._giving_up():
            for day, own in [] if self._failed else _by_day(batch):
                self._writer(day).write_batch(own)

    def finish(self, key: str) -> bool:
        """Put the form into its place; whether it is there."""
        with self._giving_up():
            if not self._failed:
                for writer in self._writers.values():
                    writer.close()
                digests = {day: self._digest(day) for day in self._writers}
                index = msgspec.json.encode(_Index(key, digests))
                (self._temporary / _INDEX).write_bytes(sealed(index))
                shutil.rmtree(self._place, ignore_errors=True)
                self._temporary.rename(self._place)
        return not self._failed

    def discard(self) -> None:
        """Leave nothing behind of what was not finished."""
        for writer in self._writers.values():
            with suppress(OSError, pa.ArrowException):
                writer.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _writer(self, day: date) -> pq.ParquetWriter:
        if day not in self._writers:
            self._writers[day] = pq.ParquetWriter(
                self._temporary / _file_name(day),
                table_schema("raw_ai_events").arrow_schema,
                compression="zstd",
                use_dictionary=False,
            )
        return self._writers[day]

    def _digest(self, day: date) -> str:
        return sha256((self._temporary / _file_name(day)).read_bytes()).hexdigest()

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException):
            self._failed = True


def _by_day(batch: pa.RecordBatch) -> Iterator[tuple[date, pa.RecordBatch]]:
    """Each day's rows, in their order; nothing is copied where they stand together already."""
    runs = pc.run_end_encode(batch.column("event_date"))
    if len(runs.values) > len(pc.unique(runs.values)):
        batch = batch.take(pc.sort_indices(batch.column("event_date")))
        runs = pc.run_end_encode(batch.column("event_date"))
    start = 0
    for day, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield day, batch.slice(start, end - start)
        start = end


class _Kept(NamedTuple):
    """A form as the name of its folder tells it."""

    at: str
    place: Path
    days: frozenset[date]


def _tidy(folder: Path, new: Path) -> None:
    """Remove what the new form takes the place of, other versions, and what was left behind."""
    with suppress(OSError):
        remove_other_versions(folder)
        forms = []
        for place in new.parent.iterdir():
            found = _NAME.fullmatch(place.name)
            if found is not None:
                days = Window(*map(date.fromisoformat, found.group("start", "end"))).days()
                forms.append(_Kept(found["at"], place, frozenset(days)))
            elif time.time() - place.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(place, ignore_errors=True)
        _remove_older(sorted(forms, reverse=True), new)


def _remove_older(forms: Sequence[_Kept], new: Path) -> None:
    """Of forms, the newest first: what newer ones have is needed for nothing that is to come."""
    newer: set[date] = set()
    taken: frozenset[date] = frozenset()
    for form in forms:
        if form.place == new:
            taken = form.days
        elif form.days <= newer:
            shutil.rmtree(form.place, ignore_errors=True)
        else:
            for day in form.days & taken:
                (form.place / _file_name(day)).unlink(missing_ok=True)
        newer |= form.days


def _file_name(day: date) -> str:
    return f"{day}.parquet"
