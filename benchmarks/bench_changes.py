"""What `ai-usage changes` costs over a year that was asked for hourly.

Run: `python -m benchmarks.bench_changes [days] [events a day]`. Every hour the last eight days are
asked again, as the schedule does; one event in a thousand is charged otherwise a day later. Seconds
of this process's CPU and its peak memory: for all that was ever restated, and for what was seen in
the last day. Answers that say the same are not opened, so that the price is that of the manifests.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import History
from ai_usage.ledger.restatements import Restatements
from ai_usage.vendors import cursor
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.fetching import digests_by_day

START = date(2025, 1, 1)
LOOKBACK = 7
ENDPOINT = cursor.VENDOR.endpoint("usage_events")


def events(day: date, number: int, restated: bool) -> list[dict[str, Any]]:
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
    return [
        {
            "timestamp": str(midnight + n * 1000),
            "userEmail": f"person.{n % 50}@example.com",
            "model": "claude-sonnet-4-5",
            "kind": "Usage-based",
            "isChargeable": True,
            "tokenUsage": {"inputTokens": n, "outputTokens": 2 * n},
            "chargedCents": 5 + (restated and (day.toordinal() * number + n) % 1000 == 0),
        }
        for n in range(number)
    ]


def fill(archive: Archive, days: int, number: int) -> int:
    """Ask every hour; the number of answers."""
    answers = 0
    for at in range(days):
        today = START + timedelta(days=at)
        first = max(START, today - timedelta(days=LOOKBACK))
        window = Window(first, today + timedelta(days=1))
        old = [
            msgspec.json.encode(event)
            for day in window.days()[:-1]
            for event in events(day, number, restated=(today - day).days > 1)
        ]
        for hour in range(24):
            new = [msgspec.json.encode(e) for e in events(today, number * hour // 24, False)]
            records = b",".join([*old, *new])
            body = b'{"totalUsageEventsCount":%d,"usageEvents":[%b]}' % (len(old + new), records)
            now = datetime(today.year, today.month, today.day, hour, 5, tzinfo=UTC)
            with archive.recording("cursor", ENDPOINT.name, window, fetched_at=now) as recorder:
                recorder.add(Page(body, "POST /teams/filtered-usage-events"))
                recorder.days = digests_by_day(ENDPOINT, [body], ReadContext(window))
            answers += 1
    return answers


def measured(work: Callable[[], int]) -> str:
    started = time.process_time()
    found = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{time.process_time() - started:6.1f} CPU-s, peak {peak:,.0f} MB, {found:,} changes"


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 365
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(folder)
        started = time.process_time()
        answers = fill(archive, days, number)
        print(f"{answers:,} answers archived in {time.process_time() - started:.0f} CPU-s")
        year = Window(START, START + timedelta(days=days))
        last = year.end_at - timedelta(days=1)
        one = cursor.VENDOR
        for title, since in (("all", None), ("seen in the last day", last)):
            found = Restatements([one], archive, year, History(), since)
            print(f"{title:<22}{measured(lambda found=found: sum(1 for _ in found))}")


if __name__ == "__main__":
    main()
