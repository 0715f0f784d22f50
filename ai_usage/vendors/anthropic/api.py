"""What the endpoints of Anthropic's Admin API share: credentials, limits, paging, words.

The contract (limits, units, traps) is the vendor's reference at https://platform.claude.com/docs;
a comment says where public reports of live calls decide. All days are UTC days.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, Params, ReadContext
from ai_usage.vendors.kit.asking import listed
from ai_usage.vendors.kit.buckets import Buckets, every_settled_day
from ai_usage.vendors.kit.paginate import Listing, Says
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.saved import (
    Body,
    PageTells,
    SavedReport,
    Span,
    day_from,
    flag,
    moment,
    records_of,
)
from ai_usage.vendors.kit.values import field_of, instant_of
from ai_usage.vendors.rows import Row

NAME = "anthropic"
API, CODE = "claude_api", "claude_code"
KEY_SETTING = "ANTHROPIC_ADMIN_KEY"

MOST_BUCKETS = 31
"""The server's limit for daily buckets in a page, and so our longest window."""
MOST_RECORDS = 1000
"""The server's limit for records in a page of every other endpoint."""

USAGE_FINALIZATION_LAG, COST_FINALIZATION_LAG = timedelta(hours=2), timedelta(hours=24)
"""How long after a day's end its figures may still come in or change."""

SERVICE_TIERS = frozenset(
    {"standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount"}
)


VERSION = "2023-06-01"
"""Pinned: a newer default would change records under us. 2026-10-21 is read too (`api_keys`)."""


def headers(key: str) -> dict[str, str]:
    """The authentication headers of a key."""
    return {"x-api-key": key, "anthropic-version": VERSION}


# --- Asking ----------------------------------------------------------------------------------


class _Answer(msgspec.Struct):
    """Every list of this API; the directory pages by `last_id`, the reports by `next_page`."""

    data: list[msgspec.Raw]
    has_more: bool | None = None
    next_page: str | None = None
    last_id: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def report_says(paging: Paging, page: Page, number: int) -> Says:
    """What a page of a report says: `has_more` ends it, where that is missing the token does."""
    answer = paging.decode(page, _ANSWER)
    return Says(answer.data, answer.has_more, answer.next_page)


def _list_says(paging: Paging, page: Page, number: int) -> Says:
    """As a report's, but the last id is there on the last page too."""
    answer = paging.decode(page, _ANSWER)
    return Says(answer.data, bool(answer.has_more), answer.last_id)


DAYS = Buckets("starting_at", str, instant_of)
BUCKETS = Listing("token", report_says, key=DAYS.start)
"""A report in daily buckets: a bucket is known by where it starts."""


def buckets(
    client: Client,
    endpoint: str,
    path: str,
    groups: tuple[str, ...],
    window: Window,
    now: datetime,
    finalization_lag: timedelta,
) -> Iterator[Page]:
    """Every page of a report in daily buckets; `ending_at` is exclusive, both take only midnights.

    Raises `VendorError` where a day that has settled has no bucket.
    """
    params = [
        ("starting_at", f"{window.start}T00:00:00Z"),
        ("ending_at", f"{window.end}T00:00:00Z"),
        ("bucket_width", "1d"),
        ("limit", str(MOST_BUCKETS)),
        *(("group_by[]", group) for group in groups),
    ]
    whole = every_settled_day(window, now, finalization_lag)
    return listed(client, BUCKETS, endpoint, path, params, f"{window}", at_end=whole)


def directory(
    name: Literal["api_keys", "users", "workspaces"],
    description: str,
    yields: type[Row],
    read: Callable[[Iterable[bytes], ReadContext], Iterator[Row]],
    *,
    params: Params = (),
    nobody: str | None = None,
) -> Endpoint:
    """The endpoint of a directory list, by `after_id` (offsets are ignored there, silently)."""
    path = f"/v1/organizations/{name}"
    listing = Listing("after_id", _list_says, key=_id_of, place_in="after_id", nobody=nobody)

    def fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
        asked = [("limit", str(MOST_RECORDS)), *params]
        return listed(client, listing, name, path, asked, f"{window}")

    return Endpoint(
        name=name,
        description=description,
        api_path=f"GET {path}",
        yields=yields,
        fetch=fetch,
        read=read,
        kind="snapshot",
    )


def _id_of(record: msgspec.Raw) -> Hashable | None:
    found = field_of(record, "id")
    return found if isinstance(found, str) else None


class _Entries(msgspec.Struct):
    """A page of any list, as it is archived."""

    data: list[msgspec.Raw] | None = None


_ENTRIES = msgspec.json.Decoder(_Entries)


def records(page: bytes) -> list[msgspec.Raw]:
    """The records of a page of a report without buckets; a null list holds nothing."""
    return _ENTRIES.decode(page).data or []


def entries(page: bytes) -> list[msgspec.Raw]:
    """The records of a page of a directory, which must have its list."""
    return _ANSWER.decode(page).data


def instant(text: str | None) -> datetime | None:
    """An instant of the directory; None where it is none."""
    with contextlib.suppress(ValueError):
        return None if text is None else instant_of(text)
    return None


# --- Saved answers -----------------------------------------------------------------------------


def saved_buckets(marks: frozenset[str]) -> SavedReport:
    """A saved report in buckets, any of whose results has one of `marks`."""

    def recognise(body: Body) -> bool | None:
        if not isinstance(body.get("data"), list):
            return False
        found = records_of(body, "data")
        results = [result for bucket in found for result in records_of(bucket, "results")]
        if not results and all(bucket.get("results") == [] for bucket in found):
            return None
        return any(marks & result.keys() for result in results)

    return SavedReport(recognise, _tell_buckets, BUCKETS)


def _tell_buckets(body: Body) -> PageTells:
    """A bucket without an end is a day."""
    found = []
    for bucket in records_of(body, "data"):
        start, end = moment(bucket.get("starting_at")), moment(bucket.get("ending_at"))
        if start is not None:
            found.append(Span(start, end) if end and end > start else day_from(start))
    return PageTells(records=len(found), more=flag(body.get("has_more")), buckets=tuple(found))
