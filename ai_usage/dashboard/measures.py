"""What is summed: each measure and its SQL over the rows `r` of the copy."""

from __future__ import annotations

from collections.abc import Mapping


def _dollars(of: str = "r.total", where: str = "") -> str:
    only = f" FILTER ({where})" if where else ""
    return f"COALESCE(SUM({of}){only}, 0)::DECIMAL(38, 9)"


DOLLARS: dict[str, str] = {
    "total": _dollars(),
    "subscription": _dollars(where="r.kind = 'subscription'"),
    "usage": _dollars(where="r.kind = 'usage'"),
    "overage": _dollars(where="r.kind = 'overage'"),
    "one_time": _dollars(where="r.kind = 'one_time'"),
    "provisional": _dollars(where="r.is_provisional"),
    "allocated": _dollars("r.allocated"),
    "people": "COUNT(DISTINCT IF(r.is_person AND r.total != 0, r.person, NULL))",
}
"""US dollars: all of it; by cost type; what the vendor may still change; what people bear."""

COUNTED = (
    "session_count", "request_count", "total_tokens", "lines_added", "lines_accepted", "commits",
    "pull_requests", "acceptance_lines_accepted", "acceptance_lines_added", "suggestions_accepted",
    "suggestions_shown",
)  # fmt: skip
"""The columns of `agg_usage_daily` that pages show: whole numbers, NULL where not reported."""

ACTIVITY: dict[str, str] = {
    "people": "COUNT(DISTINCT IF(r.is_person, r.person, NULL))",
    "active_days": "COUNT(DISTINCT IF(r.is_person AND r.active_records > 0, "
    "r.person || ' ' || r.date, NULL))",
    **{name: f"SUM(r.{name})::BIGINT" for name in COUNTED},
}
"""People with any usage; days on which each of them was active, summed; and what was done."""


def sql_of(measures: Mapping[str, str]) -> str:
    """The measures as the list of a SELECT."""
    return ", ".join(f"{sql} AS {name}" for name, sql in measures.items())
