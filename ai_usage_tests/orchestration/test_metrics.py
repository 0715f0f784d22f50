"""The success metrics: what fires, what must not, and that its numbers are there to be plotted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.cli.findings import described
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import record_close
from ai_usage.orchestration.assets.sql_views import view_literals
from ai_usage.orchestration.checks.metrics import (
    budget_check,
    closed_month_check,
    freshness_check,
    metric_checks,
    spend_check,
    volume_check,
)
from ai_usage.orchestration.checks.sql_checks import told_apart
from ai_usage.orchestration.io_managers import DuckDBWarehouseResource
from ai_usage.orchestration.resources import ClockResource, resources_of
from ai_usage.orchestration.runs import CheckResult
from ai_usage.settings import Settings
from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.building import query_of
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.views import view_schema
from ai_usage_tests.support.check_runs import PARTITIONS, Ran, run
from ai_usage_tests.warehouse.rows import Row, arrow, event_id, open_warehouse, raw, row

TODAY = date(2026, 3, 27)
"""A Friday."""
NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)
VIEW = "vw_executive_dashboard"
NOW_IS_TODAY = {"clock": ClockResource(as_of=TODAY.isoformat())}
EARLIER = Window(date(2026, 1, 1), TODAY + timedelta(days=1))
WEEKDAYS = [day for day in EARLIER.days() if day.weekday() < 5]


def settings_for(tmp_path: Path, **more: str) -> Settings:
    return Settings.load(
        {
            "AI_USAGE_HOME": str(tmp_path),
            "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
            "AI_USAGE_START_DATE": "2026-01-01",
            "AI_USAGE_AS_OF": TODAY.isoformat(),
            **more,
        }
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = open_warehouse(tmp_path)
    for table in ("raw_ai_events", "fact_ai_usage", "fact_ai_costs", "dim_users"):
        made.ensure_table(table)
    platforms = [row("dim_platforms", platform_code="cursor", platform_sk=1, platform_name="C")]
    made.replace("dim_platforms", None, arrow("dim_platforms", platforms))
    return made


def failing(of: Ran, name: str) -> dict[str, list[str]]:
    """The rules that the run's summary says were broken, and the days recorded as failed."""
    evaluation = of.summaries[name]
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert of.success, "a warning fails no run"
    failures = evaluation.metadata.get("failures")
    days = [day for day, status in of.recorded[name].items() if status == "FAILED" and day]
    broken: Any = failures.value if failures else {}
    return {str(rule): sorted(days) for rule in broken}


# -- freshness ----------------------------------------------------------------------------------


def view_run(
    warehouse: DuckDBWarehouse,
    check: dg.AssetChecksDefinition,
    name: str = VIEW,
    given: Mapping[str, Any] | None = None,
) -> tuple[dg.AssetCheckEvaluation, dict[str, float]]:
    """The view's check over a range of days: its one evaluation, and what is to be plotted."""

    @dg.asset(name=name, partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def view() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    resource = DuckDBWarehouseResource(path=str(warehouse.path), dataset=warehouse.dataset)
    defs = dg.Definitions(
        [view], asset_checks=[check], resources={**(given or {}), "warehouse": resource}
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": "2026-03-01",
                "dagster/asset_partition_range_end": "2026-03-03",
            },
        )
        observed = instance.fetch_observations(dg.AssetKey(name), limit=10).records
    (evaluation,) = result.get_asset_check_evaluations()
    plotted: dict[str, float] = {}
    for record in observed:
        assert record.asset_observation is not None
        for name, value in record.asset_observation.metadata.items():
            assert isinstance(value, dg.FloatMetadataValue)
            assert value.value is not None
            plotted[name] = value.value
    return evaluation, plotted


ENDPOINT = "usage_events"


def fetched(
    tmp_path: Path, hours_ago: float, window: Window | None = None, *, complete: bool = True
) -> datetime:
    at = NOW - timedelta(hours=hours_ago)
    archive = Archive(str(tmp_path / "archive"))
    window = window or Window(TODAY - timedelta(days=7), TODAY + timedelta(days=1))
    try:
        with archive.recording("cursor", ENDPOINT, window, fetched_at=at) as recorder:
            recorder.add(Page(b"{}", "GET /"))
            if not complete:
                raise ConnectionError
    except ConnectionError:
        pass
    return at


def loaded(warehouse: DuckDBWarehouse, at: datetime) -> None:
    """The facts were built from what was fetched then."""
    day = Window.day(TODAY)
    events = [raw(TODAY, "today", ingest_timestamp=at, source_endpoint=ENDPOINT)]
    facts = [row("fact_ai_usage", TODAY, event_id=event_id("today"), ingest_timestamp=at)]
    warehouse.replace("raw_ai_events", day, arrow("raw_ai_events", events))
    warehouse.replace("fact_ai_usage", day, arrow("fact_ai_usage", facts))


def age(warehouse: DuckDBWarehouse, tmp_path: Path, **settings: str) -> tuple[bool, float | None]:
    """Whether the view is fresh, and how many hours old."""
    (cursor,) = [v for v in discovered_vendors() if v.name == "cursor"]
    endpoints = tuple(e for e in cursor.endpoints if e.name == ENDPOINT)
    vendor = type(cursor)(**{**vars(cursor), "endpoints": endpoints})
    made = settings_for(tmp_path, **{"CURSOR_API_KEY": "key_x", **settings})
    check = freshness_check(VIEW, made, [vendor])
    evaluation, plotted = view_run(warehouse, check, given=resources_of(made, [vendor]))
    return evaluation.passed, plotted.get("data_age_hours")


def test_a_view_is_as_old_as_the_newest_complete_fetch_that_its_facts_hold(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    assert age(warehouse, tmp_path) == (False, None), "nothing was ever fetched"
    loaded(warehouse, fetched(tmp_path, 5))
    assert age(warehouse, tmp_path) == (False, 5.0)
    assert age(warehouse, tmp_path, AI_USAGE_FRESHNESS_HOURS="6") == (True, 5.0)
    fetched(tmp_path, 0.5, complete=False)
    assert age(warehouse, tmp_path) == (False, 5.0), "a fetch that broke off is none"
    fetched(tmp_path, 0.25, Window(date(2026, 1, 1), date(2026, 2, 1)))
    assert age(warehouse, tmp_path) == (False, 5.0), "January, fetched now, makes no fresh view"
    newest = fetched(tmp_path, 1)
    assert age(warehouse, tmp_path) == (False, 5.0), "it is in the archive, not in the facts"
    loaded(warehouse, newest)
    assert age(warehouse, tmp_path) == (True, 1.0)


def test_an_older_answer_of_a_day_in_a_closed_month_makes_no_view_stale(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    """Closed months are asked again and not built anew: a view is as fresh as its open days."""
    today, last = date(2026, 3, 2), date(2026, 2, 28)
    asked = datetime(2026, 3, 2, 11, tzinfo=UTC)
    archive = Archive(str(tmp_path / "archive"))
    window = Window(last, today + timedelta(days=1))
    with archive.recording("cursor", ENDPOINT, window, fetched_at=asked) as recorder:
        recorder.add(Page(b"{}", "GET /"))
    days = {last: asked - timedelta(days=1), today: asked}
    for table, made in (("raw_ai_events", raw), ("fact_ai_usage", used)):
        rows = [
            made(day, day, ingest_timestamp=at, source_endpoint=ENDPOINT)
            for day, at in days.items()
        ]
        warehouse.replace(table, window, arrow(table, rows))
    seen = {"AI_USAGE_AS_OF": today.isoformat()}
    assert age(warehouse, tmp_path, **seen) == (False, None)
    record_close(archive, date(2026, 2, 1), [], asked)
    assert age(warehouse, tmp_path, **seen) == (True, 1.0)


def used(day: date, name: object, *, source_endpoint: str, **values: object) -> Row:
    return row("fact_ai_usage", day, event_id=event_id(name), **values)


def test_an_answer_without_events_is_as_fresh_as_any_and_no_key_means_nothing_is_asked(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    fetched(tmp_path, 1)
    assert age(warehouse, tmp_path) == (True, 1.0)
    assert age(warehouse, tmp_path, CURSOR_API_KEY="") == (True, None)


# -- volume -------------------------------------------------------------------------------------


def events(day: date, count: int, endpoint: str = ENDPOINT, **values: object) -> list[Row]:
    return [raw(day, (day, endpoint, n), source_endpoint=endpoint, **values) for n in range(count)]


def volume(
    warehouse: DuckDBWarehouse, tmp_path: Path, counts: Callable[[date], Sequence[Row]]
) -> dict[str, list[str]]:
    rows = [one for day in EARLIER.days() for one in counts(day)]
    warehouse.replace("raw_ai_events", EARLIER, arrow("raw_ai_events", rows))
    check = volume_check(settings_for(tmp_path), PARTITIONS)
    first = date(2026, 3, 16)
    return failing(
        run(warehouse, "raw_ai_events", [check], first, TODAY, resources=NOW_IS_TODAY), "volume"
    )


def test_a_day_far_from_the_median_of_its_weekday_warns_and_a_weekend_does_not(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    low, high = date(2026, 3, 17), date(2026, 3, 19)

    def counts(day: date) -> list[Row]:
        usual = 30 + day.day % 5 if day.weekday() < 5 else 0
        count = {low: 10, high: 90, TODAY: 3}.get(day, usual)
        # One wild Tuesday of the past moves a mean, not the median.
        count = 400 if day == date(2026, 2, 17) else count
        return [
            *events(day, count, is_provisional=day == TODAY),
            # Too few to judge, and too short a history.
            *events(day, 2 if day != high else 9, "few"),
            *(events(day, 40 if day < high else 5, "new") if day >= date(2026, 3, 5) else []),
        ]

    assert volume(warehouse, tmp_path, counts) == {
        f"cursor.{ENDPOINT}": [low.isoformat(), high.isoformat()]
    }


def test_a_day_without_any_event_warns_once_the_vendor_had_time(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    silent = {date(2026, 3, 18), TODAY - timedelta(days=1), TODAY}
    found = volume(warehouse, tmp_path, lambda day: [] if day in silent else events(day, 30))
    assert found == {f"cursor.{ENDPOINT}": ["2026-03-18"]}


def test_holidays_do_not_warn_on_their_day_nor_by_what_they_leave_in_the_past(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    """Two quiet days among four of a weekday, and a day that is quiet on every platform."""
    holidays = {date(2026, 2, 26), date(2026, 3, 5), date(2026, 3, 24)}
    outage, busy = date(2026, 3, 25), date(2026, 3, 19)

    def counts(day: date) -> list[Row]:
        if day < date(2026, 2, 13):
            return []
        quiet = 4 if day in holidays else 60 if day == busy else 40
        return [
            *events(day, 3 if day == outage else quiet),
            *events(day, quiet, "usage_report", platform="anthropic"),
            # Counted in lines, which a holiday does not halve.
            *events(day, 30, "cost_report", platform="anthropic"),
        ]

    assert volume(warehouse, tmp_path, counts) == {f"cursor.{ENDPOINT}": [outage.isoformat()]}


# -- spend --------------------------------------------------------------------------------------

JUMP = date(2026, 3, 24)
PEOPLE = {
    "steady@example.com": 1,
    "jumper@example.com": 2,
    "joiner@example.com": 3,
    "holiday@example.com": 4,
    "small@example.com": 5,
    "seat@example.com": 6,
}


def cost(email: str, day: date, usd: float, **values: object) -> Row:
    amount = Decimal(str(round(usd, 2)))
    return row(
        "fact_ai_costs",
        day,
        event_id=event_id((email, day)),
        event_part=1,
        user_sk=PEOPLE[email],
        platform_sk=1,
        api_key_id=f"apikey_{email.partition('@')[0]}",
        base_cost_usd=amount,
        total_cost_usd=amount,
        **values,
    )


def people(warehouse: DuckDBWarehouse) -> None:
    rows = [
        row("dim_users", user_sk=sk, user_email=email, person=email) for email, sk in PEOPLE.items()
    ]
    warehouse.replace("dim_users", None, arrow("dim_users", rows))


def costs(warehouse: DuckDBWarehouse, rows: Sequence[Row]) -> None:
    people(warehouse)
    warehouse.replace("fact_ai_costs", EARLIER, arrow("fact_ai_costs", rows))


def test_a_jump_warns_for_person_key_and_platform_and_joiners_holidays_and_cents_do_not(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    rows = []
    for day in WEEKDAYS:
        usual = 40 + day.day % 7
        rows.append(cost("steady@example.com", day, usual))
        rows.append(cost("jumper@example.com", day, 900 if day == JUMP else usual))
        # Back from two weeks' leave, on an ordinary day; weekends are quiet for everybody.
        if not date(2026, 3, 9) <= day < JUMP:
            rows.append(cost("holiday@example.com", day, usual))
        # Dear in the second week: nobody knows yet what is usual.
        if day >= date(2026, 3, 16):
            rows.append(cost("joiner@example.com", day, 300 if day == JUMP else 20))
        # Twenty times the usual, and still no money.
        rows.append(cost("small@example.com", day, 20 if day == JUMP else 1))
        # Thirty seats more are a purchase, nobody's spending.
        seats = 2000 if day >= JUMP else 60
        rows.append(cost("seat@example.com", day, seats, cost_type="subscription"))
    costs(warehouse, rows)
    check = spend_check(settings_for(tmp_path), PARTITIONS)
    of = run(warehouse, "fact_ai_costs", [check], date(2026, 3, 16), TODAY, resources=NOW_IS_TODAY)
    jump = [JUMP.isoformat()]
    assert failing(of, "spend_anomalies") == {
        "key apikey_jumper": jump,
        "platform C": jump,
        told_apart("person jumper@example.com"): jump,
    }
    assert "jumper@" not in str(of.summaries["spend_anomalies"].metadata)


def test_steady_growth_and_constant_spend_are_no_anomaly(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    rows = []
    for number, day in enumerate(WEEKDAYS):
        rows.append(cost("steady@example.com", day, 100 * 1.004**number))
        rows.append(cost("small@example.com", day, 50))
    costs(warehouse, rows)
    check = spend_check(settings_for(tmp_path), PARTITIONS)
    of = run(warehouse, "fact_ai_costs", [check], date(2026, 3, 16), TODAY, resources=NOW_IS_TODAY)
    assert failing(of, "spend_anomalies") == {}


# -- budgets ------------------------------------------------------------------------------------


def test_a_person_above_the_budget_of_the_month_warns_once_on_the_day_that_crossed_it(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    def spent(email: str, day: date, left: int) -> Row:
        return cost(
            email,
            day,
            10,
            budget_allocated_usd=Decimal(100),
            budget_remaining_usd=Decimal(left),
            is_over_budget=left < 0,
        )

    rows = [
        spent("steady@example.com", date(2026, 3, 20), 5),
        *[spent("jumper@example.com", date(2026, 3, d), 22 - d) for d in range(20, 27)],
        # Crossed before the run's days: told then.
        *[spent("holiday@example.com", date(2026, 3, d), -1) for d in (10, 20)],
        # February is over, and its late costs are in.
        spent("joiner@example.com", date(2026, 2, 20), -50),
        cost("small@example.com", date(2026, 3, 20), 10),
    ]
    costs(warehouse, rows)
    check = budget_check(PARTITIONS)
    of = run(warehouse, "fact_ai_costs", [check], date(2026, 3, 18), TODAY, resources=NOW_IS_TODAY)
    assert failing(of, "budget_crossings") == {told_apart("jumper@example.com"): ["2026-03-23"]}
    sample = of.summaries["budget_crossings"].metadata["sample"].value
    assert isinstance(sample, list)
    assert sample[0]["budget_usd"] == "100.00"
    assert sample[0]["subject"] == "j***@example.com"
    told = of.summaries["budget_crossings"].metadata["details"].value
    # By hand: of a budget of $100 there are 22 - 26 = -4 dollars left.
    assert told == {
        told_apart("jumper@example.com"): "$4.00 (4%) over the budget of $100.00 for March 2026, "
        "$104.00 spent; over it since 2026-03-23"
    }


# -- all ----------------------------------------------------------------------------------------


def test_two_people_whose_masked_addresses_agree_stay_two() -> None:
    one, other = told_apart("anna@example.com"), told_apart("amir@example.com")
    assert one != other
    assert one.startswith("a***@example.com #")
    assert told_apart("key apikey_01") == "key apikey_01"


def test_no_metric_blocks_anything(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    checks = metric_checks(settings, discovered_vendors(), PARTITIONS)
    specs = [spec for check in checks for spec in check.check_specs]
    assert len(specs) > 10
    assert not any(spec.blocking for spec in specs)


def test_a_person_at_the_console_reads_the_promise_and_who_broke_it() -> None:
    def told(name: str, *broken: str) -> str:
        failures = dict.fromkeys(broken, 1)
        check = CheckResult("fact_ai_costs", name, False, False, False, "Nobody is late.", failures)
        return list(described(check, EARLIER))[1].strip()

    assert told("budget_crossings", "a***@example.com #1") == (
        "Nobody is late: not so for a***@example.com #1."
    )
    assert told("freshness", *"abcdefg").endswith("not so for a, b, c, d, e and 2 more.")
    assert told("latency", "latency") == "Nobody is late: not so in 1 case."


# -- closed months ------------------------------------------------------------------------------


def test_a_closed_month_that_changed_is_named_with_its_platform_and_dollars(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    """Ada's February was closed at 10 dollars on Cursor; the facts say 12."""
    schema = view_schema("vw_adjustments")
    warehouse.create_view(schema, view_literals(settings_for(tmp_path).as_of, schema))
    day = date(2026, 2, 10)
    warehouse.replace("dim_dates", None, arrow("dim_dates", [dated(day), dated(date(2026, 3, 10))]))
    ada = row("dim_users", user_sk=7, user_email="ada@x.io", person="ada@x.io")
    warehouse.replace("dim_users", None, arrow("dim_users", [ada]))

    def spent(day: date, usd: int) -> None:
        amount = Decimal(usd)
        cost = row(
            "fact_ai_costs",
            day,
            user_sk=7,
            platform_sk=1,
            cost_center_sk=0,
            base_cost_usd=amount,
            total_cost_usd=amount,
            allocated_cost_usd=amount,
        )
        window = Window.day(day)
        warehouse.replace("fact_ai_costs", window, arrow("fact_ai_costs", [cost]))
        summed = query_of("agg_costs_daily", window, "run", day)
        warehouse.replace("agg_costs_daily", window, summed)

    def found() -> tuple[bool, object, object]:
        evaluation, _ = view_run(warehouse, closed_month_check(), "vw_adjustments")
        assert evaluation.severity == dg.AssetCheckSeverity.WARN
        told = [evaluation.metadata.get(name) for name in ("failures", "adjustments")]
        failures, adjustments = (value.value if value else None for value in told)
        return evaluation.passed, failures, adjustments

    closed = row(
        "closed_months",
        month=date(2026, 2, 1),
        platform_code="cursor",
        user_sk=7,
        user_email="ada@x.io",
        cost_center="Unassigned",
        total_cost_usd=Decimal(10),
    )
    spent(day, 12)
    spent(date(2026, 3, 10), 99)
    assert found() == (True, None, None), "no month is closed"
    warehouse.replace("closed_months", None, arrow("closed_months", [closed]))
    assert found() == (
        False,
        {"2026-02 cursor": 1},
        [
            {
                "month": "2026-02",
                "platform": "cursor",
                "status": "taken_in",
                "adjustment_usd": "2.000000000",
            }
        ],
    )
    spent(day, 10)
    assert found() == (True, None, None), "as it was closed"


def dated(day: date) -> Row:
    return row("dim_dates", day, date=day, month=day.replace(day=1), date_sk=int(f"{day:%Y%m%d}"))
