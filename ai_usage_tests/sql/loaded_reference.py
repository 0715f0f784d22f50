"""Which days a month knows, worked out in plain Python: what vw_loaded_days must say.

Asks one day, one month and one endpoint at a time; nothing is shared with the SQL.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

COMPANY = "all"
"""The scope of all platforms together; any other is a vendor's code."""
FILES = "*"
"""What finance maintains: it speaks for every platform."""


class Loaded:
    """The days that each endpoint has answered, as a person looks at them on `as_of`."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], as_of: date) -> None:
        """`rows` are those of `loaded` in `company.tables`."""
        self.as_of = as_of
        self._days: dict[tuple[str, date], list[date]] = {}
        self.answered: dict[tuple[str, str], set[date]] = {}
        for row in rows:
            usual = "seats" if row["platform"] == FILES else "costs"
            endpoint = (row["platform"], row.get("source_endpoint", usual))
            day = row["from"]
            while day <= min(row["to"], as_of):
                self.answered.setdefault(endpoint, set()).add(day)
                day += timedelta(days=1)

    def endpoints(self, scope: str, month: date) -> set[tuple[str, str]]:
        """The scope's endpoints to which the month belongs: from their first to their last day."""
        return {
            endpoint
            for endpoint, days in self._of(scope).items()
            if min(days).replace(day=1) <= month <= max(days)
        }

    def is_loaded(self, scope: str, day: date) -> bool:
        """Whether everybody who must has answered for the day."""
        asked = self.endpoints(scope, day.replace(day=1))
        own = any(platform != FILES for platform, _ in self._of(scope))
        if own and not any(platform != FILES for platform, _ in asked):
            return False
        return bool(asked) and all(day in self.answered[endpoint] for endpoint in asked)

    def days(self, scope: str, month: date) -> list[date]:
        """The loaded days of the month."""
        if (scope, month) not in self._days:
            length = monthrange(month.year, month.month)[1]
            days = [month.replace(day=n) for n in range(1, length + 1)]
            self._days[scope, month] = [day for day in days if self.is_loaded(scope, day)]
        return self._days[scope, month]

    def is_running(self, month: date) -> bool:
        return month == self.as_of.replace(day=1)

    def is_whole(self, scope: str, month: date) -> bool:
        """Whether each day of the month is loaded."""
        return len(self.days(scope, month)) == monthrange(month.year, month.month)[1]

    def is_partial(self, scope: str, month: date) -> bool:
        return self.is_running(month) or not self.is_whole(scope, month)

    def is_comparable(self, scope: str, month: date) -> bool:
        """Whether the month may be set against the month before."""
        before = month_before(month)
        return (
            self.is_whole(scope, before)
            and (self.is_running(month) or self.is_whole(scope, month))
            and self.endpoints(scope, before) == self.endpoints(scope, month)
        )

    def note(self, scope: str, month: date) -> str | None:
        """Why it may not; nothing before the second month with a loaded day."""
        before = month_before(month)
        loaded = {day.replace(day=1) for days in self._of(scope).values() for day in days}
        ever = [of for of in sorted(loaded) if self.days(scope, of)]
        if not ever or month <= ever[0] or self.is_comparable(scope, month):
            return None
        for name, of in (("the month", month), ("the month before", before)):
            if not self.is_whole(scope, of) and not self.is_running(of):
                length = monthrange(of.year, of.month)[1]
                return f"{name} is loaded on {len(self.days(scope, of))} of {length} days"
        then, now = self.endpoints(scope, before), self.endpoints(scope, month)
        if now - then:
            return f"not loaded in the month before: {_listed(now - then)}"
        return f"loaded in the month before alone: {_listed(then - now)}"

    def _of(self, scope: str) -> dict[tuple[str, str], set[date]]:
        return {
            endpoint: days
            for endpoint, days in self.answered.items()
            if scope == COMPANY or endpoint[0] in (scope, FILES)
        }


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _listed(endpoints: Iterable[tuple[str, str]]) -> str:
    return ", ".join(" ".join(endpoint) for endpoint in sorted(endpoints))
