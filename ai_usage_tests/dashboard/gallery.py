"""All charts on hand-made tables, and a page of everything that pages are made of.

To look at: `uvicorn ai_usage_tests.dashboard.gallery:app`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ai_usage.dashboard.charts.burn import burn
from ai_usage.dashboard.charts.chart import Chart
from ai_usage.dashboard.charts.days import days
from ai_usage.dashboard.charts.months import months
from ai_usage.dashboard.charts.moved import moved
from ai_usage.dashboard.charts.palettes import STEPS, colours, named
from ai_usage.dashboard.charts.ranked import multiples, ranked
from ai_usage.dashboard.charts.shares import shares
from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.pages.assets import PATH, serve
from ai_usage.dashboard.pages.parts import (
    Badge,
    Banner,
    Card,
    Chip,
    Empty,
    FilterBar,
    Gauge,
    Link,
    Option,
    Page,
    Pick,
    Step,
    Table,
    Tile,
)
from ai_usage.dashboard.pages.rendering import message_html, page_html
from ai_usage.dashboard.pages.tables import Column, table_of
from ai_usage.text.figures import month_name
from ai_usage_tests.dashboard import samples


def charts() -> list[Chart]:
    platforms = colours(samples.PLATFORMS)
    heat = dict(
        zip(
            ("None", "Light", "Moderate", "Heavy"),
            map(named, STEPS),
            strict=True,
        )
    )
    return [
        months(samples.parts(), samples.totals(), platforms),
        days(samples.days()),
        shares(samples.mix(), platforms, name="mix", title="Platform mix"),
        moved(
            samples.steps(),
            ("27 October", Decimal("11800.50")),
            ("27 November", Decimal("13450.50")),
        ),
        burn(samples.month_days(), date(2026, 11, 1), Decimal(16000), Decimal("17234.5")),
        shares(
            samples.adoption(),
            heat,
            name="adoption",
            title="Adoption by team",
            measure="count",
            unit="people",
            of="the people",
        ),
        ranked(samples.teams(), name="teams", title="Cost by team", things="teams"),
    ]


def small() -> list[Chart]:
    return multiples(samples.team_days(), name="team-days", most=7)


def tiles() -> tuple[Tile, ...]:
    return (
        Tile("November so far", "$11,775.43", "above the same days of October", "+8 %", "bad"),
        Tile(
            "At this pace",
            "$13,083.81",
            "over budget",
            "$583.81",
            "bad",
            gauge=Gauge(0.94),
        ),
        Tile("Run rate", "$159k", "a year at this pace"),
        Tile("Cost per active user", "$312.40", "41 people active; October $298.11"),
        Tile("Cost per accepted line", "$0.042", "280k lines", "Excellent ROI", "good"),
        Tile("Attribution", "91 %", "of dollars have an owner; the aim is 90 %"),
    )


def teams() -> Table:
    rows = [
        {
            "team": team,
            "cost": Decimal("4321.55") / (number + 1),
            "change": Decimal(number * 37 - 120),
            "people": 19 - number,
            "share": 0.31 / (number + 1),
            "state": "over" if number == 0 else "ok" if number < 6 else None,
        }
        for number, team in enumerate(samples.TEAMS)
    ]
    return table_of(
        rows,
        [
            Column("team", "Team"),
            Column("cost", "Cost", "money", bar=True),
            Column("change", "Against October", "change"),
            Column("people", "Active people", "count"),
            Column("share", "Share", "share"),
            Column("state", "Budget"),
        ],
        name="teams",
        caption="Cost by team, November 2026",
        filters=Filters.of_month(date(2026, 11, 1)).having(sort="-cost"),
        path="/",
        total=("cost", "people"),
        badges={"state": {"over": Badge("Over budget", "bad"), "ok": Badge("Within", "good")}},
    )


def filter_bar() -> FilterBar:
    chosen = ("Payments", "Search and recommendations")
    return FilterBar(
        "/",
        [Option(f"2026-{m:02}", month_name(date(2026, m, 1))) for m in range(1, 12)],
        "2026-11",
        "2026-11",
        before="/?month=2026-10",
        after="/?month=2026-12",
        period="November 2026",
        picks=[
            Pick("platform", "Platform", [Option(p, p) for p in samples.PLATFORMS]),
            Pick("team", "Team", [Option(t, t, t in chosen) for t in samples.TEAMS]),
            Pick("cost_center", "Cost centre", [Option(f"CC-{n}", f"CC-{n}") for n in range(40)]),
        ],
        org=(Step("As it was", "/?org=then", True), Step("As it is", "/?org=now")),
        chips=[Chip(team, "/") for team in chosen],
        clear="/",
    )


def page() -> Page:
    by_month, by_day, mix, steps, left, adoption, by_team = charts()
    return Page(
        "overview",
        "Overview",
        "What do AI tools cost this month, and where is it going?",
        [
            Banner(
                "Ties to the invoices: all but $12.40, which is code execution in no report.",
                "good",
                Link("See the close", "/close"),
                is_tie=True,
            ),
            Banner("The figures are 31 hours old.", "warn", Link("See the runs", "/trust")),
            Banner("Invoice INV-9 is disputed.", "bad"),
            tiles(),
            Card.of(by_month),
            [Card.of(by_day, width="half"), Card.of(steps, width="half")],
            [Card.of(mix, width="half"), Card.of(left, width="half")],
            [Card.of(adoption, width="half"), Card.of(by_team, width="half")],
            Card("Teams by day", "All on one scale.", "US dollars a UTC day", multiples=small()),
            Card(
                "Teams",
                "Payments has a third of the cost.",
                table=teams(),
                links=[Link("CSV of these rows", "/teams.csv", True)],
            ),
            Card("Open points", empty=Empty("Nothing is open", "Every invoice ties.")),
        ],
        filters=filter_bar(),
        foot=("Copied 28 Nov 2026 06:10 UTC", "US dollars, UTC days"),
    )


async def shown(_request: Request) -> Response:
    return HTMLResponse(page_html(page(), side=("Everything, as admin",)))


async def failed(_request: Request) -> Response:
    link = Link("Try again", "/")
    return HTMLResponse(message_html("Nothing is published yet", "The next run does.", link))


app = Starlette(routes=[Route("/", shown), Route("/failed", failed), Route(PATH, serve)])
