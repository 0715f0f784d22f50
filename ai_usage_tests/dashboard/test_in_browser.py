"""Every page in a browser: read by everybody, worked by the keyboard, and asking nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from ai_usage.dashboard.published import Published
from ai_usage.dashboard.viewers import Role
from ai_usage_tests.dashboard.serving import PAGES, served, viewer
from ai_usage_tests.support.browser import CHROMIUM, Page, browser
from ai_usage_tests.support.pipeline import Loaded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: pages cannot be looked at"),
]

SEVERE = ("serious", "critical")
WITHOUT_PICTURES = ("close",)
"""A month without a close has nothing to draw."""
FOCUS = "document.activeElement"


@pytest.fixture(scope="module")
def address(whole_company: Loaded) -> Iterator[str]:
    copy = Published(whole_company.settings.published_path)
    (lead,) = copy.rows(
        "SELECT manager_email AS who FROM people WHERE is_current AND manager_email IS NOT NULL "
        "GROUP BY 1 ORDER BY COUNT(*) DESC, 1 LIMIT 1"
    )
    with served(whole_company, viewer(Role.ADMIN, lead["who"])) as url:
        yield url


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def page(tab: Page) -> Page:
    """The tab as a window of a laptop, with nothing in its log."""
    tab.look(width=1300, height=900)
    tab.console.clear()
    tab.requests.clear()
    return tab


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*PAGES, "evidence"])
def test_axe_finds_nothing_severe(page: Page, address: str, name: str, dark: bool) -> None:
    page.look(width=1300, dark=dark)
    page.go(address + PAGES.get(name, "/evidence?date=2026-03-10"))
    assert page.violations(*SEVERE) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_on_a_telephone(page: Page, address: str, name: str) -> None:
    page.look(width=400)
    page.go(address + PAGES[name])
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.click(".menu-button")
    assert page.evaluate("document.querySelector('.side nav').checkVisibility()")
    assert page.violations(*SEVERE) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_its_own_server_alone_and_complains_of_nothing(
    page: Page, address: str, name: str
) -> None:
    page.go(address + PAGES[name])
    assert {urlsplit(url).netloc for url in page.requests} == {urlsplit(address).netloc}
    assert page.console == []


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_is_drawn_and_has_its_words_and_data(
    page: Page, address: str, name: str
) -> None:
    page.go(address + PAGES[name])
    pictures = page.evaluate(
        """[...document.querySelectorAll('[data-chart]')].map(box => ({
          alt: box.getAttribute('aria-label'),
          marks: box.querySelectorAll('svg path').length,
          data: !!box.closest('.card').querySelector('.data table, .multiples'),
        }))"""
    )
    assert pictures or name in WITHOUT_PICTURES
    for picture in pictures:
        assert len(picture["alt"]) > 20
        assert picture["marks"] > 2, picture["alt"]
        assert picture["data"], picture["alt"]


def test_filters_are_set_by_the_keyboard_alone(page: Page, address: str) -> None:
    page.go(f"{address}/spend")
    page.press("Tab")
    assert page.evaluate(f"{FOCUS}.className") == "skip"
    page.evaluate("document.querySelector('.pick:has([name=team]) summary').focus()")
    page.press("Enter")
    page.wait(f"{FOCUS}.type === 'search'")
    page.type("mob")
    left = "[...document.querySelectorAll('.pick[open] li:not([hidden])')]"
    assert page.evaluate(f"{left}.map(li => li.textContent.trim())") == ["Mobile"]
    page.press("ArrowDown", "Space")
    page.evaluate("window.__left = false")
    page.press("Enter")
    page.wait("window.__left === undefined")
    page.settled()
    assert "team=Mobile" in page.evaluate("location.search")
    assert "Team: Mobile" in page.text()


def test_escape_leaves_a_list_where_it_was_opened(page: Page, address: str) -> None:
    page.go(f"{address}/spend")
    page.click(".pick summary", "Department")
    page.wait(f"{FOCUS}.type === 'search'")
    page.press("Escape")
    assert page.evaluate("document.querySelector('.pick[open]') === null")
    assert page.evaluate(f"{FOCUS}.textContent").startswith("Department")


def test_filters_work_without_scripts(page: Page, address: str) -> None:
    page.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.command("Page.navigate", url=f"{address}/spend")
        page.wait("document.readyState == 'complete' && !!document.querySelector('.pick')")
        for selector, text in (
            (".pick summary", "Platform"),
            (".pick[open] label", "Cursor"),
            (".pick[open] button", "Apply"),
        ):
            page.click(selector, text)
        page.wait("location.search.includes('platform=Cursor')")
        page.wait("document.readyState == 'complete'")
        assert "Platform: Cursor" in page.text()
        assert page.evaluate("document.querySelector('.data summary').checkVisibility()")
    finally:
        page.command("Emulation.setScriptExecutionDisabled", value=False)


def test_a_day_opens_its_events_and_gives_the_focus_back(page: Page, address: str) -> None:
    page.go(f"{address}/spend?month=2026-03")
    page.click("#days .data summary")
    page.click("#days a[data-evidence]", "10 Mar 2026")
    page.wait("document.querySelector('dialog[open] tbody tr') !== null")
    assert "Tue 10 Mar 2026" in page.evaluate("document.querySelector('dialog h1').textContent")
    assert page.violations(*SEVERE) == []
    page.press("Escape")
    assert page.evaluate("document.querySelector('dialog[open]') === null")
    assert page.evaluate(f"{FOCUS}.textContent") == "10 Mar 2026"


def test_a_table_is_sorted_by_its_head(page: Page, address: str) -> None:
    page.go(f"{address}/spend?by=team")
    page.follow("#groups thead a", "Team")
    names = page.evaluate(
        "[...document.querySelectorAll('#groups tbody th')].map(t => t.innerText)"
    )
    assert names == sorted(names)
    assert page.evaluate("document.querySelector('#groups th[aria-sort]').innerText") == "Team"


def test_colours_are_chosen_and_kept(page: Page, address: str) -> None:
    page.go(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click(".theme")
    page.click(".theme")
    assert page.evaluate(ground) != light
    page.go(f"{address}/seats")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click(".theme")
    assert page.evaluate(ground) == light


def test_paper_has_the_figures_and_no_menus(page: Page, address: str) -> None:
    page.look(width=800, dark=True, media="print")
    page.go(address)
    hidden = (
        "['.side', '.filters', '.skip'].every(s => !document.querySelector(s).checkVisibility())"
    )
    assert page.evaluate(hidden)
    assert page.evaluate("document.querySelector('.tiles').checkVisibility()")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_open_pages_notice_a_newer_copy(page: Page, address: str) -> None:
    page.go(address)
    assert page.evaluate("document.body.dataset.copy") == page.evaluate(
        "fetch('/copy').then(answer => answer.json()).then(found => found.copy)"
    )


def test_what_is_not_there_is_said_on_a_page_like_the_others(page: Page, address: str) -> None:
    page.go(f"{address}/nothing")
    assert "There is no such page" in page.text()
    assert page.violations(*SEVERE) == []
