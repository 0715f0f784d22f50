"""`backfill` over many days: after a failure it goes on, asks nothing twice, says how far it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import Request

from ai_usage.cli import progress
from ai_usage.simulator import Company, FaultPlan, serve
from ai_usage_tests.cli.support import Done, Place, vendors
from ai_usage_tests.support.faults import watching

pytestmark = pytest.mark.slow

SOURCE = "source_cursor_daily_usage"
BACKFILL = ("backfill", "--from", "2026-01-05", "--to", "2026-03-14", "--select", SOURCE)
"""69 days: two windows of 30 that the vendor allows, and one of 9. All have settled."""


def test_a_backfill_that_failed_goes_on_where_it_was_and_refetch_asks_for_all_again(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0.0)
    asked: list[Request] = []
    plan = FaultPlan()
    with serve(company, faults=plan, middleware=[watching(asked.append)]) as url:
        place = Place(tmp_path, {**vendors(url), "AI_USAGE_HTTP_ATTEMPTS": "1"})

        def backfilled(*more: str) -> tuple[Done, int]:
            asked.clear()
            done = place.call(*BACKFILL, *more)
            return done, len(asked)

        plan.set("503@/teams/daily-usage-data#2-")
        done, requests = backfilled()
        assert (done.code, requests) == (1, 2), done.out
        assert f"fetching {SOURCE}: 30 of 69 days, less than a minute left" in done.out
        assert "error: cursor daily_usage 2026-02-04..2026-03-05 page 1: answered 503" in done.out
        assert f"Not built, because of the above: {SOURCE}." in done.out

        plan.set()
        done, requests = backfilled()
        assert (done.code, requests) == (0, 2), done.out
        assert f"fetching {SOURCE}: 30 of 39 days" in done.out
        assert f"fetching {SOURCE}: 39 of 39 days" in done.out

        done, requests = backfilled()
        assert (done.code, requests) == (0, 0), done.out
        assert "fetching" not in done.out

        done, requests = backfilled("--refetch")
        assert (done.code, requests) == (0, 3), done.out
        assert f"fetching {SOURCE}: 60 of 69 days, less than a minute left" in done.out
