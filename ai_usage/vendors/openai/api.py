"""What the endpoints of OpenAI's organization API share: credentials, limits, paging, accounts.

Made from the vendor's reference and SDK (2026-08, 2026-11), not from live calls; where connectors
alone say something, a comment says so. Days are UTC days, times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Params
from ai_usage.vendors.kit.asking import listed
from ai_usage.vendors.kit.buckets import Buckets, every_settled_day
from ai_usage.vendors.kit.paginate import Listing, Says
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
    whole, where = every_settled_day(window, now, lag), f"{window} {path}"
    return listed(client, _REPORT, endpoint, f"{BASE}/{path}", params, where, at_end=whole)


def directory(
    client: Client,
    endpoint: str,
    path: str,
    window: Window,
    params: Params = (),
    nobody: str | None = None,
) -> Iterator[Page]:
    """Every page of a directory list, by the id of the last record. Raises `VendorError`."""
    listing = Listing("after_id", _list_says, key=id_of, place_in="after", nobody=nobody)
    asked = [("limit", str(MOST_RECORDS)), *params]
    return listed(client, listing, endpoint, f"{BASE}/{path}", asked, f"{window} {path}")
