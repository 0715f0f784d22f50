"""What a run says in Dagster's run log and on the console: our words, with the vendor's name."""

from __future__ import annotations

import io
import logging
from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import msgspec
import pytest
from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.logs import quiet_libraries
from ai_usage.cli.progress import follow
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import record_close
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.runs import Refetch, RunResult
from ai_usage.settings import Settings
from ai_usage.simulator import Company, serve
from ai_usage.simulator.faults import Fault, FaultPlan
from ai_usage_tests.support.pipeline import simulated_settings

TODAY = date(2026, 3, 2)
DAYS = Window(date(2026, 2, 26), date(2026, 3, 3))
COSTS = "source_anthropic_cost_report"


@pytest.fixture
def company() -> Company:
    return Company(today=TODAY, anchor=date(2026, 4, 1), people=30, scale=0.05)


def run(
    settings: Settings, selection: str, refetch: Refetch | None = None, *, leave: bool = False
) -> tuple[RunResult, list[str], list[str]]:
    """Run the selection as a command does: its console's lines, and the run log's."""
    printed = io.StringIO()
    console = Console(file=printed, width=500)
    asked = refetch or Refetch.nothing()
    result = follow(
        console, build_defs(settings), settings, selection, DAYS, asked, leave_closed=leave
    )
    with dg.DagsterInstance.get() as instance:
        logged = [e.user_message for e in instance.all_logs(result.run_id) if not e.dagster_event]
    return result, printed.getvalue().splitlines(), logged


def billed(settings: Settings) -> Decimal:
    """What the archived cost reports bill, dollars, from their digits."""
    archive = Archive(settings.archive_root)
    (fetch,) = [f for f in archive.fetches("anthropic", "cost_report") if f.complete]
    days = [day for page in archive.pages(fetch) for day in msgspec.json.decode(page)["data"]]
    return sum((Decimal(r["amount"]) for day in days for r in day["results"]), Decimal(0)) / 100


def test_a_run_says_what_it_fetched_what_it_asked_again_and_what_it_left_out(
    company: Company,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    plan = FaultPlan((Fault.parse("503:0.1@cost_report#1"),))
    with serve(company, faults=plan) as url:
        settings = simulated_settings(
            tmp_path, url, TODAY, DAYS.start, CURSOR_API_KEY="", AI_USAGE_HTTP_ATTEMPTS="3"
        )
        selection = f"key:{COSTS} or key:source_cursor_members"
        result, printed, logged = run(settings, selection)
        assert result.success, result.errors

        retried = (
            "anthropic cost_report 2026-02-26..2026-03-02 page 1: answered 503 (Service "
            "unavailable); asked again in 0.1 s (attempt 2 of 3)"
        )
        archive = Archive(settings.archive_root)
        (fetch,) = [f for f in archive.fetches("anthropic", "cost_report") if f.complete]
        pages = list(archive.pages(fetch))
        records = sum(len(d["results"]) for p in pages for d in msgspec.json.decode(p)["data"])
        fetched = (
            f"5 days (2026-02-26..2026-03-02), 1 page, {records} records, "
            f"{billed(settings):,.2f} US dollars"
        )
        missing = "Cursor is not configured: set CURSOR_API_KEY."
        assert len(pages) == 1
        assert records > 0
        assert sorted(logged) == sorted(
            [retried, f"anthropic cost_report: fetched {fetched}", missing]
        )
        assert f"        {retried}" in printed
        assert [line.partition("done    ")[2] for line in printed if "done" in line] == [
            f"{COSTS}: {fetched}",
            f"source_cursor_members: {missing}",
        ]
        assert capsys.readouterr() == ("", ""), "no library says anything of its own"

        held = "3 days (2026-02-26..2026-02-28) not asked for: the archive holds the final answer"
        _, printed, logged = run(settings, f"key:{COSTS}")
        assert f"anthropic cost_report: {held}" in logged
        assert not [line for line in logged if "asked again" in line]


def test_days_of_closed_months_that_a_run_leaves_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    more = {"CURSOR_API_KEY": "", "ANTHROPIC_ADMIN_KEY": ""}
    settings = simulated_settings(tmp_path, "http://127.0.0.1:9", TODAY, DAYS.start, **more)
    archive = Archive(settings.archive_root)
    record_close(archive, date(2026, 2, 1), [], settings.now)
    _, _, logged = run(settings, "key:raw_ai_events", leave=True)
    assert "2026-02-26..2026-02-28 is closed and stays as it was reported." in logged


def test_libraries_warnings_do_not_reach_the_console_and_ours_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python prints on standard error what no handler takes."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger("ai_usage"), "handlers", [])
    # A logger of the test's own: what came before may have disabled those of libraries.
    logging.getLogger("a_library").warning("before")
    assert capsys.readouterr().err == "before\n"
    quiet_libraries()
    for library in (
        "a_library",
        "sqlglot",
        "urllib3.connectionpool",
        "httpx",
        "google.auth",
        "stamina",
    ):
        logging.getLogger(library).warning("Connection pool is full, discarding connection")
    logging.getLogger("ai_usage.orchestration.alerting").warning("alerts: the disk is full")
    assert capsys.readouterr().err == "alerts: the disk is full\n"
