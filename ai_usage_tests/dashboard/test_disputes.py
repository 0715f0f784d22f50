"""A disputed invoice on the close page: the days and lines where it parts, for who may see them.

Worked out by hand: Ada spends 1 dollar on 1 February, 4 on the 10th and 10 on the 25th; the invoice
bills 5, and so lacks the 25th.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.queries import close as queries
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.dashboard.server import build_app
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage_tests.ledger.small import ADA, Small

pytestmark = pytest.mark.slow

FEBRUARY = Filters(date(2026, 2, 1), date(2026, 2, 1))
WHERE = "Usage part on 2026-02-25: the invoice lacks just that day"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    small = Small(tmp_path_factory.mktemp("disputes"), today=date(2026, 3, 5))
    small.file("users.csv", "user_email,full_name,team,cost_center", f"{ADA},Ada Byron,Core,CC1")
    small.file(
        "invoices.csv",
        "invoice_id,platform,period_from,period_to,line_kind,amount",
        "I-1,cursor,2026-02-01,2026-02-28,usage,5",
    )
    small.load(
        {
            date(2026, 2, 1): {ADA: "1"},
            date(2026, 2, 10): {ADA: "4"},
            date(2026, 2, 25): {ADA: "10"},
        }
    )
    return small


def close_page(small: Small, viewer: Viewer) -> str:
    app = build_app(Published(small.settings.published_path), lambda _email: viewer)
    pages = TestClient(app, base_url="http://127.0.0.1:3100")
    answer = pages.get("/close?month=2026-02")
    assert answer.status_code == 200
    text: str = answer.text
    return text


def test_the_day_and_its_line_are_those_of_the_command(small: Small) -> None:
    viewer = Viewer("", Role.FINANCE, Mode.OPEN)
    text = close_page(small, viewer)
    assert WHERE in text
    assert WHERE in small.done("invoice", "I-1", "--explain")
    published = Published(small.settings.published_path)
    (line,) = queries.parted_lines(published, viewer, FEBRUARY).to_pylist()
    assert (line["day"], line["cost_usd"]) == (date(2026, 2, 25), Decimal(10))
    assert line["what"] in text
    assert line["archive_page"][:12] in text
    (place,) = queries.partings(published, viewer, FEBRUARY).to_pylist()
    assert (place["invoiced_usd"], place["facts_usd"]) == (5, 15)
    assert place["days"] == [date(2026, 2, 25)]


def test_who_sees_no_single_people_is_told_the_day_alone(small: Small) -> None:
    viewer = Viewer("cfo@x.io", Role.FINANCE, Mode.TEAM)
    text = close_page(small, viewer)
    assert WHERE in text
    assert "your role sees the days alone" in text
    assert "Reported by the vendor" not in text
    with pytest.raises(ForbiddenError):
        queries.parted_lines(Published(small.settings.published_path), viewer, FEBRUARY)


@pytest.mark.parametrize(
    "viewer",
    [
        Viewer("a@x.io", Role.EXECUTIVE, Mode.OPEN),
        Viewer("a@x.io", Role.LEAD, Mode.OPEN),
        Viewer("a@x.io", Role.FINANCE, Mode.OPEN, frozenset({"CC1"})),
    ],
    ids=lambda viewer: viewer.role,
)
def test_who_sees_a_part_of_the_company_is_told_of_no_invoice(small: Small, viewer: Viewer) -> None:
    assert "part on" not in close_page(small, viewer)
    with pytest.raises(ForbiddenError):
        queries.partings(Published(small.settings.published_path), viewer, FEBRUARY)
