"""SQL functions: a call is replaced by its expression, with the value that the expression has."""

from __future__ import annotations

import duckdb
import pytest

from ai_usage.warehouse import functions as functions_module
from ai_usage.warehouse.functions import functions, parse_function
from ai_usage.warehouse.sql import render

HALF = "CREATE TEMP FUNCTION half_more(x INT64) AS (x + 1);"
TWICE = "CREATE TEMP FUNCTION twice(y INT64) AS (half_more(y) * 2);"


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f.name: f for f in (parse_function(HALF), parse_function(TWICE))}
    monkeypatch.setattr(functions_module, "functions", lambda: known)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("half_more(1)", 2),
        ("half_more(1) * 10", 20),
        ("10 - half_more(2 - 5)", 12),
        ("half_more(half_more(half_more(0)))", 3),
        ("twice(1)", 4),
        ("twice(half_more(1) - 4)", -2),
        ("(SELECT MAX(TWICE(v)) FROM UNNEST([1, 5]) AS v)", 12),
    ],
)
def test_a_call_has_the_value_of_its_expression_wherever_it_stands(
    ours: None, expression: str, value: int
) -> None:
    # A comment keeps the renderer's memory of equal texts out of it.
    sql = render(f"SELECT {expression} AS v /* {expression} */", "duckdb", dataset="w")
    assert "twice" not in sql.lower().partition("/*")[0]
    with duckdb.connect() as engine:
        assert engine.execute(sql).fetchall() == [(value,)]


def test_a_call_with_another_number_of_arguments_is_refused(ours: None) -> None:
    with pytest.raises(ValueError, match="half_more takes 1 arguments, not 2"):
        render("SELECT half_more(1, 2) AS wrong", "duckdb", dataset="w")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT 1", "not a CREATE TEMP FUNCTION"),
        ("CREATE TEMP FUNCTION f(a INT64) AS (a + b);", "f reads more than its parameters: b"),
        (
            "CREATE TEMP FUNCTION f(a INT64) AS ((SELECT a FROM dim_users));",
            "f reads more than its parameters",
        ),
    ],
)
def test_a_file_that_is_no_function_of_its_parameters_is_refused(sql: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_function(sql)


def test_every_function_stands_in_a_file_of_its_name() -> None:
    assert all(name == function.name for name, function in functions().items())
