"""Team: a team against its median and its past, for those who lead it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.chart import Kind
from ai_usage.dashboard.charts.monthly import monthly
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import filter_bar, forbidden, respond, unless_forbidden
from ai_usage.dashboard.pages.parts import (
    Badge,
    Banner,
    Card,
    Cell,
    Empty,
    Page,
    Part,
    Step,
    Tile,
)
from ai_usage.dashboard.pages.tables import Column, written
from ai_usage.dashboard.queries import team as queries
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.days.months import months_before
from ai_usage.text.figures import month_name, short_count, short_money

PATH = "/team"
MEASURES: Mapping[str, tuple[str, Kind]] = {
    "people": ("Active people", "count"),
    "days_per_person": ("Active days a person", "count"),
    "lines_per_person": ("Accepted lines a person", "count"),
    "acceptance": ("AI’s share of lines", "share"),  # noqa: RUF001
    "commits": ("Commits", "count"),
    "pull_requests": ("Pull requests", "count"),
    "cost_per_person": ("Cost a person", "money"),
    "cost_per_line": ("Cost a line", "money"),
}
TIERS: Mapping[str, Badge] = {
    "Top Performer": Badge("Top Performer", "good"),
    "Above Average": Badge("Above Average", "good"),
    "Below Average": Badge("Below Average", "warn"),
    "Needs Support": Badge("Needs Support", "warn"),
    "No Data": Badge("No Data"),
}


def page(request: Request) -> Response:
    """`/team`."""
    what = asked(request).in_one_month
    parts: list[Any]
    try:
        rows, said = queries.teams(what.published, what.viewer, what.filters)
        parts = [*(Banner(note) for note in dict.fromkeys(said)), *_parts(what, rows)]
    except ForbiddenError as error:
        parts = [forbidden("Team", error)]
    body = Page(
        "team",
        "Team",
        "How does a team work with the tools, beside the others and beside its past?",
        parts,
        filters=filter_bar(what, PATH, ("platform",)),
    )
    return respond(what, body)


def _parts(what: Asked, rows: list[dict[str, Any]]) -> list[Part | list[Card]]:
    month = what.filters.last
    here = sorted(
        (row for row in rows if row["month"] == month),
        key=lambda row: (row["is_merged"], row["team"]),
    )
    if not here:
        return [Card("Team", empty=Empty("No team was active", "Choose another month."))]
    wanted = what.filters.team
    chosen = next((row for row in here if row["team"] in wanted), here[0])
    steps = [
        Step(
            row["team"],
            f"{PATH}?{what.filters.having(team=(row['team'],)).address}",
            row is chosen,
        )
        for row in here
    ]
    medians = queries.medians(rows, month, list(MEASURES))
    past = queries.by_month(rows, chosen["team"])
    return [
        Card(chosen["team"], _sentence(chosen, medians), steps=steps, anchor="team"),
        _tiles(chosen, medians, past.get(months_before(month, 1))),
        [
            _past(past, "lines_accepted", "Accepted lines", "count", "lines"),
            _past(past, "total", "Cost", "money", "US dollars"),
        ],
        unless_forbidden("People", lambda: _people(people_table(what, chosen["team"]))),
        table(what).card("Teams beside one another"),
    ]


def _short(value: Any, kind: Kind) -> str:
    if kind == "money":
        return short_money(value)
    return short_count(value) if kind == "count" else written(value, kind)


def _tiles(
    row: Mapping[str, Any], medians: Mapping[str, Decimal | None], before: Mapping[str, Any] | None
) -> tuple[Tile, ...]:
    def note(name: str, kind: Kind) -> str:
        earlier = f"; {_short(before[name], kind)} the month before" if before else ""
        return f"median of teams {_short(medians[name], kind)}{earlier}"

    return tuple(
        Tile(label, _short(row[name], kind), note(name, kind))
        for name, (label, kind) in MEASURES.items()
    )


def _sentence(row: Mapping[str, Any], medians: Mapping[str, Decimal | None]) -> str:
    mine, all_teams = row["cost_per_line"], medians["cost_per_line"]
    if mine is None or all_teams is None:
        return "What a line costs is not told."
    side = "less than" if mine < all_teams else "more than" if mine > all_teams else "as much as"
    return (
        f"A line costs {short_money(mine)}, {side} in the median team ({short_money(all_teams)})."
    )


def _past(
    past: Mapping[Any, Mapping[str, Any]], name: str, title: str, kind: Kind, unit: str
) -> Card:
    months = sorted(past)
    values = [past[month][name] for month in months]
    table = pa.table(
        {
            "month": pa.array(months, pa.date32()),
            "value": pa.array(values, pa.decimal128(38, 9) if kind == "money" else pa.int64()),
        }
    )
    chart = monthly(
        table, name=f"past-{name.replace('_', '-')}", title=title, measure=kind, unit=unit
    )
    return Card.of(chart, width="half", empty=Empty("Not reported", "No tool reports it."))


def table(what: Asked) -> Source:
    """The month's teams beside one another."""
    rows, _said = queries.teams(what.published, what.viewer, what.filters)

    def name(row: Mapping[str, Any]) -> Cell:
        if row["is_merged"]:
            return Cell(row["team"])
        return Cell(row["team"], href=f"{PATH}?{what.filters.having(team=(row['team'],)).address}")

    return Source(
        "teams",
        f"Teams, {month_name(what.filters.last)}",
        [row for row in rows if row["month"] == what.filters.last],
        [
            Column("team", "Team", cell=name),
            *(Column(key, label, kind) for key, (label, kind) in MEASURES.items()),
        ],
        what.filters,
        PATH,
    )


def people_table(what: Asked, team: str | None = None) -> Source:
    """The people of the chosen team, for who leads them."""
    chosen = team or next(iter(what.filters.team), "")
    rows = queries.people(what.published, what.viewer, what.filters, chosen).to_pylist()
    return Source(
        "people",
        f"{chosen}, {month_name(what.filters.last)}",
        rows,
        [
            Column("full_name", "Person"),
            Column("active_days", "Active days", "count"),
            Column("monthly_lines_produced", "Lines", "count"),
            Column("productivity_rank", "Rank", "count"),
            Column("avg_acceptance_rate", "AI’s share", "share"),  # noqa: RUF001
            Column("performance_tier", "Against the team"),
            Column("commits", "Commits", "count"),
            Column("pull_requests", "Pull requests", "count"),
            Column("monthly_allocated_cost", "Cost", "money"),
            Column("cost_per_line", "Cost a line", "money"),
        ],
        what.filters.having(team=(chosen,)),
        PATH,
        badges={"performance_tier": TIERS},
    )


def _people(source: Source) -> Card:
    return source.card(
        "People",
        "For the lead alone. A rank compares within the team; it measures nobody’s worth.",  # noqa: RUF001
        empty=Empty("Nobody", "Nobody of the team is yours to see."),
    )
