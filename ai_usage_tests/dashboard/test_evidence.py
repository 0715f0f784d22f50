"""Evidence shows the vendor's own record, letter by letter, to who sees everybody's dollars."""

from __future__ import annotations

import gzip
import html
import re
from datetime import date
from pathlib import Path

import httpx
import pytest

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.queries.evidence import events
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage_tests.dashboard.serving import served, viewer
from ai_usage_tests.support.pipeline import Loaded

pytestmark = pytest.mark.slow

DAY = date(2026, 2, 11)
ADDRESS = f"/evidence?month=2026-02&date={DAY}"
RECORD = re.compile(r"<pre>(\w{64})#(\d+)\n(.*?)</pre>", re.DOTALL)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.ADMIN])
def test_a_record_is_the_one_of_the_archived_page_that_is_named(
    role: Role, whole_company: Loaded
) -> None:
    with served(whole_company, viewer(role)) as url:
        text = httpx.get(url + ADDRESS).text
        file = httpx.get(url + ADDRESS.replace("?", ".csv?")).text
    shown = RECORD.findall(text)
    assert len(shown) > 50
    pages = {
        path.name.removesuffix(".jsonl.gz"): "".join(
            gzip.decompress(path.read_bytes()).decode().split()
        )
        for path in Path(whole_company.settings.archive_root).rglob("pages/*/*.jsonl.gz")
    }
    for page, _number, record in shown:
        # Without the spaces and lines that make it easier to read, the text is in the page's.
        assert "".join(html.unescape(record).split()) in pages[page]
    assert "As the vendor sent it" in file.splitlines()[0]


def test_no_address_of_the_page_leads_to_another_day(whole_company: Loaded) -> None:
    """The heads of its columns led to the copy's last day."""
    with served(whole_company, viewer(Role.ADMIN)) as url:
        text = httpx.get(url + ADDRESS).text
    own = re.findall(r'href="(/evidence[^"]*)"', text)
    assert own, "the file at least"
    assert [href for href in own if f"date={DAY}" not in href] == []


@pytest.mark.parametrize(
    "limits", [(Role.LEAD, frozenset[str]()), (Role.FINANCE, frozenset({"CC-100"}))]
)
def test_who_sees_a_part_of_the_people_is_shown_no_record(
    limits: tuple[Role, frozenset[str]], whole_company: Loaded
) -> None:
    """A record may bill others, too."""
    role, cost_centers = limits
    (row,) = whole_company.warehouse.rows(
        "SELECT MAX(manager_email) AS lead FROM dim_users WHERE is_current"
    )
    (center,) = whole_company.warehouse.rows(
        "SELECT MAX(cost_center) AS name FROM dim_cost_centers WHERE cost_center_sk > 0"
    )
    own = frozenset({center["name"]}) if cost_centers else cost_centers
    who = Viewer(row["lead"], role, Mode.OPEN, own)
    published = Published(whole_company.settings.published_path)
    month = Filters(DAY.replace(day=1), DAY.replace(day=1))
    found = events(published, whole_company.warehouse, who, month, DAY)
    assert found.rows, "the viewer has events of the day"
    assert {row["record"] for row in found.rows} == {None}
    with served(whole_company, lambda _email: who) as url:
        text = httpx.get(url + ADDRESS).text
        file = httpx.get(url + ADDRESS.replace("?", ".csv?")).text
    assert "As the vendor sent it" not in text + file
    assert "<pre>" not in text
