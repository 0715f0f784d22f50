"""Telemetry in `raw_ai_events`: of people and days that no report shows, and of no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError
from ai_usage.orchestration.assets.raw_events import event_batches
from ai_usage.orchestration.checks.sql_checks import reporting
from ai_usage.orchestration.resources import Resources, resources_of
from ai_usage.settings import Settings
from ai_usage.vendors.anthropic.telemetry import ENDPOINT
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.configured import not_asked
from ai_usage.vendors.fetching import fetch_window
from ai_usage.vendors.line_files import LineFolder
from ai_usage_tests.vendors.otlp import line, metric, point, write
from ai_usage_tests.vendors.support import ANTHROPIC

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
DAYS = Window(date(2026, 11, 3), date(2026, 11, 5))
SETTING = "AI_USAGE_CLAUDE_CODE_OTEL_PATH"
VENDORS = discovered_vendors()


def of(email: str, at: str) -> str:
    who = {"user.email": email, "session.id": f"s-{email}"}
    used = point(at, 1000, who, type="input", model="claude-x")
    worth = point(at, 0.25, who, model="claude-x")
    return line(metric("token.usage", used), metric("cost.usage", worth))


def record(email: str, day: date) -> dict[str, Any]:
    return {
        "date": f"{day}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": email},
        "customer_type": "subscription",
        "core_metrics": {"num_sessions": 3},
        "model_breakdown": [{"model": "claude-x", "tokens": {"input": 70}}],
    }


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Ada and bo on two days of telemetry; the report has ada on the first of them."""
    held = Archive(str(tmp_path / "archive"))
    write(
        tmp_path,
        "otel/claude.json",
        [
            of(f"{who}@example.com", f"2026-11-0{day}T09:00")
            for who in ("ada", "bo")
            for day in (3, 4)
        ],
    )
    assert ENDPOINT.files is not None
    folder = LineFolder(ENDPOINT.files, str(tmp_path / "otel"))
    fetch_window(ANTHROPIC, ENDPOINT, DAYS, client=folder, archive=held, now=NOW)
    return held


def report(archive: Archive, *records: Mapping[str, Any]) -> None:
    with archive.recording("anthropic", "claude_code", DAYS, fetched_at=NOW) as recorder:
        body = {"data": list(records), "has_more": False, "next_page": None}
        recorder.add(Page(json.dumps(body).encode(), "GET"))


def loaded(archive: Archive) -> list[tuple[Any, ...]]:
    rows = pa.Table.from_batches(event_batches(VENDORS, archive, DAYS, None)).to_pylist()
    return [
        (
            row["source_endpoint"],
            row["event_date"].day,
            row["user_email"].partition("@")[0],
            row["input_tokens"],
            row["cost_usd"],
            row["estimated_cost_usd"],
        )
        for row in rows
    ]


def test_a_person_and_day_that_the_report_covers_takes_the_reports(archive: Archive) -> None:
    told = Decimal("0.25")
    of_telemetry = [
        ("claude_code_otel", 4, "ada", 1000, None, told),
        ("claude_code_otel", 3, "bo", 1000, None, told),
        ("claude_code_otel", 4, "bo", 1000, None, told),
    ]
    alone = ("claude_code_otel", 3, "ada", 1000, None, told)
    assert sorted(loaded(archive)) == sorted([alone, *of_telemetry])
    report(archive, record("ada@example.com", DAYS.start))
    found = loaded(archive)
    assert found[0] == ("claude_code", 3, "ada", 70, None, None)
    assert sorted(found[1:]) == sorted(of_telemetry)


def test_without_telemetry_nobody_is_looked_up(tmp_path: Path) -> None:
    held = Archive(str(tmp_path))
    report(held, record("ada@example.com", DAYS.start))

    def bridge() -> list[dict[str, Any]]:
        raise AssertionError

    rows = pa.Table.from_batches(event_batches(VENDORS, held, DAYS, None, bridge))
    assert rows.num_rows == 1


def test_files_are_configured_by_themselves(tmp_path: Path) -> None:
    """Nobody needs a key to read them, and without them nothing is missing."""
    environment = {"AI_USAGE_ENV_FILE": str(tmp_path / "no.env"), "AI_USAGE_HOME": str(tmp_path)}
    nothing = Settings.load(environment)
    given = Resources.named(resources_of(nothing, VENDORS))
    assert reporting(VENDORS, given) == []
    client = given.client("anthropic_claude_code_otel")
    assert client.why_not() == (f"Anthropic claude_code_otel is not configured: set {SETTING}.")
    with pytest.raises(SettingsError, match=SETTING):
        client.connect()
    assert not_asked(nothing, VENDORS) is not None
    files = Settings.load({**environment, SETTING: str(tmp_path)})
    given = Resources.named(resources_of(files, VENDORS))
    assert reporting(VENDORS, given) == [("anthropic", "claude_code_otel")]
    assert not_asked(files, VENDORS) is None
