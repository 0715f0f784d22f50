"""Every view, case by case: `<view>/<case>/` holds a small company and the rows that must come out.

A case is a `case.toml` (its story, the day it is seen from, optionally the view's parameters),
the files of `INPUTS` that it needs with only the columns that matter, and `expect.csv` with the
columns that the case is about: all rows of the view, an empty cell for NULL. Money must be equal; a
ratio must agree in the digits written.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import view_names
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine

HERE = Path(__file__).parent
GRAIN = {
    "vw_cost_allocation_detailed": (
        "month",
        "department",
        "cost_center",
        "user_email",
        "platform_name",
    ),
    "vw_team_productivity": ("month", "user_email"),
    "vw_executive_dashboard": ("month",),
    "vw_cost_by_project": (
        "month",
        "project_code",
        "department",
        "team",
        "cost_center",
        "platform_name",
    ),
    "vw_platform_costs": ("month", "platform_name"),
    "vw_idle_seats": ("seat_id",),
    "vw_budget_status": ("month", "scope_type", "scope_value"),
    "vw_reconciliation": (
        "platform_code",
        "billing_account_id",
        "period_from",
        "period_to",
        "covers",
    ),
    "vw_attribution_gaps": (
        "platform",
        "identity_type",
        "identity_value",
        "workspace_id",
        "reason",
    ),
    "vw_doubtful_owners": ("platform", "identity_value"),
    "vw_member_spend": ("platform_code", "cycle_start", "member"),
    "vw_adjustments": ("month", "platform_code", "user_email", "cost_center", "status"),
    "vw_loaded_days": ("date", "platform_code"),
}
INPUTS = {
    "people": "dim_users",
    "costs": "fact_ai_costs",
    "usage": "fact_ai_usage",
    "seats": "dim_seats",
    "budgets": "dim_budgets",
    "invoices": "raw_invoices",
    "loaded": "loaded_days",
    "reports": "raw_ai_events",
    "spend": "raw_member_spend",
    "keys": "api_key_mappings",
    "closed": "closed_months",
    "restatements": "raw_restatements",
}
"""A case's files, and the table whose columns they have; see `company.tables`."""
CASES = sorted(path.parent for path in HERE.glob("vw_*/*/case.toml"))

# What a case file may write besides the columns of its table.
_DAYS = {"day", "from", "to"}
_WORDS = {"person", "platform", "cost_center", "user_email"}


@pytest.fixture(scope="module")
def engine() -> Any:
    with Engine() as engine:
        yield engine


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_view_gives_the_rows_that_a_person_works_out_by_hand(case: Path, engine: Engine) -> None:
    view = case.parent.name
    told = tomllib.loads((case / "case.toml").read_text())
    given: dict[str, Any] = {
        name: _read(case / f"{name}.csv", table) for name, table in INPUTS.items()
    }
    for name in ("reports", "loaded"):
        if not (case / f"{name}.csv").exists():
            del given[name]
    engine.fill(tables(**given))
    engine.judge_invoices(told["as_of"])
    expected = _rows(case / "expect.csv")
    grain = [name for name in GRAIN[view] if name in expected[0]]
    parameters = {name: value for name, value in told.items() if name not in ("story", "as_of")}
    actual = engine.read(view, told["as_of"], **parameters)
    by_key = {tuple(_text(row[name]) for name in grain): row for row in actual}
    assert len(by_key) == len(actual), f"{view} broke its grain {grain}"
    wanted = {tuple(row[name] for name in grain): row for row in expected}
    assert by_key.keys() == wanted.keys(), told["story"]
    differences = [
        f"{' '.join(key)}: {name} is {by_key[key][name]!r}, expected {text!r}"
        for key, row in wanted.items()
        for name, text in row.items()
        if not _agrees(by_key[key][name], text)
    ]
    assert not differences, told["story"] + "\n" + "\n".join(differences)


def test_every_view_has_cases() -> None:
    covered = {case.parent.name for case in CASES}
    assert set(GRAIN) <= covered
    assert set(GRAIN) <= set(view_names())


def test_a_wrong_expectation_is_noticed() -> None:
    assert not _agrees(Decimal("1.10"), "1.11")
    assert not _agrees(0.3349, "0.334")
    assert not _agrees(0, "")
    assert not _agrees(None, "0")
    assert _agrees(1 / 3, "0.3333")
    assert _agrees(Decimal("1.100000000"), "1.1")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _agrees(value: Any, text: str) -> bool:
    if value is None or text == "":
        return value is None and text == ""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, float):
        places = max(0, -int(Decimal(text).as_tuple().exponent))
        return abs(value - float(text)) <= 0.5 * 10.0**-places + 1e-12
    if isinstance(value, Decimal | int):
        return value == Decimal(text)
    return str(value) == text


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    return [{key: value.strip() for key, value in row.items()} for row in rows]


def _read(path: Path, table: str) -> list[dict[str, Any]]:
    """A case's input; an empty cell is NULL, or left to the default of a column that has one."""
    if not path.exists():
        return []
    types = {column.name: column.type for column in table_schema(table).columns}
    return [
        {name: _value(text, types.get(name, ""), name) for name, text in row.items() if text}
        for row in _rows(path)
    ]


def _value(text: str, type_name: str, name: str) -> Any:
    if name in _DAYS:
        return date.fromisoformat(text)
    if name in _WORDS:
        return text
    readers: dict[str, Callable[[str], Any]] = {
        "STRING": str,
        "INT64": int,
        "FLOAT64": float,
        "NUMERIC": Decimal,
        "BOOL": lambda word: {"true": True, "false": False}[word],
        "DATE": date.fromisoformat,
        "TIMESTAMP": lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        "ARRAY<STRING>": str.split,
    }
    return readers[type_name](text)
