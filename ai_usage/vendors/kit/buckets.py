"""Reports in buckets of a day: each has its records, and an empty day says that it is empty.

Read, a bucket's records come with its start; one that cannot be read is a record itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from ai_usage.days.windows import Window
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import Bucket, Found
from ai_usage.vendors.kit.values import instant_of


class _Bucket(msgspec.Struct):
    """A bucket. An empty one says so: without its list it does not say what the day holds."""

    starting_at: str
    results: list[msgspec.Raw] | None


class _Buckets(msgspec.Struct):
    data: list[msgspec.Raw] | None = None


_BUCKET = msgspec.json.Decoder(_Bucket)
_BUCKETS = msgspec.json.Decoder(_Buckets)


def bucket_start(bucket: msgspec.Raw) -> datetime | None:
    """When a bucket begins, UTC; None for one that cannot be read, which the reader flags."""
    with contextlib.suppress(ValueError, UnicodeDecodeError):
        return instant_of(_BUCKET.decode(bucket).starting_at)
    return None


def bucket_records(page: bytes) -> Iterator[Found]:
    """The records of a page's buckets, each with its bucket."""
    for bucket in _BUCKETS.decode(page).data or ():
        try:
            read = _BUCKET.decode(bucket)
            start = instant_of(read.starting_at)
        except (ValueError, UnicodeDecodeError):
            yield bucket, None
        else:
            whole = Bucket(start, start.date(), start.isoformat())
            for record in read.results or ():
                yield record, whole


def every_settled_day(window: Window, now: datetime, lag: timedelta) -> Callable[[Paging], None]:
    """For `paginate`: a list of buckets has one for every day of `window` that has settled.

    A day has settled when it ended `lag` before `now`. One without usage comes as an empty bucket,
    so one without a bucket is missing. Raises `VendorError`.
    """

    def check(paging: Paging) -> None:
        days = {start.date() for start in paging.keys if isinstance(start, datetime)}
        settled = [day for day in window.days() if Window.day(day).end_at + lag <= now]
        if missing := [day for day in settled if day not in days]:
            what = f"{len(missing)} of {len(settled)} days are missing, the first is {missing[0]}"
            raise paging.failure(what)

    return check
