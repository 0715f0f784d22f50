"""Checks between raw events and facts: a planted violation each, found on its day alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.orchestration.checks.sql_checks import completeness_check, fact_checks
from ai_usage.orchestration.resources import resources_of
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor, discovered_vendors
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.support.check_runs import PARTITIONS, Ran, run
from ai_usage_tests.warehouse.rows import DAY, Row, arrow, event_id, open_warehouse, raw, row

DAYS = [DAY + timedelta(days=n) for n in range(3)]
KEYS = [day.isoformat() for day in DAYS]
ALL = Window(DAYS[0], DAYS[-1] + timedelta(days=1))


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = open_warehouse(tmp_path)
    for table in ("raw_ai_events", "fact_ai_usage", "fact_ai_costs"):
        made.ensure_table(table)
    platforms = [row("dim_platforms", platform_code=code, platform_sk=sk)
                 for sk, code in ((1, "cursor"), (2, "anthropic"))]  # fmt: skip
    made.replace("dim_platforms", None, arrow("dim_platforms", platforms))
    return made


def settings_for(tmp_path: Path, **more: str) -> Settings:
    return Settings.load(
        {"AI_USAGE_HOME": str(tmp_path), "AI_USAGE_START_DATE": "2026-03-01"} | more
    )


def ran(
    warehouse: DuckDBWarehouse, name: str, tables: dict[str, list[Row]], **settings: str
) -> Ran:
    for table, rows in tables.items():
        warehouse.replace(table, ALL, arrow(table, rows))
    made = settings_for(warehouse.path.parent, **settings)
    (check,) = [
        check
        for check in fact_checks(made, PARTITIONS)
        if {key.name for key in check.check_keys} == {name}
    ]
    (key,) = check.check_keys
    return run(warehouse, key.asset_key.path[-1], [check], DAYS[0], DAYS[-1])


def verdicts(of: Ran, name: str) -> list[str]:
    return [of.recorded[name][key] for key in KEYS]


PASSED = ["SUCCEEDED"] * 3
MIDDLE = ["SUCCEEDED", "FAILED", "SUCCEEDED"]


# -- costs tie out ------------------------------------------------------------------------------


def billed(amounts: list[str | None]) -> list[Row]:
    return [
        raw(day, day, event_type="cost", cost_usd=None if amount is None else Decimal(amount))
        for day, amount in zip(DAYS, amounts, strict=True)
    ]


def part(day: date, usd: str, number: int = 1, **values: Any) -> Row:
    plain = {"event_id": event_id(day), "event_part": number}
    amounts = {"base_cost_usd": Decimal(usd), "total_cost_usd": Decimal(usd)}
    return row("fact_ai_costs", day, **plain | amounts | values)


TIED = [
    part(DAYS[0], "1.25"),
    part(DAYS[1], "0.333334"),
    part(DAYS[1], "0.333333", 2),
    part(DAYS[1], "0.333333", 3),
    part(DAYS[2], "-0.000000001"),
]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(TIED, PASSED, id="equal"),
        pytest.param([*TIED[:3], TIED[4]], MIDDLE, id="a part is missing"),
        pytest.param([*TIED, TIED[1]], MIDDLE, id="a part is there twice"),
        pytest.param([TIED[0], TIED[4]], MIDDLE, id="an event is missing"),
        pytest.param(
            [*TIED[:3], part(DAYS[1], "0.333333001", 3), TIED[4]], MIDDLE, id="off by a billionth"
        ),
        pytest.param(
            [*TIED, part(DAYS[1], "0", event_id=event_id("nobody's"))], MIDDLE, id="no such event"
        ),
    ],
)
def test_the_parts_of_an_event_sum_to_what_was_billed_exactly(
    warehouse: DuckDBWarehouse, parts: list[Row], expected: list[str]
) -> None:
    of = ran(
        warehouse,
        "costs_tie_out",
        {"raw_ai_events": billed(["1.25", "1", "-0.000000001"]), "fact_ai_costs": parts},
    )
    assert verdicts(of, "costs_tie_out") == expected
    assert of.success == (expected == PASSED)
    assert ("downstream" in of.built) == (expected == PASSED), "a dollar astray blocks"


def test_an_event_without_an_amount_owes_no_part(warehouse: DuckDBWarehouse) -> None:
    tables = {"raw_ai_events": billed(["1.25", None, None]), "fact_ai_costs": [TIED[0]]}
    assert verdicts(ran(warehouse, "costs_tie_out", tables), "costs_tie_out") == PASSED


def test_a_cost_that_does_not_tie_out_is_shown_with_both_amounts(
    warehouse: DuckDBWarehouse,
) -> None:
    of = ran(
        warehouse,
        "costs_tie_out",
        {"raw_ai_events": billed(["1.25", "1", "7"]), "fact_ai_costs": TIED[:4]},
    )
    metadata = of.summaries["costs_tie_out"].metadata
    assert metadata["failures"].value == {"costs_tie_out": 1}
    assert metadata["rows"].value == 4
    sample: Any = metadata["sample"].value
    assert sample == [{"day": KEYS[2], "event_id": event_id(DAYS[2]), "billed_usd": "7.000000000"}]


# -- usage complete -----------------------------------------------------------------------------


def used(days: list[date]) -> list[Row]:
    return [row("fact_ai_usage", day, event_id=event_id(day)) for day in days]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(used(DAYS), PASSED, id="all"),
        pytest.param(used([DAYS[0], DAYS[2]]), MIDDLE, id="one is missing"),
        pytest.param(
            [*used(DAYS), row("fact_ai_usage", DAYS[1], event_id="?")], MIDDLE, id="one too many"
        ),
    ],
)
def test_every_usage_and_session_event_is_in_the_fact(
    warehouse: DuckDBWarehouse, facts: list[Row], expected: list[str]
) -> None:
    events = [
        raw(DAYS[0], DAYS[0]),
        raw(DAYS[1], DAYS[1], event_type="session"),
        raw(DAYS[2], DAYS[2]),
        raw(DAYS[2], "a cost is no usage", event_type="cost", cost_usd=Decimal(1)),
    ]
    of = ran(warehouse, "usage_complete", {"raw_ai_events": events, "fact_ai_usage": facts})
    assert verdicts(of, "usage_complete") == expected
    assert ("downstream" in of.built) == (expected == PASSED)


# -- attribution --------------------------------------------------------------------------------


def records(day: date, platform_sk: int, owners: list[int]) -> list[Row]:
    return [
        row("fact_ai_usage", day, platform_sk=platform_sk, user_sk=sk,
            event_id=event_id((day, platform_sk, n)))
        for n, sk in enumerate(owners)
    ]  # fmt: skip


def test_too_few_records_of_somebody_known_warn_per_platform_and_day(
    warehouse: DuckDBWarehouse,
) -> None:
    known, shared, unknown = 7, -1, 0
    facts = [
        # 19 of 20 are exactly 95 %: enough. Shared is somebody known.
        *records(DAYS[0], 1, [known] * 18 + [shared] + [unknown]),
        # 18 of 19 are 94.7 %. The other platform's many do not hide it.
        *records(DAYS[1], 1, [known] * 18 + [unknown]),
        *records(DAYS[1], 2, [known] * 60),
        *records(DAYS[2], 2, [known]),
    ]
    of = ran(warehouse, "usage_attribution", {"fact_ai_usage": facts})
    assert verdicts(of, "usage_attribution") == MIDDLE
    assert "downstream" in of.built, "a warning blocks nothing"
    sample: Any = of.summaries["usage_attribution"].metadata["sample"].value
    assert [(one["platform"], one["records"], one["attributed"]) for one in sample] == [
        ("cursor", "19", "18")
    ]
    lenient = ran(warehouse, "usage_attribution", {}, AI_USAGE_COVERAGE_THRESHOLD="0.9")
    assert verdicts(lenient, "usage_attribution") == PASSED


def test_too_few_dollars_of_somebody_known_warn_however_many_the_rows(
    warehouse: DuckDBWarehouse,
) -> None:
    def cost(day: date, usd: str, owner: int, number: int) -> Row:
        return part(day, usd, number, user_sk=owner)

    facts = [
        # What is Shared belongs to somebody: 60 + 35 of 100.
        cost(DAYS[0], "60", 7, 1),
        cost(DAYS[0], "35", -1, 3),
        cost(DAYS[0], "5", 0, 2),
        # One dear row outweighs many cheap ones.
        *[cost(DAYS[1], "0.01", 7, n) for n in range(2, 12)],
        cost(DAYS[1], "10", 0, 1),
        # Nothing billed: no share, no failure.
        cost(DAYS[2], "0", 0, 1),
    ]
    of = ran(warehouse, "cost_attribution", {"fact_ai_costs": facts})
    assert verdicts(of, "cost_attribution") == MIDDLE
    assert "downstream" in of.built


# -- completeness -------------------------------------------------------------------------------


def complete(tmp_path: Path, warehouse: DuckDBWarehouse, missing: set[str]) -> Ran:
    vendors = [v for v in discovered_vendors() if v.name in {"cursor", "anthropic"}]
    (cursor,) = [v for v in vendors if v.name == "cursor"]
    archive = Archive(str(tmp_path / "archive"))
    for endpoint in event_endpoints(cursor):
        answer(archive, endpoint, Window(DAYS[0], DAYS[1]), halfway=False)
        answer(archive, endpoint, Window(DAYS[1], DAYS[2]), halfway=endpoint in missing)
        answer(archive, endpoint, Window.day(DAYS[2]), halfway=False)
    settings = settings_for(tmp_path, CURSOR_API_KEY="key_0123")
    check = completeness_check(vendors, PARTITIONS)
    given = resources_of(settings, vendors)
    return run(warehouse, "raw_ai_events", [check], DAYS[0], DAYS[-1], resources=given)


def event_endpoints(vendor: Vendor) -> list[str]:
    return [endpoint.name for endpoint in vendor.endpoints if endpoint.yields is RawEvent]


def answer(archive: Archive, endpoint: str, window: Window, *, halfway: bool) -> None:
    when = datetime(2026, 3, 20, tzinfo=UTC)
    try:
        with archive.recording("cursor", endpoint, window, fetched_at=when) as recorder:
            recorder.add(Page(b"{}", f"GET /{endpoint}"))
            if halfway:
                raise ConnectionError
    except ConnectionError:
        pass


def test_days_that_every_configured_vendor_answered_are_complete(
    tmp_path: Path, warehouse: DuckDBWarehouse
) -> None:
    # Anthropic has no key: nobody expects its answers.
    of = complete(tmp_path, warehouse, set())
    assert verdicts(of, "completeness") == PASSED


def test_a_day_with_half_an_answer_is_incomplete_and_names_vendor_and_endpoint(
    tmp_path: Path, warehouse: DuckDBWarehouse
) -> None:
    of = complete(tmp_path, warehouse, {"usage_events"})
    assert verdicts(of, "completeness") == MIDDLE
    evaluation = of.summaries["completeness"]
    assert evaluation.metadata["failures"].value == {"cursor.usage_events": 1}
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert "downstream" in of.built
