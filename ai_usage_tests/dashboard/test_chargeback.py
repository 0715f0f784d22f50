"""The chargeback of the close page: the command's own file, for who sees every person's dollars."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.queries.chargeback import chargeback
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage_tests.cli.support import Place
from ai_usage_tests.dashboard.serving import served, viewer
from ai_usage_tests.support.pipeline import Loaded, simulated_environment

pytestmark = pytest.mark.slow
FILE = "/close/chargeback.csv"
JANUARY = Filters(date(2026, 1, 1), date(2026, 1, 1))


@pytest.mark.parametrize("month", ["2026-01", "2026-03"])
def test_the_pages_file_is_the_commands_and_sums_to_the_facts(
    month: str, whole_company: Loaded, tmp_path: Path
) -> None:
    """A month that is over, and the running one."""
    loaded = whole_company
    environment = simulated_environment(
        loaded.settings.home, "http://127.0.0.1:9", loaded.company.today, loaded.days.start
    )
    to = tmp_path / "chargeback.csv"
    done = Place(loaded.settings.home, environment).call("chargeback", month, "--to", str(to))
    assert done.code == 0, done.err
    with served(loaded, viewer(Role.FINANCE)) as url:
        assert f"{FILE}?month={month}" in httpx.get(f"{url}/close?month={month}").text
        answer = httpx.get(f"{url}{FILE}?month={month}")
    assert answer.content == to.read_bytes()
    amounts = [
        Decimal(row["amount"])
        for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    ]
    (facts,) = loaded.warehouse.rows(
        "SELECT SUM(total_cost_usd) AS usd FROM fact_ai_costs "
        f"WHERE DATE_TRUNC(DATE(cost_timestamp, 'UTC'), MONTH) = DATE '{month}-01'"
    )
    assert sum(amounts) == round(facts["usd"], 2)


@pytest.mark.parametrize(
    "who",
    [
        Viewer("a@x.io", Role.EXECUTIVE, Mode.OPEN),
        Viewer("a@x.io", Role.FINANCE, Mode.TEAM),
        Viewer("a@x.io", Role.FINANCE, Mode.OPEN, frozenset({"CC-1"})),
        Viewer("a@x.io", Role.LEAD, Mode.OPEN),
        Viewer("a@x.io", Role.SELF, Mode.OPEN),
    ],
    ids=lambda who: f"{who.role}-{who.mode}",
)
def test_who_does_not_see_everybodys_dollars_gets_no_chargeback(
    who: Viewer, whole_company: Loaded
) -> None:
    with served(whole_company, lambda _email: who) as url:
        assert FILE not in httpx.get(f"{url}/close?month=2026-01").text
        assert httpx.get(f"{url}{FILE}?month=2026-01").status_code == 403
    with pytest.raises(ForbiddenError):
        chargeback(Published(whole_company.settings.published_path), who, JANUARY)


def test_a_month_without_cost_has_no_file(whole_company: Loaded) -> None:
    with served(whole_company, viewer(Role.ADMIN)) as url:
        answer = httpx.get(f"{url}{FILE}?month=2025-01")
    assert answer.status_code == 404
