"""What the endpoints of OpenAI's organization API share: credentials, limits, paging, accounts.

Made from the vendor's reference and SDK (2026-08, 2026-11), not from live calls; where connectors
alone say something, a comment says so. Days are UTC days, times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Params
from ai_usage.vendors.kit.buckets import Buckets, every_settled_day
from ai_usage.vendors.kit.paginate import Listing, Place, Says, paginate
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.values import field_of, text_if_any

NAME, API = "openai", "openai_api"
KEY_SETTING = "OPENAI_ADMIN_KEY"
BASE = "/v1/organization"
MOST_BUCKETS, MOST_RECORDS = 31, 100
"""The server's limits for a page: daily buckets of usage (costs: 180), records of a list."""


def headers(key: str) -> dict[str, str]:
    """The authentication headers of a key."""
    return {"Authorization": f"Bearer {key}"}


def instant(seconds: int) -> datetime:
    """Unix seconds as UTC. ValueError beyond the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error


class _Answer(msgspec.Struct):
    """Every list of this API; directories page by `last_id`, reports by `next_page`."""

    data: list[msgspec.Raw]
    has_more: bool | None = None
    next_page: str | None = None
    last_id: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def entries(page: bytes) -> list[msgspec.Raw]:
    """The records of a page of a directory, which must have its list."""
    return _ANSWER.decode(page).data


def _report_says(paging: Paging, page: Page, number: int) -> Says:
    """A last page was seen live that says there is more and names none: it is the last one.

    The buckets show that nothing is missing all the same.
    """
    answer = paging.decode(page, _ANSWER)
    return Says(answer.data, bool(answer.has_more and answer.next_page), answer.next_page)


def _list_says(paging: Paging, page: Page, number: int) -> Says:
    """The last id is there on the last page too."""
    answer = paging.decode(page, _ANSWER)
    return Says(answer.data, bool(answer.has_more), answer.last_id)


def id_of(record: msgspec.Raw) -> str | None:
    """What tells a record of a directory apart."""
    return text_if_any(field_of(record, "id"))


DAYS = Buckets("start_time", int, instant)
_REPORT = Listing("token", _report_says, key=DAYS.start)


def report(
    client: Client,
    endpoint: str,
    path: str,
    groups: Sequence[str],
    window: Window,
    now: datetime,
    lag: timedelta,
) -> Iterator[Page]:
    """Every page of a report in daily buckets; `end_time` is exclusive.

    Raises `VendorError`, also where a day that ended `lag` ago has no bucket.
    """
    params = [
        ("start_time", str(int(window.start_at.timestamp()))),
        ("end_time", str(int(window.end_at.timestamp()))),
        ("bucket_width", "1d"),
        ("limit", str(MOST_BUCKETS)),
        # As the vendor's SDK writes them; older connectors leave the brackets out.
        *(("group_by[]", group) for group in groups),
    ]
    whole = every_settled_day(window, now, lag)
    return _followed(client, endpoint, path, params, _REPORT, "page", window, whole)


def listed(
    client: Client,
    endpoint: str,
    path: str,
    window: Window,
    params: Params = (),
    nobody: str | None = None,
) -> Iterator[Page]:
    """Every page of a directory list, by the id of the last record. Raises `VendorError`."""
    listing = Listing("after_id", _list_says, key=id_of, nobody=nobody)
    asked = [("limit", str(MOST_RECORDS)), *params]
    return _followed(client, endpoint, path, asked, listing, "after", window)


def _followed(
    client: Client,
    endpoint: str,
    path: str,
    params: Params,
    listing: Listing,
    place_in: str,
    window: Window,
    at_end: Callable[[Paging], None] = lambda paging: None,
) -> Iterator[Page]:
    def ask(place: Place, where: str) -> Page:
        asked = [*params, (place_in, place.following)] if place.following else params
        return client.get(endpoint, f"{BASE}/{path}", asked, where=where)

    where = f"{window} {path}"
    return paginate(listing, ask, vendor=NAME, endpoint=endpoint, where=where, at_end=at_end)
