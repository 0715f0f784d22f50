"""One loop from archived pages to events, for every endpoint: no record is lost, none stops it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeVar

import msgspec

from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.decoding import UNREADABLE
from ai_usage.vendors.event_columns import EventColumns
from ai_usage.vendors.kit.event import stamp, stamp_all, undecodable
from ai_usage.vendors.kit.values import day_of, email_of, field_of, text_if_any
from ai_usage.vendors.rows import LeftOut, RawEvent

T = TypeVar("T")
R = TypeVar("R")
B = TypeVar("B")


class Bucket(NamedTuple):
    """The stretch of time that a record is in, worked out once for all its records."""

    start: datetime
    day: date
    iso: str
    """The start's text, for identities."""


Found = tuple[msgspec.Raw, Bucket | None]
"""A record and its bucket; None for a bucket that cannot be read, which is a record itself."""


def events(
    records: Callable[[bytes], Iterable[msgspec.Raw]],
    event: Callable[[msgspec.Raw, ReadContext], RawEvent | None],
    *,
    event_type: str,
    product: str,
    days: tuple[str, ...],
) -> Callable[[Iterable[bytes], ReadContext], Iterator[RawEvent]]:
    """A reader: `records` of a page, each an `event`, or None for one that reports nothing.

    Where `event` raises ValueError (msgspec's errors are ones), the record becomes a flagged event
    of `event_type` and `product`, on the day that one of its fields `days` names, else on the
    window's first. Raises where a page has no list of records.
    """

    def found(page: bytes) -> Iterable[tuple[msgspec.Raw, None]]:
        return ((record, None) for record in records(page))

    return reader(
        found,
        lambda record, _, context: event(record, context),
        event_type=event_type,
        product=product,
        day=lambda record, _: day_of(field_of(record, *days)),
    )


def reader(
    found: Callable[[bytes], Iterable[tuple[msgspec.Raw, B]]],
    event: Callable[[msgspec.Raw, B, ReadContext], RawEvent | None],
    *,
    event_type: str,
    product: str,
    day: Callable[[msgspec.Raw, B], date | None],
) -> Callable[[Iterable[bytes], ReadContext], Iterator[RawEvent]]:
    """As `events`, of records with what they stand in; `day` is asked of one that is unreadable."""

    def read(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
        for page in pages:
            for number, (record, place) in enumerate(found(page), 1):
                try:
                    made = event(record, place, context)
                except UNREADABLE:
                    known = day(record, place) or context.window.start
                    made = undecodable(record, known, event_type, product)
                if made is not None:
                    yield stamp(made, record, number)

    return read


class PageReader(NamedTuple):
    """How an endpoint's pages are read into columns, and into events one by one."""

    columns: Callable[[bytes, ReadContext], EventColumns]
    read: Callable[[Iterable[bytes], ReadContext], Iterator[RawEvent]]


def by_column(
    records: Callable[[bytes], Iterable[msgspec.Raw]],
    columns: Callable[[Sequence[msgspec.Raw]], EventColumns],
    *,
    event_type: str,
    product: str,
    days: tuple[str, ...],
) -> PageReader:
    """As `events`, where `columns` makes the events of some records at once, in their order.

    Where it raises ValueError, the page's records are read each by itself, as `events` does.
    """

    def each(records: Sequence[msgspec.Raw], context: ReadContext) -> Iterator[RawEvent]:
        for record in records:
            try:
                yield from columns([record])
            except UNREADABLE:
                known = day_of(field_of(record, *days)) or context.window.start
                yield undecodable(record, known, event_type, product)

    def of_page(page: bytes, context: ReadContext) -> EventColumns:
        found = list(records(page))
        try:
            made = columns(found) if found else EventColumns.of([])
        except UNREADABLE:
            made = EventColumns.of(list(each(found, context)))
        return stamp_all(made, found)

    def read(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
        for page in pages:
            yield from of_page(page, context)

    return PageReader(of_page, read)


IN_USERS = "list them in users.csv meanwhile"
IN_REGISTER = "list the key in api_keys.csv meanwhile"
"""What helps where a vendor's own record is odd, which nobody here can mend."""


def rows(
    records: Callable[[bytes], Iterable[msgspec.Raw]],
    decoder: msgspec.json.Decoder[T],
    row: Callable[[T], R],
    ids: tuple[str, ...] = ("id",),
    remedy: str = "",
) -> Callable[[Iterable[bytes], ReadContext], Iterator[R | LeftOut]]:
    """A reader of a directory's list: one row per record, judged each by itself.

    One that cannot be read is a `LeftOut`, named by its fields `ids`, `email` and `name` as far as
    they can be read; `remedy` says what a person can do meanwhile. Raises where a page has no list.
    """

    def read(pages: Iterable[bytes], context: ReadContext) -> Iterator[R | LeftOut]:
        for page_number, page in enumerate(pages, 1):
            for number, record in enumerate(records(page), 1):
                found: R | LeftOut
                try:
                    found = row(decoder.decode(record))
                except UNREADABLE as error:
                    place = f"record {number} of page {page_number}"
                    found = _left_out(record, place, odd_shape(error), ids, remedy)
                yield found

    return read


def _left_out(
    record: msgspec.Raw, place: str, what: str, ids: tuple[str, ...], remedy: str
) -> LeftOut:
    found = text_if_any(field_of(record, *ids))
    address = email_of(text_if_any(field_of(record, "email")))
    name = address or text_if_any(field_of(record, "name"))
    return LeftOut(
        who=named(name, found) or place,
        what=what,
        remedy=remedy,
        ids=(found,) if found else (),
        addresses=(address,) if address and "@" in address else (),
    )


def named(name: str | None, found: str | None) -> str | None:
    """A record by its name and id, as far as it has them."""
    if name and found:
        return f"{name} (id {found})"
    return name or (f"id {found}" if found else None)


_SHAPE = re.compile(r"Expected `([^`]*)`(?:, got `([^`]*)`)?(?: - at `(.*)`)?")
_WORDS = {
    "array": "a list",
    "object": "an object",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}


def odd_shape(error: Exception) -> str:
    """What a decoder says of a record, in words: `emails is an object, not a list`."""
    found = _SHAPE.match(str(error))
    if found is None or found[2] is None:
        return f"it cannot be read ({error})"
    wanted = [word for word in found[1].split(" | ") if word != "null"]
    meant = " or ".join(_WORDS.get(word, word) for word in wanted)
    place = (found[3] or "$").removeprefix("$").strip(".")
    if ":" in place:
        # Extensions are named by a URN, whose last part says little.
        urn, _, own = place.rpartition(":")
        place = own.partition(".")[2] or f"{urn}:{own}"
    return f"{place or 'it'} is {_WORDS.get(found[2], found[2])}, not {meant}"
