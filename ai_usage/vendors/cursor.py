"""Cursor's team Admin API: how to ask it, the shape of its answers, and what they mean.

The contract (limits, traps, units) is the vendor's documentation at https://cursor.com/docs,
checked against public connectors; where those disagree a comment says which reading is taken.
"""

from __future__ import annotations

import base64
from collections.abc import Hashable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, PlatformRow, ReadContext, Vendor
from ai_usage.vendors.paging import Paging
from ai_usage.vendors.parsing import (
    DAY_MS,
    NULL,
    UNSAID,
    Int,
    UnreadableAmount,
    charge,
    day_of,
    day_of_ms_number,
    email_of,
    field_of,
    instant_of_ms,
    midnight,
    text_of,
    total,
    undecodable,
    usd,
)
from ai_usage.vendors.rows import MemberSpend, Person, RawEvent
from ai_usage.vendors.saved import (
    Body,
    PageTells,
    SavedReport,
    Span,
    day_from,
    moment,
    period,
    records_of,
)

NAME = "cursor"

EVENTS_PER_PAGE = 1000
USERS_PER_PAGE = 100


# --- Asking ----------------------------------------------------------------------------------


def _headers(key: str) -> dict[str, str]:
    """HTTP Basic: the key is the user, the password is empty."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode("ascii")}


def _range(window: Window, now: datetime) -> dict[str, int]:
    """`startDate` and `endDate` in epoch milliseconds, both inclusive.

    The window ends a millisecond before midnight (midnight itself is the next day's first event),
    and never in the future: events that arrive while pages are read would shift them.
    """
    end = min(window.end_at - timedelta(milliseconds=1), max(now, window.start_at))
    return {
        "startDate": int(window.start_at.timestamp()) * 1000,
        "endDate": int(end.timestamp() * 1000),
    }


class _Pagination(msgspec.Struct, rename="camel"):
    """Of daily usage and of usage events, whose words differ."""

    has_next_page: bool | None = None
    page: int | None = None
    total_users: int | None = None
    page_size: int | None = None
    current_page: int | None = None
    total_pages: int | None = None
    num_pages: int | None = None


_NO_PAGINATION = _Pagination()


class _DailyPage(msgspec.Struct):
    data: list[msgspec.Raw]
    pagination: _Pagination | None = None


class _EventsPage(msgspec.Struct, rename="camel"):
    """The dashboard's own answer, which a person may have saved, names its list differently."""

    total_usage_events_count: int | None = None
    usage_events: list[msgspec.Raw] | None = None
    usage_events_display: list[msgspec.Raw] | None = None
    pagination: _Pagination | None = None

    def events(self) -> list[msgspec.Raw] | None:
        return self.usage_events_display if self.usage_events is None else self.usage_events


class _MembersPage(msgspec.Struct, rename="camel"):
    team_members: list[msgspec.Raw]


class _SpendPage(msgspec.Struct, rename="camel"):
    team_member_spend: list[msgspec.Raw]
    total_members: int | None = None
    total_pages: int | None = None
    subscription_cycle_start: Int = None


_DAILY_PAGE = msgspec.json.Decoder(_DailyPage, strict=False)
_EVENTS_PAGE = msgspec.json.Decoder(_EventsPage, strict=False)
_MEMBERS_PAGE = msgspec.json.Decoder(_MembersPage, strict=False)
_SPEND_PAGE = msgspec.json.Decoder(_SpendPage, strict=False)


class _Known(msgspec.Struct, rename="camel"):
    """What tells a row apart; the vendor gives neither an id nor an address in every answer."""

    user_id: int | str | None = None
    email: str | None = None
    day: str | None = None
    date: int | str | None = None
    timestamp: int | str | None = None


_KNOWN = msgspec.json.Decoder(_Known, strict=False)


def _known(record: msgspec.Raw) -> _Known:
    try:
        return _KNOWN.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Known()


def _member_day(record: msgspec.Raw) -> Hashable | None:
    """A member's row of a day, or of the running cycle; None where nothing names the member."""
    row = _known(record)
    who = text_of(row.user_id) or email_of(row.email)
    return None if who is None else (who, row.day, row.date)


def _moment(record: msgspec.Raw) -> Hashable:
    """Events have no id: two of one moment may be alike by right."""
    return _known(record).timestamp


def _fetch_daily_usage(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """With page and pageSize all members come; without, only those who were active."""
    name, paging = "daily_usage", Paging(NAME, "daily_usage", f"{window}")
    number, more = 1, True
    while more:
        body = {**_range(window, now), "page": number, "pageSize": USERS_PER_PAGE}
        page = client.post(name, "/teams/daily-usage-data", body, where=f"{window} page {number}")
        more = _watch_daily_usage(paging, page, number)
        yield page
        number += 1


def _watch_daily_usage(paging: Paging, page: Page, number: int) -> bool:
    """Whether another page follows this one. Pages count users, whatever they hold of each."""
    answer = paging.decode(page, _DAILY_PAGE)
    paging.records(page, answer.data, key=_member_day)
    pagination = answer.pagination or _NO_PAGINATION
    paging.numbered(number, pagination.page)
    users = pagination.total_users
    if users is not None:
        paging.same_total(users)
    if pagination.has_next_page:
        return True
    # The vendor may cut pages smaller than asked.
    size = min(pagination.page_size or USERS_PER_PAGE, USERS_PER_PAGE)
    if users is not None and number * size < users:
        raise paging.shifted(f"it ends with page {number}, and {users} users are announced")
    return False


def _fetch_usage_events(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """Pages are offsets into a list that may still grow: its announced length must hold."""
    name, paging = "usage_events", Paging(NAME, "usage_events", f"{window}")
    number, more = 1, True
    while more:
        body = {**_range(window, now), "page": number, "pageSize": EVENTS_PER_PAGE}
        page = client.post(
            name, "/teams/filtered-usage-events", body, where=f"{window} page {number}"
        )
        more = _watch_usage_events(paging, page, number)
        yield page
        number += 1


def _watch_usage_events(paging: Paging, page: Page, number: int) -> bool:
    """Whether another page follows this one."""
    answer = paging.decode(page, _EVENTS_PAGE)
    events, total = answer.events(), answer.total_usage_events_count
    if events is None or (total is None and paging.announces):
        raise paging.failure("the answer has another shape than documented: no list or no count")
    if total is not None:
        paging.same_total(total)
    paging.records(page, events, kin=_moment)
    pagination = answer.pagination or _NO_PAGINATION
    paging.numbered(number, pagination.current_page)
    more = pagination.has_next_page
    if more is None:
        more = bool(events) and paging.count < (total or 0)
    if not more:
        paging.all_there(paging.count)
    return more


def _fetch_members(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    page = client.get("members", "/teams/members", where=f"{window}")
    paging = Paging(NAME, "members", f"{window}")
    if not paging.decode(page, _MEMBERS_PAGE).team_members:
        raise paging.nobody("CURSOR_API_KEY")
    yield page


def _fetch_spend(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """Sorted by user: amounts move while paging, names don't."""
    paging = Paging(NAME, "spend", f"{window}")
    number = 1
    while True:
        body = {
            "sortBy": "user",
            "sortDirection": "asc",
            "page": number,
            "pageSize": USERS_PER_PAGE,
        }
        page = client.post("spend", "/teams/spend", body, where=f"{window} page {number}")
        answer = paging.decode(page, _SPEND_PAGE)
        if answer.total_members is not None:
            paging.same_total(answer.total_members)
        paging.records(page, answer.team_member_spend, key=_member_day)
        yield page
        if number >= (answer.total_pages or 1):
            paging.all_there(paging.count)
            return
        number += 1


# --- Daily usage -----------------------------------------------------------------------------


class _Daily(msgspec.Struct, gc=False, rename="camel"):
    """A member's day; only the fields that are used. Anything may be absent or null."""

    user_id: int | str | None = None
    email: str | None = None
    day: str | None = None
    date: int | str | None = None
    is_active: bool | None = None
    session_id: str | None = None
    total_lines_added: Int = None
    total_lines_deleted: Int = None
    accepted_lines_added: Int = None
    accepted_lines_deleted: Int = None
    total_applies: Int = None
    total_accepts: Int = None
    total_rejects: Int = None
    total_tabs_shown: Int = None
    total_tabs_accepted: Int = None
    composer_requests: Int = None
    chat_requests: Int = None
    agent_requests: Int = None
    cmdk_usages: Int = None
    bugbot_usages: Int = None
    subscription_included_reqs: Int = None
    usage_based_reqs: Int = None
    api_key_reqs: Int = None

    def is_idle(self) -> bool:
        """A row of zeros: paging brings one for every member who did nothing."""
        return not (
            self.is_active
            or self.total_lines_added
            or self.total_lines_deleted
            or self.accepted_lines_added
            or self.accepted_lines_deleted
            or self.total_applies
            or self.total_accepts
            or self.total_rejects
            or self.total_tabs_shown
            or self.total_tabs_accepted
            or self.composer_requests
            or self.chat_requests
            or self.agent_requests
            or self.cmdk_usages
            or self.bugbot_usages
            or self.subscription_included_reqs
            or self.usage_based_reqs
            or self.api_key_reqs
        )


_DAILY = msgspec.json.Decoder(_Daily, strict=False)
_SAMPLE_DAILY: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct(
        "_SampleDaily",
        [(f.name, f.type, f.default) for f in msgspec.structs.fields(_Daily)],
        namespace={"is_idle": _Daily.is_idle},
        gc=False,
    ),
    strict=False,
)
"""The same fields in snake case, as simplified samples spell them."""


def _read_daily_usage(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    """One event per member and day with any activity; days as the vendor cuts them, UTC."""
    for page in pages:
        decoder = _SAMPLE_DAILY if b'_lines_added"' in page or b'_reqs"' in page else _DAILY
        for number, record in enumerate(_DAILY_PAGE.decode(page).data, 1):
            try:
                row = decoder.decode(record)
            except (msgspec.DecodeError, UnicodeDecodeError):
                row = None
            day = None if row is None else day_of(row.day) or day_of(row.date)
            if row is None or day is None:
                known = day_of(field_of(record, "day", "date"))
                event = undecodable(record, known or context.window.start, "usage", NAME)
            elif row.is_idle():
                continue
            else:
                event = _daily_event(row, day, record)
            event.record = number
            yield event


def _daily_event(row: _Daily, day: date, record: msgspec.Raw) -> RawEvent:
    email = email_of(row.email)
    # Numeric user ids became texts at the vendor: only where no address is do they identify.
    user_id = text_of(row.user_id) if email is None else None
    accepted = total(row.total_accepts, row.total_tabs_accepted)
    return RawEvent(
        identity=(day.isoformat(), email, user_id, row.session_id),
        event_timestamp=midnight(day),
        event_date=day,
        event_type="usage",
        platform_subtype=NAME,
        user_email=email,
        session_id=row.session_id,
        lines_added=row.total_lines_added,
        lines_accepted=row.accepted_lines_added,
        suggestions_shown=_shown(row),
        suggestions_accepted=accepted,
        request_count=total(row.subscription_included_reqs, row.usage_based_reqs, row.api_key_reqs),
        subscription_requests=row.subscription_included_reqs,
        overage_requests=row.usage_based_reqs,
        vendor_user_id=text_of(row.user_id),
        attribution_method="unknown" if email is None else "direct_email",
        raw_response=str(record, "utf-8", "replace"),
    )


def _shown(row: _Daily) -> int | None:
    """Accepts + rejects + tabs shown. Accepts without rejects would read as all accepted: NULL."""
    if row.total_rejects is None and row.total_tabs_shown is None:
        return None
    decided = None if row.total_rejects is None else total(row.total_accepts, row.total_rejects)
    return total(decided, row.total_tabs_shown)


# --- Usage events ----------------------------------------------------------------------------


class _Tokens(msgspec.Struct, gc=False, rename="camel"):
    input_tokens: Int = None
    output_tokens: Int = None
    cache_write_tokens: Int = None
    cache_read_tokens: Int = None


_NO_TOKENS = _Tokens()


class _Event(msgspec.Struct, gc=False, rename="camel"):
    """A usage event; only the fields that are used."""

    timestamp: int
    user_email: str | None = None
    model: str | None = None
    kind: str | None = None
    kind_label: str | None = None
    is_chargeable: bool | None = None
    token_usage: _Tokens | None = None
    charged_cents: msgspec.Raw = NULL
    user_id: int | str | None = None
    service_account_id: int | str | None = None


_EVENT = msgspec.json.Decoder(_Event, strict=False)


class _ArchivedEvents(msgspec.Struct, rename="camel"):
    """Of what is archived only the list matters, under either name."""

    usage_events: list[msgspec.Raw] | None = None
    usage_events_display: list[msgspec.Raw] | None = None


_ARCHIVED_EVENTS = msgspec.json.Decoder(_ArchivedEvents)


def _read_usage_events(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    """One event per request to a model."""
    decode = _EVENT.decode
    for page in pages:
        answer = _ARCHIVED_EVENTS.decode(page)
        events = answer.usage_events or answer.usage_events_display or ()
        for number, record in enumerate(events, 1):
            try:
                event = _usage_event(decode(record), record)
            except (ValueError, UnicodeDecodeError):  # msgspec's errors are ValueErrors
                known = day_of(field_of(record, "timestamp"))
                event = undecodable(record, known or context.window.start, "usage", NAME)
            event.record = number
            yield event


def _usage_event(event: _Event, record: msgspec.Raw) -> RawEvent:
    """A chargeable event bills its charge; any other's is the value that the seat covers.

    The token fee is inside the charge. The request is counted by the daily row, not here.
    """
    ms = event.timestamp
    email = email_of(event.user_email)
    kind = event.kind or event.kind_label
    tokens = event.token_usage or _NO_TOKENS
    written, read = tokens.cache_write_tokens, tokens.cache_read_tokens
    came, out = tokens.input_tokens, tokens.output_tokens
    chargeable = event.is_chargeable
    errors: list[str] = []
    if chargeable is None:
        chargeable = _is_billed(kind)
        if chargeable is None:
            errors.append("unknown_enum:kind")
    amount, flags = charge(event.charged_cents, bills=chargeable)
    errors += flags
    return RawEvent(
        identity=(
            str(ms),
            email,
            event.model,
            kind,
            None if came is None else str(came),
            None if out is None else str(out),
            None if written is None else str(written),
            None if read is None else str(read),
        ),
        event_timestamp=instant_of_ms(ms),
        event_date=day_of_ms_number(ms // DAY_MS),
        event_type="usage",
        platform_subtype=NAME,
        user_email=email,
        model=event.model,
        input_tokens=came,
        output_tokens=out,
        cached_input_tokens=written,
        cache_read_tokens=read,
        cost_usd=amount if chargeable else None,
        included_value_usd=amount if chargeable is False else None,
        cost_currency=None if amount is None else "USD",
        cost_type="overage" if chargeable else None,
        billing_period="usage_based" if chargeable else None,
        price_tier="standard",
        is_committed=False,
        vendor_user_id=text_of(event.user_id) or text_of(event.service_account_id),
        attribution_method="unknown" if email is None else "direct_email",
        raw_response=str(record, "utf-8", "replace"),
        validation_errors=errors,
    )


def _is_billed(kind: str | None) -> bool | None:
    """What the kind tells where `isChargeable` is missing; None where it tells nothing."""
    words = (kind or "").upper().replace(" ", "_").replace("-", "_")
    if "NOT_CHARGED" in words or "INCLUDED" in words:
        return False
    return True if "USAGE_BASED" in words else None


# --- Directory and spend -----------------------------------------------------------------------


class _Member(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    user_id: int | str | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None
    is_removed: bool | None = None
    spend_cents: msgspec.Raw = UNSAID
    overall_spend_cents: msgspec.Raw = NULL
    included_spend_cents: msgspec.Raw = NULL


_MEMBER = msgspec.json.Decoder(_Member, strict=False)


def _read_members(pages: Iterable[bytes], context: ReadContext) -> Iterator[Person]:
    """One person per team member; a removed member stays listed as such."""
    for page in pages:
        for record in _MEMBERS_PAGE.decode(page).team_members:
            member = _MEMBER.decode(record)
            email = email_of(member.email)
            yield Person(
                vendor_user_id=text_of(member.id) or text_of(member.user_id) or email or "",
                user_email=email,
                full_name=text_of(member.name),
                role=member.role,
                is_removed=bool(member.is_removed),
            )


def _read_spend(pages: Iterable[bytes], context: ReadContext) -> Iterator[MemberSpend]:
    """One row per member: the running billing cycle until the moment of asking.

    Raises `UnreadableAmount` where a member's spend is no amount, or under a name unknown here.
    """
    for page in pages:
        answer = _SPEND_PAGE.decode(page)
        start = answer.subscription_cycle_start
        for record in answer.team_member_spend:
            member = _MEMBER.decode(record)
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


# --- Saved answers -----------------------------------------------------------------------------


def _covered(body: Body, unsaid: Iterable[Span]) -> tuple[tuple[Span, ...], bool]:
    """The days, each with what the answer has of it, and whether the answer itself says so."""
    said = body.get("period")
    if isinstance(said, dict):
        found = period(said.get("startDate"), said.get("endDate"))
        if found is not None:
            return tuple(found.by_day()), True
    return tuple(unsaid), False


def _row_days(rows: Iterable[dict[str, Any]]) -> Iterator[Span]:
    """The days of rows as the vendor cut them, which are UTC days unless they begin otherwise."""
    for row in rows:
        start = moment(row.get("date")) or moment(row.get("day"))
        if start is not None:
            yield day_from(start)


def _asked(body: Body) -> Hashable:
    return msgspec.json.encode(body.get("period"), order="sorted")


def _pagination(body: Body) -> dict[str, Any]:
    found = body.get("pagination")
    return found if isinstance(found, dict) else {}


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


_DAILY_MARKS = {"totalLinesAdded", "total_lines_added", "totalAccepts", "total_accepts"}


def _is_daily_usage(body: Body) -> bool | None:
    rows = body.get("data")
    if not isinstance(rows, list):
        return False
    if not rows:
        return None
    return all(isinstance(row, dict) and _DAILY_MARKS & row.keys() for row in rows)


def _tell_daily_usage(body: Body) -> PageTells:
    rows, paging = records_of(body, "data"), _pagination(body)
    covers, said = _covered(body, _row_days(rows))
    return PageTells(
        records=len(rows),
        more=_flag(paging.get("hasNextPage")),
        number=_integer(paging.get("page")),
        of=_integer(paging.get("totalPages")),
        asked=_asked(body),
        covers=covers,
        states_period=said,
    )


def _is_usage_events(body: Body) -> bool:
    return isinstance(body.get("usageEvents", body.get("usageEventsDisplay")), list)


def _tell_usage_events(body: Body) -> PageTells:
    name = "usageEvents" if "usageEvents" in body else "usageEventsDisplay"
    rows, paging = records_of(body, name), _pagination(body)
    instants = [at for row in rows if (at := moment(row.get("timestamp")))]
    covers, said = _covered(body, ())
    return PageTells(
        records=len(rows),
        more=_flag(paging.get("hasNextPage")),
        total=_integer(body.get("totalUsageEventsCount")),
        number=_integer(paging.get("currentPage")),
        of=_integer(paging.get("numPages")),
        asked=_asked(body),
        covers=covers,
        seen=Span(min(instants), max(instants)) if instants and not said else None,
        states_period=said,
    )


# --- Declaration -------------------------------------------------------------------------------

VENDOR = Vendor(
    name=NAME,
    title="Cursor",
    key_setting="CURSOR_API_KEY",
    base_url_setting="CURSOR_BASE_URL",
    base_url="https://api.cursor.com",
    headers=_headers,
    requests_per_minute=20,
    members_consume_seats=True,
    endpoints=(
        Endpoint(
            name="daily_usage",
            description="A member's day in the editor: lines, suggestions, requests.",
            api_path="POST /teams/daily-usage-data",
            yields=RawEvent,
            fetch=_fetch_daily_usage,
            read=_read_daily_usage,
            saved=SavedReport(_is_daily_usage, _tell_daily_usage, _watch_daily_usage),
            max_days=30,
            finalization_lag=timedelta(hours=2),
            requests_per_minute=20,
        ),
        Endpoint(
            name="usage_events",
            description="Every request to a model, with its tokens and its charge.",
            api_path="POST /teams/filtered-usage-events",
            yields=RawEvent,
            fetch=_fetch_usage_events,
            read=_read_usage_events,
            saved=SavedReport(_is_usage_events, _tell_usage_events, _watch_usage_events),
            max_days=30,
            # The vendor recomputes charges for about a day.
            finalization_lag=timedelta(hours=24),
            lookback="cost",
            # Copies of the documentation say 20 (older) and 60 (2026-10): a 429 is waited out.
            requests_per_minute=60,
        ),
        Endpoint(
            name="members",
            description="The team's members, removed ones included.",
            api_path="GET /teams/members",
            yields=Person,
            fetch=_fetch_members,
            read=_read_members,
            kind="snapshot",
            max_days=1,
            finalization_lag=timedelta(0),
            requests_per_minute=20,
        ),
        Endpoint(
            name="spend",
            description="Every member's spend in the running billing cycle, as of the moment.",
            api_path="POST /teams/spend",
            yields=MemberSpend,
            fetch=_fetch_spend,
            read=_read_spend,
            kind="snapshot",
            max_days=1,
            finalization_lag=timedelta(0),
            requests_per_minute=20,
        ),
    ),
    platforms=(
        PlatformRow(
            platform_code=NAME,
            platform_subtype=NAME,
            platform_name="Cursor",
            values={
                "vendor": "Anysphere",
                "category": "coding_assistant",
                "primary_use_case": "Writing code in the editor",
                "cost_model": "hybrid",
                "supports_token_tracking": True,
                "supports_session_tracking": False,
                "supports_productivity_metrics": True,
                "supports_real_time_cost": True,
                "unit_type": "requests",
                "billing_cycle": "monthly",
                "api_endpoint": "https://api.cursor.com",
                "rate_limit_per_minute": 20,
                "max_batch_size": EVENTS_PER_PAGE,
                "is_active": True,
            },
        ),
    ),
)
