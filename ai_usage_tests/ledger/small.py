"""A company of a few dollars whose vendor's words a test writes by hand, day by day.

Its archive holds what Cursor answered, as fetching would have left it; no vendor is asked. Ada is
in users.csv, everybody else is nobody known. Everything else goes through the command line.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.cli.progress import window_of_run
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import lookback_window
from ai_usage.settings import Settings
from ai_usage.vendors import cursor
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.fetching import digests_by_day
from ai_usage.warehouse.base import Query
from ai_usage_tests.cli.support import Done, Place
from ai_usage_tests.support.pipeline import run_window, warehouse_of

ADA, NOBODY = "ada@x.io", "nobody@y.io"
UNREADABLE = "?"
"""A charge in place of dollars that nobody can read."""
FACTS = ("raw_ai_events", "fact_ai_usage", "fact_ai_costs")


@dataclass(frozen=True)
class Small:
    """The folder, the first partition, and the day on which it is seen, at noon."""

    home: Path
    first: date = date(2026, 2, 1)
    today: date = date(2026, 4, 3)
    user: str = "fin@x.io"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AI_USAGE_ENV_FILE": str(self.home / "no.env"),
            "AI_USAGE_HOME": str(self.home),
            "AI_USAGE_AS_OF": self.today.isoformat(),
            "AI_USAGE_START_DATE": self.first.isoformat(),
            "AI_USAGE_USER": self.user,
        }

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environment)

    @property
    def archive(self) -> Archive:
        return Archive(self.settings.archive_root)

    def on(self, today: date, **changes: Any) -> Small:
        return replace(self, today=today, **changes)

    def copied(self, home: Path) -> Small:
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return replace(self, home=home)

    def file(self, name: str, *lines: str) -> None:
        folder = self.settings.reference_path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")

    def says(self, window: Window, charges: Mapping[date, Mapping[str, str]]) -> None:
        """Cursor answers for the days, an hour before noon: dollars a day and address."""
        at = datetime.combine(self.today, time(11), UTC)
        events = [
            {
                "timestamp": str(int(datetime.combine(day, time(9), UTC).timestamp() * 1000)),
                "userEmail": email,
                "model": "m1",
                "kind": "Usage-based",
                "isChargeable": True,
                "chargedCents": "50,000.00" if usd == UNREADABLE else float(Decimal(usd) * 100),
            }
            for day, bearers in charges.items()
            for email, usd in bearers.items()
        ]
        answers = {
            "usage_events": {"totalUsageEventsCount": len(events), "usageEvents": events},
            "daily_usage": {"data": []},
        }
        for endpoint, body in answers.items():
            with self.archive.recording("cursor", endpoint, window, fetched_at=at) as recorder:
                line = recorder.add(Page(json.dumps(body).encode(), "written by a test"))
                own = cursor.VENDOR.endpoint(endpoint)
                recorder.days = digests_by_day(own, [line], ReadContext(window))

    def load(self, charges: Mapping[date, Mapping[str, str]]) -> None:
        """Cursor answers for all days from the first to today, and all is built from it."""
        days = Window(self.first, self.today + timedelta(days=1))
        self.says(days, charges)
        result = run_window(self.settings, days, checks=False)
        assert result.success, result.errors

    def call(self, *arguments: str, **more: str) -> Done:
        return Place(self.home, {**self.environment, **more}).call(*arguments)

    def done(self, *arguments: str, **more: str) -> str:
        done = self.call(*arguments, **more)
        assert done.code == 0, done.out + done.err
        return done.out

    def run(self, *, closed: bool = False) -> str:
        """What `ai-usage run` says and does, without the checks, which take most of its time."""
        said, settings = io.StringIO(), self.settings
        days = window_of_run(
            Console(file=said, width=500), settings, lookback_window(settings), closed=closed
        )
        result = run_window(settings, days, checks=False, leave_closed=not closed)
        assert result.success, result.errors
        return said.getvalue()

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        return list(warehouse_of(self.settings).rows(Query(sql, parameters)))

    def spent(self, month: date) -> dict[date, Decimal]:
        """Dollars of each day of the month, from the facts."""
        end = (month + timedelta(days=32)).replace(day=1)
        rows = self.rows(
            "SELECT DATE(cost_timestamp, 'UTC') AS day, SUM(total_cost_usd) AS usd "
            "FROM fact_ai_costs WHERE cost_timestamp >= TIMESTAMP(@start, 'UTC') "
            "AND cost_timestamp < TIMESTAMP(@end, 'UTC') GROUP BY 1",
            start=month,
            end=end,
        )
        return {row["day"]: row["usd"] for row in rows}

    def written(self, window: Window) -> list[list[dict[str, Any]]]:
        """Every row of the days in raw events and facts, with the run that wrote it."""
        warehouse = warehouse_of(self.settings)
        tables = [warehouse.read(table, window).to_pylist() for table in FACTS]
        return [sorted(rows, key=lambda row: str(row["event_id"])) for rows in tables]

    def held_back(self) -> list[tuple[date, Decimal, date, bool]]:
        """Month, dollars, first day and whether the month is closed, of what is held back."""
        rows = self.rows("SELECT * FROM vw_adjustments WHERE status = 'held_back' ORDER BY month")
        return [
            (r["month"], r["adjustment_usd"], r["first_day"], r["closed_at"] is not None)
            for r in rows
        ]


def loaded(home: Path, charges: Mapping[date, Mapping[str, str]], **settings: Any) -> Small:
    """The charges of all days from the first to today, fetched today and built."""
    small = Small(home, **settings)
    small.file("users.csv", "user_email,team,cost_center", f"{ADA},Core,CC1")
    small.load(charges)
    return small
