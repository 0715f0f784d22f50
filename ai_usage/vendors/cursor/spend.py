"""Every member's spend, as of the moment of asking. One name means two things.

A team's `spendCents` is what is billed on demand in the running billing cycle. An organisation's is
what of its pool was used over the contract's time, which seats and contracts pay for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

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

ROUTE = "/spend"
TEAM_ORDER, ORGANIZATION_ORDER = "user", "email"
"""Amounts move while paging, names don't."""


class _Period(msgspec.Struct, rename="camel"):
    start_date: Int = None


class _Page(msgspec.Struct, rename="camel"):
    """A team says when its cycle began, an organisation from when to when its contract goes."""

    team_member_spend: list[msgspec.Raw]
    total_members: int | None = None
    total_pages: int | None = None
    subscription_cycle_start: Int = None
    period: _Period | None = None


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
    of_team = api.organization_of(client) is None
    asked = {"sortBy": TEAM_ORDER if of_team else ORGANIZATION_ORDER, "sortDirection": "asc"}
    return api.numbered(client, "spend", ROUTE, asked, api.USERS_PER_PAGE, LISTING, window)


def _read(pages: Iterable[bytes], context: ReadContext) -> Iterator[MemberSpend]:
    """One row per member (and team of an organisation): its cycle until the moment of asking.

    Raises `UnreadableAmount` where a member's spend is no amount, or under a name unknown here.
    """
    for page in pages:
        answer = _PAGE.decode(page)
        contract = answer.period
        start = answer.subscription_cycle_start if contract is None else contract.start_date
        for record in answer.team_member_spend:
            member = _SPEND.decode(record)
            if member.spend_cents is UNSAID and _speaks_of_spend(record):
                raise UnreadableAmount("a member's spend without spendCents")
            spent = usd(member.spend_cents)
            included = usd(member.included_spend_cents)
            yield MemberSpend(
                vendor_user_id=text_of(member.user_id) or text_of(member.id),
                user_email=email_of(member.email),
                cycle_start=None if start is None else instant_of_ms(start),
                spend_usd=spent if contract is None else None,
                overall_spend_usd=usd(member.overall_spend_cents),
                included_spend_usd=included if contract is None else spent,
            )


def _speaks_of_spend(record: msgspec.Raw) -> bool:
    """Whether a field is named after spend: then the money stands under a name unknown here."""
    fields = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    return any("spend" in name.lower() for name in fields)


ENDPOINT = Endpoint(
    name="spend",
    description="Every member's spend in the running billing cycle, as of the moment.",
    api_path=f"POST {api.TEAM}{ROUTE}",
    yields=MemberSpend,
    fetch=_fetch,
    read=_read,
    kind="snapshot",
    requests_per_minute=20,
)
