"""What groups have spent, as the vendor says: a team's billing groups, an organisation's teams.

Usage belongs to the group that its person was in at the time; what a deleted group had is moved to
the unassigned one. The dollars are those of the events: evidence, never a cost. An organisation's
own groups have no spend, and are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.cursor import api
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.values import (
    NULL,
    UNSAID,
    UnreadableAmount,
    email_of,
    instant_of,
    text_of,
    usd,
)
from ai_usage.vendors.rows import GroupSpend

ROUTE, POOL_ROUTE = "/groups", "/pooled-usage"
NOT_IN_THE_PLAN = (403, 404)
"""How a team without billing groups is answered, which only some plans have."""


class _Member(msgspec.Struct, rename="camel"):
    user_id: int | str | None = None
    email: str | None = None


class _Group(msgspec.Struct, rename="camel"):
    id: str
    spend_cents: msgspec.Raw = UNSAID
    name: str | None = None
    directory_group_id: str | None = None
    current_members: list[_Member] = []
    former_members: list[_Member] = []


class _Cycle(msgspec.Struct, rename="camel"):
    cycle_start: str | None = None
    cycle_end: str | None = None


class _Team(msgspec.Struct, rename="camel"):
    team_id: int | str
    used_cents: msgspec.Raw = UNSAID
    budget_limit_cents: msgspec.Raw = NULL


class _Pool(msgspec.Struct, rename="camel"):
    contract_start_date: str | None = None
    contract_end_date: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    """Of a team: groups, and who is in none. Of an organisation: its pool, and its teams."""

    groups: list[msgspec.Raw] | None = None
    unassigned_group: msgspec.Raw = NULL
    billing_cycle: _Cycle | None = None
    pool: _Pool | None = None
    teams: list[msgspec.Raw] | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_GROUP, _TEAM = msgspec.json.Decoder(_Group), msgspec.json.Decoder(_Team)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """One page. A team whose plan has no groups is none that failed: nothing is known of them."""
    where = f"{window}"
    paging = Paging(api.NAME, "groups", where)
    if api.organization_of(client) is not None:
        page = api.posted(client, "groups", POOL_ROUTE, {}, where)
        if paging.decode(page, _ANSWER).teams is None:
            raise paging.failure("the answer has another shape than documented: no list of teams")
        yield page
        return
    try:
        page = client.get("groups", f"{api.TEAM}{ROUTE}", where=where)
    except VendorError as error:
        if error.status not in NOT_IN_THE_PLAN:
            raise
        return
    if paging.decode(page, _ANSWER).groups is None:
        raise paging.failure("the answer has another shape than documented: no list of groups")
    yield page


def _read(pages: Iterable[bytes], context: ReadContext) -> Iterator[GroupSpend]:
    """One row per group; `UnreadableAmount` where what it spent is no amount or not there."""
    for page in pages:
        answer = _ANSWER.decode(page)
        cycle = answer.billing_cycle or _Cycle()
        named = [(record, False) for record in answer.groups or ()]
        rest = [] if answer.unassigned_group == NULL else [(answer.unassigned_group, True)]
        for record, is_rest in (*named, *rest):
            group = _GROUP.decode(record)
            yield GroupSpend(
                group_id=group.id,
                group_name=text_of(group.name),
                kind="billing_group",
                directory_group_id=group.directory_group_id,
                is_unassigned=is_rest,
                current_members=_addresses(group.current_members),
                former_members=_addresses(group.former_members),
                cycle_start=_instant(cycle.cycle_start),
                cycle_end=_instant(cycle.cycle_end),
                spend_usd=_said(group.spend_cents, "spendCents"),
            )
        pool = answer.pool or _Pool()
        for record in answer.teams or ():
            team = _TEAM.decode(record)
            yield GroupSpend(
                group_id=str(team.team_id),
                kind="team",
                cycle_start=_instant(pool.contract_start_date),
                cycle_end=_instant(pool.contract_end_date),
                included_spend_usd=_said(team.used_cents, "usedCents"),
                budget_usd=usd(team.budget_limit_cents),
            )


def _said(cents: msgspec.Raw, name: str) -> Decimal | None:
    if cents is UNSAID:
        raise UnreadableAmount(f"a group without {name}")
    return usd(cents)


def _addresses(members: Iterable[_Member]) -> list[str]:
    found = {email_of(one.email) or text_of(one.user_id) for one in members}
    return sorted(one for one in found if one)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant_of(text)


ENDPOINT = Endpoint(
    name="groups",
    description="What a team's billing groups have spent in the running cycle, as of the moment.",
    api_path=f"GET {api.TEAM}{ROUTE}",
    yields=GroupSpend,
    fetch=_fetch,
    read=_read,
    kind="snapshot",
    requests_per_minute=20,
)
