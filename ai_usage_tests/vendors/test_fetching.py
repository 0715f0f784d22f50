"""From a running vendor into the archive and out as rows; nothing asked twice, nothing lost."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr
from starlette.responses import Response

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError, VendorError
from ai_usage.simulator.company import Company
from ai_usage.simulator.vendors import CURSOR_KEY, VENDOR_KEYS, VENDOR_OPTIONS
from ai_usage.vendors.base import Vendor, discovered_vendors
from ai_usage.vendors.fetching import FetchReport, fetch_window, read_rows
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    NOW,
    Asked,
    ScriptedVendor,
    as_json,
    client,
    without_place,
)

TODAY = NOW.date()
MONTH = Window(date(2026, 10, 10), date(2026, 11, 24))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path))


@pytest.fixture(scope="module")
def filled(simulator: str, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive with every endpoint of the simulated company."""
    archive = Archive(str(tmp_path_factory.mktemp("archive")))
    for vendor in discovered_vendors():
        key = SecretStr(VENDOR_KEYS[vendor.name])
        options = VENDOR_OPTIONS.get(vendor.name)
        with VendorClient(
            vendor, key, options=options, base_url=f"{simulator}/{vendor.name}"
        ) as asking:
            for endpoint in vendor.endpoints:
                fetch_window(vendor, endpoint, MONTH, client=asking, archive=archive, now=NOW)
    return archive


def events(archive: Archive, vendor: Vendor, name: str, window: Window = MONTH) -> list[RawEvent]:
    parts = read_rows(vendor, vendor.endpoint(name), window, archive)
    return [row for part in parts for row in part.rows if isinstance(row, RawEvent)]


def test_every_cent_of_the_cost_report_arrives(filled: Archive, company: Company) -> None:
    truth = sum(line.cents for day in MONTH.days() for line in company.cost_lines(day))
    rows = events(filled, ANTHROPIC, "cost_report")
    assert sum(row.cost_usd or 0 for row in rows) * 100 == truth > 0


def test_every_cursor_event_arrives_once_with_its_charge(filled: Archive, company: Company) -> None:
    made = [event for day in MONTH.days() for event in company.cursor_events(day)]
    rows = events(filled, CURSOR, "usage_events")
    assert len(rows) == len(made) == len({row.event_id for row in rows})
    charged = sum((e.charged_cents for e in made if e.is_chargeable), Decimal(0))
    covered = sum((e.charged_cents for e in made if not e.is_chargeable), Decimal(0))
    assert sum(row.cost_usd or 0 for row in rows) * 100 == charged > 0
    assert sum(row.included_value_usd or 0 for row in rows) * 100 == covered


def test_every_token_of_the_usage_report_arrives(filled: Archive, company: Company) -> None:
    made = [usage for day in MONTH.days() for usage in company.api_usage(day)]
    rows = events(filled, ANTHROPIC, "usage_report")
    assert sum(row.input_tokens or 0 for row in rows) == sum(usage.uncached for usage in made)
    assert sum(row.cached_input_tokens or 0 for row in rows) == sum(
        usage.write_5m + usage.write_1h for usage in made
    )


def test_every_session_and_daily_row_arrives(filled: Archive, company: Company) -> None:
    sessions = [r.sessions for day in MONTH.days() for r in company.claude_code(day)]
    rows = events(filled, ANTHROPIC, "claude_code")
    assert [len(rows), sum(r.session_count or 0 for r in rows)] == [len(sessions), sum(sessions)]
    active = [row for day in MONTH.days() for row in company.cursor_activity(day)]
    assert len(events(filled, CURSOR, "daily_usage")) == len(active)


def test_snapshots_are_todays_only(filled: Archive) -> None:
    for vendor, name in ((CURSOR, "members"), (ANTHROPIC, "api_keys"), (ANTHROPIC, "workspaces")):
        (part,) = read_rows(vendor, vendor.endpoint(name), MONTH, filled)
        assert part.days == [TODAY]
        assert list(part.rows)


def test_ids_do_not_depend_on_the_windows_that_were_asked(
    filled: Archive, simulator: str, archive: Archive
) -> None:
    window = Window(date(2026, 11, 2), date(2026, 11, 6))
    endpoint = CURSOR.endpoint("usage_events")
    with VendorClient(CURSOR, SecretStr(CURSOR_KEY), base_url=f"{simulator}/cursor") as asking:
        for day in reversed(window.days()):
            fetch_window(CURSOR, endpoint, Window.day(day), client=asking, archive=archive, now=NOW)

    def found(archive: Archive) -> dict[str, RawEvent]:
        rows = events(archive, CURSOR, "usage_events", window)
        return {row.event_id: without_place(row) for row in rows}

    assert found(filled) == found(archive)
    assert found(filled)


def test_from_every_event_one_gets_back_to_its_record_in_the_archive(filled: Archive) -> None:
    """As the column's description says: the page's file, and the record's number on it."""
    lists = {"usage_report": "results", "cost_report": "results", "claude_code": "data"}
    root = Path(filled.root)
    pages: dict[str, list[bytes]] = {}
    for vendor in (ANTHROPIC, CURSOR):
        for endpoint in (e for e in vendor.endpoints if e.yields is RawEvent):
            found = events(filled, vendor, endpoint.name)
            assert found
            for event in found:
                sha, _, number = (event.archive_page or "").partition("#")
                if sha not in pages:
                    file = f"{vendor.name}/{endpoint.name}/pages/{sha[:2]}/{sha}.jsonl.gz"
                    page = msgspec.json.decode(gzip.decompress((root / file).read_bytes()))
                    name = lists.get(endpoint.name, "data")
                    listed = page["usageEvents"] if "usageEvents" in page else page["data"]
                    if name == "results":
                        listed = [result for bucket in listed for result in bucket["results"]]
                    pages[sha] = [msgspec.json.encode(record) for record in listed]
                record = msgspec.json.decode((event.raw_response or "").encode())
                assert msgspec.json.encode(record) == pages[sha][int(number) - 1]


# --- Which days are asked ----------------------------------------------------------------------


def claude_code(
    vendor_server: ScriptedVendor, archive: Archive, window: Window, **options: object
) -> FetchReport:
    """Fetch Claude Code from a vendor that answers every day with an empty list."""
    vendor_server.answers({"data": [], "has_more": False})
    values = {"now": NOW, **options}
    with client(ANTHROPIC, vendor_server.url) as asking:
        return fetch_window(
            ANTHROPIC,
            ANTHROPIC.endpoint("claude_code"),
            window,
            client=asking,
            archive=archive,
            **values,  # type: ignore[arg-type]
        )


def days(*numbers: int) -> list[date]:
    return [date(2026, 11, number) for number in numbers]


def test_held_days_are_not_asked_again_unless_refetched(
    vendor_server: ScriptedVendor, archive: Archive
) -> None:
    claude_code(vendor_server, archive, Window(date(2026, 11, 4), date(2026, 11, 6)))
    report = claude_code(vendor_server, archive, Window(date(2026, 11, 3), date(2026, 11, 8)))
    assert report.held_days == days(4, 5)
    assert report.fetched_days == days(3, 6, 7)
    assert [(f.window.start.day, f.window.end.day) for f in report.fetches] == [(3, 4), (6, 8)]
    again = Window(date(2026, 11, 4), date(2026, 11, 6))
    report = claude_code(vendor_server, archive, again, refetch=True)
    assert report.fetched_days == days(4, 5)
    assert (report.pages, report.new_pages) == (2, 0)


def test_a_day_fetched_before_it_settled_is_asked_again(
    vendor_server: ScriptedVendor, archive: Archive
) -> None:
    day = Window.day(date(2026, 11, 20))
    early = datetime(2026, 11, 21, 1, 59, tzinfo=UTC)
    for now, asked in ((early, 1), (early + timedelta(minutes=1), 1), (NOW, 0)):
        report = claude_code(vendor_server, archive, day, now=now)
        assert len(report.fetched_days) == asked
        (part,) = read_rows(ANTHROPIC, ANTHROPIC.endpoint("claude_code"), day, archive)
        assert part.is_provisional(day.start) is (now == early)


def test_no_day_after_today_is_asked(vendor_server: ScriptedVendor, archive: Archive) -> None:
    report = claude_code(vendor_server, archive, Window(date(2026, 11, 23), date(2026, 11, 26)))
    assert report.fetched_days == days(23)
    assert report.skipped_days == days(24, 25)


def test_a_day_that_nobody_holds_is_in_no_reading(
    vendor_server: ScriptedVendor, archive: Archive
) -> None:
    claude_code(vendor_server, archive, Window.day(date(2026, 11, 4)))
    window = Window(date(2026, 11, 3), date(2026, 11, 6))
    (part,) = read_rows(ANTHROPIC, ANTHROPIC.endpoint("claude_code"), window, archive)
    assert part.days == days(4)
    assert list(part.rows) == []


def test_a_failure_keeps_the_earlier_chunks_and_serves_nothing_of_its_own(
    vendor_server: ScriptedVendor, archive: Archive
) -> None:
    window = Window(date(2026, 10, 1), date(2026, 11, 10))

    def script(asked: Asked) -> Response:
        if asked.first("starting_at") == "2026-11-02":
            return as_json({"error": "no"}, 400)
        return as_json({"data": [], "has_more": False})

    vendor_server.script = script
    endpoint = ANTHROPIC.endpoint("claude_code")
    with (
        client(ANTHROPIC, vendor_server.url) as asking,
        pytest.raises(VendorError, match="2026-11-02 page 1"),
    ):
        fetch_window(ANTHROPIC, endpoint, window, client=asking, archive=archive, now=NOW)
    held = archive.held("anthropic", "claude_code", window, endpoint.finalization_lag)
    assert held == set(Window(date(2026, 10, 1), date(2026, 11, 1)).days())
    made = {f.window.start: f.complete for f in archive.fetches("anthropic", "claude_code")}
    assert made == {date(2026, 10, 1): True, date(2026, 11, 1): False}


# --- Pages that shift --------------------------------------------------------------------------


def shifting(vendor_server: ScriptedVendor, settles_after: int) -> None:
    """Two pages of one event each; the total grows between them until the n-th pass."""
    passes = 0

    def script(asked: Asked) -> Response:
        nonlocal passes
        page = asked.body["page"]
        passes += page == 1
        grown = page == 2 and passes <= settles_after
        return as_json(
            {
                "totalUsageEventsCount": 3 if grown else 2,
                "usageEvents": [{"timestamp": str(1793664000000 + page)}],
                "pagination": {"hasNextPage": page == 1},
            }
        )

    vendor_server.script = script


def usage_events(vendor_server: ScriptedVendor, archive: Archive) -> FetchReport:
    with client(CURSOR, vendor_server.url) as asking:
        return fetch_window(
            CURSOR,
            CURSOR.endpoint("usage_events"),
            Window.day(date(2026, 11, 3)),
            client=asking,
            archive=archive,
            now=NOW,
        )


def test_a_window_that_shifts_is_read_from_its_start_again(
    vendor_server: ScriptedVendor, archive: Archive
) -> None:
    shifting(vendor_server, settles_after=2)
    assert usage_events(vendor_server, archive).pages == 2
    assert len(vendor_server.asked) == 6
    assert len(events(archive, CURSOR, "usage_events")) == 2
    incomplete = [f for f in archive.fetches("cursor", "usage_events") if not f.complete]
    assert len(incomplete) == 2
    assert "went from 2 to 3" in (archive.manifest(incomplete[0]).reason or "")


def test_a_window_that_keeps_shifting_fails_after_three_passes(
    vendor_server: ScriptedVendor, archive: Archive
) -> None:
    shifting(vendor_server, settles_after=99)
    with pytest.raises(VendorError, match="while paging"):
        usage_events(vendor_server, archive)
    assert len(vendor_server.asked) == 6
    assert archive.coverage("cursor", "usage_events", MONTH) == []


# --- Reading -----------------------------------------------------------------------------------


def cost_fetch(archive: Archive, window: Window, at: datetime, *days_and_cents: object) -> None:
    pairs = zip(days_and_cents[::2], days_and_cents[1::2], strict=True)
    buckets = ",".join(
        f'{{"starting_at":"{day}T00:00:00Z","results":[{{"amount":"{cents}"}}]}}'
        for day, cents in pairs
    )
    with archive.recording("anthropic", "cost_report", window, fetched_at=at) as recorder:
        recorder.add(Page(f'{{"data":[{buckets}]}}'.encode(), "made up"))


def test_each_day_is_read_from_its_newest_fetch_only(archive: Archive) -> None:
    three = Window(date(2026, 11, 3), date(2026, 11, 6))
    cost_fetch(archive, three, NOW, *("2026-11-03", 1, "2026-11-04", 10, "2026-11-05", 100))
    later = NOW + timedelta(hours=1)
    cost_fetch(archive, Window.day(date(2026, 11, 4)), later, "2026-11-04", 20, "2026-11-03", 7)
    rows = events(archive, ANTHROPIC, "cost_report", three)
    found = sorted((row.event_date.day, row.cost_usd) for row in rows)
    assert found == [(3, Decimal("0.01")), (4, Decimal("0.2")), (5, Decimal(1))]
    # A day that vanished upstream is an empty day, not the older answer.
    cost_fetch(archive, Window.day(date(2026, 11, 5)), later)
    assert len(events(archive, ANTHROPIC, "cost_report", three)) == 2


def test_rows_of_days_that_were_not_asked_are_counted_and_left_aside(archive: Archive) -> None:
    day = Window.day(date(2026, 11, 4))
    cost_fetch(archive, day, NOW, "2026-11-03", 1, "2026-11-04", 10)
    (part,) = read_rows(ANTHROPIC, ANTHROPIC.endpoint("cost_report"), day, archive)
    assert [row.event_date.day for row in part.rows if isinstance(row, RawEvent)] == [4]
    assert part.outside == 1


def test_an_archived_answer_of_a_foreign_shape_is_an_error_of_one_line(archive: Archive) -> None:
    day = Window.day(date(2026, 11, 4))
    with archive.recording("anthropic", "users", day, fetched_at=NOW) as recorder:
        recorder.add(Page(b'{"data": [{"name": "no id"}]}', "made up"))
    (part,) = read_rows(ANTHROPIC, ANTHROPIC.endpoint("users"), day, archive)
    with pytest.raises(ArchiveError, match=r"anthropic users 2026-11-04: .* field `id`"):
        list(part.rows)


def test_pages_are_read_one_at_a_time(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    day = Window.day(date(2026, 11, 4))
    with archive.recording("cursor", "usage_events", day, fetched_at=NOW) as recorder:
        for number in range(3):
            event = f'{{"timestamp": "{1793750400000 + number}"}}'
            recorder.add(Page(f'{{"usageEvents": [{event}]}}'.encode(), str(number)))
    opened = []
    whole = archive.pages

    def watched(fetch: object) -> Iterator[bytes]:
        for page in whole(fetch):  # type: ignore[arg-type]
            opened.append(page)
            yield page

    monkeypatch.setattr(archive, "pages", watched)
    (part,) = read_rows(CURSOR, CURSOR.endpoint("usage_events"), day, archive)
    for count, _ in enumerate(part.rows, 1):
        assert len(opened) == count
    assert count == 3
