"""What vw_adjustments must say, worked out in plain Python from the design, not from the SQL.

A closed month's facts against what it was closed at, and each sum that a vendor restated against
what the raw events hold of it: in closed months, and in open ones before the last closed one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ai_usage_tests.sql.company import PLATFORMS
from ai_usage_tests.sql.reference import Company, Key, Row, month_of, previous, total_of

ZERO = Decimal(0)
IDENTITY = ("user_email", "actor_name", "api_key_id", "workspace_id", "model")


@dataclass
class Ledger:
    """A company with its closed months, what vendors said later, and the events that are built."""

    company: Company
    closed: list[Row]
    restatements: list[Row]
    reports: list[Row]


def adjustments_view(ledger: Ledger) -> dict[Key, Row]:
    """vw_adjustments by (month, platform, person, cost centre, status)."""
    first = month_of(ledger.company.as_of)
    for _ in range(ledger.company.months):
        first = previous(first)
    closes: dict[date, datetime] = {}
    for row in ledger.closed:
        if row["month"] >= first:
            known = closes.get(row["month"], row["closed_at"])
            closes[row["month"]] = max(known, row["closed_at"])
    seen = [
        row
        for row in ledger.restatements
        if row["measure"] == "cost_usd" and first <= row["event_date"] <= ledger.company.as_of
    ]
    return _adopted(ledger, closes, seen) | _held_back(ledger, closes, seen)


def _adopted(ledger: Ledger, closes: dict[date, datetime], seen: list[Row]) -> dict[Key, Row]:
    closed: dict[Key, Decimal] = defaultdict(Decimal)
    now: dict[Key, Decimal] = defaultdict(Decimal)
    for row in ledger.closed:
        if row["month"] in closes:
            code = PLATFORMS[row["platform"]][1]
            closed[row["month"], code, row["user_email"], row["cost_center"]] += row[
                "total_cost_usd"
            ]
    for cost in ledger.company.costs_seen:
        if month_of(cost["day"]) in closes:
            own = ledger.company.on(cost["person"], cost["day"])[2]
            center = cost.get("cost_center") or own or "Unassigned"
            code = PLATFORMS[cost["platform"]][1]
            now[month_of(cost["day"]), code, cost["person"], center] += total_of(cost)
    view = {}
    for key in closed.keys() | now.keys():
        if closed[key] != now[key]:
            month, code = key[:2]
            after = [
                row["seen_at"]
                for row in seen
                if (month_of(row["event_date"]), PLATFORMS[row["platform"]][1]) == (month, code)
                and row["seen_at"] > closes[month]
            ]
            view[(*key, "taken_in")] = {
                "closed_usd": closed[key],
                "now_usd": now[key],
                "adjustment_usd": now[key] - closed[key],
                "first_seen_at": min(after, default=None),
                "first_day": None,
                "closed_at": closes[month],
            }
    return view


def _held_back(ledger: Ledger, closes: dict[date, datetime], seen: list[Row]) -> dict[Key, Row]:
    last_closed = max(closes, default=date.min)
    sums: dict[Key, list[Row]] = defaultdict(list)
    for row in seen:
        month = month_of(row["event_date"])
        if month in closes or month < last_closed:
            sums[_sum_of(row, row["event_date"])].append(row)
    built: dict[Key, Decimal] = defaultdict(Decimal)
    for event in ledger.reports:
        built[_sum_of(event, event["day"])] += event.get("cost_usd") or ZERO
    differing: dict[Key, list[Any]] = defaultdict(list)
    for key, rows in sums.items():
        newest = max(rows, key=lambda row: (row["seen_at"], row["previous_fetch_at"]))
        value = newest.get("value_after") or ZERO
        if value == built[key]:
            continue
        day, code = key[:2]
        closed_at = closes.get(month_of(day))
        after = [r["seen_at"] for r in rows if closed_at is not None and r["seen_at"] > closed_at]
        person = newest.get("user_email") or "Unattributed"
        differing[month_of(day), code, person].append(
            (day, built[key], value, min(after, default=newest["seen_at"]))
        )
    view = {}
    for (month, code, person), own in differing.items():
        held = sum((amount for _day, amount, _now, _at in own), ZERO)
        now = sum((amount for _day, _held, amount, _at in own), ZERO)
        if held != now:
            view[month, code, person, "Unassigned", "held_back"] = {
                "closed_usd": held,
                "now_usd": now,
                "adjustment_usd": now - held,
                "first_seen_at": min(at for _day, _held, _now, at in own),
                "first_day": min(day for day, _held, _now, _at in own),
                "closed_at": closes.get(month),
            }
    return view


def _sum_of(row: Row, day: date) -> Key:
    """What a vendor's sum is over: day, vendor, endpoint and whom and what the vendor names."""
    vendor = PLATFORMS[row["platform"]][1]
    return (day, vendor, row["source_endpoint"], *(row.get(name) or "" for name in IDENTITY))
