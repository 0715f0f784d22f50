"""A month of Cursor with two charges that nobody knows, from the vendor's answer to the close."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from ai_usage_tests.alerts.receivers import http_receiver
from ai_usage_tests.cli.support import Place
from ai_usage_tests.vendors.support import Asked, ScriptedVendor, as_json, scripted_vendor

pytestmark = pytest.mark.slow

ANN = "ann@acme.test"


def event(at: str, cents: Any, **fields: Any) -> dict[str, Any]:
    """A chargeable event; a field given as `...` is not there."""
    stamp = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
    made = {
        "timestamp": str(int(stamp) * 1000),
        "userEmail": ANN,
        "model": "claude-4-sonnet",
        "kind": "Usage-based",
        "isChargeable": True,
        "tokenUsage": {"inputTokens": 100, "outputTokens": 50},
        "chargedCents": cents,
    }
    return {name: value for name, value in (made | fields).items() if value is not ...}


EVENTS = [
    *(event(f"2026-09-08T10:{n:02}:00", 100) for n in range(60)),  # $60
    event("2026-09-08T12:01:00", "50,000.00"),  # $500, unreadable
    *(event(f"2026-09-09T11:{n:02}:00", 100) for n in range(60)),  # $60
    event("2026-09-09T12:01:00", 300, kind="On-Demand", isChargeable=...),  # $3, a new word
    event("2026-09-09T13:01:00", 8, kind="Included in Business", isChargeable=False),
    event("2026-09-09T14:01:00", ..., kind="Errored, Not Charged", isChargeable=False),
    event("2026-09-09T14:02:00", ..., kind="Errored, Not Charged", isChargeable=...),
]


def answered(asked: Asked) -> Response:
    """The team's answers: one member, the events of the days asked for, nothing else."""
    if asked.path.endswith("/members"):
        return as_json({"teamMembers": [{"id": 1, "name": "Ann", "email": ANN, "role": "member"}]})
    if asked.path.endswith("/spend"):
        return as_json({"teamMemberSpend": [], "totalMembers": 0, "totalPages": 1})
    if asked.path.endswith("/groups"):
        return as_json({"groups": []})
    first, last = asked.body["startDate"], asked.body["endDate"]
    if asked.path.endswith("/daily-usage-data"):
        return as_json({"data": [], "pagination": {"totalUsers": 0, "hasNextPage": False}})
    found = [e for e in EVENTS if first <= int(e["timestamp"]) <= last]
    return as_json(
        {
            "totalUsageEventsCount": len(found),
            "usageEvents": found,
            "pagination": {"numPages": 1, "currentPage": 1, "hasNextPage": False},
        }
    )


@pytest.fixture(scope="module")
def vendor() -> Iterator[ScriptedVendor]:
    with scripted_vendor() as found:
        found.script = answered
        yield found


def test_charges_that_nobody_knows_are_told_hold_back_nothing_and_keep_the_month_open(
    tmp_path: Path, vendor: ScriptedVendor
) -> None:
    with http_receiver() as receiver:
        place = Place(
            tmp_path,
            {
                "AI_USAGE_HOME": str(tmp_path),
                "AI_USAGE_AS_OF": "2026-10-04",
                "AI_USAGE_START_DATE": "2026-09-01",
                "AI_USAGE_HTTP_ATTEMPTS": "1",
                "CURSOR_API_KEY": "key_0123456789",
                "CURSOR_BASE_URL": vendor.url,
                "AI_USAGE_NOTIFY_URLS": f"error={receiver.url()}",
            },
        )
        done = place.call("backfill", "--from", "2026-09-01", "--to", "2026-09-30")
        assert done.code == 1, "an error is one, though nothing waits for it"
        assert "Not built" not in done.out
        assert not re.search(r"^FAILED .*(contract|costs_tie_out)", done.out, re.M)
        (failed,) = re.findall(r"^FAILED   (.*)$", done.out, re.M)
        assert failed == "fact_ai_costs.charges_known on 2 of 30 days (2026-09-08..2026-09-09)"
        assert "2 records of cursor.usage_events: the charge is not known." in done.out
        assert "chargedCents: 50,000.00" in done.out
        assert "kind: On-Demand" in done.out
        assert ANN not in done.out

        (post,) = receiver.taken()
        assert post["title"] == "ai-usage error: fact_ai_costs: charges_known failed"
        assert "cursor.usage_events: 2 failing" in post["message"]
        assert "2026-09-08..2026-09-09" in post["message"]
        assert "a***@acme.test" in post["message"]
        assert "ann@" not in json.dumps(post)

    built = place.rows(
        "SELECT CAST(SUM(total_cost_usd) AS STRING) AS usd, COUNT(*) AS n FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp, 'UTC') >= '2026-09-01'"
    )
    assert [(Decimal(row["usd"]), row["n"]) for row in built] == [(Decimal(120), 120)]
    shown = place.rows(
        "SELECT CAST(total_monthly_cost AS STRING) AS usd FROM vw_executive_dashboard "
        "WHERE month = '2026-09-01'"
    )
    assert [Decimal(row["usd"]) for row in shown] == [Decimal(120)]
    marked = place.rows(
        "SELECT is_charge_unknown AS unknown, COUNT(*) AS n FROM raw_ai_events "
        "WHERE event_date >= '2026-09-01' GROUP BY 1 ORDER BY 1"
    )
    assert marked == [{"unknown": False, "n": 123}, {"unknown": True, "n": 2}]

    closing = place.call("close", "2026-09")
    assert closing.code == 1
    assert "2 records of cursor.usage_events on 2026-09-08..2026-09-09" in closing.out
    assert "unknown charges" in closing.error
    accepted = place.call(
        "close",
        "2026-09",
        "--accept",
        "asked the vendor, no answer yet",
        AI_USAGE_USER="fin@acme.test",
    )
    assert accepted.code == 0, accepted.err
    assert "2026-09 is closed by fin@acme.test at $120.00" in accepted.out
