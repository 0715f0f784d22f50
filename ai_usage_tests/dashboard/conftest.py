"""A company with all its maintained files, its copy published as a run does it."""

from __future__ import annotations

from datetime import date

import pytest

from ai_usage.simulator import Company, serve
from ai_usage.simulator.reference import write_reference_files
from ai_usage_tests.conftest import ANCHOR, TODAY
from ai_usage_tests.support.pipeline import Loaded, run_window, simulated_settings, window


@pytest.fixture(scope="session")
def whole_company(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A quarter with seats, budgets and invoices, of which January's of Cursor is disputed."""
    company = Company(today=TODAY, anchor=ANCHOR)
    days = window(date(2025, 12, 15), TODAY)
    with serve(company) as base_url:
        home = tmp_path_factory.mktemp("whole_company")
        settings = simulated_settings(home, base_url, TODAY, days.start)
        write_reference_files(company, settings.reference_path, invoiced_periods=3)
        result = run_window(settings, days)
    assert result.success, result.errors
    return Loaded(company, settings, days, result)
