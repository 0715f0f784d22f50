"""Every member's spend in the running billing cycle, as of the moment of asking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.cursor import api
from ai_usage.vendors.kit.paginate import Listing, Says
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.values import (
    NULL,
    UNSAID,
    Int,
    UnreadableAmount,
    email_of,
    instant_of_ms,
    text_of,
    usd,
)
from ai_usage.vendors.rows import MemberSpend

PATH = "/teams/spend"
SORTED = {"sortBy": "user", "sortDirection": "asc"}
"""By user: amounts move while paging, names don't."""


class _Page(msgspec.Struct, rename="camel"):
    team_member_spend: list[msgspec.Raw]
    total_members: int | None = None
    total_pages: int | None = None
    subscription_cycle_start: Int = None


class _Spend(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    user_id: int | str | None = None
    email: str | None = None
    spend_cents: msgspec.Raw = UNSAID
    overall_spend_cents: msgspec.Raw = NULL
    included_spend_cents: msgspec.Raw = NULL


_PAGE = msgspec.json.Decoder(_Page, strict=False)
_SPEND = msgspec.json.Decoder(_Spend, strict=False)


def _says(paging: Paging, page: Page, number: int) -> Says:
    answer = paging.decode(page, _PAGE)
    pages = answer.total_pages or 1
    return Says(answer.team_member_spend, pages=pages, total=answer.total_members)


LISTING = Listing("number", _says, key=api.member_day, size=api.USERS_PER_PAGE)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    return api.numbered(client, "spend", PATH, SORTED, api.USERS_PER_PAGE, LISTING, window)


def _read(pages: Iterable[bytes], context: ReadContext) -> Iterator[MemberSpend]:
    """One row per member: the running billing cycle until the moment of asking.

    Raises `UnreadableAmount` where a member's spend is no amount, or under a name unknown here.
    """
    for page in pages:
        answer = _PAGE.decode(page)
        start = answer.subscription_cycle_start
        for record in answer.team_member_spend:
            member = _SPEND.decode(record)
            if member.spend_cents is UNSAID and _speaks_of_spend(record):
                raise UnreadableAmount("a member's spend without spendCents")
            yield MemberSpend(
                vendor_user_id=text_of(member.user_id) or text_of(member.id),
                user_email=email_of(member.email),
                cycle_start=None if start is None else instant_of_ms(start),
                spend_usd=usd(member.spend_cents),
                overall_spend_usd=usd(member.overall_spend_cents),
                included_spend_usd=usd(member.included_spend_cents),
            )


def _speaks_of_spend(record: msgspec.Raw) -> bool:
    """Whether a field is named after spend: then the money stands under a name unknown here."""
    fields = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    return any("spend" in name.lower() for name in fields)


ENDPOINT = Endpoint(
    name="spend",
    description="Every member's spend in the running billing cycle, as of the moment.",
    api_path=f"POST {PATH}",
    yields=MemberSpend,
    fetch=_fetch,
    read=_read,
    kind="snapshot",
    max_days=1,
    finalization_lag=timedelta(0),
    requests_per_minute=20,
)
