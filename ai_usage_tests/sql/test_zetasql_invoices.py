"""Which cycle a cost belongs to, and how it is judged, on Google's engine: hand-made cases."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import Any

import pytest

from ai_usage_tests.sql.chain import differences
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.google_sql import GoogleSql
from ai_usage_tests.sql.test_view_cases import HERE, INPUTS, _read


@pytest.mark.parametrize(
    "case",
    [
        "days_that_were_asked_for",
        "rounded_each_by_itself",
        "shared_by_accounts_that_nothing_names",
        "two_invoices_and_two_accounts",
    ],
)
def test_invoices_are_judged_alike_on_googles_engine(case: str, google: GoogleSql) -> None:
    folder = HERE / "vw_reconciliation" / case
    today = tomllib.loads((folder / "case.toml").read_text())["as_of"]
    given: dict[str, Any] = {
        name: _read(folder / f"{name}.csv", table)
        for name, table in INPUTS.items()
        if (folder / f"{name}.csv").exists()
    }
    filled = tables(**{"costs": [], "usage": [], **given})
    with Engine() as engine:
        engine.fill(filled)
        judged = engine.judge_invoices(today)
    first = min(row["period_from"] for row in filled["raw_invoices"])
    given = {"start": first, "end": today + timedelta(days=1), "today": today}
    for name, ours in judged.items():
        assert len(ours) > 0
        assert not differences(name, google, {**filled, **judged}, given)
