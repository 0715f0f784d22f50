"""The simulated cloud's bills, read: every dollar equals the company's books, worked out apart."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.finance import Rates
from ai_usage.focus.events import bill_events
from ai_usage.focus.files import FocusFile
from ai_usage.focus.mapping import Services
from ai_usage.focus.shelf import keep
from ai_usage.focus.taking import Known, Taking, plan
from ai_usage.identity.aliases import Aliases
from ai_usage.reference import read_checked, reference_file
from ai_usage.simulator import Company, write_reference_files
from ai_usage.simulator.cloud_bills import write_bills
from ai_usage.simulator.cloud_books import ELSEWHERE, MODELS, UNMAPPED, CloudKey, cloud_dollars

TODAY = date(2026, 3, 10)
SINCE = date(2025, 11, 15)
"""November to January have come twice, February once: it is corrected on 11 March."""


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=TODAY, people=30)


@pytest.fixture(scope="module")
def known(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("reference")
    write_reference_files(company, folder, invoiced_periods=0, with_cloud=True)

    def rows(name: str) -> Any:
        reading = read_checked(reference_file(name), folder)
        assert reading.rows
        assert not reading.warnings
        return reading.rows

    assert rows("platforms.csv")
    assert rows("allocation_rules.csv")
    return Known(Services(rows("focus_mapping.csv")), Rates(rows("fx_rates.csv")))


@pytest.fixture(scope="module")
def taken(
    company: Company, known: Known, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Archive, list[Taking]]:
    """Every file, in the order in which they came."""
    home = tmp_path_factory.mktemp("bills")
    archive, takings = Archive(str(home / "archive")), []
    paths = write_bills(company, home / "in", SINCE)
    assert paths == sorted(paths, key=lambda path: path.stat().st_mtime)
    for path in paths:
        found = plan([FocusFile(path, path.name)], archive, TODAY, known)
        keep(archive, [taking.bill for taking in found], datetime(2026, 3, 10, tzinfo=UTC))
        takings += found
    return archive, takings


def test_every_day_bears_what_the_books_say(
    company: Company, known: Known, taken: tuple[Archive, list[Taking]]
) -> None:
    window = Window(date(2025, 11, 1), TODAY)
    found: dict[CloudKey, Decimal] = defaultdict(Decimal)
    for stream in bill_events(
        taken[0], known.services, known.rates, window, Aliases(), lambda _platform, _day: False
    ):
        assert stream.platform == "vertex_ai"
        for event in stream.events:
            assert event.cost_usd is not None
            assert (
                event.exchange_rate == known.rates.usd("EUR", event.event_date.replace(day=1)).rate
            )
            key = CloudKey(
                event.event_date, event.cost_type or "", event.user_email, event.workspace_id
            )
            found[key] += event.cost_usd
    truth = cloud_dollars(company, SINCE)
    assert found == truth
    assert {key.kind for key in truth} == {"usage", "commitment", "tax", "credit"}
    assert any(key.email is key.team is None and key.kind == "usage" for key in truth), "untagged"
    assert {key.day for key in truth} == set(window.days()) - set(
        Window(date(2026, 3, 1), TODAY).days()
    )


def test_a_corrected_bill_takes_the_place_of_the_first(
    taken: tuple[Archive, list[Taking]],
) -> None:
    replaced = [taking for taking in taken[1] if taking.replaces is not None]
    assert [taking.head.start.month for taking in replaced] == [11, 12, 1]
    for taking in replaced:
        before, after = taking.replaces and taking.replaces.totals["EUR"], taking.head.totals["EUR"]
        assert before
        assert after < before
    assert sum(
        record.get("ChargeClass") == "Correction"
        for taking in replaced
        for file in taking.bill.files
        for _, record in file.records()
    ) == len(replaced), "one of an earlier month in each"


def test_what_is_no_ai_tool_and_what_nobody_has_mapped_are_told_apart(
    taken: tuple[Archive, list[Taking]],
) -> None:
    for taking in taken[1]:
        services = taking.sorted
        assert [service.service for service in services.tools] == [MODELS]
        assert {service.service for service in services.excluded} == set(ELSEWHERE)
        assert [service.service for service in services.unmapped] == [UNMAPPED]


def test_a_bill_comes_days_after_its_month_and_each_third_month_late(tmp_path: Path) -> None:
    def names(day: date) -> list[str]:
        company = Company(today=day, anchor=date(2026, 1, 1), people=30)
        paths = write_bills(company, tmp_path / f"{day}", date(2025, 12, 1))
        return sorted(path.name for path in paths)

    assert names(date(2026, 1, 8)) == []
    assert names(date(2026, 1, 9)) == ["cloud-2025-12.csv"]
    assert names(date(2026, 1, 16)) == ["cloud-2025-12-corrected.csv", "cloud-2025-12.csv"]
    assert names(date(2026, 2, 3))[2:] == []
    assert names(date(2026, 2, 4))[2:] == ["cloud-2026-01.csv"]
