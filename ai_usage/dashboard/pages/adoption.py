"""Adoption: who works with the tools how much, by team."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.palettes import REST, STEPS, named
from ai_usage.dashboard.charts.shares import shares
from ai_usage.dashboard.filters import Dimension
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import LABELS, filter_bar, notes, respond, steps_by
from ai_usage.dashboard.pages.parts import Card, Cell, Empty, Page, Tile
from ai_usage.dashboard.pages.tables import Column
from ai_usage.dashboard.queries import adoption as queries
from ai_usage.days.months import months_before
from ai_usage.text.figures import count, month_name, share

PATH = "/adoption"
LEVELS: Mapping[str, str] = {
    "none": "None",
    "light": "Light",
    "moderate": "Moderate",
    "heavy": "Heavy",
    "several": "Several levels",
}
"""How much the tools are used; several stands for groups that are too small to be told apart."""
COLOURS: Mapping[str, str] = dict(
    zip(LEVELS.values(), [*map(named, STEPS), named(REST)], strict=True)
)
GROUPS: tuple[Literal["team", "department"], ...] = ("team", "department")
PICKS: tuple[Dimension, ...] = ("platform", "department", "team")


def page(request: Request) -> Response:
    """`/adoption`."""
    what = asked(request).in_one_month
    year = what.filters.having(first=what.filters.back(11).first)
    months = queries.people(what.published, what.viewer, year)
    by = group_of(what)
    groups = queries.people(what.published, what.viewer, what.filters, [by])
    held: dict[date, dict[str, int]] = defaultdict(dict)
    for row in months.to_pylist():
        held[row["month"]][LEVELS[row["cohort"]]] = row["people"]
    body = Page(
        "adoption",
        "Adoption",
        "How many people work with the tools, and how much?",
        [
            *notes(months, groups),
            _tiles(what, held),
            [_by_month(held), _by_group(what, groups, by)],
            table(what).card(
                "In numbers",
                "People, not their names: no page lists a company’s people by how much they use.",  # noqa: RUF001
                "people",
                steps=steps_by(what, PATH, GROUPS, by),
            ),
            Card(
                "What the levels mean",
                facts=[(LEVELS[name], Cell(text)) for name, text in queries.COHORTS.items()],
            ),
        ],
        filters=filter_bar(what, PATH, PICKS),
    )
    return respond(what, body)


def group_of(what: Asked) -> Literal["team", "department"]:
    """By what the address groups."""
    return "department" if what.filters.by == "department" else "team"


def table(what: Asked) -> Source:
    """People by group and level in the month."""
    by = group_of(what)
    found = queries.people(what.published, what.viewer, what.filters, [by]).to_pylist()
    held: dict[str, dict[str, Any]] = {}
    for row in found:
        line = held.setdefault(row[by], {"name": row[by], "people": 0, **dict.fromkeys(LEVELS, 0)})
        line[row["cohort"]] += row["people"]
        line["people"] += row["people"]
    rows = list(held.values())
    for line in rows:
        line["active"] = 1 - line["none"] / line["people"] if line["people"] else None
    levels = [name for name in LEVELS if name != "several" or any(row[name] for row in rows)]
    return Source(
        "groups",
        f"People by {LABELS[by].lower()} and level, {month_name(what.filters.last)}",
        rows,
        [
            Column("name", LABELS[by]),
            Column("people", "People", "count"),
            *(Column(name, LEVELS[name], "count") for name in levels),
            Column("active", "Active", "share"),
        ],
        what.filters,
        PATH,
        total=("people", *levels),
    )


def _tiles(what: Asked, held: Mapping[date, Mapping[str, int]]) -> tuple[Tile, ...]:
    month = what.filters.last
    now, before = held.get(month, {}), held.get(months_before(month, 1), {})
    people, earlier = sum(now.values()), sum(before.values())
    found = []
    for name in list(LEVELS.values())[::-1]:
        if name not in now and name == LEVELS["several"]:
            continue
        part = now.get(name, 0)
        was = f"; {share(before.get(name, 0) / earlier)} the month before" if earlier else ""
        found.append(
            Tile(name, count(part), f"of {count(people)}{was}", share(part / people))
            if people
            else Tile(name, count(None), "the month has no loaded weekday")
        )
    return tuple(found)


def _by_month(held: Mapping[date, Mapping[str, int]]) -> Card:
    rows = [
        (month_name(month, short=True), level, number)
        for month in sorted(held, reverse=True)
        for level, number in held[month].items()
    ]
    return _shares(rows, "months", "Month by month")


def _by_group(what: Asked, groups: pa.Table, by: str) -> Card:
    rows = [(row[by], LEVELS[row["cohort"]], row["people"]) for row in groups.to_pylist()]
    heavy = {
        name: sum(n for other, level, n in rows if other == name and level == LEVELS["heavy"])
        / max(1, sum(n for other, _, n in rows if other == name))
        for name, _, _ in rows
    }
    rows.sort(key=lambda row: (-heavy[row[0]], row[0]))
    return _shares(rows, "levels", f"By {LABELS['team' if by == 'team' else 'department'].lower()}")


def _shares(rows: list[tuple[str, str, int]], name: str, title: str) -> Card:
    table = pa.table(
        {
            "row": pa.array([row[0] for row in rows], pa.string()),
            "part": pa.array([row[1] for row in rows], pa.string()),
            "value": pa.array([row[2] for row in rows], pa.int64()),
        }
    )
    chart = shares(
        table, COLOURS, name=name, title=title, measure="count", unit="people", of="the people"
    )
    return Card.of(chart, width="half", empty=Empty("Nobody is known", "No weekday is loaded."))
