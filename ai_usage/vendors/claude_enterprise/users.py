"""A person's day: sessions, lines, commits and decisions in Claude Code. No tokens, no money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.anthropic import analytics
from ai_usage.vendors.anthropic.api import CODE, MOST_RECORDS, report_says
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.kit.asking import listed
from ai_usage.vendors.kit.paginate import Listing
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.values import Int, email_of, field_of, midnight, text_of, total
from ai_usage.vendors.rows import RawEvent

READY, LAG = timedelta(hours=17), timedelta(days=3)
"""A day is there on the next one, after 10:00 to 17:00 UTC; older text says after three days."""
_Counts = dict[str, Int]


class _User(msgspec.Struct, gc=False):
    id: str | None = None
    email_address: str | None = None


class _Core(msgspec.Struct, gc=False):
    commit_count: Int = None
    pull_request_count: Int = None
    distinct_session_count: Int = None
    lines_of_code: _Counts | None = None


class _Code(msgspec.Struct, gc=False):
    core_metrics: _Core | None = None
    tool_actions: dict[str, _Counts | None] | None = None


class _Day(msgspec.Struct, gc=False):
    user: _User
    claude_code_metrics: _Code | None = None


_DAY = msgspec.json.Decoder(_Day)


def _who(record: msgspec.Raw) -> str | None:
    user = field_of(record, "user")
    return text_of(user.get("id")) if isinstance(user, dict) else None


LISTING = Listing("token", report_says, key=_who)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """A call for each day. One that has not settled may be refused: nothing of it is there yet."""
    known = analytics.kept(window, now)
    for day in known.days() if known else ():
        end = Window.day(day).end_at
        if end + READY > now:
            continue
        params = [("date", day.isoformat()), ("limit", str(MOST_RECORDS))]
        try:
            path, headers = f"{analytics.PATH}/users", analytics.BETA
            pages = list(listed(client, LISTING, "users", path, params, f"{day}", headers=headers))
        except VendorError as error:
            if error.status != 400 or end + LAG <= now:
                raise
        else:
            yield from pages


def _event(record: msgspec.Raw, context: ReadContext) -> RawEvent | None:
    """One event per person who used Claude Code on the day, which is the one that was asked for.

    Chats are in `usage`: their messages are its requests.
    """
    row = _DAY.decode(record)
    code = row.claude_code_metrics or _Code()
    core = code.core_metrics or _Core()
    tools = [tool for tool in (code.tool_actions or {}).values() if tool]
    accepted = total(*(tool.get("accepted_count") for tool in tools))
    rejected = total(*(tool.get("rejected_count") for tool in tools))
    lines = (core.lines_of_code or {}).get("added_count")
    done = (core.distinct_session_count, core.commit_count, core.pull_request_count)
    if not any((*done, lines, accepted, rejected)):
        return None
    day, user = context.window.start, text_of(row.user.id)
    email = email_of(row.user.email_address)
    return RawEvent(
        identity=(day.isoformat(), user or email),
        event_timestamp=midnight(day),
        event_date=day,
        event_type="session",
        platform_subtype=CODE,
        user_email=email,
        session_count=core.distinct_session_count,
        lines_accepted=lines,
        commits=core.commit_count,
        pull_requests=core.pull_request_count,
        suggestions_accepted=accepted,
        suggestions_shown=None if rejected is None else total(accepted, rejected),
        vendor_user_id=user,
    )


ENDPOINT = Endpoint(
    name="users",
    description="A person's day in Claude Code: sessions, lines, commits, decisions.",
    api_path=f"GET {analytics.PATH}/users",
    yields=RawEvent,
    fetch=_fetch,
    read=events(analytics.records, _event, event_type="session", product=CODE, days=()),
    # Records do not say their day: an answer is of one.
    max_days=1,
    finalization_lag=LAG,
)
