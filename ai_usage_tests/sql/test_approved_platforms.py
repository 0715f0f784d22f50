"""The check `approved_platforms`: who used a tool outside their list is named, nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine

ANN, BOB, CY = "ann@x.io", "bob@x.io", "cy@x.io"
MONDAY, TUESDAY = date(2025, 9, 8), date(2025, 9, 9)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def found(
    engine: Engine, people: list[dict[str, Any]], *usage: tuple[date, str, str]
) -> list[tuple[Any, ...]]:
    used = [{"day": day, "person": who, "platform": product} for day, who, product in usage]
    engine.fill(tables(people, [], used, calendar=(MONDAY, date(2025, 9, 30))))
    window = {"start": MONDAY, "end": date(2025, 9, 10)}
    rows = engine.rows_of("checks", "approved_platforms", **window)
    return sorted(tuple(row.values()) for row in rows)


def test_use_of_a_platform_outside_the_list_is_named_once_a_day_and_platform(
    engine: Engine,
) -> None:
    people = [{"user_email": ANN, "approved_platforms": ["cursor"]}]
    assert found(
        engine,
        people,
        (MONDAY, ANN, "cursor"),
        (MONDAY, ANN, "claude_api"),
        (MONDAY, ANN, "claude_api"),
        (TUESDAY, ANN, "copilot"),
    ) == [
        (MONDAY, ANN, "anthropic", 2),
        (TUESDAY, ANN, "github", 1),
    ]


def test_a_vendor_approves_all_its_products_and_a_product_only_itself(engine: Engine) -> None:
    people: list[dict[str, Any]] = [
        {"user_email": ANN, "approved_platforms": ["anthropic"]},
        {"user_email": BOB, "approved_platforms": ["claude_code"]},
    ]
    use = [
        (MONDAY, who, product) for who in (ANN, BOB) for product in ("claude_code", "claude_api")
    ]
    assert found(engine, people, *use) == [(MONDAY, BOB, "anthropic", 1)]


def test_no_list_restricts_nothing_and_nobody_known_has_none(engine: Engine) -> None:
    people: list[dict[str, Any]] = [
        {"user_email": ANN, "approved_platforms": []},
        {"user_email": BOB, "approved_platforms": None},
    ]
    use = [(MONDAY, who, "copilot") for who in (ANN, BOB, "Shared", "Unattributed")]
    assert found(engine, people, *use) == []


def test_the_list_of_the_day_counts_and_only_the_days_asked_for(engine: Engine) -> None:
    people: list[dict[str, Any]] = [
        {"user_email": CY, "approved_platforms": ["cursor"]},
        {"user_email": CY, "from": TUESDAY, "approved_platforms": ["cursor", "github"]},
    ]
    use = [(day, CY, "copilot") for day in (MONDAY, TUESDAY, date(2025, 9, 10))]
    assert found(engine, people, *use) == [(MONDAY, CY, "github", 1)]
