"""`ai-usage spend`: what teams, cost centres, people, platforms or projects cost, in cents.

The same table ends `ai-usage demo`. Each figure is rounded by itself, a total is that of the exact
amounts: only `ai-usage chargeback` gives cents that sum to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from ai_usage.cli.filled import filled_warehouse
from ai_usage.cli.harmless import say
from ai_usage.cli.left_out import left_out
from ai_usage.cli.show import print_rows
from ai_usage.cli.spend_by import By
from ai_usage.days.months import month_of, months_before
from ai_usage.errors import AiUsageError
from ai_usage.settings import Settings
from ai_usage.text.figures import money
from ai_usage.text.printable import one_line
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.schema import NUMERIC

WIDTH = 80
"""Characters that a terminal has at least."""

_NARROWEST_NAME = 24
"""Characters that a long name is given before platforms are summed up to make room for it."""
_OTHERS = "Others"


@dataclass(frozen=True)
class _Grouping:
    """The view that tells of it, its columns from the wider to the narrower, and a heading."""

    view: str
    columns: tuple[str, ...]
    heading: str


_DETAILED, _PROJECTS = "vw_cost_allocation_detailed", "vw_cost_by_project"
_GROUPINGS = {
    By.team: _Grouping(_DETAILED, ("department", "team"), "Team"),
    By.cost_center: _Grouping(_DETAILED, ("cost_center",), "Cost centre"),
    By.person: _Grouping(_DETAILED, ("full_name", "user_email"), "Person"),
    By.platform: _Grouping(_DETAILED, ("platform_name",), "Platform"),
    By.project: _Grouping(_PROJECTS, ("project_code",), "Project"),
}

_NOBODYS = frozenset({"Shared", "Unattributed", "Unassigned", "No project"})
"""What belongs to no person, cost centre or project: it stands last."""

_LOADED = """
SELECT MAX(loaded_days) AS loaded, MAX(days_in_month) AS days
FROM vw_loaded_days
WHERE platform_code = 'all' AND month = @month
"""


@dataclass(frozen=True)
class _Line:
    """One group: its exact cost by platform, US dollars, in the month and in the one before."""

    name: str
    key: tuple[str, ...]
    platforms: Mapping[str, Decimal]
    before: Mapping[str, Decimal]

    @property
    def this_month(self) -> Decimal:
        """Of all platforms."""
        return sum(self.platforms.values(), Decimal())

    @property
    def last_month(self) -> Decimal:
        """Of all platforms."""
        return sum(self.before.values(), Decimal())


def show_spend(
    console: Console,
    messages: Console,
    settings: Settings,
    month: date | None,
    by: By,
    how: str,
) -> None:
    """Print the month (the running one by default) beside the one before, and what it leaves out.

    Raises `AiUsageError` where the month has no cost in the views.
    """
    warehouse = filled_warehouse(settings, _DETAILED)
    asked = month or month_of(settings.today)
    lines = _lines(warehouse, asked, by)
    if not lines:
        raise AiUsageError(
            f"no cost is known of {asked:%Y-%m} or the month before: the views hold "
            f"{_span(warehouse)}; `ai-usage query` reads fact_ai_costs for older months."
        )
    if how == "table":
        console.print(_table(warehouse, asked, settings.today, by, lines, console.width))
    else:
        print_rows(console, _as_rows(lines, asked, by), how, in_cents=True)
    for line in left_out(warehouse, asked, settings.today):
        say(messages, f"{line}.")


def how_much(warehouse: Warehouse, month: date) -> str:
    """What of a month that is over the company knows: "2 of 28 days"; nothing if it is whole."""
    (row,) = warehouse.query(Query(_LOADED, {"month": month})).to_pylist()
    if row["loaded"] is None or row["loaded"] == row["days"]:
        return ""
    return f"{row['loaded']} of {row['days']} days"


def spend_table(warehouse: Warehouse, today: date, by: By = By.team, width: int = WIDTH) -> Table:
    """A row a group: the running month by platform and in all, and the month before, in cents."""
    month = month_of(today)
    return _table(warehouse, month, today, by, _lines(warehouse, month, by), width)


def _span(warehouse: Warehouse) -> str:
    query = f"SELECT MIN(month) AS first, MAX(month) AS last FROM {_DETAILED}"
    (row,) = warehouse.rows(query)
    return f"{row['first']:%Y-%m} to {row['last']:%Y-%m}" if row["first"] else "no month"


def _lines(warehouse: Warehouse, month: date, by: By) -> list[_Line]:
    own = _GROUPINGS[by]
    names = ", ".join(own.columns)
    sql = f"""
        SELECT {names}, platform_name AS product,
          SUM(IF(month = @month, total_cost, 0)) AS this_month,
          SUM(IF(month = @last_month, total_cost, 0)) AS last_month
        FROM {own.view}
        WHERE month IN (@month, @last_month)
        GROUP BY {", ".join(str(n + 1) for n in range(len(own.columns) + 1))}
    """
    bound = {"month": month, "last_month": months_before(month, 1)}
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in warehouse.rows(Query(sql, bound)):
        key = tuple(one_line(row[column] or "") for column in own.columns)
        groups.setdefault(key, []).append(row)
    shared = Counter(key[0] for key in groups) if by is By.person else Counter[str]()
    return [
        _Line(
            _name(key, shared),
            key,
            {row["product"]: row["this_month"] for row in rows},
            {row["product"]: row["last_month"] for row in rows},
        )
        for key, rows in sorted(groups.items(), key=lambda item: _order(item[0]))
    ]


def _name(key: tuple[str, ...], people: Counter[str]) -> str:
    """A team with its department; a person by name, with the address where two share the name."""
    first, last = key[0], key[-1]
    if people:
        return first if people[first] == 1 else f"{first} ({last})"
    return last if first == last else f"{first}, {last}"


def _table(
    warehouse: Warehouse, month: date, today: date, by: By, lines: Sequence[_Line], width: int
) -> Table:
    last_month = months_before(month, 1)
    known = how_much(warehouse, last_month)
    before = f"{last_month:%B} ({known})" if known else f"{last_month:%B}"
    so_far = " so far" if month == month_of(today) else ""
    if not so_far and (part := how_much(warehouse, month)):
        so_far = f" ({part})"
    title = f"Spend by {by.value.replace('-', ' ')}, {month:%B %Y}{so_far} and {before}, US dollars"
    table = Table(
        title=title,
        title_justify="left",
        min_width=min(len(title), width),
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )
    platforms = sorted({name for line in lines for name in line.platforms})
    whole = _Line(
        "Total",
        (),
        {p: _sum(line.platforms.get(p, Decimal()) for line in lines) for p in platforms},
        {p: _sum(line.before.get(p, Decimal()) for line in lines) for p in platforms},
    )
    last = _Line(f"{last_month:%B}", (), whole.before, {})
    columns = {} if by is By.platform else _columns([*lines, whole, last], whole, width)
    # Names may be long; what is counted must never be cut.
    table.add_column(_GROUPINGS[by].heading, overflow="fold")
    for name in [*columns, "Total", f"{last_month:%B}"]:
        # A word a line: the amounts must fit beside the name.
        words = name.replace(" ", "\n")
        table.add_column(words, justify="right", no_wrap=True, min_width=7, vertical="bottom")
    for line in lines:
        table.add_row(line.name.replace("[", r"\["), *_cells(line, columns))
    table.add_section()
    table.add_row(whole.name, *_cells(whole, columns))
    if columns:
        table.add_row(last.name, *_cells(last, columns))
    if _OTHERS in columns:
        table.caption = f"{_OTHERS}: {', '.join(sorted(columns[_OTHERS]))}."
        table.caption_justify = "left"
    return table


_Columns = Mapping[str, Sequence[str]]
"""The platforms that each column of amounts sums, by its heading."""


def _columns(lines: Sequence[_Line], whole: _Line, width: int) -> _Columns:
    """A column a platform where there is room; else the dearest have one, and one the others."""
    names = sorted(whole.platforms)
    every: _Columns = {name: [name] for name in names}
    if _fits(lines, every, width):
        return every
    dearest = sorted(names, key=lambda name: (-whole.platforms[name], name))
    for kept in range(len(names) - 2, 0, -1):
        others = {_OTHERS: dearest[kept:]}
        found: _Columns = {name: [name] for name in sorted(dearest[:kept])} | others
        if _fits(lines, found, width):
            return found
    return {}


def _cells(line: _Line, columns: _Columns) -> list[str]:
    amounts = [
        _sum(line.platforms.get(name, Decimal()) for name in names) for names in columns.values()
    ]
    return [_dollars(amount) for amount in (*amounts, line.this_month, line.last_month)]


def _fits(lines: Sequence[_Line], columns: _Columns, width: int) -> bool:
    """Whether the amounts have room beside a name of readable width."""
    amounts = zip(*(_cells(line, columns) for line in lines), strict=True)
    words = [*(max(map(cell_len, name.split())) for name in columns), 5, 9]
    # Beside each amount are its padding and the line to the next column.
    needed = sum(
        max(7, heading, *map(cell_len, column)) + 2
        for heading, column in zip(words, amounts, strict=True)
    )
    name = min(_NARROWEST_NAME, max(cell_len(line.name) for line in lines))
    return name + 2 + needed <= width


def _as_rows(lines: Sequence[_Line], month: date, by: By) -> pa.Table:
    """One row a group and product, for CSV and JSON."""
    found = [
        (*line.key, product, cost)
        for line in lines
        for product, cost in sorted(line.platforms.items())
        if cost
    ]
    names = [*_GROUPINGS[by].columns, "product"]
    texts = [pa.array([row[n] for row in found], pa.string()) for n in range(len(names))]
    months = pa.array([month] * len(found), pa.date32())
    amounts = pa.array([row[-1] for row in found], NUMERIC)
    return pa.table([months, *texts, amounts], names=["month", *names, "total_cost_usd"])


def _order(key: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
    """By name; last what belongs to no person, cost centre or project."""
    return any(part in _NOBODYS for part in key), key


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal())


def _dollars(amount: Decimal) -> str:
    # The heading names the currency; a sign a cell would cost the platforms their room.
    return money(amount).replace("$", "") if amount else "–"  # noqa: RUF001
