"""Whether two warehouses hold equal tables, value by value: the design's "Comparing".

Every column counts but those that say when, by which run and from which page a row was written.
Types must be the same, and so must integers, money, texts and days; floats lie within 1e-9 of each
other, JSON means the same. Tables are read a month at a time, so that a year of them fits into
memory. A list that is NULL is an empty one: BigQuery stores no other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.views import view_names, view_schema

FLOAT_TOLERANCE = 1e-9
"""Relative: two engines may add floats in another order."""

ABSENT = "(absent)"
"""Stands for the side on which a table, a column or a row is not there."""

_COPY = "ai_usage_copy"
_EARLIEST = date(1900, 1, 1)


@dataclass(frozen=True)
class Difference:
    """A value, a row or a table that is not the same: what stands left, and what right."""

    table: str
    row: Mapping[str, Any]
    """The values of the key; empty where the whole table or column differs."""
    column: str | None
    """None where the row, or the table, is there on one side only."""
    left: Any
    right: Any

    def __str__(self) -> str:
        place = self.table if self.column is None else f"{self.table}.{self.column}"
        row = ", ".join(f"{name}={value}" for name, value in self.row.items())
        where = f"{place} ({row})" if row else place
        return f"{where}: {self.left} | {self.right}"


def compare_warehouses(
    left: Warehouse,
    right: Warehouse,
    tables: Iterable[str] | None = None,
    within: Window | None = None,
) -> Iterator[Difference]:
    """Every difference between two warehouses' tables (default: all of the product's).

    `within` bounds the days of tables that have days. A table that is absent on both sides is
    equal. Lazy: take the first few and stop.
    """
    for table in table_names() if tables is None else tables:
        there = left.exists(table), right.exists(table)
        if there != (True, True):
            yield from _absences(table, *there)
            continue
        for window in _windows(table, left, right):
            days = window if window is None or within is None else _both(window, within)
            if days is None or days.start < days.end:
                yield from compare_rows(table, left.read(table, days), right.read(table, days))


def compare_views(
    left: Warehouse, right: Warehouse, views: Iterable[str] | None = None
) -> Iterator[Difference]:
    """Every difference between two warehouses' views (default: all of the product's), whole."""
    for view in view_names() if views is None else views:
        there = left.exists(view), right.exists(view)
        if there != (True, True):
            yield from _absences(view, *there)
            continue
        columns = ", ".join(view_schema(view).column_names)
        rows = f"SELECT {columns} FROM {view}"
        yield from compare(view, left.query(rows), right.query(rows))


def _absences(relation: str, on_the_left: bool, on_the_right: bool) -> Iterator[Difference]:
    if on_the_left != on_the_right:
        sides = ("present", ABSENT) if on_the_left else (ABSENT, "present")
        yield Difference(relation, {}, None, *sides)


def _both(one: Window, other: Window) -> Window:
    """The days that lie in both; its end is not after its start where there are none."""
    start = max(one.start, other.start)
    return Window(start, max(start, min(one.end, other.end)))


def compare_rows(table: str, left: pa.Table, right: pa.Table) -> Iterator[Difference]:
    """Every difference between two sets of rows of one of the product's tables, in any order."""
    schema = table_schema(table)
    yield from compare(
        table,
        left,
        right,
        columns=schema.comparable_columns,
        key=UNIQUE_KEYS.get(table, ()),
        json_columns={c.name for c in schema.columns if c.type == "JSON"},
    )


def compare(
    name: str,
    left: pa.Table,
    right: pa.Table,
    *,
    columns: Sequence[str] | None = None,
    key: Sequence[str] = (),
    json_columns: Collection[str] = (),
) -> Iterator[Difference]:
    """Every difference between two sets of rows, which are paired by `key`.

    Without a key, rows are paired by all columns that are neither float nor JSON: one that differs
    there is then a row missing on each side. Equal rows count as often as they occur.
    """
    columns = (
        list(dict.fromkeys([*left.column_names, *right.column_names]))
        if not columns
        else (list(columns))
    )
    lacking = [c for c in columns if c not in left.column_names or c not in right.column_names]
    for column in lacking:
        found, other = ("present", ABSENT) if column in left.column_names else (ABSENT, "present")
        yield Difference(name, {}, column, found, other)
    columns = [column for column in columns if column not in lacking]
    for column in list(columns):
        types = [_plain(side.schema.field(column).type) for side in (left, right)]
        if types[0] != types[1]:
            # Their values are not compared: no engine could say what equal means.
            yield Difference(name, {}, column, *map(str, types))
            columns.remove(column)
    floats = {c for c in columns if pa.types.is_floating(left.schema.field(c).type)}
    exact = [c for c in columns if c not in floats and c not in json_columns]
    key = [column for column in key if column in columns] or exact
    for row in _suspects(left, right, columns, key, exact, floats):
        place = {c: row[f"l_{c}"] if row["l_copy"] else row[f"r_{c}"] for c in key}
        if row["l_copy"] is None or row["r_copy"] is None:
            sides = ("present", ABSENT) if row["l_copy"] else (ABSENT, "present")
            yield Difference(name, place, None, *sides)
            continue
        for column in columns:
            one, other = row[f"l_{column}"], row[f"r_{column}"]
            if not same(one, other, is_json=column in json_columns):
                yield Difference(name, place, column, one, other)


def same(one: Any, other: Any, *, is_json: bool = False) -> bool:
    """Whether two values of a column are equal: floats nearly, JSON by meaning, the rest exactly.

    Decimals are equal by value: 1.50 is 1.5.
    """
    if one is None or other is None:
        return one is other
    if is_json:
        return bool(_parsed(one) == _parsed(other))
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=FLOAT_TOLERANCE)
    return bool(one == other)


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type without what only says how Arrow lays it out: offsets, and a list's item's name."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind


def _parsed(text: str) -> Any:
    # Decimal, not float: amounts in a payload have more digits than a float keeps.
    return json.loads(text, parse_float=Decimal)


def _suspects(
    left: pa.Table,
    right: pa.Table,
    columns: Sequence[str],
    key: Sequence[str],
    exact: Sequence[str],
    floats: Collection[str],
) -> Iterator[dict[str, Any]]:
    """Pairs that are not plainly the same; the engine leaves the equal ones out."""
    order = ", ".join(_quoted(c) for c in [*exact, *sorted(set(columns) - set(exact))])
    by = ", ".join(map(_quoted, key)) or "true"
    numbered = f"SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY {order}) AS {_COPY} FROM"
    paired = " AND ".join(f"l.{c} IS NOT DISTINCT FROM r.{c}" for c in [*map(_quoted, key), _COPY])
    unlike = " OR ".join(_unlike(_quoted(c), c in floats) for c in columns)
    wanted = ", ".join(
        f"{side}.{_quoted(c)} AS {_quoted(f'{side}_{c}')}" for c in columns for side in "lr"
    )
    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.register("left_given", left.select(columns))
        connection.register("right_given", right.select(columns))
        lists = [c for c in columns if pa.types.is_list(left.schema.field(c).type)]
        full = ", ".join(f"coalesce({_quoted(c)}, []) AS {_quoted(c)}" for c in lists)
        replaced = f"REPLACE ({full})" if lists else ""
        for side in ("left", "right"):
            connection.execute(
                f"CREATE TEMP VIEW {side}_rows AS SELECT * {replaced} FROM {side}_given"
            )
        reader = connection.sql(
            f"SELECT l.{_COPY} AS l_copy, r.{_COPY} AS r_copy, {wanted} "
            f"FROM ({numbered} left_rows) AS l FULL OUTER JOIN ({numbered} right_rows) AS r "
            f"ON {paired} WHERE l.{_COPY} IS NULL OR r.{_COPY} IS NULL OR {unlike}"
        ).to_arrow_reader(10_000)
        for batch in reader:
            yield from batch.to_pylist()


def _unlike(column: str, is_float: bool) -> str:
    if not is_float:
        return f"l.{column} IS DISTINCT FROM r.{column}"
    near = f"{FLOAT_TOLERANCE / 2} * greatest(abs(l.{column}), abs(r.{column}))"
    # NULL, infinities and NaN have no distance: Python looks at them.
    return (
        f"(l.{column} IS DISTINCT FROM r.{column} AND coalesce(NOT isfinite(l.{column}) "
        f"OR NOT isfinite(r.{column}) OR abs(l.{column} - r.{column}) > {near}, true))"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _windows(table: str, left: Warehouse, right: Warehouse) -> list[Window | None]:
    """The months in which either side has rows; one whole for a table without partitions."""
    schema = table_schema(table)
    day = schema.day_expression
    if day is None:
        return [None]
    ends = Query(
        f"SELECT MIN({day}) AS first, MAX({day}) AS last FROM {table} "
        f"WHERE {schema.days_from('@earliest')}",
        {"earliest": _EARLIEST},
    )
    found = [next(iter(side.rows(ends))) for side in (left, right)]
    firsts = [row["first"] for row in found if row["first"] is not None]
    if not firsts:
        return []
    last: date = max(row["last"] for row in found if row["last"] is not None)
    windows: list[Window | None] = []
    month = min(firsts).replace(day=1)
    while month <= last:
        following = (month + timedelta(days=32)).replace(day=1)
        windows.append(Window(month, following))
        month = following
    return windows


__all__ = [
    "Difference",
    "compare",
    "compare_rows",
    "compare_views",
    "compare_warehouses",
    "same",
]
