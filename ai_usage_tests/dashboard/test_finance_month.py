"""A finance lead's month, from page to page in a browser: no question of hers needs SQL."""

from __future__ import annotations

import csv
import io
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.dashboard.viewers import Role
from ai_usage.settings import Settings
from ai_usage.text.figures import money
from ai_usage.warehouse.base import Query
from ai_usage_tests.cli.support import Place
from ai_usage_tests.dashboard.serving import served, viewer
from ai_usage_tests.support.browser import CHROMIUM, Page, browser
from ai_usage_tests.support.pipeline import Loaded, simulated_environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: pages cannot be looked at"),
]

CELLS = """[...document.querySelectorAll('#{anchor} {part} tr')].map(
  row => [...row.children].map(cell => cell.innerText.trim().split('\\n')[0]))"""


@pytest.fixture(scope="module")
def page(whole_company: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The overview of January, whose invoices have come in."""
    with (
        served(whole_company, viewer(Role.FINANCE, "finance@example.com")) as address,
        browser(tmp_path_factory.mktemp("chromium")) as tab,
    ):
        tab.look(width=1300)
        tab.go(address)
        tab.follow("[rel=prev]")
        tab.follow("[rel=prev]")
        assert "What do AI tools cost in January 2026" in tab.text()
        yield tab


def rows(loaded: Loaded, sql: str) -> list[dict[str, Any]]:
    """What the warehouse itself says, with nothing of the dashboard in between."""
    found: list[dict[str, Any]] = loaded.warehouse.query(Query(sql)).to_pylist()
    return found


def facts(loaded: Loaded) -> dict[str, Decimal]:
    """January's cost by cost centre, added up from single facts."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(
        loaded,
        "SELECT cost_center, total_cost_usd FROM fact_ai_costs AS f "
        "LEFT JOIN dim_cost_centers AS c ON c.cost_center_sk = f.cost_center_sk "
        "AND c.cost_center_sk != 0 "
        "WHERE f.cost_timestamp >= TIMESTAMP '2026-01-01 00:00:00+00' "
        "AND f.cost_timestamp < TIMESTAMP '2026-02-01 00:00:00+00'",
    ):
        held[row["cost_center"] or "Unassigned"] += row["total_cost_usd"]
    return dict(held)


def test_spend_by_cost_centre_is_that_of_the_facts(page: Page, whole_company: Loaded) -> None:
    page.follow(".pages a", "Spend")
    held = facts(whole_company)
    shown = page.evaluate(CELLS.format(anchor="groups", part="tbody"))
    assert {row[0]: row[1] for row in shown} == {name: money(usd) for name, usd in held.items()}
    (foot,) = page.evaluate(CELLS.format(anchor="groups", part="tfoot"))
    assert foot[:2] == ["Total", money(sum(held.values(), Decimal(0)))]


def test_the_file_is_what_the_page_shows_to_the_last_digit(
    page: Page, whole_company: Loaded
) -> None:
    page.follow(".pages a", "Spend")
    text = page.evaluate(
        "fetch(document.querySelector('#groups a[download]').href).then(a => a.text())"
    )
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["Cost centre"]: Decimal(line["January 2026"]) for line in lines} == facts(
        whole_company
    )


def test_who_is_over_budget_is_named_with_the_sum(page: Page, whole_company: Loaded) -> None:
    page.follow(".pages a", "Budgets")
    for scope, label in (("cost_center", "Cost centre"), ("team", "Team"), ("person", "Person")):
        page.follow("#by .steps a, #budgets .steps a", label)
        expected = {
            row["full_name"] or row["scope_value"]: money(row["remaining_usd"])
            for row in rows(
                whole_company,
                "SELECT scope_value, full_name, remaining_usd FROM vw_budget_status "
                f"WHERE month = DATE '2026-01-01' AND scope_type = '{scope}' AND is_over_budget",
            )
        }
        shown = page.evaluate(CELLS.format(anchor="budgets", part="tbody"))
        assert {row[0]: row[4] for row in shown if row[-1] == "Over budget"} == expected, scope


def test_the_invoice_that_parts_is_named_with_what_and_by_how_much(
    page: Page, whole_company: Loaded
) -> None:
    page.follow(".pages a", "Close")
    disputed = rows(
        whole_company,
        "SELECT invoice_ids, difference_usd FROM vw_reconciliation "
        "WHERE reconciliation_status = 'disputed' "
        "AND period_from < DATE '2026-02-01' AND period_to >= DATE '2026-01-01'",
    )
    assert disputed, "the simulated company disputes one invoice"
    text = page.text()
    for row in disputed:
        assert f"{row['invoice_ids']} is disputed" in text
        assert f"the invoice is {money(abs(row['difference_usd']))}" in text
        assert f"{row['invoice_ids']} line" in text
    assert "Does not tie to the invoices" in text


def test_what_is_still_open_is_said_before_the_close(page: Page) -> None:
    page.follow(".pages a", "Close")
    text = page.text()
    assert "the month is open" in text
    for point in ("Days that are not loaded", "The vendor may still change"):
        assert point in text


def test_seats_that_nobody_uses_are_told_in_money(page: Page, whole_company: Loaded) -> None:
    page.follow(".pages a", "Seats")
    found = rows(
        whole_company,
        "SELECT wasted_monthly_usd FROM vw_idle_seats WHERE idle_reason IS NOT NULL",
    )
    total = money(sum((row["wasted_monthly_usd"] for row in found), Decimal(0)))
    assert f"Wasted a month\n{total}" in page.text().replace("\n\n", "\n")


@pytest.fixture(scope="module")
def closed(whole_company: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The company after `ai-usage close 2026-01`, with no run since, in a folder of its own."""
    home = tmp_path_factory.mktemp("closed") / "home"
    shutil.copytree(whole_company.settings.home, home)
    environment = simulated_environment(
        home, "http://127.0.0.1:9", whole_company.company.today, whole_company.days.start
    )
    place = Place(home, environment)
    done = place.call("close", "2026-01", "--accept", "Cursor has been asked")
    assert done.code == 0, done.err
    return replace(whole_company, settings=Settings.load(environment))


@pytest.fixture(scope="module")
def after(closed: Loaded, page: Page) -> Iterator[Page]:
    """The same tab on January's close, after the month is closed."""
    with served(closed, viewer(Role.FINANCE, "finance@example.com")) as address:
        page.go(f"{address}/close?month=2026-01")
        yield page


def test_a_closed_month_is_shown_as_it_was_reported(after: Page, closed: Loaded) -> None:
    total = sum(facts(closed).values(), Decimal(0))
    (known,) = rows(
        closed,
        "SELECT SUM(total_cost_usd) AS usd, MAX(closed_by) AS who FROM closed_months "
        "WHERE month = DATE '2026-01-01'",
    )
    assert known["usd"] == total
    text = after.text()
    assert "the month is open" not in text
    assert f"As reported\n{money(total)}" in text.replace("\n\n", "\n")
    assert f"by {known['who']}" in text
    assert "Nothing came later" in text


def test_the_closed_month_is_charged_by_the_file_of_the_page(after: Page, closed: Loaded) -> None:
    text = after.evaluate(
        "fetch([...document.querySelectorAll('a[download]')].find("
        "a => a.textContent.includes('Chargeback')).href).then(a => a.text())"
    )
    charged: dict[str, Decimal] = defaultdict(Decimal)
    for line in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))):
        name = "Unassigned" if line["line"] == "unborne" else line["cost_center"]
        charged[name] += Decimal(line["amount"])
    held = facts(closed)
    assert charged.keys() == held.keys()
    assert sum(charged.values()) == round(sum(held.values(), Decimal(0)), 2)
    lines = len(text.splitlines()) - 1
    for name, usd in held.items():
        # Each line is rounded by less than a cent.
        assert abs(charged[name] - usd) < Decimal("0.01") * lines
