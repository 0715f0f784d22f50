"""The pictures of the README are what the pages look like.

`UPDATE_SNAPSHOTS=1` takes them anew, of a whole year: a few minutes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ai_usage.dashboard.viewers import Role
from ai_usage.simulator import Company, serve
from ai_usage.simulator.reference import write_reference_files
from ai_usage_tests.cli.support import ROOT
from ai_usage_tests.conftest import TODAY
from ai_usage_tests.dashboard.serving import served, viewer
from ai_usage_tests.support.browser import CHROMIUM, Page, browser
from ai_usage_tests.support.pipeline import Loaded, run_window, simulated_settings, window

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: nothing to take pictures with"),
]

DOCS = ROOT / "docs"
WIDTH, HEIGHT = 1280, 860
PICTURES = {
    "dashboard_overview.png": ("/", False),
    "dashboard_spend.png": ("/spend", False),
    "dashboard_close.png": ("/close?month=2026-01", True),
}
"""File -> page, and whether in dark."""
UPDATING = bool(os.environ.get("UPDATE_SNAPSHOTS"))


def take(page: Page, address: str, folder: Path) -> list[Path]:
    """The first screen of each page."""
    taken = []
    for name, (path, dark) in PICTURES.items():
        page.look(width=WIDTH, height=HEIGHT, dark=dark)
        page.go(address + path)
        page.picture(folder / name, height=HEIGHT)
        taken.append(folder / name)
    return taken


@pytest.fixture(scope="module")
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    if not UPDATING:
        found: Loaded = request.getfixturevalue("whole_company")
        return found
    company = Company(today=TODAY)
    days = window(TODAY - timedelta(days=400), TODAY)
    with serve(company) as base_url:
        home = tmp_path_factory.mktemp("year")
        settings = simulated_settings(home, base_url, TODAY, days.start)
        write_reference_files(company, settings.reference_path)
        result = run_window(settings, days)
    assert result.success, result.errors
    return Loaded(company, settings, days, result)


@pytest.fixture
def taken(company: Loaded, tmp_path: Path) -> Iterator[list[Path]]:
    with (
        served(company, viewer(Role.ADMIN)) as address,
        browser(tmp_path / "chromium") as page,
    ):
        yield take(page, address, DOCS if UPDATING else tmp_path)


def size(path: Path) -> tuple[int, int]:
    """Width and height, which a PNG has in its head."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    found: tuple[int, int] = struct.unpack(">II", head[16:24])
    return found


def test_the_readme_shows_pictures_that_are_taken_here(taken: list[Path]) -> None:
    readme = (ROOT / "README.md").read_text()
    for path in taken:
        assert size(path) == (WIDTH, HEIGHT)
        assert size(DOCS / path.name) == (WIDTH, HEIGHT)
        # A page without figures packs into a few kilobytes.
        assert path.stat().st_size > 40_000, path.name
        assert f"docs/{path.name}" in readme
