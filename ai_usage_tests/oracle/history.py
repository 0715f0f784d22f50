"""What was known when: loaded days, closed months, restatements, members' spend."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ai_usage_tests.oracle.draw import Draw
from ai_usage_tests.oracle.people import Row, Staff
from ai_usage_tests.sql.company import complete

ONE_DAY = timedelta(days=1)
ENDPOINTS: tuple[tuple[str, str, str | None], ...] = (
    ("anthropic", "usage_report_messages", None),
    ("anthropic", "cost_report", "usage"),
    ("anthropic", "claude_code", None),
    ("cursor", "usage_events", "usage"),
    ("cursor", "daily_usage", None),
    ("github", "copilot_metrics", None),
    ("github", "copilot_billing", "usage"),
    ("*", "seats", "seat"),
    ("*", "other_costs", "other"),
)
"""Platform, endpoint, and which cost it brings."""
SUM_OF = ("user_email", "actor_name", "api_key_id", "workspace_id", "model")


def loaded_days(draw: Draw, first: date, today: date) -> list[Row]:
    """Every endpoint's answered days; some came later, some were given up, some have holes."""
    start = first.replace(day=1)
    tidy = draw.chance(0.35)
    holes = draw.pick([0, 0, 1, 3])
    rows = []
    for platform, endpoint, kind in ENDPOINTS:
        begun, ended = start, today
        if not tidy and platform != "*" and draw.chance(0.15):
            begun = draw.pick([draw.day(first, today), start + 31 * ONE_DAY])
        if platform != "*" and draw.chance(0.1):
            ended = draw.pick(
                [draw.day(first, today), (start + 31 * ONE_DAY).replace(day=1) - ONE_DAY]
            )
        missing = {draw.day(first, today) for _ in range(holes)} if draw.chance(0.3) else set()
        if platform == "github" and endpoint == "copilot_billing" and draw.chance(0.5):
            continue
        open_from = today - draw.pick([0, 1, 3]) * ONE_DAY
        day = begun
        while day <= ended:
            if day not in missing:
                rows.append(
                    {
                        "day": day,
                        "platform": platform,
                        "source_endpoint": endpoint,
                        "cost_kind": kind,
                        "is_provisional": day > open_from or draw.chance(0.002),
                    }
                )
            day += ONE_DAY
    return [complete("loaded_days", row) for row in rows]


def closes(draw: Draw, first: date, today: date) -> dict[date, datetime]:
    """The months that were closed, and when. One in between may have stayed open."""
    month = first.replace(day=1)
    found = {}
    while (after := (month + 32 * ONE_DAY).replace(day=1)) <= today.replace(day=1):
        if draw.chance(0.5):
            found[month] = _instant(after) + timedelta(days=draw.number(1, 20), hours=9)
        month = after
    return found


def restatements(draw: Draw, events: list[Row], closed: dict[date, datetime]) -> list[Row]:
    """What vendors said later: of sums that the events hold, and of some that they do not."""
    billed = [event for event in events if event["cost_usd"] is not None]
    rows = []
    for n in range(draw.number(3, 14)):
        event = draw.pick(billed)
        named = {name: event[name] for name in SUM_OF}
        place = (event["event_date"], event["platform"], event["source_endpoint"])
        held = sum(
            (
                other["cost_usd"]
                for other in billed
                if (other["event_date"], other["platform"], other["source_endpoint"]) == place
                and all(other[name] == value for name, value in named.items())
            ),
            Decimal(0),
        )
        if draw.chance(0.15):
            named["model"] = "retired"
            held = Decimal(0)
        seen = _instant(event["event_date"].replace(day=1)) + timedelta(
            days=draw.number(20, 75), minutes=n
        )
        for later in range(draw.pick([1, 1, 2])):
            before = draw.pick([None, held, held - 1])
            after = draw.pick([None, held, held, held + 2, held + draw.cents(30)])
            rows.append(
                {
                    "event_date": event["event_date"],
                    "platform": event["platform"],
                    "source_endpoint": event["source_endpoint"],
                    **named,
                    "measure": draw.pick(["cost_usd", "cost_usd", "cost_usd", "output_tokens"]),
                    "value_before": before,
                    "value_after": after,
                    "difference": (after or Decimal(0)) - (before or Decimal(0)),
                    "previous_fetch_at": seen - timedelta(days=1),
                    "seen_at": seen + timedelta(days=later, seconds=n),
                    "was_final": draw.chance(0.7),
                    "month_closed": event["event_date"].replace(day=1) in closed,
                }
            )
    return [complete("raw_restatements", row) for row in rows]


def member_spend(draw: Draw, staff: Staff, first: date, today: date) -> list[Row]:
    """Snapshots of what Cursor says its members have spent in a cycle."""
    rows = []
    start = first.replace(day=1)
    for n in range(4):
        cycle = (start + timedelta(days=31 * n)).replace(day=draw.pick([1, 11]))
        hour = draw.pick([None, 0, 12])
        for asked in sorted({cycle + draw.number(0, 30) * ONE_DAY for _ in range(2)}):
            if asked > today or draw.chance(0.2):
                continue
            began = None if hour is None else _instant(cycle) + timedelta(hours=hour)
            rows += [
                {
                    "snapshot_date": asked,
                    "platform": "cursor",
                    "vendor_user_id": draw.pick([None, "u-1"]) if member is None else None,
                    "user_email": member,
                    "cycle_start": cycle,
                    "cycle_started_at": began,
                    "spend_usd": draw.pick([None, draw.cents(200)]),
                    "included_spend_usd": draw.pick([None, draw.cents(20)]),
                    "overall_spend_usd": draw.pick([None, draw.cents(220)]),
                    "ingest_timestamp": _instant(asked) + timedelta(hours=12),
                }
                for member in draw.some([*staff.people, "stranger@x.io", None], 1, 6)
            ]
    return [complete("raw_member_spend", row) for row in rows]


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
