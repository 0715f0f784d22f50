"""Bring a vendor's answer that a person saved to a file into the archive, recognised by its shape.

What each endpoint's answer looks like is the vendor module's; nothing is normalised here.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from ai_usage.errors import AiUsageError
from ai_usage.platforms.archive import AmountsIn, Archive
from ai_usage.platforms.base import Endpoint, Page, Vendor, Window, discovered_vendors

_SPACE = re.compile(r"\s*")


class ImportRefusedError(AiUsageError):
    """A saved answer cannot be imported; the message names the file, the reason and the mend."""


@dataclass(frozen=True)
class SavedAnswer:
    """A recognised file: whose answer it is, the UTC days it covers, its pages as they stand."""

    vendor: Vendor
    endpoint: Endpoint
    window: Window
    pages: list[bytes]


@dataclass(frozen=True)
class ImportReport:
    """What `import_file` archived; `amounts_in` is the unit its amounts were declared to be in."""

    path: Path
    vendor: str
    endpoint: str
    window: Window
    amounts_in: AmountsIn
    pages: int
    new_pages: int


def recognise(path: Path) -> SavedAnswer:
    """Tell by its shape which endpoint's answer the file holds.

    The file is JSON, plain or gzipped: one answered page, or all pages one after another (lines or
    pretty-printed). Only reports can be told; a directory list belongs to the moment it was asked
    and a file does not say when that was.
    Raises `ImportRefusedError` on anything else, on invalid JSON, and on an answer whose last page
    says that there are more.
    """
    texts = list(_values(path, _text(path)))
    bodies = [_body(path, text) for text in texts]
    if _has_more(bodies[-1]):
        raise ImportRefusedError(
            f"{path} is not the whole answer, its last page says that there are more: "
            "put all pages into one file, one after another."
        )
    merged = _merged(bodies)
    for vendor in discovered_vendors():
        for endpoint in vendor.endpoints:
            window = endpoint.recognise(merged)
            if window is not None:
                pages = [text.encode() for text in texts]
                return SavedAnswer(vendor, endpoint, window, pages)
    known = ", ".join(
        f"{vendor.name} {endpoint.name}"
        for vendor in discovered_vendors()
        for endpoint in vendor.endpoints
        if endpoint.kind == "range"
    )
    raise ImportRefusedError(
        f"{path} is no answer that can be imported, or one without any row: known are {known}."
    )


def import_file(
    path: Path,
    archive: Archive,
    *,
    now: datetime,
    amounts_in: AmountsIn = "cents",
    replace: bool = False,
) -> ImportReport:
    """Archive a saved answer as a complete fetch made `now` (UTC).

    From then on it is the newest answer for its days, so days that the archive holds from the
    vendor itself are refused unless `replace`. `amounts_in` is the unit of the fields named
    `amount`, as in the API cents unless said otherwise; fields that name their unit keep it.
    Raises `ImportRefusedError`, `ArchiveError`.
    """
    saved = recognise(path)
    vendor, endpoint = saved.vendor.name, saved.endpoint.name
    if not replace:
        refuse_held_days(archive, path, saved)
    with archive.recording(
        vendor, endpoint, saved.window, fetched_at=now, origin="import", amounts_in=amounts_in
    ) as recorder:
        for page in saved.pages:
            recorder.add(Page(page, f"import {path.name}"))
    return ImportReport(
        path, vendor, endpoint, saved.window, amounts_in, len(saved.pages), recorder.new_pages
    )


def refuse_held_days(archive: Archive, path: Path, saved: SavedAnswer) -> None:
    """Raise `ImportRefusedError` if the archive holds one of the file's days from the vendor."""
    held = _held_from_api(archive, saved)
    if held:
        more = f" and {len(held) - 1} more days" if len(held) > 1 else ""
        raise ImportRefusedError(
            f"{path} holds {saved.vendor.name} {saved.endpoint.name} of {held[0]}{more}, which "
            "the archive has from the vendor itself: import it with --replace if the file is to "
            "take its place."
        )


def _held_from_api(archive: Archive, saved: SavedAnswer) -> list[date]:
    serving = archive.coverage(saved.vendor.name, saved.endpoint.name, saved.window)
    return sorted(
        day for fetch, days in serving if archive.manifest(fetch).origin == "api" for day in days
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ImportRefusedError(f"{path} cannot be read: {why}.") from error
    # Windows shells save UTF-16, and UTF-8 with a mark.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ImportRefusedError(f"{path} is not text ({error}): save it as UTF-8.") from error


def _values(path: Path, text: str) -> Iterator[str]:
    """The text of every JSON value in the file, one after another."""
    decoder = json.JSONDecoder()
    at, count = _skip(text, 0), 0
    while at < len(text) or count == 0:
        try:
            _, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise ImportRefusedError(
                f"{path}:{error.lineno}:{error.colno} is not valid JSON: {error.msg}."
            ) from error
        except RecursionError as error:
            raise ImportRefusedError(f"{path} is nested too deeply for an answer.") from error
        yield text[at:end]
        at, count = _skip(text, end), count + 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _body(path: Path, text: str) -> dict[str, Any]:
    """The value as an object; strictly JSON, which the standard library is not (NaN)."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise ImportRefusedError(f"{path} holds JSON that is not an object, so no answer.") from (
            error
        )
    except msgspec.DecodeError as error:
        raise ImportRefusedError(f"{path} is not valid JSON: {error}.") from error


def _has_more(body: dict[str, Any]) -> bool:
    """Whether a page announces another one, in either vendor style of paging."""
    pagination = body.get("pagination")
    further = pagination.get("hasNextPage") if isinstance(pagination, dict) else None
    return body.get("has_more") is True or further is True


def _merged(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """One body with the lists of all pages, to be recognised as a whole: a page may be empty."""
    merged = dict(bodies[0])
    for body in bodies[1:]:
        for name, value in body.items():
            if isinstance(value, list) and isinstance(merged.get(name), list):
                merged[name] = [*merged[name], *value]
            else:
                merged.setdefault(name, value)
    return merged
