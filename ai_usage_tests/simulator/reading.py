"""Reads the served endpoints the way a client does: the tests' own, knows nothing of the code."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

DAY_MS = 86_400_000


def ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def exact(response: httpx.Response) -> Any:
    """JSON with every fraction as Decimal: money never passes through a float."""
    assert response.status_code == 200, response.text
    return json.loads(response.text, parse_float=Decimal)


def all_events(client: httpx.Client, start: int, end: int, size: int = 1000) -> list[Any]:
    events: list[Any] = []
    page = 1
    while True:
        body = exact(
            client.post(
                "/teams/filtered-usage-events",
                json={"startDate": start, "endDate": end, "page": page, "pageSize": size},
            )
        )
        events += body["usageEvents"]
        if not body["pagination"]["hasNextPage"]:
            assert len(events) == body["totalUsageEventsCount"]
            return events
        page += 1


def window(start: date, end: date) -> list[tuple[str, str]]:
    """`end` is exclusive."""
    return [("starting_at", f"{start}T00:00:00Z"), ("ending_at", f"{end}T00:00:00Z")]


def buckets(
    client: httpx.Client, path: str, params: list[tuple[str, str]], limit: int = 31
) -> list[Any]:
    found: list[Any] = []
    page: list[tuple[str, str]] = []
    while True:
        body = exact(client.get(path, params=[*params, ("limit", str(limit)), *page]))
        assert len(body["data"]) <= limit
        assert body["data"] or not page, "a token led to an empty page"
        found += body["data"]
        if not body["has_more"]:
            assert body["next_page"] is None
            return found
        page = [("page", body["next_page"])]


def code_records(client: httpx.Client, day: date, limit: int = 1000) -> list[Any]:
    found: list[Any] = []
    page: dict[str, str] = {}
    while True:
        params = {"starting_at": str(day), "limit": str(limit), **page}
        body = exact(client.get("/usage_report/claude_code", params=params))
        assert body["data"] or not page, "a token led to an empty page"
        found += body["data"]
        if not body["has_more"]:
            return found
        page = {"page": body["next_page"]}


def listed(client: httpx.Client, path: str, limit: int = 1000, **params: str) -> list[Any]:
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        body = exact(client.get(path, params={"limit": str(limit), **params, **after}))
        assert not after or after["after_id"] not in [item["id"] for item in body["data"]]
        found += body["data"]
        if not body["has_more"]:
            return found
        after = {"after_id": body["last_id"]}


def span(start: date, days: int) -> list[date]:
    return [start + timedelta(days=n) for n in range(days)]
