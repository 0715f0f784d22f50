"""Files that an answer links to: several, for a short while, of JSON lines or of CSV.

Some are made when they are ordered, while one waits.

The archive keeps JSON. Lines become a list of records, each as it came; a table stays its text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.errors import VendorError
from ai_usage.vendors.base import Client
from ai_usage.vendors.decoding import UNREADABLE, decodable
from ai_usage.vendors.kit.paginate import Listing, Place, Says, paginate
from ai_usage.vendors.kit.promises import Key, Paging

E = TypeVar("E", bound="Export")

EXPIRED = frozenset({400, 401, 403, 404, 410})
"""How stores refuse a link that has run out, or whose file has gone."""


MADE, BEING_MADE = "completed", frozenset({"processing", "pending", "queued"})
"""What is said of an export that was ordered."""
PAUSE_SECONDS, MOST_LOOKS = 5.0, 120


class _Lines(msgspec.Struct):
    lines: list[msgspec.Raw]


class _Table(msgspec.Struct):
    table: str


_ANYTHING = msgspec.json.Decoder(msgspec.Raw)
_LINES = msgspec.json.Decoder(_Lines)
_TABLE = msgspec.json.Decoder(_Table)


def lines_as_json(body: bytes) -> bytes:
    """A file of JSON lines as one JSON object; ValueError where its last line is cut off.

    Another line that is no JSON becomes a text, which no reader takes for a record: it is flagged.
    """
    lines = [line.strip() for line in body.split(b"\n") if line.strip()]
    records = []
    for number, line in enumerate(lines, 1):
        text = decodable(line)
        try:
            _ANYTHING.decode(text)
            text.decode("utf-8")
        except UNREADABLE:
            if number == len(lines):
                raise ValueError("the last line is cut off") from None
            text = msgspec.json.encode(line.decode("utf-8", "replace"))
        records.append(text)
    return b'{"lines":[' + b",".join(records) + b"]}"


def table_as_json(body: bytes) -> bytes:
    """A file of CSV as one JSON object; ValueError where it has no header or a row is cut off."""
    text = body.decode("utf-8-sig", "replace")
    try:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if not rows:
        raise ValueError("it has no header")
    if len(rows[-1]) < len(rows[0]):
        raise ValueError("the last row is cut off")
    return msgspec.json.encode(_Table(text))


def line_records(page: bytes) -> list[msgspec.Raw]:
    """The records of a page that `lines_as_json` made."""
    return _LINES.decode(page).lines


def is_table(page: bytes) -> bool:
    """Whether `table_as_json` made the page."""
    return page[:9] == b'{"table":'


def table_records(page: bytes) -> Iterator[msgspec.Raw]:
    """The rows of a page that `table_as_json` made, each an object of its filled cells, as texts.

    Columns are known by their names, in any order. A row with too many or too few cells is a list,
    which no reader takes for a record.
    """
    rows = csv.reader(io.StringIO(_TABLE.decode(page).table))
    header = [name.strip().lower() for name in next(rows, [])]
    for row in rows:
        if not row:
            continue
        cells: object = row
        if len(row) == len(header):
            filled = zip(header, (cell.strip() for cell in row), strict=True)
            cells = {name: cell for name, cell in filled if cell}
        yield msgspec.Raw(msgspec.json.encode(cells))


class Export(Protocol):
    """What a vendor says of an export that was ordered, as it reads the answer."""

    @property
    def id(self) -> int | str:
        """What it is looked for by."""

    @property
    def status(self) -> str:
        """Whether it is being made, or done, in the vendor's word."""

    @property
    def links(self) -> Sequence[str]:
        """Where its files are, once it is made."""


@dataclass(frozen=True)
class Files:
    """What an endpoint's answers link to: files of one form, whose records `key` tells apart."""

    endpoint: str
    as_json: Callable[[bytes], bytes]
    records: Callable[[bytes], Iterable[msgspec.Raw]]
    key: Key

    def ordered(
        self,
        client: Client,
        path: str,
        order: Mapping[str, Any],
        export: msgspec.json.Decoder[E],
        where: str,
    ) -> Iterator[Page]:
        """Every file of an export: it is ordered at `path`, and stands below it by its id.

        Raises `VendorError` where it is not made in the time of `MOST_LOOKS`.
        """
        paging = Paging(client.name, self.endpoint, where)
        made = paging.decode(client.post(self.endpoint, path, order, where=where), export)
        for _ in range(MOST_LOOKS):
            if made.status not in BEING_MADE:
                break
            client.pause(PAUSE_SECONDS)
            page = client.get(self.endpoint, f"{path}/{made.id}", where=where)
            made = paging.decode(page, export)
        if made.status != MADE or not made.links:
            raise paging.failure(f'the export that was ordered is "{made.status}"')
        yield from self.fetched(client, made.links, where)

    def fetched(self, client: Client, links: Sequence[str], where: str) -> Iterator[Page]:
        """Every file, held to what pages promise: no record comes in two.

        `PagesShiftedError` where a link has run out: its answer must be asked for anew.
        """

        def says(paging: Paging, page: Page, number: int) -> Says:
            return Says(list(self.records(page.body)), pages=len(links))

        def ask(place: Place, where: str) -> Page:
            request = f"GET file {place.number} of {len(links)} of {self.endpoint}"
            link, spot = links[place.number - 1], f"{self.endpoint} {where}"
            try:
                return client.download(link, self.as_json, request=request, where=spot)
            except VendorError as error:
                if error.status in EXPIRED:
                    what = f"the link to file {place.number} is not taken any more"
                    raise Paging(client.name, self.endpoint, where).shifted(what) from None
                raise

        listing = Listing("number", says, key=self.key)
        if links:
            yield from paginate(
                listing, ask, vendor=client.name, endpoint=self.endpoint, where=where
            )
