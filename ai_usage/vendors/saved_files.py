"""Read a file that a person saved into pages, and tell by their shape whose answer they are."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ai_usage.vendors.answers import ImportRefusedError, SavedPage
from ai_usage.vendors.base import Endpoint, Vendor, discovered_vendors
from ai_usage.vendors.decoding import decodable
from ai_usage.vendors.kit.saved import Body, SavedReport

_SPACE = re.compile(r"\s*")


def pages_of(path: Path, before: Sequence[SavedPage]) -> list[SavedPage]:
    """The pages of a file, each with the endpoint whose answer it is.

    `before` are those of the files before it in the same command. Raises `ImportRefusedError` where
    the file cannot be read, is no JSON, or holds a page that is nobody's answer.
    """
    texts = list(_values(path, _text(path)))
    bodies = [_body(path, text) for text in texts]
    owners = [_owners(body) for body in bodies]
    sure = {owner.endpoint.name: owner for own in owners for owner in own if owner.sure}
    found = []
    for at, (text, body, own) in enumerate(zip(texts, bodies, owners, strict=True), 1):
        owner = next((one for one in own if one.sure), None)
        if owner is None:
            # A page without a record is of the answer that the others in its file are of, or of
            # the one that an earlier file breaks off in.
            names = set(sure) or ({before[-1].endpoint.name} if _open(before) else set())
            fitting = [one for one in own if one.endpoint.name in names]
            if len(fitting) != 1:
                raise ImportRefusedError(not_known(path))
            owner = fitting[0]
        tells = owner.report.tell(body)
        found.append(
            SavedPage(path, at, text.encode(), owner.vendor, owner.endpoint, owner.report, tells)
        )
    return found


def _open(pages: Sequence[SavedPage]) -> bool:
    return bool(pages) and bool(pages[-1].tells.more)


class _Owner(NamedTuple):
    """An endpoint whose page it may be; `sure` where it has a record that shows it."""

    vendor: Vendor
    endpoint: Endpoint
    report: SavedReport
    sure: bool


def _owners(body: Body) -> list[_Owner]:
    found = []
    for vendor in discovered_vendors():
        for endpoint in vendor.endpoints:
            if endpoint.saved is not None:
                known = endpoint.saved.recognise(body)
                if known is not False:
                    found.append(_Owner(vendor, endpoint, endpoint.saved, known is True))
    return found


def not_known(path: Path) -> str:
    """What to say of a file that is no answer."""
    known = ", ".join(
        f"{vendor.name} {endpoint.name}"
        for vendor in discovered_vendors()
        for endpoint in vendor.endpoints
        if endpoint.saved is not None
    )
    return f"{path} is no answer that can be imported, or one without any row: known are {known}."


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
        return msgspec.json.decode(decodable(text.encode()), type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise ImportRefusedError(f"{path} holds JSON that is not an object, so no answer.") from (
            error
        )
    except msgspec.DecodeError as error:
        raise ImportRefusedError(f"{path} is not valid JSON: {error}.") from error
