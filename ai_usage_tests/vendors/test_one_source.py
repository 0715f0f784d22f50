"""A dollar has one source: of all reports that show it, one says that it was billed.

Every vendor that the company buys from is asked for everything, in each way that it can be asked;
what all its reports bill together is what its books say, whatever else shows the same dollars:

- OpenAI: costs (by person or not), and usage;
- GitHub Copilot: the export, the plain answer that checks it, and the credits in people's reports;
- the Console: cost report, cost analytics from a day on, usage, and Claude Code's estimates;
- Claude Enterprise: cost and usage, which show the Console's traffic too, and people's days;
- Cursor: events, days' requests, and members' spend, which is no event.

Telemetry from files, which tells again what Claude Code's report does, is in
`pipeline/test_telemetry.py`; bills by file are in the tests of `focus`.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.simulator import Company
from ai_usage.simulator.vendors import VENDORS
from ai_usage.vendors.base import Endpoint
from ai_usage.vendors.fetching import fetch_window, read_rows
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.support.simulated import Bought, bought
from ai_usage_tests.vendors.support import NOW

DAYS = Window(date(2026, 11, 17), date(2026, 11, 20))
"""Settled at every vendor; in them Copilot's pool of the month ends."""
ASKED = bought(NOW)
BOOKS = {vendor.name: vendor.billed for vendor in VENDORS}
PAIRS = [
    (by, bills, shows)
    for by in ASKED
    for bills, shows in permutations([e for e in by.endpoints if e.yields is RawEvent], 2)
    if bills.has_cost
]


class Reports:
    """The days' events of every report, fetched once each."""

    def __init__(self, url: str, folder: str) -> None:
        self._url, self._folder = url, folder
        self._kept: dict[tuple[str, str], list[RawEvent]] = {}

    def archive(self, by: Bought) -> Archive:
        return Archive(f"{self._folder}/{by.label}")

    def events(self, by: Bought, endpoint: Endpoint) -> list[RawEvent]:
        place = by.label, endpoint.name
        if place not in self._kept:
            archive = self.archive(by)
            with by.client(self._url) as client:
                fetch_window(by.vendor, endpoint, DAYS, client=client, archive=archive, now=NOW)
            parts = read_rows(by.vendor, endpoint, DAYS, archive)
            rows = [row for part in parts for row in part.rows]
            self._kept[place] = [row for row in rows if isinstance(row, RawEvent)]
        return self._kept[place]


@pytest.fixture(scope="module")
def reports(simulator: str, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    return Reports(simulator, str(tmp_path_factory.mktemp("reports")))


@pytest.mark.parametrize("by", ASKED, ids=[by.label for by in ASKED])
def test_all_reports_of_a_vendor_bill_what_its_books_say(
    reports: Reports, company: Company, by: Bought
) -> None:
    """Day by day, to the last digit: what two reports billed would be there twice."""
    billed: dict[date, Decimal] = defaultdict(Decimal)
    for endpoint in by.endpoints:
        if endpoint.yields is RawEvent:
            for event in reports.events(by, endpoint):
                billed[event.event_date] += event.cost_usd or 0
    expected = {day: BOOKS[by.vendor.name](company, day) for day in DAYS.days()}
    assert billed == expected
    assert sum(expected.values()) > 0


@pytest.mark.parametrize(
    ("by", "bills", "shows"),
    PAIRS,
    ids=[f"{by.label}-{bills.name}-{shows.name}" for by, bills, shows in PAIRS],
)
def test_of_two_reports_of_the_same_dollars_one_bills(
    reports: Reports, by: Bought, bills: Endpoint, shows: Endpoint
) -> None:
    assert any(event.cost_usd for event in reports.events(by, bills))
    told = reports.events(by, shows)
    assert told
    assert not shows.has_cost
    assert [event for event in told if event.cost_usd is not None] == []


@pytest.mark.parametrize(
    ("shows", "books"),
    [("claude_enterprise", "anthropic")],
)
@pytest.mark.parametrize("endpoint", ["cost", "usage"])
def test_what_another_vendor_s_report_shows_of_a_vendor_s_traffic_is_no_event(
    reports: Reports, company: Company, shows: str, books: str, endpoint: str
) -> None:
    """The rows of the Console's programs are in the answers, and in no event."""
    by = next(by for by in ASKED if by.label == shows)
    events = reports.events(by, by.vendor.endpoint(endpoint))
    archive = reports.archive(by)
    fetches = archive.fetches(by.vendor.name, endpoint)
    answered = b"".join(page for fetch in fetches for page in archive.pages(fetch))
    assert b"api_actor" in answered
    assert events
    assert [event for event in events if "api_actor" in (event.raw_response or "")] == []
    assert sum(BOOKS[books](company, day) for day in DAYS.days()) > 0
