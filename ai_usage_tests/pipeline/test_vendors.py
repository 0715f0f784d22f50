"""A new vendor is one folder; a vendor without a key is absent, not an error."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console

from ai_usage import vendors as platforms
from ai_usage.cli.doctor import findings
from ai_usage.cli.spend import spend_table
from ai_usage.days.windows import Window
from ai_usage.orchestration.runs import RunResult
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor, discovered_vendors
from ai_usage.warehouse.base import Query
from ai_usage_tests.support import made_up_vendor
from ai_usage_tests.support.environment import VENDOR_KEYS, VENDORS
from ai_usage_tests.support.loopback import served
from ai_usage_tests.support.pipeline import (
    NO_SERVER,
    materializations,
    run_window,
    simulated_settings,
    tables,
    warehouse_of,
    window,
)
from tools.documents import settings_table, sources_table

pytestmark = pytest.mark.slow

TODAY = date(2026, 3, 18)
DAYS = window(date(2026, 3, 16), TODAY)
ACME_KEY = "acme-made-up"
USE = {"person": "zoe@example.com", "tokens_in": 30, "tokens_out": 7, "lines": 5, "seconds": 90}
BILLS = [
    {"account": "main", "counts": "spoken", "dollars": "1.234567891"},
    {"account": "main", "dollars": "0.5"},
]
A_DAY = Decimal("1.734567891")


class AcmeApi(BaseHTTPRequestHandler):
    """A use by one person and two bills, every day alike; a bill per page."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        params = {name: values[0] for name, values in parse_qs(asked.query).items()}
        if asked.path == "/v9/uses":
            body: dict[str, Any] = {"items": [{"day": params["day"], **USE}], "page": 1}
            following = None
        else:
            days = Window(date.fromisoformat(params["from"]), date.fromisoformat(params["to"]))
            bills = [{"day": f"{day}", **bill} for day in days.days() for bill in BILLS]
            at = int(params.get("at", "0"))
            body = {"items": bills[at : at + 1], "total": len(bills)}
            following = f"?from={days.start}&to={days.end}&at={at + 1}"
            following = following if at + 1 < len(bills) else None
        content = json.dumps(body).encode()
        self.send_response(200 if self.headers["X-Acme"] == ACME_KEY else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if following:
            self.send_header("Link", f'<{following}>; rel="next"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture(scope="module")
def acme_url() -> Iterator[str]:
    with served(AcmeApi) as url:
        yield url


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vendor, ...]]:
    """The vendors after one folder was put where vendors lie; nothing else is told of it."""
    folder = tmp_path_factory.mktemp("platforms")
    shutil.copytree(Path(made_up_vendor.__file__).parent, folder / "acme")
    platforms.__path__.append(str(folder))
    discovered_vendors.cache_clear()
    yield discovered_vendors()
    platforms.__path__.remove(str(folder))
    for name in [name for name in sys.modules if name.startswith("ai_usage.vendors.acme")]:
        del sys.modules[name]
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
    without = dict.fromkeys(VENDOR_KEYS, "")
    settings = simulated_settings(home, NO_SERVER, TODAY, DAYS.start, **keys, **without)
    reference = settings.reference_path
    reference.mkdir(parents=True)
    (reference / "users.csv").write_text(
        "user_email,full_name,team,is_active\nzoe@example.com,Zoe Zed,Flight,true\n"
    )
    return Run(settings, run_window(settings, DAYS))


def test_a_folder_among_the_vendors_is_found_and_nothing_else_names_it(
    found: tuple[Vendor, ...],
) -> None:
    assert [vendor.name for vendor in found] == ["acme", *(vendor.name for vendor in VENDORS)]


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
                "SUM(f.total_cost_usd) AS usd, MIN(f.allocation_method) AS method "
                "FROM fact_ai_costs AS f "
                "JOIN dim_users AS u ON u.user_sk = f.user_sk "
                "JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
                "WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end "
                "GROUP BY 1, 2, 3 ORDER BY 1",
                bounds,
            )
        )
    )
    assert [tuple(row.values()) for row in paid] == [
        (day, "zoe@example.com", "Acme Pilot", A_DAY, "usage_based") for day in DAYS.days()
    ]


def test_a_vendor_without_a_key_says_so_and_takes_nothing_from_the_others(run: Run) -> None:
    """Cursor and Anthropic are not configured here: no error, no rows, a note on each source."""
    events = tables(warehouse_of(run.settings))["raw_ai_events"]
    assert set(events.column("platform").to_pylist()) == {"acme"}
    notes = {
        name: metadata["status"]
        for name, metadata in materializations(run.settings, run.result.runs[0]).items()
        if name.startswith(("source_acme", "source_anthropic", "source_cursor"))
    }
    silent = {name: note for name, note in notes.items() if not name.startswith("source_acme")}
    assert len(silent) > 8
    own = {"source_anthropic_claude_code_otel": "AI_USAGE_CLAUDE_CODE_OTEL_PATH"}
    for name, note in silent.items():
        setting = own.get(name, "CURSOR_API_KEY" if "cursor" in name else "ANTHROPIC_ADMIN_KEY")
        assert note.endswith(f"is not configured: set {setting}.")
    assert {notes["source_acme_uses"], notes["source_acme_bills"]} == {"fetched"}


def test_the_made_up_vendors_dimension_row_is_its_own(run: Run) -> None:
    rows = tables(warehouse_of(run.settings))["dim_platforms"].to_pylist()
    own = {r["platform_subtype"]: r["vendor"] for r in rows if r["platform_code"] == "acme"}
    assert own == {"acme_pilot": "Acme", "all": None}


def test_the_made_up_vendors_records_keep_the_neutral_words_and_their_place(run: Run) -> None:
    events = tables(warehouse_of(run.settings))["raw_ai_events"].to_pylist()
    words = ("weight_class", "price_tier", "quantity", "quantity_unit")
    found = {
        (event["source_endpoint"], event["cost_type"], *(event[word] for word in words))
        for event in events
    }
    assert found == {
        ("uses", None, None, "standard", Decimal(90), "seconds"),
        ("bills", "spoken", "input_tokens", None, None, None),
        ("bills", "session_usage", None, None, None, None),
    }
    assert {event["archive_page"].partition("#")[2] for event in events} == {"1"}


def test_the_made_up_vendor_is_in_the_views_under_its_own_name(run: Run) -> None:
    warehouse = warehouse_of(run.settings)

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in warehouse.query(sql).to_pylist()]

    assert rows(
        "SELECT platform_name, SUM(total_cost) FROM vw_cost_allocation_detailed "
        "WHERE total_cost != 0 GROUP BY 1"
    ) == [("Acme Pilot", 3 * A_DAY)]
    assert rows("SELECT SUM(total_monthly_cost) FROM vw_executive_dashboard") == [(3 * A_DAY,)]
    assert rows(
        "SELECT user_email, SUM(monthly_lines_produced), SUM(monthly_tokens) "
        "FROM vw_team_productivity WHERE monthly_tokens > 0 GROUP BY 1"
    ) == [("zoe@example.com", 15, 111)]
    assert rows(
        "SELECT source_endpoint, COUNT(*) FROM loaded_days WHERE platform = 'acme' "
        "AND day >= DATE '2026-03-01' GROUP BY 1 ORDER BY 1"
    ) == [("bills", 3), ("uses", 3)]


def test_the_checks_ask_for_the_made_up_vendors_days(run: Run) -> None:
    said = {check.name: check for check in run.result.checks if check.asset == "raw_ai_events"}
    assert said["completeness"].passed
    fresh = [check for check in run.result.checks if check.name == "freshness"]
    assert fresh
    assert all(check.passed for check in fresh)


def test_doctor_asks_the_made_up_vendor_with_its_key(run: Run) -> None:
    (own,) = [finding for finding in findings(run.settings) if finding.what == "Acme Pilot"]
    assert own.ok
    assert own.detail.startswith("ACME_KEY is accepted by 127.0.0.1:")


def test_the_documents_tables_have_the_made_up_vendors_settings_and_sources(
    found: tuple[Vendor, ...],
) -> None:
    assert "`ACME_KEY`" in settings_table()
    assert "`ACME_BASE_URL`" in settings_table()
    assert "`GET /v9/uses`" in sources_table()
    assert "`GET /v9/bills`" in sources_table()


def test_the_demos_summary_has_a_column_for_the_made_up_vendor(run: Run) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(spend_table(warehouse_of(run.settings), TODAY))
    text = console.export_text()
    assert "Flight" in text
    assert "Acme" in text
    assert re.search(r"Flight.* 5\.20 ", text), "3 days"
