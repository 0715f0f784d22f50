"""Sums for who sees no single people: the cells of `released`, filled with money or behaviour.

A month is the unit: a range of months adds up the months' cells, so that two ranges differ by whole
months. Within a month the cells are the same for all questions, pages and exports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.measures import ACTIVITY, COUNTED, DOLLARS, sql_of
from ai_usage.dashboard.notes import noted
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.recent import Recent
from ai_usage.dashboard.released import Cell, Family, Rows, release, withhold
from ai_usage.dashboard.rows import COLUMNS, cost_source, usage_source
from ai_usage.dashboard.viewers import Viewer

Subject = Literal["money", "behaviour"]

MONEY_FAMILIES: tuple[Family, ...] = (
    (),
    ("platform",),
    ("department",),
    ("cost_center",),
    ("team",),
    ("kind",),
    ("project",),
    ("model",),
    ("department", "platform"),
    ("cost_center", "platform"),
    ("team", "platform"),
)
"""What money can be told by without people, the most asked for first: what is later yields."""

BEHAVIOUR_FAMILIES: tuple[Family, ...] = (
    (),
    ("platform",),
    ("department",),
    ("team",),
    ("department", "platform"),
    ("team", "platform"),
)

OTHERS: dict[str, str] = {
    "platform": "Other products",
    "department": "Other departments",
    "cost_center": "Other cost centres",
    "team": "Other teams",
    "kind": "Other kinds",
    "project": "Other projects",
    "model": "Other models",
}
"""What cells of few people are called together."""

_FAMILIES: dict[Subject, tuple[Family, ...]] = {
    "money": MONEY_FAMILIES,
    "behaviour": BEHAVIOUR_FAMILIES,
}
_KINDS = ("subscription", "usage", "overage", "one_time")
_DOLLAR = pa.decimal128(38, 9)


@dataclass(frozen=True)
class Told:
    """One cell of a month with its sums. None: not reported, or `withheld` from this viewer."""

    label: tuple[str, ...]
    values: dict[str, Any]
    people: frozenset[str]
    is_merged: bool
    withheld: set[str] = field(default_factory=set)


Month = dict[Family, list[Told]]


_months = Recent(400)
_releases = Recent(4000)


def released_sums(
    published: Published,
    viewer: Viewer,
    filters: Filters,
    by: Sequence[Dimension],
    subject: Subject,
    notes: Sequence[str],
) -> pa.Table:
    """What may be told of the filters' months by the dimensions; a family covers both.

    A month of which fewer people than may be told apart make up all that the viewer may see is
    left out, and said.
    """
    grouped = [name for name in by if name != "month"]
    needed = {*grouped, *filters.selected}
    family = min(
        (f for f in _FAMILIES[subject] if needed <= set(f)), key=lambda family: len(family)
    )
    measures = list(DOLLARS if subject == "money" else ACTIVITY)
    sums: dict[tuple[Any, ...], _Sum] = defaultdict(lambda: _Sum(measures))
    hidden: list[date] = []
    for month, cells in _told(published, viewer, subject, filters.months).items():
        (everything,) = cells[()] or (None,)
        if everything is None:
            continue
        if 0 < len(everything.people) < viewer.smallest_group:
            hidden.append(month)
            continue
        for cell in cells[family]:
            named = dict(zip(family, cell.label, strict=True))
            if all(named[name] in wanted for name, wanted in filters.selected.items()):
                key = tuple(month if name == "month" else named[name] for name in by)
                sums[key].add(cell)
    if not by:
        sums[()]
    said = list(notes)
    said += _months_of_few(hidden, viewer)
    if any(found.is_merged for found in sums.values()):
        said.append(
            f"Groups of fewer than {viewer.smallest_group} people are shown together; totals are "
            "exact."
        )
    if any(found.withheld for found in sums.values()):
        said.append(f"What fewer than {viewer.smallest_group} people report is not shown.")
    return noted(_table(by, measures, sums), said)


def _months_of_few(months: Sequence[date], viewer: Viewer) -> list[str]:
    if not months:
        return []
    words = ", ".join(f"{month:%B %Y}" for month in sorted(months))
    return [f"{words}: fewer than {viewer.smallest_group} people, not shown."]


class _Sum:
    """Cells of several months under one label."""

    def __init__(self, measures: Sequence[str]) -> None:
        self.values: dict[str, Any] = dict.fromkeys(measures)
        self.people: frozenset[str] = frozenset()
        self.is_merged = False
        self.withheld: set[str] = set()

    def add(self, cell: Told) -> None:
        self.withheld |= cell.withheld
        for name, value in cell.values.items():
            if value is not None:
                self.values[name] = value if self.values[name] is None else (
                    self.values[name] + value
                )  # fmt: skip
        for name in self.withheld:
            # What one month withholds, a sum of the others would pass off as all.
            self.values[name] = None
        self.people |= cell.people
        self.is_merged = self.is_merged or cell.is_merged


def _table(
    by: Sequence[Dimension], measures: Sequence[str], sums: dict[tuple[Any, ...], _Sum]
) -> pa.Table:
    keys = sorted(sums)
    columns: dict[str, pa.Array] = {}
    for i, name in enumerate(by):
        kind = pa.date32() if name in ("month", "date") else pa.string()
        columns[name] = pa.array([key[i] for key in keys], kind)
    for measure in measures:
        if measure == "people":
            columns[measure] = pa.array([len(sums[key].people) for key in keys], pa.int64())
        elif measure in DOLLARS:
            values = [sums[key].values[measure] for key in keys]
            if measure == "total":
                values = [Decimal(0) if value is None else value for value in values]
            columns[measure] = pa.array(values, _DOLLAR)
        else:
            columns[measure] = pa.array([sums[key].values[measure] for key in keys], pa.int64())
    columns["is_merged"] = pa.array([sums[key].is_merged for key in keys], pa.bool_())
    return pa.table(columns)


def told_apart(published: Published, viewer: Viewer, month: date, dimension: str) -> frozenset[str]:
    """The groups of a month that who sees no single people is told by name, none of them merged."""
    cells = _told(published, viewer, "money", [month])[month].get((dimension,), [])
    return frozenset(cell.label[0] for cell in cells if not cell.is_merged)


def is_told_whole(
    published: Published, viewer: Viewer, months: Sequence[date], dimension: str
) -> bool:
    """Whether who sees no single people is told every group of the months by name."""
    return not any(
        cell.is_merged
        for of_month in _told(published, viewer, "money", months).values()
        for cell in of_month.get((dimension,), [])
    )


def _told(
    published: Published, viewer: Viewer, subject: Subject, months: Sequence[date]
) -> dict[date, Month]:
    copy = (str(published.path), published.key, viewer.rows_scope, subject)
    found = {month: _months.get((copy, month)) for month in months}
    missing = [month for month, cells in found.items() if cells is None]
    if missing:
        span = Filters(min(missing), max(missing))
        of_month: dict[date, list[dict[str, Any]]] = defaultdict(list)
        for row in _elementary(published, viewer, subject, span).to_pylist():
            of_month[row["month"]].append(row)
        for month in missing:
            found[month] = _month(of_month[month], viewer, subject)
            _months.put((copy, month), found[month])
    return found


def _elementary(published: Published, viewer: Viewer, subject: Subject, span: Filters) -> pa.Table:
    dimensions = sorted({name for family in _FAMILIES[subject] for name in family})
    if subject == "money":
        used: list[Dimension] = ["project", "model"]
        source = cost_source(viewer, span, used)
        measures = {name: DOLLARS[name] for name in ("total", "provisional", "allocated")}
    else:
        source = usage_source(viewer, span)
        measures = {name: ACTIVITY[name] for name in COUNTED}
        measures["days"] = "LIST(DISTINCT r.date) FILTER (r.is_person AND r.active_records > 0)"
    named = [name for name in COLUMNS if name in dimensions]
    keys = ", ".join(f"{source.columns[name]} AS {name}" for name in named)
    return published.query(
        f"{source.ctes} SELECT r.month, IF(r.is_person, r.person, NULL) AS person, {keys}, "
        f"{sql_of(measures)} FROM {source.rows} GROUP BY ALL ORDER BY ALL",
        source.values,
    )


def _month(rows: list[dict[str, Any]], viewer: Viewer, subject: Subject) -> Month:
    families = _FAMILIES[subject]
    if not rows:
        return {family: [] for family in families}
    dimensions = sorted({name for family in families for name in family})
    names = sorted({row["person"] for row in rows if row["person"] is not None})
    numbers = {name: i for i, name in enumerate(names)}
    # Whose dollars are 0 hides nobody else's.
    people = [
        -1 if row["person"] is None or (subject == "money" and row["total"] == 0)
        else numbers[row["person"]]
        for row in rows
    ]  # fmt: skip
    of_rows = Rows(people, {name: [row[name] for row in rows] for name in dimensions})
    asked = (tuple(people), *(tuple(of_rows.labels[name]) for name in dimensions))
    key = (asked, families, viewer.smallest_group)
    cells: dict[Family, list[Cell]] | None = _releases.get(key)
    if cells is None:
        cells = release(of_rows, families, viewer.smallest_group, OTHERS)
        _releases.put(key, cells)
    told = {
        family: [_filled(cell, rows, names, subject) for cell in of] for family, of in cells.items()
    }
    _keep_what_hides(told, rows, of_rows, cells, viewer.smallest_group, subject)
    return told


def _filled(cell: Cell, rows: list[dict[str, Any]], names: list[str], subject: Subject) -> Told:
    measures = ("total",) if subject == "money" else COUNTED
    values = {name: _sum(rows[row][name] for row in cell.rows) for name in measures}
    if subject == "behaviour":
        # A day on which a person used two products is one day.
        values["active_days"] = len(
            {(rows[row]["person"], day) for row in cell.rows for day in rows[row]["days"] or ()}
        )
    people = frozenset(names[person] for person in cell.people)
    return Told(cell.label, values, people, cell.is_merged)


def _keep_what_hides(
    told: Month,
    rows: list[dict[str, Any]],
    of: Rows,
    cells: dict[Family, list[Cell]],
    smallest: int,
    subject: Subject,
) -> None:
    """Take out what too few people reported; tell more of everything together."""
    if subject == "behaviour":
        for name in COUNTED:
            people = [
                number if row[name] else -1 for row, number in zip(rows, of.people, strict=True)
            ]
            shown = _withheld(Rows(people, of.labels), cells, smallest)
            for family, kept in shown.items():
                for cell, is_kept in zip(told[family], kept, strict=True):
                    if not is_kept:
                        cell.values[name] = None
                        cell.withheld.add(name)
        return
    everything = told[()][0]
    of_kinds = {cell.label[0]: cell for cell in told[("kind",)]}
    for kind in _KINDS:
        merged = any(cell.is_merged for cell in of_kinds.values()) and kind not in of_kinds
        found = of_kinds[kind].values["total"] if kind in of_kinds else Decimal(0)
        everything.values[kind] = None if merged else found
    everything.values["allocated"] = _sum(row["allocated"] for row in rows)
    behind = {row["person"] for row in rows if row["provisional"]} - {None}
    hides = not behind or len(behind) >= smallest
    everything.values["provisional"] = _sum(row["provisional"] for row in rows) if hides else None


def _withheld(
    rows: Rows, cells: dict[Family, list[Cell]], smallest: int
) -> dict[Family, list[bool]]:
    """As `withhold`, worked out once for the same rows: a month that is over stays as it is."""
    key = (tuple(rows.people), tuple(map(tuple, rows.labels.values())), smallest)
    found: dict[Family, list[bool]] | None = _releases.get(key)
    if found is None:
        found = withhold(rows, cells, smallest)
        _releases.put(key, found)
    return found


def _sum(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


def days_of_everybody(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension]
) -> pa.Table:
    """Dollars a day, of all that the viewer's sums are made of; few people's days run together.

    A day with fewer people than may be told apart is added to the days after it until there are
    enough, the last ones to those before. Under a selection days are not told: an empty table.
    """
    measures = list(DOLLARS)
    if filters.selected or list(by) != ["date"]:
        return noted(
            _table(by, measures, {}), ["Days are shown for everything together, not by group."]
        )
    source = cost_source(viewer, filters, ["date"])
    rows = published.query(
        f"{source.ctes} SELECT r.date, IF(r.is_person AND r.total != 0, r.person, NULL) AS person, "
        f"SUM(r.total) AS total FROM {source.rows} GROUP BY ALL ORDER BY 1",
        source.values,
    ).to_pylist()
    days: dict[date, Told] = {}
    for row in rows:
        known = days.get(row["date"], Told((), {"total": Decimal(0)}, frozenset(), False))
        people = known.people | ({row["person"]} - {None})
        total = known.values["total"] + row["total"]
        days[row["date"]] = Told((), {"total": total}, people, False)
    of_month: dict[date, frozenset[str]] = defaultdict(frozenset)
    for day, cell in days.items():
        of_month[day.replace(day=1)] |= cell.people
    few = [m for m in of_month if 0 < len(of_month[m]) < viewer.smallest_group]
    days = {day: cell for day, cell in days.items() if day.replace(day=1) not in few}
    runs = _runs(days, viewer.smallest_group)
    sums: dict[tuple[Any, ...], _Sum] = {}
    for first, cells in runs:
        sums[first,] = _Sum(measures)
        for cell in cells:
            sums[first,].add(cell)
        sums[first,].is_merged = len(cells) > 1
    merged = any(found.is_merged for found in sums.values())
    notes = _months_of_few(few, viewer)
    if merged:
        notes.append("Days of fewer people than may be told apart are added to a day beside them.")
    return noted(_table(by, measures, sums), notes)


def _runs(days: dict[date, Told], smallest: int) -> list[tuple[date, list[Told]]]:
    """Days in order, each month by itself, put together until nobody or enough are in each run."""
    found: list[tuple[date, list[Told]]] = []
    for month in sorted({day.replace(day=1) for day in days}):
        of_month: list[tuple[date, list[Told]]] = []
        for day in sorted(day for day in days if day.replace(day=1) == month):
            if of_month and _few(of_month[-1][1], smallest):
                of_month[-1][1].append(days[day])
            else:
                of_month.append((day, [days[day]]))
        if len(of_month) > 1 and _few(of_month[-1][1], smallest):
            _first, last = of_month.pop()
            of_month[-1][1].extend(last)
        found += of_month
    return found


def _few(cells: Sequence[Told], smallest: int) -> bool:
    return 0 < len(frozenset().union(*(cell.people for cell in cells))) < smallest
