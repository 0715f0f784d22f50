"""The proposal for the next quarter on the budgets page: the command's own, for who may see it."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import httpx
import pytest

from ai_usage.dashboard.published import Published
from ai_usage.dashboard.queries.proposal import proposal
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage.reference import read_text, reference_file
from ai_usage_tests.cli.support import Place
from ai_usage_tests.dashboard.serving import served, viewer
from ai_usage_tests.support.pipeline import Loaded, simulated_environment

pytestmark = pytest.mark.slow


def test_the_pages_file_is_the_commands_and_reads_as_budgets_csv(whole_company: Loaded) -> None:
    settings = whole_company.settings
    place = Place(
        settings.home,
        simulated_environment(
            settings.home,
            "http://127.0.0.1:9",
            whole_company.company.today,
            whole_company.days.start,
        ),
    )
    printed = place.call("reference", "propose-budgets")
    assert printed.code == 0, printed.err
    with served(whole_company, viewer(Role.FINANCE)) as url:
        page = httpx.get(f"{url}/budgets").text
        assert "/budgets/proposal.csv" in page
        answer = httpx.get(f"{url}/budgets/proposal.csv")
    assert answer.text == printed.out
    rows = read_text(reference_file("budgets.csv"), answer.text).rows
    assert {row["scope_type"] for row in rows} == {
        "person", "team", "department", "cost_center", "project",
    }  # fmt: skip
    (mean,) = whole_company.warehouse.rows(
        "SELECT SUM(total_cost - one_time_cost) AS usd FROM vw_cost_by_project "
        "WHERE month IN (DATE '2026-01-01', DATE '2026-02-01') AND project_code = 'ATLAS'"
    )
    (atlas,) = [row for row in rows if row["scope_value"] == "ATLAS"]
    assert atlas["amount"] == (mean["usd"] / 2).quantize(Decimal(1), ROUND_CEILING)


def test_who_sees_no_single_people_gets_no_proposal(whole_company: Loaded) -> None:
    with served(whole_company, viewer(Role.EXECUTIVE)) as url:
        assert "/budgets/proposal.csv" not in httpx.get(f"{url}/budgets").text
        answer = httpx.get(f"{url}/budgets/proposal.csv")
    assert answer.status_code == 403
    published = Published(whole_company.settings.published_path)
    for role in (Role.LEAD, Role.SELF):
        with pytest.raises(ForbiddenError):
            proposal(published, Viewer("a@x.io", role, Mode.OPEN))


def test_who_is_limited_to_cost_centres_gets_lines_for_these(whole_company: Loaded) -> None:
    published = Published(whole_company.settings.published_path)
    whole = proposal(published, Viewer("", Role.FINANCE, Mode.OPEN))
    names = [line.scope_value for line in whole.lines if line.scope_type == "cost_center"]
    own = proposal(published, Viewer("", Role.FINANCE, Mode.OPEN, frozenset(names[:1])))
    assert [(line.scope_type, line.scope_value) for line in own.lines] == [
        ("cost_center", names[0])
    ]
