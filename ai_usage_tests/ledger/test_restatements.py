"""The ledger says what vendors said later of a day, to the cent, and nothing that they did not.

The simulator's amendments are the truth: what a company says before and after one is compared here
from its own records, without the pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError
from ai_usage.ledger.closing import History, history, record_close, record_reopening
from ai_usage.ledger.restatements import EVENTS, Restatement, Restatements
from ai_usage.simulator import Company, add, change, drop, serve
from ai_usage.simulator.records import CursorEvent
from ai_usage.simulator.vendors import VENDOR_KEYS, VENDOR_OPTIONS
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.fetching import fetch_window
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import RawEvent

TODAY = date(2026, 3, 18)
DAY = date(2026, 3, 10)
"""The day that is restated: long over and settled."""
DAYS = Window(date(2026, 3, 8), date(2026, 3, 13))
FIRST_ASKED = datetime(2026, 3, 14, 6, tzinfo=UTC)


def at(hours: int) -> datetime:
    return FIRST_ASKED + timedelta(hours=hours)


class Vendors:
    """The simulated vendors, whose company can change between two fetches."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.url = ""

    def fetch(self, archive: Archive, now: datetime, days: Window = DAYS) -> list[Fetch]:
        """Ask every endpoint that yields events for the days again."""
        found = []
        for vendor in discovered_vendors():
            key = SecretStr(VENDOR_KEYS[vendor.name])
            options = VENDOR_OPTIONS.get(vendor.name, {})
            url = f"{self.url}/{vendor.name}"
            with VendorClient(vendor, key, base_url=url, options=options) as client:
                for endpoint in vendor.endpoints:
                    if endpoint.yields is RawEvent:
                        report = fetch_window(
                            vendor,
                            endpoint,
                            days,
                            client=client,
                            archive=archive,
                            now=now,
                            refetch=True,
                        )
                        found += report.fetches
        return found


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=TODAY, people=30, scale=0.3)


@pytest.fixture(scope="module")
def running(company: Company) -> Iterator[Vendors]:
    vendors = Vendors(company)
    with serve(lambda: vendors.company) as url:
        vendors.url = url
        yield vendors


@pytest.fixture
def vendors(running: Vendors, company: Company) -> Vendors:
    running.company = company
    return running


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path))


def changes(
    archive: Archive, days: Window = DAYS, since: datetime | None = None
) -> list[Restatement]:
    found = Restatements(discovered_vendors(), archive, days, history(archive), since)
    rows = list(found)
    assert not found.unreadable
    return rows


def billed(company: Company) -> CursorEvent:
    return next(e for e in company.cursor_events(DAY) if e.is_chargeable and e.email)


def of(rows: list[Restatement], measure: str, endpoint: str) -> list[Restatement]:
    return [r for r in rows if (r.measure, r.source_endpoint) == (measure, endpoint)]


def test_an_answer_that_says_the_same_leaves_no_trace(vendors: Vendors, archive: Archive) -> None:
    vendors.fetch(archive, at(0))
    vendors.fetch(archive, at(1))
    vendors.fetch(archive, at(2), Window(DAY, DAYS.end))
    assert changes(archive) == []


def test_a_changed_amount_is_told_with_person_day_and_difference(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    event = billed(company)
    vendors.fetch(archive, at(0))
    vendors.company = company.amended(
        change(
            "cursor_events",
            DAY,
            lambda e: e == event,
            limit=1,
            charged_cents=event.charged_cents + Decimal("12.5"),
        )
    )
    vendors.fetch(archive, at(1))
    (row,) = changes(archive)
    same = [
        e
        for e in company.cursor_events(DAY)
        if e.is_chargeable and (e.email, e.model) == (event.email, event.model)
    ]
    total = sum((e.charged_cents for e in same), Decimal()) / 100
    assert (row.event_date, row.platform, row.source_endpoint) == (DAY, "cursor", "usage_events")
    assert (row.bearer.user_email, row.bearer.model) == (event.email, event.model)
    assert (row.measure, row.value_before) == ("cost_usd", total)
    assert row.value_after == total + Decimal("0.125")
    assert row.difference == Decimal("0.125")
    assert (row.previous_fetch_at, row.seen_at) == (at(0), at(1))
    assert row.was_final
    assert not row.month_closed


def test_vanished_late_and_restated_records_sum_to_what_the_company_says_otherwise(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    """Dollars by person, tokens by key, cost by workspace: all differences, and only those."""
    gone = billed(company)
    others = [e for e in company.cursor_events(DAY) if e.is_chargeable and e.email != gone.email]
    late = msgspec.structs.replace(others[0], timestamp_ms=others[0].timestamp_ms + 1)
    usage = next(u for u in company.api_usage(DAY) if u.key_id and u.service_tier == "standard")
    restated = company.amended(
        drop("cursor_events", DAY, lambda e: e == gone, limit=1),
        add("cursor_events", DAY, late),
        change("api_usage", DAY, lambda u: u == usage, limit=1, uncached=usage.uncached + 9_000),
    )
    vendors.fetch(archive, at(0))
    vendors.company = restated
    vendors.fetch(archive, at(1))
    rows = changes(archive)
    assert {row.event_date for row in rows} == {DAY}

    def dollars(one: Company) -> dict[str | None, Decimal]:
        sums: dict[str | None, Decimal] = {}
        for e in one.cursor_events(DAY):
            if e.is_chargeable:
                sums[e.email] = sums.get(e.email, Decimal()) + e.charged_cents / 100
        return sums

    def spent(one: Company) -> dict[str | None, Decimal]:
        sums: dict[str | None, Decimal] = {}
        for line in one.cost_lines(DAY):
            sums[line.workspace_id] = sums.get(line.workspace_id, Decimal()) + line.cents / 100
        return sums

    def told(endpoint: str, name: str) -> dict[str | None, Decimal]:
        sums: dict[str | None, Decimal] = {}
        for row in of(rows, "cost_usd", endpoint):
            key = getattr(row.bearer, name)
            sums[key] = sums.get(key, Decimal()) + row.difference
        return sums

    assert told("usage_events", "user_email") == differences(dollars(company), dollars(restated))
    assert told("cost_report", "workspace_id") == differences(spent(company), spent(restated))
    (tokens,) = of(rows, "input_tokens", "usage_report")
    assert (tokens.bearer.api_key_id, tokens.difference) == (usage.key_id, Decimal(9_000))
    events = {row.bearer.user_email: row.difference for row in of(rows, EVENTS, "usage_events")}
    assert events == {gone.email: -1, late.email: 1}
    # The counts of the day in the editor follow from the events.
    requests = of(rows, "overage_requests", "daily_usage")
    assert {row.bearer.user_email: row.difference for row in requests} == events


def differences(
    before: dict[str | None, Decimal], after: dict[str | None, Decimal]
) -> dict[str | None, Decimal]:
    keys = before.keys() | after.keys()
    both = {k: after.get(k, Decimal()) - before.get(k, Decimal()) for k in keys}
    return {k: value for k, value in both.items() if value}


def test_what_comes_while_a_day_still_runs_is_no_restatement_and_the_first_hours_are_not_final(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    """Asked at noon of the day itself, then an hour after its end, then restated a day later."""
    event = billed(company)
    only = Window.day(DAY)
    noon, first = datetime(2026, 3, 10, 12, tzinfo=UTC), datetime(2026, 3, 11, 1, tzinfo=UTC)
    vendors.fetch(archive, noon, only)
    vendors.company = company.amended(drop("cursor_events", DAY, lambda e: e == event, limit=1))
    vendors.fetch(archive, first, only)
    assert changes(archive) == []
    vendors.company = company
    vendors.fetch(archive, first + timedelta(days=2), only)
    rows = changes(archive)
    (back,) = of(rows, "cost_usd", "usage_events")
    assert back.difference == event.charged_cents / 100
    assert not back.was_final, "the vendor recomputes charges for a day"


def test_there_and_back_again_are_two_restatements_each_with_its_own_fetches(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    event = billed(company)
    vendors.fetch(archive, at(0))
    vendors.company = company.amended(drop("cursor_events", DAY, lambda e: e == event, limit=1))
    vendors.fetch(archive, at(1))
    vendors.fetch(archive, at(2))
    vendors.company = company
    vendors.fetch(archive, at(3))
    found = of(changes(archive), "cost_usd", "usage_events")
    assert [(r.previous_fetch_at, r.seen_at) for r in found] == [(at(0), at(1)), (at(2), at(3))]
    assert sum(r.difference for r in found) == 0


def test_since_leaves_out_what_was_seen_before_and_compares_with_what_stood_then(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    test_there_and_back_again_are_two_restatements_each_with_its_own_fetches(
        vendors, archive, company
    )
    everything = changes(archive)
    for hour in range(5):
        later = [row for row in everything if row.seen_at >= at(hour)]
        assert changes(archive, since=at(hour)) == later


def test_only_days_that_differ_are_opened(
    vendors: Vendors, archive: Archive, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows that move on by a day never have equal pages: the days' digests tell."""
    for hour, days in enumerate([DAYS, Window(DAY, DAYS.end), Window(DAY, date(2026, 3, 14))]):
        vendors.fetch(archive, at(hour), days)
    opened: list[Fetch] = []
    pages: Callable[[Archive, Fetch], Iterator[bytes]] = Archive.pages

    def counted(self: Archive, fetch: Fetch) -> Iterator[bytes]:
        opened.append(fetch)
        return pages(self, fetch)

    monkeypatch.setattr(Archive, "pages", counted)
    assert changes(archive) == []
    assert opened == []
    vendors.company = company.amended(
        drop("claude_code", DAY, lambda r: r.customer_type == "subscription", limit=1)
    )
    vendors.fetch(archive, at(4))
    rows = changes(archive)
    assert {row.source_endpoint for row in rows} == {"claude_code"}
    assert [fetch.fetched_at for fetch in opened] == [at(4), at(2)]


def test_answers_from_before_there_were_digests_are_compared_all_the_same(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    event = billed(company)
    vendors.fetch(archive, at(0))
    vendors.company = company.amended(drop("cursor_events", DAY, lambda e: e == event, limit=1))
    vendors.fetch(archive, at(1))
    expected = changes(archive)
    assert expected
    root = Path(archive.root)
    for path in root.rglob("fetches/**/*.json"):
        manifest = msgspec.json.decode(path.read_bytes())
        assert manifest.pop("days") is not None
        path.write_bytes(msgspec.json.encode(manifest))
    assert changes(archive) == expected


def test_a_month_counts_as_closed_from_its_close_until_it_is_opened_again(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    event = billed(company)
    month = DAY.replace(day=1)
    without = company.amended(drop("cursor_events", DAY, lambda e: e == event, limit=1))
    vendors.fetch(archive, at(0))
    record_close(archive, month, [], at(2))
    record_reopening(archive, month, at(4))
    for hour, one in ((1, without), (3, company), (5, without)):
        vendors.company = one
        vendors.fetch(archive, at(hour))
    found = of(changes(archive), "cost_usd", "usage_events")
    assert [row.month_closed for row in found] == [False, True, False]


def test_an_answer_that_cannot_be_read_is_named_and_the_others_are_compared(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    event = billed(company)
    vendors.fetch(archive, at(0))
    vendor = next(v for v in discovered_vendors() if v.name == "cursor")
    with archive.recording("cursor", "usage_events", DAYS, fetched_at=at(1)) as recorder:
        recorder.add(Page(b'{"usageEvents": "gone"}', "import"))
    vendors.company = company.amended(drop("cursor_events", DAY, lambda e: e == event, limit=1))
    vendors.fetch(archive, at(2))
    found = Restatements([vendor], archive, DAYS, History())
    (row,) = of(list(found), "cost_usd", "usage_events")
    assert (row.previous_fetch_at, row.seen_at) == (at(0), at(2))
    assert found.unreadable == [
        "cursor usage_events 2026-03-08..2026-03-12: the answer of 2026-03-14 07:00 UTC cannot be "
        "read and is not compared."
    ]


def test_a_damaged_page_is_named_and_hides_nothing_else(
    vendors: Vendors, archive: Archive, company: Company
) -> None:
    event = billed(company)
    vendors.fetch(archive, at(0))
    vendors.company = company.amended(drop("cursor_events", DAY, lambda e: e == event, limit=1))
    fetches = vendors.fetch(archive, at(1))
    damaged = next(f for f in fetches if f.endpoint == "usage_events")
    page = archive.manifest(damaged).pages[0].sha256
    (path,) = Path(archive.root).rglob(f"{page}.jsonl.gz")
    path.write_bytes(b"damaged")
    with pytest.raises(ArchiveError):
        list(archive.pages(damaged))
    found = Restatements(discovered_vendors(), archive, DAYS, History())
    rows = list(found)
    assert {row.source_endpoint for row in rows} == {"daily_usage"}
    (line,) = found.unreadable
    assert line.startswith("cursor usage_events 2026-03-08..2026-03-12: the answer of ")
