"""A bill that has not come warns whatever days a run covers, and names its days where it does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.clock import SystemClock
from ai_usage.days.windows import Window
from ai_usage.focus.bills import Bill
from ai_usage.focus.shelf import keep
from ai_usage.orchestration.checks.bills import bills_due_check, missing_bills
from ai_usage.orchestration.checks.sql_checks import completeness_check
from ai_usage.orchestration.resources import resources_of
from ai_usage.reference import reference_file
from ai_usage.reference.states import accept
from ai_usage.settings import Settings
from ai_usage_tests.focus.support import APRIL_2, Shelf, line, rows, whole, written
from ai_usage_tests.support.check_runs import PARTITIONS, Ran, run
from ai_usage_tests.warehouse.rows import open_warehouse

APRILS = (
    "account acc-1 has no bill of 2026-04-01..2026-04-30: what sky_models cost then is in no sum"
)


@pytest.fixture
def bills(tmp_path: Path) -> list[Bill]:
    file = written(tmp_path / "march.csv", whole(line(3, "10")))
    return [taking.bill for taking in Shelf(tmp_path / "other").plan(file)]


def ran(
    tmp_path: Path, bills: list[Bill], today: str, first: date, last: date, mapping: str
) -> Ran:
    """Both checks over the days, seen on `today`, with the bills held and the mapping accepted."""
    settings = Settings.load(
        {
            "AI_USAGE_HOME": str(tmp_path / "home"),
            "AI_USAGE_START_DATE": "2026-03-01",
            "AI_USAGE_AS_OF": today,
        }
    )
    archive = Archive(settings.archive_root)
    keep(archive, bills, APRIL_2)
    file = reference_file("focus_mapping.csv")
    accept(archive, SystemClock(APRIL_2.date()), file, rows("service,platform,valid_to", mapping))
    warehouse = open_warehouse(tmp_path)
    for table in ("raw_ai_events", "loaded_days"):
        warehouse.ensure_table(table)
    checks = {"raw_ai_events": completeness_check([], PARTITIONS), "loaded_days": bills_due_check()}
    found = [
        run(warehouse, table, [check], first, last, resources=resources_of(settings, []))
        for table, check in checks.items()
    ]
    summaries = {**found[0].summaries, **found[1].summaries}
    return Ran(True, set(), {**found[0].recorded, **found[1].recorded}, summaries)


def test_a_bill_of_april_is_due_on_the_11th_of_may_and_not_before(
    tmp_path: Path, bills: list[Bill]
) -> None:
    mapping = "Models,sky_models,"
    days = date(2026, 5, 8), date(2026, 5, 9)
    early = ran(tmp_path / "early", bills, "2026-05-10", *days, mapping)
    assert early.summaries["bills_due"].passed
    late = ran(tmp_path / "late", bills, "2026-05-11", *days, mapping)
    of_bills = late.summaries["bills_due"]
    assert not of_bills.passed
    assert of_bills.severity == dg.AssetCheckSeverity.WARN
    name = "acc-1 2026-04-01..2026-04-30"
    assert of_bills.metadata["failures"].value == {name: 1}
    assert of_bills.metadata["details"].value == {name: APRILS}
    # The run's days are none of the bill's.
    assert late.summaries["completeness"].passed


def test_a_month_without_its_bill_has_an_open_point_at_once(
    tmp_path: Path, bills: list[Bill]
) -> None:
    """Who closes April on the first of May does it without the bill."""
    days = date(2026, 3, 30), date(2026, 3, 31)
    ran(tmp_path, bills, "2026-05-01", *days, "Models,sky_models,")
    archive = Archive(str(tmp_path / "home" / "archive"))
    april, march = (Window(date(2026, m, 1), date(2026, m + 1, 1)) for m in (4, 3))
    assert [f"{bill}" for bill in missing_bills(archive, april)] == [APRILS]
    assert missing_bills(archive, march) == []


def test_the_days_without_a_bill_are_incomplete(tmp_path: Path, bills: list[Bill]) -> None:
    days = date(2026, 3, 31), date(2026, 4, 1)
    of = ran(tmp_path, bills, "2026-05-11", *days, "Models,sky_models,")
    assert of.summaries["completeness"].metadata["failures"].value == {"sky_models.focus": 1}
    recorded = of.recorded["completeness"]
    assert [recorded[f"{day}"] for day in days] == ["SUCCEEDED", "FAILED"]


def test_the_end_of_the_mappings_line_ends_the_warning(tmp_path: Path, bills: list[Bill]) -> None:
    days = date(2026, 3, 31), date(2026, 4, 1)
    of = ran(tmp_path, bills, "2026-05-11", *days, "Models,sky_models,2026-03-31")
    assert of.summaries["bills_due"].passed
    assert of.summaries["completeness"].passed
