"""Charges that are not known: counted by endpoint and day, shown masked, and in nobody's way."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.days.windows import Window
from ai_usage.orchestration.checks.charges import (
    CHARGE_SHARE,
    CHARGES_KNOWN,
    UnknownCharges,
    charge_share_check,
    charges_known_check,
    record_text,
    unknown_charges,
)
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.support.check_runs import PARTITIONS, run
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
        # Kept as a text, because no warehouse takes it for JSON.
        ('"{\\"a\\": 1e400}"', '{"a": 1e400}'),
        ("not json", "not json"),
    ],
)
def test_a_record_is_shown_by_its_plain_fields(record: str | None, text: str | None) -> None:
    assert record_text(record) == text


# -- the share of charged records ---------------------------------------------------------------

JUDGED = DAY + timedelta(days=56)
WEEKS = [JUDGED - timedelta(days=7 * n) for n in range(8, 0, -1)]


def day_of(day: date, charged: int, records: int, usd: str = "2", **values: Any) -> list[Row]:
    """So many records of a day, so many of them with a charge of so many dollars."""
    return [
        event(day, (day, n), cost_usd=Decimal(usd) if n < charged else None, **values)
        for n in range(records)
    ]


def told_of(warehouse: DuckDBWarehouse, rows: list[Row]) -> tuple[str, Any]:
    """What the check says of the judged day."""
    whole = Window(WEEKS[0], JUDGED + timedelta(days=1))
    warehouse.replace("raw_ai_events", whole, arrow("raw_ai_events", rows))
    of = run(warehouse, "raw_ai_events", [charge_share_check(PARTITIONS)], JUDGED, JUDGED,
             one_partition=True)  # fmt: skip
    assert "downstream" in of.built
    told = of.summaries[CHARGE_SHARE]
    assert told.severity == dg.AssetCheckSeverity.WARN
    return of.recorded[CHARGE_SHARE][JUDGED.isoformat()], told.metadata


EIGHT = [row for week in WEEKS for row in day_of(week, 10, 20)]
"""Half of the records charged, one dollar a record."""


@pytest.mark.parametrize(
    ("judged", "passes"),
    [
        pytest.param(day_of(JUDGED, 10, 20), True, id="as usual"),
        pytest.param(day_of(JUDGED, 5, 20, "4"), True, id="exactly half the share"),
        pytest.param(day_of(JUDGED, 4, 20, "5"), False, id="less than half the share"),
        pytest.param(day_of(JUDGED, 10, 20, "1"), True, id="exactly half the dollars"),
        pytest.param(day_of(JUDGED, 10, 20, "0.999999999"), False, id="less than half of them"),
        pytest.param(day_of(JUDGED, 0, 20), False, id="nothing at all"),
        pytest.param(day_of(JUDGED, 0, 19), True, id="19 records are too few to tell"),
        pytest.param(day_of(JUDGED, 20, 20, "9"), True, id="more is no loss"),
        pytest.param(
            day_of(JUDGED, 10, 20, "0", included_value_usd=Decimal(1)),
            True,
            id="all covered by a pool",
        ),
        pytest.param(day_of(JUDGED, 0, 20, is_provisional=True), True, id="not settled yet"),
        pytest.param([], True, id="no records: volume tells"),
    ],
)
def test_far_fewer_charges_or_dollars_a_record_than_usual_warn(
    warehouse: DuckDBWarehouse, judged: list[Row], passes: bool
) -> None:
    status, metadata = told_of(warehouse, [*EIGHT, *judged])
    assert status == ("SUCCEEDED" if passes else "FAILED")
    if not passes:
        assert metadata["failures"].value == {"cursor.usage_events": 1}


def test_the_usual_is_the_median_of_the_same_weekdays_of_eight_weeks(
    warehouse: DuckDBWarehouse,
) -> None:
    # Shares of 0, 0, 0, 0.2, 0.6, 1, 1, 1: the median is 0.4, and 0.2 exactly half of it.
    charged = [0, 0, 0, 4, 12, 20, 20, 20]
    weeks = [row for week, n in zip(WEEKS, charged, strict=True) for row in day_of(week, n, 20)]
    between = day_of(JUDGED - timedelta(days=1), 20, 20)
    other = day_of(WEEKS[-1], 20, 20, source_endpoint="daily_usage", platform="x")
    status, _ = told_of(warehouse, [*weeks, *between, *other, *day_of(JUDGED, 4, 20, "90")])
    assert status == "SUCCEEDED"
    status, metadata = told_of(warehouse, [*weeks, *day_of(JUDGED, 3, 20, "90")])
    assert status == "FAILED"
    (shown,) = metadata["sample"].value
    assert (shown["charged_share"], shown["usual_share"]) == ("0.1500", "0.4000")


def test_four_weeks_are_no_usual_and_five_are(warehouse: DuckDBWarehouse) -> None:
    lost_day = day_of(JUDGED, 0, 20)
    for weeks, expected in ((4, "SUCCEEDED"), (5, "FAILED")):
        known = [row for week in WEEKS[-weeks:] for row in day_of(week, 10, 20)]
        assert told_of(warehouse, [*known, *lost_day])[0] == expected


def test_an_endpoint_that_never_charges_is_no_loss(warehouse: DuckDBWarehouse) -> None:
    never = [row for week in [*WEEKS, JUDGED] for row in day_of(week, 0, 20)]
    assert told_of(warehouse, never)[0] == "SUCCEEDED"
