"""A new vendor is one file; a vendor without a key is absent, not an error."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ai_usage import vendors as platforms
from ai_usage.orchestration.runs import RunResult
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor, discovered_vendors
from ai_usage.warehouse.base import Query
from ai_usage_tests.support import made_up_vendor
from ai_usage_tests.support.pipeline import (
    NO_SERVER,
    materializations,
    run_window,
    simulated_settings,
    tables,
    warehouse_of,
    window,
)

TODAY = date(2026, 3, 18)
DAYS = window(date(2026, 3, 16), TODAY)
ACME_KEY = "acme-made-up"
USES = {"person": "zoe@example.com", "tokens_in": 30, "tokens_out": 7, "lines": 5}
BILL = {"account": "main", "dollars": "1.234567891"}


class AcmeApi(BaseHTTPRequestHandler):
    """Answers a use by one person and a bill, every day alike."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        day = parse_qs(asked.query)["day"][0]
        body = json.dumps({"day": day, "uses": [USES], "bills": [BILL]}).encode()
        self.send_response(200 if self.headers["X-Acme"] == ACME_KEY else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture(scope="module")
def acme_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), AcmeApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vendor, ...]]:
    """The vendors after one file was put where vendors' modules lie; nothing else is told of it."""
    folder = tmp_path_factory.mktemp("platforms")
    shutil.copy(made_up_vendor.__file__, folder / "acme.py")
    platforms.__path__.append(str(folder))
    discovered_vendors.cache_clear()
    yield discovered_vendors()
    platforms.__path__.remove(str(folder))
    sys.modules.pop("ai_usage.vendors.acme", None)
    discovered_vendors.cache_clear()


@dataclass(frozen=True)
class Run:
    """A run in which only the made-up vendor has a key."""

    settings: Settings
    result: RunResult


@pytest.fixture(scope="module")
def run(acme_url: str, found: tuple[Vendor, ...], tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("acme")
    keys = {"ACME_KEY": ACME_KEY, "ACME_BASE_URL": acme_url}
    without = {"CURSOR_API_KEY": "", "ANTHROPIC_ADMIN_KEY": ""}
    settings = simulated_settings(home, NO_SERVER, TODAY, DAYS.start, **keys, **without)
    reference = settings.reference_path
    reference.mkdir(parents=True)
    (reference / "users.csv").write_text(
        "user_email,full_name,team,is_active\nzoe@example.com,Zoe Zed,Flight,true\n"
    )
    return Run(settings, run_window(settings, DAYS))


def test_a_file_among_the_vendors_is_found_and_nothing_else_names_it(
    found: tuple[Vendor, ...],
) -> None:
    assert [vendor.name for vendor in found] == ["acme", "anthropic", "cursor"]


def test_a_made_up_vendors_events_are_in_both_facts_under_its_own_platform(run: Run) -> None:
    assert run.result.success, run.result.errors
    assert all(check.passed for check in run.result.checks if check.blocking)
    warehouse = warehouse_of(run.settings)
    bounds = {"start": DAYS.start, "end": DAYS.end}
    used = list(
        warehouse.rows(
            Query(
                "SELECT DATE(f.event_timestamp) AS day, u.user_email, u.team, p.platform_name, "
                "f.input_tokens, f.output_tokens, f.lines_accepted FROM fact_ai_usage AS f "
                "JOIN dim_users AS u ON u.user_sk = f.user_sk "
                "JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
                "WHERE DATE(f.event_timestamp) >= @start AND DATE(f.event_timestamp) < @end "
                "ORDER BY 1",
                bounds,
            )
        )
    )
    assert [tuple(row.values()) for row in used] == [
        (day, "zoe@example.com", "Flight", "Acme Pilot", 30, 7, 5) for day in DAYS.days()
    ]
    paid = list(
        warehouse.rows(
            Query(
                "SELECT DATE(f.cost_timestamp) AS day, u.user_email, p.platform_name, "
                "f.total_cost_usd, f.allocation_method FROM fact_ai_costs AS f "
                "JOIN dim_users AS u ON u.user_sk = f.user_sk "
                "JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
                "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
                "ORDER BY 1",
                bounds,
            )
        )
    )
    assert [tuple(row.values()) for row in paid] == [
        (day, "zoe@example.com", "Acme Pilot", Decimal(BILL["dollars"]), "usage_based")
        for day in DAYS.days()
    ]


def test_a_vendor_without_a_key_says_so_and_takes_nothing_from_the_others(run: Run) -> None:
    """Cursor and Anthropic are not configured here: no error, no rows, a note on each source."""
    events = tables(warehouse_of(run.settings))["raw_ai_events"]
    assert set(events.column("platform").to_pylist()) == {"acme"}
    notes = {
        name: metadata["status"]
        for name, metadata in materializations(run.settings, run.result.run_id).items()
        if name.startswith(("source_acme", "source_anthropic", "source_cursor"))
    }
    silent = {name: note for name, note in notes.items() if not name.startswith("source_acme")}
    assert len(silent) > 8
    for name, note in silent.items():
        setting = "CURSOR_API_KEY" if "cursor" in name else "ANTHROPIC_ADMIN_KEY"
        assert note.endswith(f"is not configured: set {setting}.")
    assert {notes["source_acme_uses"], notes["source_acme_bills"]} == {"fetched"}


def test_the_made_up_vendors_dimension_row_is_its_own(run: Run) -> None:
    rows = tables(warehouse_of(run.settings))["dim_platforms"].to_pylist()
    own = {r["platform_subtype"]: r["vendor"] for r in rows if r["platform_code"] == "acme"}
    assert own == {"acme_pilot": "Acme", "all": None}
