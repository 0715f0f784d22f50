"""How many records a CPU-second takes from an archived page to typed rows, and into the warehouse.

Run: `python -m benchmarks.bench_normalise [records]`. Each measure reads whole fetches from a local
archive, CPU-seconds of this process, median of five:

- read: gunzip, check the SHA-256, decode, normalise, hash; the goal is 100,000 records;
- loaded first: the same, scored, kept for the next time, and written to DuckDB; goal 50,000;
- loaded again: from what is kept, written to DuckDB; goal 150,000.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.normalised.kept import KeptEvents
from ai_usage.orchestration.assets.raw_events import event_batches
from ai_usage.vendors import anthropic, cursor
from ai_usage.vendors.base import Vendor
from ai_usage.vendors.fetching import read_rows
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema

RUNS = 5
DAYS = 10
START = date(2026, 9, 1)
WINDOW = Window(START, START + timedelta(days=DAYS))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

SCHEMA = table_schema("raw_ai_events").arrow_schema

Record = dict[str, Any]
draw = random.Random(7)  # noqa: S311 - made-up payloads, not secrets


COUNTERS = """
    totalLinesAdded totalLinesDeleted acceptedLinesAdded acceptedLinesDeleted totalApplies
    totalAccepts totalRejects totalTabsShown totalTabsAccepted composerRequests chatRequests
    agentRequests cmdkUsages bugbotUsages subscriptionIncludedReqs usageBasedReqs apiKeyReqs
""".split()  # noqa: SIM905 - a list of seventeen texts reads worse


def daily_usage(day: date, n: int) -> Record:
    counters = {name: draw.randrange(500) for name in COUNTERS}
    return {
        "userId": 240_000 + n,
        "day": day.isoformat(),
        "date": _ms(day),
        "email": f"person.{n}@example.com",
        "isActive": True,
        **counters,
        "mostUsedModel": "claude-sonnet-4-5",
        "applyMostUsedExtension": ".py",
        "tabMostUsedExtension": ".ts",
        "clientVersion": "2.1.0",
    }


def usage_event(day: date, n: int) -> Record:
    return {
        "timestamp": str(_ms(day) + draw.randrange(86_400_000)),
        "userEmail": f"person.{n % 400}@example.com",
        "model": "claude-sonnet-4-5",
        "kind": "Usage-based",
        "requestsCosts": 1.7,
        "isTokenBasedCall": True,
        "isChargeable": True,
        "isHeadless": False,
        "maxMode": False,
        "isFreeBugbot": False,
        "tokenUsage": {
            "inputTokens": draw.randrange(20_000),
            "outputTokens": draw.randrange(9_000),
            "cacheWriteTokens": draw.randrange(50_000),
            "cacheReadTokens": draw.randrange(200_000),
            "totalCents": draw.randrange(10**7) / 10**5,
        },
        "chargedCents": draw.randrange(10**7) / 10**5,
        "cursorTokenFee": 0.25,
    }


def usage_result(day: date, n: int) -> Record:
    return {
        "uncached_input_tokens": draw.randrange(10**6),
        "cache_read_input_tokens": draw.randrange(10**7),
        "cache_creation": {
            "ephemeral_5m_input_tokens": draw.randrange(10**5),
            "ephemeral_1h_input_tokens": draw.randrange(10**5),
        },
        "output_tokens": draw.randrange(10**5),
        "server_tool_use": {"web_search_requests": draw.randrange(5)},
        "account_id": None,
        "api_key_id": f"apikey_01{n:022d}",
        "context_window": "0-200k",
        "inference_geo": None,
        "model": "claude-sonnet-4-5-20250929",
        "service_account_id": None,
        "service_tier": "standard",
        "speed": None,
        "workspace_id": "wrkspc_01XyExampleWorkspace0001",
    }


def cost_result(day: date, n: int) -> Record:
    return {
        "currency": "USD",
        "amount": f"{draw.randrange(10**9) / 10**4}",
        "workspace_id": f"wrkspc_01{n:022d}",
        "description": "Claude Sonnet 4.5 Usage - Input Tokens",
        "cost_type": "tokens",
        "context_window": "0-200k",
        "model": "claude-sonnet-4-5-20250929",
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
        "inference_geo": "not_available",
    }


def code_record(day: date, n: int) -> Record:
    return {
        "date": f"{day}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": f"person.{n}@example.com"},
        "organization_id": "11111111-2222-3333-4444-555555555555",
        "customer_type": "subscription",
        "subscription_type": "team",
        "terminal_type": "vscode",
        "core_metrics": {
            "num_sessions": draw.randrange(9),
            "lines_of_code": {"added": draw.randrange(900), "removed": draw.randrange(400)},
            "commits_by_claude_code": draw.randrange(9),
            "pull_requests_by_claude_code": draw.randrange(3),
        },
        "tool_actions": {
            tool: {"accepted": draw.randrange(30), "rejected": draw.randrange(9)}
            for tool in ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
        },
        "model_breakdown": [
            {
                "model": "claude-sonnet-4-5-20250929",
                "tokens": {
                    "input": draw.randrange(10**6),
                    "output": draw.randrange(10**5),
                    "cache_read": draw.randrange(10**7),
                    "cache_creation": draw.randrange(10**6),
                },
                "estimated_cost": {"amount": draw.randrange(5000), "currency": "USD"},
            }
        ],
    }


def flat(name: str) -> Callable[[list[tuple[date, list[Record]]]], Iterator[Record]]:
    """Pages of at most 1,000 records in a list called `name`."""

    def pages(days: list[tuple[date, list[Record]]]) -> Iterator[Record]:
        for _, records in days:
            for at in range(0, len(records), 1000):
                yield {name: records[at : at + 1000]}

    return pages


def buckets(days: list[tuple[date, list[Record]]]) -> Iterator[Record]:
    """A page with a bucket a day."""
    for day, records in days:
        yield {"data": [{"starting_at": f"{day}T00:00:00Z", "results": records}]}


CASES: list[tuple[Vendor, str, Callable[[date, int], Record], Any]] = [
    (cursor.VENDOR, "daily_usage", daily_usage, flat("data")),
    (cursor.VENDOR, "usage_events", usage_event, flat("usageEvents")),
    (anthropic.VENDOR, "usage_report", usage_result, buckets),
    (anthropic.VENDOR, "cost_report", cost_result, buckets),
    (anthropic.VENDOR, "claude_code", code_record, flat("data")),
]


def fill(
    archive: Archive,
    vendor: Vendor,
    name: str,
    make: Callable[[date, int], Record],
    pages: Callable[[list[tuple[date, list[Record]]]], Iterator[Record]],
    per_day: int,
) -> None:
    """Archive a made-up fetch. The records are gone before anything is measured."""
    days = [(day, [make(day, n) for n in range(per_day)]) for day in WINDOW.days()]
    with archive.recording(vendor.name, name, WINDOW, fetched_at=NOW) as recorder:
        for number, page in enumerate(pages(days), 1):
            recorder.add(Page(msgspec.json.encode(page), f"page {number}"))


def measure(archive: Archive, vendor: Vendor, name: str, records: int) -> float:
    """Records a CPU-second, median of the runs."""
    endpoint = vendor.endpoint(name)
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        count = sum(1 for part in read_rows(vendor, endpoint, WINDOW, archive) for _ in part.rows)
        seconds.append(time.process_time() - start)
        assert count == records, (name, count)
    return records / statistics.median(seconds)


def rates(records: int = 50_000) -> Iterator[tuple[str, int, float]]:
    """Of every endpoint: its name, records made up and archived, and how many a CPU-second takes.

    Raises AssertionError where other records are read than were archived.
    """
    per_day = records // DAYS
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(folder)
        for vendor, name, make, pages in CASES:
            total = per_day * DAYS
            fill(archive, vendor, name, make, pages, per_day)
            yield f"{vendor.name} {name}", total, measure(archive, vendor, name, total)


class Loaded(NamedTuple):
    """Of an endpoint, how many records a CPU-second takes into the warehouse."""

    name: str
    records: int
    first: float
    again: float


def loads(records: int = 50_000) -> Iterator[Loaded]:
    """Of every endpoint, with what is kept made and removed for each first time.

    Raises AssertionError where other records are written than were archived.
    """
    per_day = records // DAYS
    for vendor, name, make, pages in CASES:
        with tempfile.TemporaryDirectory() as folder:
            archive, total = Archive(f"{folder}/archive"), per_day * DAYS
            fill(archive, vendor, name, make, pages, per_day)
            warehouse = DuckDBWarehouse(Path(folder) / "warehouse.duckdb", "ai_usage")
            kept = Path(folder) / "cache" / "events"
            first, again = [], []
            for _ in range(RUNS):
                shutil.rmtree(kept, ignore_errors=True)
                for seconds in (first, again):
                    start = time.process_time()
                    events = event_batches([vendor], archive, WINDOW, "run", kept=KeptEvents(kept))
                    reader = pa.RecordBatchReader.from_batches(SCHEMA, events)
                    done = warehouse.replace("raw_ai_events", WINDOW, reader)
                    seconds.append(time.process_time() - start)
                    assert done.rows == total, (name, done.rows)
            yield Loaded(
                f"{vendor.name} {name}",
                total,
                total / statistics.median(first),
                total / statistics.median(again),
            )


def main(records: int = 50_000) -> None:
    """Print a table."""
    print(f"{'endpoint':<26}{'records':>9}{'read':>12}{'loaded first':>14}{'again':>12}")
    for (name, total, read), loaded in zip(rates(records), loads(records), strict=True):
        print(f"{name:<26}{total:>9,}{read:>12,.0f}{loaded.first:>14,.0f}{loaded.again:>12,.0f}")


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
