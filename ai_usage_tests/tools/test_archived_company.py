"""The archive that the benchmarks fill without asking anybody is the one that a fetch leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from ai_usage.archive.archive import Archive, Manifest
from ai_usage.days.windows import Window
from ai_usage.simulator import CURSOR_KEY, serve
from ai_usage.vendors import cursor
from ai_usage.vendors.fetching import fetch_window
from ai_usage.vendors.http import VendorClient
from benchmarks.archived import archive_events
from benchmarks.company import TODAY, company_of
from benchmarks.weekly import WeeklyCompany

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
PEOPLE, RECORDS = 30, 130
ENDPOINT = cursor.VENDOR.endpoint("usage_events")


def test_it_holds_the_pages_manifests_and_digests_of_a_fetch(tmp_path: Path) -> None:
    """Of more days than a fetch takes at once, and more events than a page."""
    days = Window(TODAY - timedelta(days=ENDPOINT.max_days + 4), TODAY - timedelta(days=1))
    company = company_of(PEOPLE, RECORDS, weekly=True)
    assert isinstance(company, WeeklyCompany)
    made, fetched = Archive(str(tmp_path / "made")), Archive(str(tmp_path / "fetched"))
    for _ in range(2):
        # What is held is not archived again.
        archive_events(company, made, days, NOW)
    with (
        serve(company_of(PEOPLE, RECORDS, weekly=True)) as url,
        VendorClient(cursor.VENDOR, SecretStr(CURSOR_KEY), base_url=f"{url}/cursor") as client,
    ):
        fetch_window(cursor.VENDOR, ENDPOINT, days, client=client, archive=fetched, now=NOW)
    assert _manifests(made) == _manifests(fetched)
    assert [len(manifest.pages) for manifest in _manifests(made)] == [2, 1]
    assert made.held("cursor", ENDPOINT.name, days, ENDPOINT.finalization_lag) == set(days.days())


def _manifests(archive: Archive) -> list[Manifest]:
    fetches = archive.fetches("cursor", ENDPOINT.name)
    for fetch in fetches:
        # Each page is there, and what its name says.
        assert all(archive.pages(fetch))
    return [archive.manifest(fetch) for fetch in fetches]
