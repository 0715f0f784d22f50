"""One loop from archived pages to events, for every endpoint: no record is lost, none stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.kit.event import stamp, undecodable
from ai_usage.vendors.kit.values import day_of, field_of
from ai_usage.vendors.rows import RawEvent

T = TypeVar("T")
R = TypeVar("R")


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

    return _reader(
        found,
        lambda record, _, context: event(record, context),
        event_type=event_type,
        product=product,
        days=days,
    )


def bucket_events(
    found: Callable[[bytes], Iterable[Found]],
    event: Callable[[msgspec.Raw, Bucket, ReadContext], RawEvent | None],
    *,
    event_type: str,
    product: str,
) -> Callable[[Iterable[bytes], ReadContext], Iterator[RawEvent]]:
    """A reader of a report in buckets, as `events`; `event` is given its record's bucket."""
    days = ("starting_at",)
    return _reader(found, event, event_type=event_type, product=product, days=days, in_buckets=True)


def _reader(
    found: Callable[[bytes], Iterable[tuple[msgspec.Raw, Any]]],
    event: Callable[[msgspec.Raw, Any, ReadContext], RawEvent | None],
    *,
    event_type: str,
    product: str,
    days: tuple[str, ...],
    in_buckets: bool = False,
) -> Callable[[Iterable[bytes], ReadContext], Iterator[RawEvent]]:
    def read(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
        for page in pages:
            for number, (record, bucket) in enumerate(found(page), 1):
                try:
                    if in_buckets and bucket is None:
                        raise ValueError("a bucket that cannot be read")
                    made = event(record, bucket, context)
                except (ValueError, UnicodeDecodeError):
                    known = bucket.day if bucket else day_of(field_of(record, *days))
                    day = known or context.window.start
                    made = undecodable(record, day, event_type, product)
                if made is not None:
                    yield stamp(made, record, number)

    return read


def rows(
    records: Callable[[bytes], Iterable[msgspec.Raw]],
    decoder: msgspec.json.Decoder[T],
    row: Callable[[T], R],
) -> Callable[[Iterable[bytes], ReadContext], Iterator[R]]:
    """A reader of a directory's list: one row per record.

    Raises where a record cannot be read: a list without somebody would be a list of leavers.
    """

    def read(pages: Iterable[bytes], context: ReadContext) -> Iterator[R]:
        for page in pages:
            for record in records(page):
                yield row(decoder.decode(record))

    return read
