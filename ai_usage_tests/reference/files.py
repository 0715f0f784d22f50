"""Builders of reference files as text: a line is named cells, a file is lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from ai_usage.reference import ReferenceFile, RefusedFileError, read_bytes


def as_csv(rows: Sequence[Mapping[str, str]], columns: Sequence[str] | None = None) -> str:
    """CSV with a header of the given columns, or of all that the rows name."""
    names = list(columns or dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def refusal(file: ReferenceFile, content: str | bytes) -> RefusedFileError:
    """The refusal of the content; fails where it is accepted."""
    body = content if isinstance(content, bytes) else content.encode()
    try:
        read_bytes(file, body)
    except RefusedFileError as error:
        return error
    raise AssertionError(f"{file.name} was accepted")
