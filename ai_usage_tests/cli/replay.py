"""A small company's vendors on loopback, whose records a test writes down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from starlette.responses import Response

from ai_usage_tests.vendors.support import Asked, as_json, scripted_vendor


@dataclass
class Replay:
    """What the vendors report; each list answers as its API does, on one page if nothing else."""

    events: list[dict[str, Any]] = field(default_factory=list)
    """Cursor's usage events, by `timestamp`."""
    cost: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Lines of the cost report by day."""
    code: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)
    """Claude Code's records by day, in pages."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Reports that were asked for, each with the first day of its window."""

    def answer(self, asked: Asked) -> Response:
        """The answer to any request of the pipeline."""
        name = asked.path.rpartition("/")[2]
        if name == "claude_code":
            day = str(asked.first("starting_at"))
            return self._pages(name, self.code.get(day, [[]]), day, asked.first("page"))
        if name in ("messages", "cost_report"):
            start, end = (date.fromisoformat(str(asked.first(f"{at}ing_at"))[:10]) for at in _ENDS)
            self.asked.append((name, f"{start}"))
            days = [date.fromordinal(n) for n in range(start.toordinal(), end.toordinal())]
            lines = self.cost if name == "cost_report" else {}
            buckets = [
                {"starting_at": f"{day}T00:00:00Z", "results": lines.get(f"{day}", [])}
                for day in days
            ]
            return as_json({"data": buckets, "has_more": False, "next_page": None})
        if name == "filtered-usage-events":
            first, last = asked.body["startDate"], asked.body["endDate"]
            rows = [row for row in self.events if first <= int(row["timestamp"]) <= last]
            return as_json({"totalUsageEventsCount": len(rows), "usageEvents": rows})
        member = {"id": "1", "userId": 1, "name": "Ann", "email": "ann@acme.test", "role": "member"}
        lists = {
            "members": {"teamMembers": [member]},
            "spend": {"teamMemberSpend": [{**member, "spendCents": 0}]},
            "groups": {"groups": []},
            "users": {"data": [member], "has_more": False},
        }
        return as_json(lists.get(name, {"data": [], "has_more": False}))

    def _pages(self, name: str, pages: list[Any], day: str, token: str | None) -> Response:
        self.asked.append((name, day))
        at = int(token or 0)
        more = at + 1 < len(pages)
        return as_json(
            {"data": pages[at], "has_more": more, "next_page": str(at + 1) if more else None}
        )


_ENDS = ("start", "end")


@contextmanager
def replaying(replay: Replay) -> Iterator[dict[str, str]]:
    """Serve it; gives the environment that points the command line there."""
    with scripted_vendor() as vendor:
        vendor.script = replay.answer
        yield {
            "CURSOR_API_KEY": "key_made_up",
            "CURSOR_BASE_URL": vendor.url,
            "ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-made-up",
            "ANTHROPIC_BASE_URL": vendor.url,
        }
