"""The monthly report: one file that ties to the warehouse, opens offline, and names nobody."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.queries.moved import books, moved
from ai_usage.dashboard.report.render import report_html
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage.finance.exact import cents
from ai_usage.simulator import Company
from ai_usage.text.figures import money
from ai_usage.warehouse.base import Query
from ai_usage_tests.alerts.receivers import Mailbox, mail_server
from ai_usage_tests.cli.support import Place
from ai_usage_tests.support.browser import CHROMIUM, browser
from ai_usage_tests.support.pipeline import Loaded, load, materializations, window

pytestmark = pytest.mark.slow

TODAY = date(2026, 3, 4)
JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
FINANCE, CONTROLLER = "fran@finance.example", "control@finance.example"
ADMIN = Viewer("", Role.ADMIN, Mode.OPEN)


@dataclass(frozen=True)
class Reported:
    """A company with a report of February, and the place from which it can be asked for again."""

    loaded: Loaded
    place: Place
    center: str

    @property
    def published(self) -> Published:
        return Published(self.loaded.settings.published_path)

    @property
    def file(self) -> Path:
        return self.loaded.settings.home / "reports" / "2026-02" / "company.html"

    def total(self, first: date, end: date, center: str | None = None) -> Decimal:
        (row,) = self.loaded.warehouse.rows(
            Query(
                "SELECT SUM(c.total_cost_usd) AS usd FROM fact_ai_costs AS c "
                "LEFT JOIN dim_cost_centers AS n ON n.cost_center_sk = c.cost_center_sk "
                "WHERE c.cost_timestamp >= TIMESTAMP(@first, 'UTC') "
                "AND c.cost_timestamp < TIMESTAMP(@end, 'UTC') "
                "AND (@center = '' OR n.cost_center = @center)",
                {"first": first, "end": end, "center": center or ""},
            )
        )
        found: Decimal = row["usd"]
        return found


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    home = tmp_path_factory.mktemp("reported")
    company = Company(today=TODAY, people=30)
    loaded = load(home, company, window(date(2026, 1, 25), TODAY), checks=False)
    (center,) = loaded.warehouse.rows(
        "SELECT cost_center FROM vw_cost_allocation_detailed WHERE month = DATE '2026-02-01' "
        "AND cost_center != 'Unassigned' GROUP BY 1 ORDER BY COUNT(DISTINCT user_email) DESC, 1 "
        "LIMIT 1"
    )
    environment = {
        "AI_USAGE_ENV_FILE": str(home / "no.env"),
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_AS_OF": TODAY.isoformat(),
        "AI_USAGE_START_DATE": "2026-01-25",
    }
    (loaded.settings.reference_path / "viewers.csv").write_text(
        "user_email,role,cost_centers\n"
        f"{FINANCE},finance,\n"
        f"{CONTROLLER},executive,{center['cost_center']}\n"
    )
    return Reported(loaded, Place(home, environment), center["cost_center"])


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def words(text: str) -> str:
    """What a person reads in the file."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def amounts(text: str, caption: str) -> list[Decimal]:
    """The first column of figures of the table with that caption, its foot left out."""
    table = re.search(rf"<caption>{caption}</caption>.*?</tbody>", text, re.DOTALL)
    assert table is not None, caption
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table[0])
    cells = [re.search(r'<td class="number">([^<]*)</td>', row) for row in rows]
    return [
        Decimal(cell[1].replace("−", "-").replace("$", "").replace(",", ""))  # noqa: RUF001
        for cell in cells
        if cell is not None
    ]


def test_a_run_writes_the_last_whole_month_and_links_it_from_the_metadata(
    reported: Reported,
) -> None:
    run_id = reported.loaded.result.runs[-1]
    noted = materializations(reported.loaded.settings, run_id)["monthly_report"]
    assert noted["month"] == "2026-02"
    assert noted["report: company"] == reported.file.as_uri()
    assert (
        reported.file.read_text().startswith("\n<!doctype html>")
        or "<!doctype" in (reported.file.read_text()[:300])
    )


def test_its_figures_tie_to_the_warehouse_to_the_cent(reported: Reported) -> None:
    text = reported.file.read_text()
    total = reported.total(FEBRUARY, MARCH)
    assert money(total) in words(text)
    for caption in ("Cost centres", "Projects"):
        shown = amounts(text, caption)
        assert len(shown) > 1
        # Each line is rounded by itself, the total below them is that of the exact amounts.
        assert abs(sum(shown) - total) <= Decimal("0.005") * len(shown), caption
        foot = re.search(rf"<caption>{caption}</caption>.*?<tfoot>(.*?)</tfoot>", text, re.DOTALL)
        assert foot is not None
        assert money(total) in foot[1]


def test_what_moved_leads_from_january_to_february_to_the_cent(reported: Reported) -> None:
    """Both months and every part, from the facts."""
    found = moved(reported.published, ADMIN, Filters.of_month(FEBRUARY), TODAY)
    assert found is not None
    assert found.before == reported.total(JANUARY, FEBRUARY)
    assert found.after == reported.total(FEBRUARY, MARCH)
    seen = Asked(reported.published, ADMIN, Filters.of_month(FEBRUARY), reported.published.about)
    steps = amounts(report_html(seen), "What moved")
    assert steps[0] == cents(found.before)
    assert sum(steps[:-1]) == steps[-1] == cents(found.after)


def test_a_running_month_is_set_against_as_many_days(reported: Reported) -> None:
    found = moved(reported.published, ADMIN, Filters.of_month(MARCH), TODAY)
    assert found is not None
    assert found.before == reported.total(FEBRUARY, date(2026, 2, 5))
    assert found.after == reported.total(MARCH, date(2026, 3, 5))


def test_the_books_have_every_dollar_by_what_it_is(reported: Reported) -> None:
    own = books(reported.published, FEBRUARY, date(2026, 2, 28))
    assert own.total == reported.total(FEBRUARY, MARCH)
    (row,) = reported.loaded.warehouse.rows(
        "SELECT SUM(subscription_cost) AS seats, SUM(one_time_cost) AS once, "
        "SUM(usage_cost + overage_cost) AS metered FROM vw_cost_allocation_detailed "
        "WHERE month = DATE '2026-02-01'"
    )
    assert own.seats == row["seats"]
    assert own.credits + own.one_time == row["once"]
    assert own.credits <= 0 <= own.one_time
    assert sum((one.cost for one in own.metered), Decimal()) == row["metered"]
    (company,) = reported.loaded.warehouse.rows(
        "SELECT active_users FROM vw_executive_dashboard WHERE month = DATE '2026-02-01'"
    )
    assert 0 < own.people <= company["active_users"]


def test_where_few_are_active_what_moved_is_for_who_sees_people(reported: Reported) -> None:
    month = Filters.of_month(FEBRUARY)
    for role, told in ((Role.EXECUTIVE, False), (Role.FINANCE, True)):
        of_few = Viewer("", role, Mode.OPEN, smallest_group=1000)
        assert (moved(reported.published, of_few, month, TODAY) is not None) is told


@pytest.mark.parametrize("role", [Role.LEAD, Role.SELF])
def test_who_sees_a_part_of_the_company_is_not_told_what_moved(
    reported: Reported, role: Role
) -> None:
    viewer = Viewer("somebody@example.com", role, Mode.OPEN)
    month = Filters.of_month(FEBRUARY)
    assert moved(reported.published, viewer, month, TODAY) is None
    assert moved(reported.published, ADMIN, month.having(team=("Search",)), TODAY) is None


def test_the_companys_file_names_nobody(reported: Reported) -> None:
    text = html.unescape(reported.file.read_text())
    people = list(
        reported.loaded.warehouse.rows(
            "SELECT user_email, full_name FROM dim_users WHERE user_sk > 0"
        )
    )
    assert len(people) > 20
    for person in people:
        assert person["user_email"] not in text
        assert person["full_name"] is None or person["full_name"] not in text


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")
def test_it_opens_offline_asks_for_nothing_and_is_readable_by_all(
    reported: Reported, tmp_path: Path
) -> None:
    alone = tmp_path / "mailed.html"
    alone.write_text(reported.file.read_text())
    with browser(tmp_path / "profile") as page:
        page.command(
            "Network.emulateNetworkConditions",
            offline=True,
            latency=0,
            downloadThroughput=0,
            uploadThroughput=0,
        )
        page.look(width=800)
        page.go(alone.as_uri())
        assert "AI tools in February 2026" in page.text()
        assert page.evaluate("document.querySelectorAll('section.card svg').length") >= 4
        assert page.requests == [alone.as_uri()]
        assert page.console == []
        assert page.evaluate("document.documentElement.scrollWidth <= 800")
        # Its policy lets no script run, axe's neither.
        alone.write_text(
            re.sub(r'<meta http-equiv="Content-Security[^>]*>', "", reported.file.read_text())
        )
        page.go(alone.as_uri())
        assert page.violations("serious", "critical") == []


def test_it_is_mailed_by_the_notifications_server_as_each_reader_may_see_it(
    reported: Reported, mailbox: Mailbox
) -> None:
    done = reported.place.call(
        "report",
        "2026-02",
        "--to",
        FINANCE,
        "--to",
        CONTROLLER,
        AI_USAGE_NOTIFY_URLS=mailbox.url + "&cc=everybody@example.com",
    )
    assert done.code == 0, done.err
    assert f"sent to {FINANCE}" in done.out
    finance, controller = mailbox.mails
    assert (finance["to"], controller["to"]) == (FINANCE, CONTROLLER)
    assert finance["cc"] is None, "whom the alerts go to does not get it"
    assert finance["subject"] == "AI tools in February 2026"
    assert money(reported.total(FEBRUARY, MARCH)) in mailbox.text(0)
    own = reported.total(FEBRUARY, MARCH, reported.center)
    assert own < reported.total(FEBRUARY, MARCH)
    assert money(reported.total(FEBRUARY, MARCH)) not in mailbox.text(1)
    for mail, total in ((finance, reported.total(FEBRUARY, MARCH)), (controller, own)):
        (attached,) = mail.iter_attachments()
        assert attached.get_filename() == "ai-usage-report-2026-02.html"
        sent: Any = attached.get_content()
        assert money(total) in words(sent if isinstance(sent, str) else sent.decode())


@pytest.mark.parametrize(
    ("arguments", "urls", "says"),
    [
        (["--to", "stranger@example.com"], None, "has no role: the report is for who sees more"),
        (["--to", FINANCE], "json://127.0.0.1:9/x", "names no mail server: add mailtos://"),
        (["--to", FINANCE], "mailto://127.0.0.1:9/?from=a@b.example", "did not take the report"),
        (["--to", FINANCE, "--out", "x.html"], None, "give one of them"),
    ],
)
def test_what_cannot_be_sent_is_one_line(
    reported: Reported, mailbox: Mailbox, arguments: list[str], urls: str | None, says: str
) -> None:
    done = reported.place.call(
        "report", "2026-02", *arguments, AI_USAGE_NOTIFY_URLS=urls or mailbox.url
    )
    assert says in done.error
    assert mailbox.mails == []


def test_the_command_writes_the_same_file_and_refuses_a_month_that_is_not_there(
    reported: Reported, tmp_path: Path
) -> None:
    out = tmp_path / "mine.html"
    done = reported.place.call("report", "--out", str(out))
    assert done.code == 0, done.err
    assert words(out.read_text()) == words(reported.file.read_text())
    one = reported.place.call(
        "report", "2026-02", "--out", str(out), "--cost-center", reported.center
    )
    assert one.code == 0, one.err
    assert reported.center in words(out.read_text())[:120]
    error = reported.place.call("report", "2024-01", "--out", str(out)).error
    assert error == "no report of 2024-01: the pages' copy holds 2026-01 to 2026-03."
