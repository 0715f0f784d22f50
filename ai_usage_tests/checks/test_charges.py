"""Charges that are not known: counted by endpoint and day, shown masked, and in nobody's way."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.checks.charges import (
    CHARGES_KNOWN,
    UnknownCharges,
    charges_known_check,
    record_text,
    unknown_charges,
)
from ai_usage.platforms.base import Window
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.checks.runs import PARTITIONS, run
from ai_usage_tests.warehouse.rows import DAY, Row, arrow, open_warehouse, raw

DAYS = [DAY + timedelta(days=n) for n in range(3)]
ALL = Window(DAYS[0], DAYS[-1] + timedelta(days=1))


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = open_warehouse(tmp_path)
    for table in ("raw_ai_events", "fact_ai_costs"):
        made.ensure_table(table)
    return made


def event(day: date, name: object, unknown: bool | None = False, **values: Any) -> Row:
    return raw(day, name, **{"is_charge_unknown": unknown, "cost_usd": Decimal(1)} | values)


def lost(day: date, name: object, endpoint: str = "usage_events", **values: Any) -> Row:
    plain = {"cost_usd": None, "source_endpoint": endpoint}
    return event(day, name, unknown=True, **plain | values)


UNREADABLE = (
    '{"timestamp": "1793664000000", "userEmail": "ada.keller@example.com", "kind": "Usage-based",'
    ' "apiKey": "sk-ant-api03-AbC_d", "tokenUsage": {"inputTokens": 5}, "model": null,'
    ' "chargedCents": "50,000.00"}'
)


def test_what_is_not_known_is_an_error_by_endpoint_and_day_that_blocks_nothing(
    warehouse: DuckDBWarehouse,
) -> None:
    rows = [
        event(DAYS[0], "known"),
        lost(DAYS[1], "a", raw_response=UNREADABLE, validation_errors=["unreadable_amount"]),
        lost(DAYS[1], "b", raw_response=UNREADABLE, validation_errors=["unreadable_amount"]),
        lost(DAYS[1], "c", "cost_report", platform="anthropic", raw_response='"?"'),
        lost(DAYS[2], "d", "cost_report", platform="anthropic"),
        event(DAYS[2], "of an older version", unknown=None),
    ]
    warehouse.replace("raw_ai_events", ALL, arrow("raw_ai_events", rows))
    of = run(warehouse, "fact_ai_costs", [charges_known_check(PARTITIONS)], DAYS[0], DAYS[-1])
    assert of.success
    assert "downstream" in of.built
    recorded = of.recorded[CHARGES_KNOWN]
    assert [recorded[day.isoformat()] for day in DAYS] == ["SUCCEEDED", "FAILED", "FAILED"]
    told = of.summaries[CHARGES_KNOWN]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert told.metadata["failures"].value == {
        "cursor.usage_events": 2,
        "anthropic.cost_report": 2,
    }
    samples: Any = told.metadata["sample"].value
    (shown,) = [row for row in samples if row["source"] == "cursor.usage_events"]
    assert shown == {
        "day": DAYS[1].isoformat(),
        "source": "cursor.usage_events",
        "records": "2",
        "flags": "unreadable_amount",
        "record": "timestamp: 1793664000000, userEmail: a***@example.com, kind: Usage-based, "
        "apiKey: sk-ant-api03-***, chargedCents: 50,000.00",
    }


def test_where_every_charge_is_known_it_passes(warehouse: DuckDBWarehouse) -> None:
    rows = [event(day, day) for day in DAYS]
    warehouse.replace("raw_ai_events", ALL, arrow("raw_ai_events", rows))
    of = run(warehouse, "fact_ai_costs", [charges_known_check(PARTITIONS)], DAYS[0], DAYS[-1])
    assert set(of.recorded[CHARGES_KNOWN].values()) == {"SUCCEEDED"}
    assert unknown_charges(warehouse, ALL) == []


def test_unknown_charges_are_told_by_vendor_and_endpoint_with_days_and_count(
    warehouse: DuckDBWarehouse,
) -> None:
    rows = [
        lost(DAYS[2], "a"),
        lost(DAYS[0], "b"),
        lost(DAYS[0], "c"),
        lost(DAYS[1], "d", "cost_report", platform="anthropic"),
        event(DAYS[1], "e"),
    ]
    warehouse.replace("raw_ai_events", ALL, arrow("raw_ai_events", rows))
    cursor = UnknownCharges("cursor", "usage_events", (DAYS[0], DAYS[2]), 3)
    anthropic = UnknownCharges("anthropic", "cost_report", (DAYS[1],), 1)
    assert unknown_charges(warehouse, ALL) == [anthropic, cursor]
    assert unknown_charges(warehouse, Window.day(DAYS[0])) == [
        UnknownCharges("cursor", "usage_events", (DAYS[0],), 2)
    ]


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (None, None),
        ('{"a": 1, "b": null, "c": [1], "d": {"e": 2}, "f": "x"}', "a: 1, f: x"),
        ('{"c": [1]}', '{"c": [1]}'),
        ("[1]", "[1]"),
        ("not json", "not json"),
    ],
)
def test_a_record_is_shown_by_its_plain_fields(record: str | None, text: str | None) -> None:
    assert record_text(record) == text
