"""FOCUS files as they lie: CSV, plain or gzipped, and Parquet, read a line at a time.

Amounts keep their digits: a CSV cell as it is written, a Parquet decimal exactly, a Parquet double
by the shortest digits that mean it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ai_usage.focus.charges import Record, canonical, is_null, missing_columns
from ai_usage.vendors.answers import ImportRefusedError

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ENDS = (".csv", ".csv.gz", ".parquet")
_ROWS = 4096
_PART = re.compile(
    r"(?P<stem>.*?)(?:(?:^|[-_. ])(?:part|chunk)[-_. ]?(?P<one>\d+)(?:_(?P<two>\d+))?(?:[-_].*)?"
    r"|[-_](?P<five>\d{5})|[-_](?P<twelve>\d{12}))"
)
"""What exporters call the parts of one export: part-3, part_0_0001, name-00001, name-000000000000.
Other numbers are years, months, days or versions: such a file is whole by itself."""


def is_focus_name(name: str) -> bool:
    """Whether a file by its name may be a FOCUS file: saved answers of vendors are JSON."""
    return name.lower().endswith(_ENDS)


class PartOf(NamedTuple):
    """That a file is a part of an export: what its parts have in common, and its number."""

    export: str
    number: tuple[int, ...]


def part_of(path: Path) -> PartOf | None:
    """Which export a file is a part of; None where it is whole by itself."""
    name = path.name.lower()
    for end in (".gz", ".csv", ".parquet", ".snappy", ".gzip"):
        name = name.removesuffix(end)
    found = _PART.fullmatch(name)
    if found is None:
        return None
    digits = (found["one"], found["two"], found["five"], found["twelve"])
    return PartOf(f"{path.parent}/{found['stem']}", tuple(int(d) for d in digits if d))


@dataclass(frozen=True)
class FocusFile:
    """A file on this machine; `shown` is its name for people."""

    path: Path
    shown: str

    @cached_property
    def sha256(self) -> str:
        """Of its bytes. Raises `ImportRefusedError`."""
        with self._readable(), self.path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    def records(self) -> Iterator[tuple[int, Record]]:
        """Every record with its number; may be asked for again.

        The number is that of the line on which the record begins, so that an editor finds it (the
        columns' names are line 1); in Parquet, that of the row, from 1. Raises
        `ImportRefusedError` where it cannot be read or lacks columns.
        """
        with self._readable():
            with self.path.open("rb") as file:
                begins = file.read(4)
            lines = self._parquet() if begins == _PARQUET else self._csv(begins[:2] == _GZIP)
            yield from lines

    @cached_property
    def columns(self) -> list[str]:
        """Its columns by canonical names."""
        with self._readable():
            with self.path.open("rb") as file:
                begins = file.read(4)
            if begins == _PARQUET:
                return canonical(pq.read_schema(self.path).names)
            with self._text(begins[:2] == _GZIP) as text:
                return canonical(next(csv.reader(text, strict=True), []))

    def _csv(self, zipped: bool) -> Iterator[tuple[int, Record]]:
        with self._text(zipped) as text:
            reader = csv.reader(text, strict=True)
            columns = self._checked(next(reader, []))
            begins = reader.line_num + 1
            for cells in reader:
                number, begins = begins, reader.line_num + 1
                if not any(cells):
                    continue
                if len(cells) != len(columns):
                    raise ImportRefusedError(
                        f"{self.shown}:{number}: {len(cells)} cells under {len(columns)} columns; "
                        "export the file anew, it is cut or damaged."
                    )
                yield (
                    number,
                    {c: v for c, v in zip(columns, cells, strict=True) if not is_null(v)},
                )

    def _parquet(self) -> Iterator[tuple[int, Record]]:
        number = 0
        with pq.ParquetFile(self.path) as file:
            columns = self._checked(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    cells = zip(columns, row.values(), strict=True)
                    texts = ((column, _text_of(value)) for column, value in cells)
                    yield number, {c: t for c, t in texts if t is not None and not is_null(t)}

    def _checked(self, names: Sequence[str]) -> list[str]:
        columns = canonical(names)
        missing = missing_columns(columns)
        if missing:
            raise ImportRefusedError(
                f"{self.shown} is no FOCUS file: it lacks the columns {', '.join(missing)}. Export "
                "the Cost and Usage dataset of FOCUS 1.0 to 1.4 with all its columns."
            )
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise ImportRefusedError(
                f"{self.shown} has the column {twice[0]} twice; export each column once."
            )
        return columns

    @contextmanager
    def _text(self, zipped: bool) -> Iterator[io.TextIOBase]:
        # The file that gzip reads from is closed too.
        with self.path.open("rb") as file, ExitStack() as stack:
            opened: Any = stack.enter_context(gzip.GzipFile(fileobj=file)) if zipped else file
            yield stack.enter_context(io.TextIOWrapper(opened, encoding="utf-8-sig", newline=""))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ImportRefusedError(f"{self.shown} cannot be read: {why}.") from error
        except pa.ArrowException as error:
            raise ImportRefusedError(f"{self.shown} cannot be read as Parquet: {error}.") from error


def _text_of(value: Any) -> str | None:
    """A Parquet value as CSV would have it: no digit of an amount is lost."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        # Without a zone it is UTC, as every instant of the format.
        at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list) and all(isinstance(pair, tuple) for pair in value):
        return json.dumps(dict(value), ensure_ascii=False, default=str)
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
