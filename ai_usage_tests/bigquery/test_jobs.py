"""How many jobs a transformation is: each costs a second and more, and ten megabytes a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from ai_usage.orchestration.runs import Refetch
from ai_usage.settings import Settings
from ai_usage.simulator import Company, serve, write_reference_files
from ai_usage_tests.bigquery.conftest import in_bigquery
from ai_usage_tests.support.pipeline import run_window, simulated_settings, window

pytestmark = pytest.mark.slow

WITH_A_NEW_DAY, WITH_NOTHING_NEW = 110, 15
"""Parent jobs of a run at most. The first of a day also times every view, and makes the pages'
copy; of the others it has some twenty less."""

FIRST, BEFORE = date(2026, 11, 2), date(2026, 11, 4)
TODAY = BEFORE + timedelta(days=1)


@pytest.fixture(scope="module")
def runs(
    new_dataset: Callable[[], dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> list[list[Any]]:
    """The jobs of three runs, as the schedules have them: two days, a third one, nothing new."""
    home, dataset = tmp_path_factory.mktemp("jobs"), new_dataset()
    company = Company(today=TODAY, anchor=date(2026, 11, 15), people=30, scale=0.1)
    found: list[list[Any]] = []
    with serve(company) as base_url:
        for today in (BEFORE, TODAY, TODAY):
            settings = simulated_settings(home, base_url, today, FIRST, **dataset)
            write_reference_files(company, settings.reference_path)
            before = {job.job_id for job in jobs(settings)}
            result = run_window(
                settings,
                window(FIRST, today),
                refetch=Refetch.lookback(settings),
                leave_closed=True,
                spare=True,
            )
            assert result.success, result.errors
            assert (result.since is not None) == (len(found) == 2)
            found.append([job for job in jobs(settings) if job.job_id not in before])
    return found


def jobs(settings: Settings) -> list[Any]:
    """Every job there was, but for those that make views anew.

    They are seen from the day that is pretended here, which is in their text: from the machine's
    own day they are seen unsaid, and stand from one run to the next.
    """
    with in_bigquery(settings).client() as client:
        found = list(client.list_jobs(max_results=10_000))
    return [job for job in found if "CREATE OR REPLACE VIEW" not in (_text(job) or "")]


def _text(job: Any) -> str | None:
    return job.query if job.job_type == "query" else None


def test_a_new_day_is_few_jobs(runs: list[list[Any]]) -> None:
    """Events of the day, and all that follows from them; checks, views and the copy included."""
    _, new_day, _ = runs
    assert 60 < len(new_day) <= WITH_A_NEW_DAY
    written = {job.labels["asset"] for job in new_day if "COMMIT" in (_text(job) or "")}
    assert {"raw_ai_events", "fact_ai_costs", "agg_costs_daily"} <= written
    # What does not change from day to day is not written.
    assert not {"dim_dates", "dim_model_prices", "closed_months", "raw_invoices"} & written


def test_nothing_new_is_hardly_any_job(runs: list[list[Any]]) -> None:
    """When vendors were asked is written, and how fresh the data are is judged."""
    *_, nothing_new = runs
    assert 0 < len(nothing_new) <= WITH_NOTHING_NEW


def test_no_view_is_read_twice_in_a_run(runs: list[list[Any]]) -> None:
    """What was timed is what the copy holds."""
    for run in runs:
        read = [text for job in run if (text := _text(job) or "").startswith("SELECT * FROM ")]
        assert len(read) == len(set(read))
