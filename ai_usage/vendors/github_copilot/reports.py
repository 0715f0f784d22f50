"""A person's day with Copilot. The report names files; their links work for a short while.

Of a record's breakdowns, which overlap, nothing is summed. `ai_credits_used` is a trend and no
money: it stays in `raw_response`, so that no credit is counted beside the billed ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import date, datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.github_copilot import api
from ai_usage.vendors.kit.files import Files, line_records, lines_as_json
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.values import Int, day_start_of, field_of, text_of
from ai_usage.vendors.rows import RawEvent

ENDPOINT_NAME = "user_reports"
NOT_THERE = 'try again later, and set the policy "Copilot usage metrics" to Enabled everywhere'
FIRST = {"enterprises": date(2025, 10, 10), "orgs": date(2025, 12, 12)}
KEPT = timedelta(days=365)
"""A day before the first report, or of more than a year ago, has none: nothing of it is known."""


class _Report(msgspec.Struct):
    download_links: list[str]
    report_day: str | None = None


class _Day(msgspec.Struct, gc=False):
    """A person's day; only the fields that are used."""

    day: str
    user_id: int | str | None = None
    user_login: str | None = None
    user_initiated_interaction_count: Int = None
    code_generation_activity_count: Int = None
    code_acceptance_activity_count: Int = None
    loc_added_sum: Int = None


_REPORT = msgspec.json.Decoder(_Report)
_DAY = msgspec.json.Decoder(_Day, strict=False)


def _person(record: msgspec.Raw) -> Hashable | None:
    who = field_of(record, "user_id", "user_login")
    return None if who is None else (str(who), str(field_of(record, "day")))


FILES = Files(ENDPOINT_NAME, lines_as_json, line_records, _person)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """Two steps a day. A day that has settled has its report, or the window fails."""
    account = api.account_of(client)
    path = f"{account.path}/metrics/reports/users-1-day"
    kept = window.since(max(FIRST[account.kind], now.date() - KEPT))
    settled = window.settled(now, api.FINALIZATION_LAG)
    for day in kept.days() if kept else ():
        paging = Paging(client.name, ENDPOINT_NAME, f"{day}")
        asked = [("day", day.isoformat())]
        page = client.get_if_there(ENDPOINT_NAME, path, asked, where=f"{day}")
        report = None if page is None else paging.decode(page, _REPORT)
        if report is None or not report.download_links:
            if day in settled:
                raise paging.failure("there is no report of this day", NOT_THERE)
            continue
        if report.report_day not in (None, day.isoformat()):
            raise paging.failure(f"it answers with the report of {report.report_day}")
        yield from FILES.fetched(client, report.download_links, f"{day}")


def _event(record: msgspec.Raw, context: ReadContext) -> RawEvent:
    """One event per person and day; without telemetry of the editor its counts are 0.

    Lines that an agent wrote count as accepted. Who renames the login keeps the id.
    """
    row = _DAY.decode(record)
    day, start, iso = day_start_of(row.day)
    login = api.login_of(row.user_login)
    return RawEvent(
        identity=(iso, text_of(row.user_id) or login),
        event_timestamp=start,
        event_date=day,
        event_type="usage",
        platform_subtype=api.NAME,
        request_count=row.user_initiated_interaction_count,
        lines_accepted=row.loc_added_sum,
        suggestions_shown=row.code_generation_activity_count,
        suggestions_accepted=row.code_acceptance_activity_count,
        vendor_user_id=login,
    )


ENDPOINT = Endpoint(
    name=ENDPOINT_NAME,
    description="A person's day: requests, suggestions, lines.",
    api_path="GET /{account}/copilot/metrics/reports/users-1-day",
    yields=RawEvent,
    fetch=_fetch,
    read=events(line_records, _event, event_type="usage", product=api.NAME, days=("day",)),
    max_days=28,
    finalization_lag=api.FINALIZATION_LAG,
)
