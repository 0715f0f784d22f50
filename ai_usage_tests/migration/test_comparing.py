"""`migrate compare` names each planted fault with its dollars, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.migration.comparing import Comparison, compare_table
from ai_usage.migration.description import read_description
from ai_usage.migration.opening import open_source
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.migration import described, old_system

DAYS = Window(date(2026, 2, 28), date(2026, 3, 29))
FETCHED = datetime(2026, 4, 10, tzinfo=UTC)


def vendors() -> Iterator[dict[str, Any]]:
    """What the vendors' own endpoints say, as rows of `raw_ai_events`."""
    shared = {
        "is_provisional": False,
        "ingest_timestamp": FETCHED,
        "attribution_method": "direct_email",
        "data_quality_score": 1.0,
        "validation_errors": [],
    }
    for day in old_system.DAYS:
        for address, dollars in old_system.DOLLARS.items():
            yield shared | {
                "event_id": f"{day} {address}",
                "event_timestamp": datetime.combine(day, time(20), UTC),
                "event_date": day,
                "platform": "cursor",
                "event_type": "usage",
                "source_endpoint": "usage_events",
                "user_email": address,
                "lines_accepted": 7,
                "cost_usd": dollars,
            }
    for at, dollars in old_system.claude_hours().items():
        yield shared | {
            "event_id": str(at),
            "event_timestamp": at,
            "event_date": at.date(),
            "platform": "anthropic",
            "event_type": "cost",
            "source_endpoint": "cost_report",
            "cost_usd": dollars,
        }


def warehouse_of(home: Path) -> DuckDBWarehouse:
    warehouse = DuckDBWarehouse(home / "warehouse.duckdb", "ai_usage")
    warehouse.replace("raw_ai_events", DAYS, table_schema("raw_ai_events").to_arrow(vendors()))
    loaded = [
        {
            "day": day,
            "platform": platform,
            "source_endpoint": endpoint,
            "is_provisional": False,
            "ingest_timestamp": FETCHED,
        }
        for day in DAYS.days()
        for platform, endpoint in (("cursor", "usage_events"), ("anthropic", "cost_report"))
    ]
    warehouse.replace("loaded_days", DAYS, table_schema("loaded_days").to_arrow(loaded))
    return warehouse


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Comparison]:
    home = tmp_path_factory.mktemp("compared")
    path = old_system.build(home / "old.duckdb")
    declared = ("a_day: 0.01", "a_day: 1.00")
    description = read_description(described.write(home, f"duckdb:{path}#finance", declared))
    warehouse, source = warehouse_of(home), open_source(description.source)
    return {
        name: compare_table(source, name, mapping, warehouse, DAYS)
        for name, mapping in description.tables.items()
    }


def test_each_planted_fault_has_its_class_and_dollars_and_nothing_else_has_one(
    compared: Mapping[str, Comparison],
) -> None:
    told = [(t.class_, t.keys, t.usd_old, t.usd_new) for t in compared["cursor_costs"].totals]
    assert told == [
        # A week of three people whose cents are taken for dollars.
        ("unexplained", 21, Decimal(3150), Decimal("31.50")),
        ("missing_in_old", 3, Decimal(0), Decimal("4.50")),
        ("doubled", 1, Decimal("4.50"), Decimal("2.25")),
        ("attribution", 1, Decimal("0.75"), Decimal("0.75")),
        # 84 keys of 126 dollars, less those above: 126 - 31.50 - 4.50 - 2.25 - 0.75.
        ("identical", 58, Decimal(87), Decimal(87)),
    ]
    assert compared["cursor_costs"].unexplained_usd == Decimal("3118.50")


def test_a_fault_is_said_in_words(compared: Mapping[str, Comparison]) -> None:
    notes = {f.class_: f.note for f in compared["cursor_costs"].findings}
    assert notes == {
        "unexplained": "the old amount is 100 times: cents kept as dollars?",
        "missing_in_old": "the whole day",
        "doubled": "1 of 2 rows are there before",
        "attribution": "written Cyd@X.io",
        "identical": "",
    }


def test_local_days_are_equal_by_their_own_zone(compared: Mapping[str, Comparison]) -> None:
    costs = compared["claude_costs"]
    # 28 February's evening is 1 March's dollar; 1 to 27 March have a dollar more than the UTC day,
    # and 28 March lacks the 28 dollars of its own early hours.
    assert {f.class_ for f in costs.findings} == {"zone"}
    by_day = {f.day: f.difference("usd") for f in costs.findings}
    assert by_day == dict.fromkeys(DAYS.days()[:-1], Decimal(1)) | {date(2026, 3, 28): -28}


def test_a_day_is_green_within_what_is_declared_alone(compared: Mapping[str, Comparison]) -> None:
    red = {v.day: list(v.reasons) for v in compared["claude_costs"].verdicts if not v.green}
    assert red == {date(2026, 3, 28): ["zone: $28.00, declared $1.00"]}
    # Red are the week of cents, 5, 17 and 20 March.
    days = {v.day.day for v in compared["cursor_costs"].verdicts if not v.green}
    assert days == {5, *range(8, 15), 17, 20}


def test_the_trend_counts_final_green_days_without_a_break(
    compared: Mapping[str, Comparison],
) -> None:
    # 21 to 28 March.
    assert compared["cursor_costs"].green_days == 8
    assert compared["claude_costs"].green_days == 0


def test_a_day_that_is_not_loaded_is_told_from_one_without_rows(tmp_path: Path) -> None:
    path = old_system.build(tmp_path / "old.duckdb")
    description = read_description(described.write(tmp_path, f"duckdb:{path}#finance"))
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", "ai_usage")
    for table in ("raw_ai_events", "loaded_days"):
        warehouse.ensure_table(table)
    day = Window.day(date(2026, 3, 1))
    mapping = description.tables["cursor_costs"]
    found = compare_table(open_source(description.source), "cursor_costs", mapping, warehouse, day)
    assert [(f.class_, f.note) for f in found.findings] == 3 * [
        ("missing_in_new", "the day is not loaded")
    ]
    assert not found.verdicts[0].final


def test_dollars_that_others_bear_are_attribution_and_cents_that_are_cut_rounding(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    day = old_system.FIRST
    later = day + timedelta(days=1)
    (folder / "cursor_costs.csv").write_text(
        "email,user_email,usage_date,lines,amount\n"
        # Bob's and Ann's are swapped, Cyd's is right.
        f"ann@x.io,,{day},7,2.25\nbob@x.io,,{day},7,1.50\ncyd@x.io,,{day},7,0.75\n"
        # Ann's half a cent is rounded away; Bob's cent is not.
        f"ann@x.io,,{later},7,1.495\nbob@x.io,,{later},7,2.24\ncyd@x.io,,{later},7,0.75\n"
    )
    file = described.write(
        tmp_path, f"files:{folder}", ("day: usage_date", "day: CAST(usage_date AS DATE)")
    )
    description = read_description(file)
    found = compare_table(
        open_source(description.source),
        "cursor_costs",
        description.tables["cursor_costs"],
        warehouse_of(tmp_path),
        Window(day, later + timedelta(days=1)),
    )
    assert [(f.day.day, f.key[1][0], f.class_) for f in found.findings] == [
        (1, "ann@x.io", "attribution"),
        (1, "bob@x.io", "attribution"),
        (1, "cyd@x.io", "identical"),
        (2, "ann@x.io", "rounding"),
        (2, "bob@x.io", "unexplained"),
        (2, "cyd@x.io", "identical"),
    ]


def test_rows_that_are_there_twice_and_were_rounded_are_doubled(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    day = old_system.FIRST
    line = f"ann@x.io,,{day},7,1.495\n"
    (folder / "cursor_costs.csv").write_text(
        "email,user_email,usage_date,lines,amount\n" + 2 * line
    )
    file = described.write(
        tmp_path, f"files:{folder}", ("day: usage_date", "day: CAST(usage_date AS DATE)")
    )
    description = read_description(file)
    mapping = description.tables["cursor_costs"]
    source = open_source(description.source)
    found = compare_table(source, "cursor_costs", mapping, warehouse_of(tmp_path), Window.day(day))
    of_ann = found.findings[0]
    assert (of_ann.class_, of_ann.note) == ("doubled", "1 of 2 rows are there before")


def test_what_the_vendor_said_before_is_restated(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    day = old_system.FIRST
    (folder / "cursor_costs.csv").write_text(
        "email,user_email,usage_date,lines,amount\n"
        # The vendor said 1.00, then 1.20, then 1.50 of Ann, and never 2.00 of Bob.
        f"ann@x.io,,{day},7,1.20\nbob@x.io,,{day},7,2.00\ncyd@x.io,,{day},7,0.75\n"
    )
    warehouse = warehouse_of(tmp_path)
    said = [Decimal("1.00"), Decimal("1.20"), Decimal("1.50")]
    rows = [
        {
            "event_date": day,
            "platform": "cursor",
            "source_endpoint": "usage_events",
            "user_email": "ann@x.io",
            "measure": "cost_usd",
            "value_before": said[n],
            "value_after": said[n + 1],
            "difference": said[n + 1] - said[n],
            "previous_fetch_at": FETCHED + timedelta(hours=n),
            "seen_at": FETCHED + timedelta(hours=n + 1),
            "was_final": True,
            "month_closed": False,
        }
        for n in range(2)
    ]
    warehouse.replace("raw_restatements", DAYS, table_schema("raw_restatements").to_arrow(rows))
    file = described.write(
        tmp_path, f"files:{folder}", ("day: usage_date", "day: CAST(usage_date AS DATE)")
    )
    description = read_description(file)
    mapping = description.tables["cursor_costs"]
    source = open_source(description.source)
    found = compare_table(source, "cursor_costs", mapping, warehouse, Window.day(day))
    assert [(f.key[1][0], f.class_) for f in found.findings] == [
        ("ann@x.io", "restated"),
        ("bob@x.io", "unexplained"),
        ("cyd@x.io", "identical"),
    ]
