"""Reports in buckets of a day: each has its records, and an empty day says that it is empty.

Read, a bucket's records come with its start; one that cannot be read is a record itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from ai_usage.days.windows import Window
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.decoding import UNREADABLE
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import Bucket, Found, reader
from ai_usage.vendors.rows import RawEvent


class _Page(msgspec.Struct):
    data: list[msgspec.Raw] | None = None


_PAGE = msgspec.json.Decoder(_Page)


class Buckets:
    """How a vendor's buckets say when they begin: in the field `start`, which `instant` reads.

    A bucket has its list `results`, empty for a day without any: without the list it does not say
    what the day holds.
    """

    def __init__(self, start: str, kind: type[Any], instant: Callable[[Any], datetime]) -> None:
        """`kind` is the JSON type of `start`; `instant` raises ValueError for what is none."""
        begins = ("start", kind)
        results = ("results", list[msgspec.Raw] | None)
        named = {"start": start}
        self._whole: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("_Bucket", [begins, results], rename=named)
        )
        self._begun: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("_Begun", [begins], rename=named)
        )
        self._instant = instant

    def start(self, bucket: msgspec.Raw) -> datetime | None:
        """When a bucket begins, UTC; None for one that cannot be read, which the reader flags."""
        with contextlib.suppress(*UNREADABLE):
            found: datetime = self._instant(self._whole.decode(bucket).start)
            return found
        return None

    def records(self, page: bytes) -> Iterator[Found]:
        """The records of a page's buckets, each with its bucket."""
        for bucket in _PAGE.decode(page).data or ():
            try:
                read = self._whole.decode(bucket)
                start = self._instant(read.start)
            except UNREADABLE:
                yield bucket, None
            else:
                whole = Bucket(start, start.date(), start.isoformat())
                for record in read.results or ():
                    yield record, whole

    def events(
        self,
        event: Callable[[msgspec.Raw, Bucket, ReadContext], RawEvent | None],
        *,
        event_type: str,
        product: str,
    ) -> Callable[[Iterable[bytes], ReadContext], Iterator[RawEvent]]:
        """A reader, as `reading.events`; `event` is given its record's bucket."""

        def made(record: msgspec.Raw, bucket: Bucket | None, context: ReadContext) -> Any:
            if bucket is None:
                raise ValueError("a bucket that cannot be read")
            return event(record, bucket, context)

        def day(record: msgspec.Raw, bucket: Bucket | None) -> date | None:
            return bucket.day if bucket else self._day(record)

        return reader(self.records, made, event_type=event_type, product=product, day=day)

    def _day(self, bucket: msgspec.Raw) -> date | None:
        """The day of a bucket that cannot be read, where it says when it begins all the same."""
        with contextlib.suppress(*UNREADABLE):
            return self._instant(self._begun.decode(bucket).start).date()
        return None


def every_settled_day(window: Window, now: datetime, lag: timedelta) -> Callable[[Paging], None]:
    """For `paginate`: a list of buckets has one for every day of `window` that has settled.

    A day has settled when it ended `lag` before `now`. One without usage comes as an empty bucket,
    so one without a bucket is missing. Raises `VendorError`.
    """

    def check(paging: Paging) -> None:
        days = {start.date() for start in paging.keys if isinstance(start, datetime)}
        settled = window.settled(now, lag)
        if missing := [day for day in settled if day not in days]:
            what = f"{len(missing)} of {len(settled)} days are missing, the first is {missing[0]}"
            raise paging.failure(what)

    return check
