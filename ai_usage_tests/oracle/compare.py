"""Statements of before and of today, value by value: floats to the bit, in any order, by key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ai_usage.warehouse.schema import table_names
from ai_usage_tests.oracle.bench import BASE, Bench, Say, narrowed, say_nothing
from ai_usage_tests.oracle.companies import Company
from ai_usage_tests.oracle.new import NEW
from ai_usage_tests.oracle.old import OLD
from ai_usage_tests.oracle.relations import CLOSING_TOTALS, RELATIONS, Relation

SHOWN = 40
"""How many differing rows of a relation are looked at."""


@dataclass(frozen=True)
class Difference:
    """One value that is not what it was."""

    where: str
    """The company and the day, as `seed 7, as of 2026-02-28`."""
    relation: str
    key: str
    column: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """One line for a person."""
        return (
            f"{self.where}: {self.relation}[{self.key}].{self.column}: "
            f"before {self.before!r}, after {self.after!r}"
        )


class Comparison:
    """What each side makes of the same base tables; `names`: of which relations, none: of all."""

    def __init__(
        self, names: Collection[str] = (), path: Path | None = None, say: Say = say_nothing
    ) -> None:
        self.bench = Bench((OLD, NEW), path)
        self.say = say
        self.relations = [r for r in RELATIONS if not names or r.name in names]

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.bench.connection.close()

    def company(self, company: Company, *, quick: bool = False) -> list[Difference]:
        """Every difference of a company: its tables, the closing of its months, its views.

        `quick`: the views as of one of its days, by turns.
        """
        where = f"seed {company.seed}"
        self.bench.take(company)
        found = self.tables(where)
        for month in company.closes:
            found += self.closing(where, month)
        self.bench.close(OLD, company)
        days = narrowed(company)
        for as_of, narrow in days[company.seed // 4 % 2 :][:1] if quick else days:
            found += self.views(where, as_of, narrow)
        return found

    def tables(self, where: str) -> list[Difference]:
        """What differs in the tables that were built."""
        found: list[Difference] = []
        for relation in self.relations:
            if not relation.is_view and relation.name != CLOSING_TOTALS:
                today = relation.today if relation.today in table_names() else relation.name
                found += self._between(
                    where, relation, f"FROM {OLD.schema}.{relation.name}", f"FROM {BASE}.{today}"
                )
        return found

    def closing(self, where: str, month: date) -> list[Difference]:
        """What differs in what closing the month would record."""
        found: list[Difference] = []
        for relation in self.relations:
            if relation.name == CLOSING_TOTALS:
                then, now = (side.closing_totals(month) for side in (OLD, NEW))
                found += self._between(f"{where}, {month:%Y-%m}", relation, then, now)
        return found

    def views(self, where: str, as_of: date, narrow: Mapping[str, int]) -> list[Difference]:
        """What differs in the published views as seen from a day."""
        end = self.bench.views_on(as_of, narrow)
        found: list[Difference] = []
        for relation in self.relations:
            if relation.is_view:
                then, now = (f"FROM {s.schema}.{relation.name}{end}" for s in (OLD, NEW))
                found += self._between(f"{where}, as of {as_of}", relation, then, now)
        return found

    def _between(self, where: str, relation: Relation, then: str, now: str) -> list[Difference]:
        self.say(f"{where}: comparing {relation.name}")
        return differences(
            self.bench.connection, where, relation.name, then, now, relation.key, relation.ignored
        )


def differences(
    connection: duckdb.DuckDBPyConnection,
    where: str,
    relation: str,
    before: str,
    after: str,
    key: Sequence[str],
    ignored: Collection[str] = (),
) -> list[Difference]:
    """What differs between two queries; columns that only `after` has are new, not different."""
    then = _kept(connection, "compared_before", before)
    now = _kept(connection, "compared_after", after)

    def found(key_text: str, column: str, old: Any, new: Any) -> Difference:
        return Difference(where, relation, key_text, column, old, new)

    told = [
        found("", name, kind, now.get(name, "no such column"))
        for name, kind in then.items()
        if name not in ignored and now.get(name) != kind
    ]
    columns = [name for name in then if name in now and name not in ignored]
    expressions = ", ".join(_exact(name, then[name]) for name in columns)
    if _is_same(connection, expressions):
        return told
    sides = {
        side: connection.execute(
            f"SELECT * FROM (SELECT {expressions} FROM compared_{side} "
            f"EXCEPT ALL SELECT {expressions} FROM compared_{other}) ORDER BY ALL LIMIT {SHOWN}"
        ).fetchall()
        for side, other in (("before", "after"), ("after", "before"))
    }
    places = [columns.index(name) for name in key]
    rows: dict[tuple[Any, ...], dict[str, list[tuple[Any, ...]]]] = {}
    for side, values in sides.items():
        for row in values:
            own = tuple(repr(row[place]) for place in places)
            rows.setdefault(own, {"before": [], "after": []})[side].append(row)
    for own, pair in rows.items():
        text = ", ".join(f"{name}={value}" for name, value in zip(key, own, strict=True))
        if len(pair["before"]) != 1 or len(pair["after"]) != 1:
            told.append(found(text, "*", pair["before"] or "no row", pair["after"] or "no row"))
            continue
        old, new = pair["before"][0], pair["after"][0]
        told += [
            found(text, name, old[n], new[n]) for n, name in enumerate(columns) if old[n] != new[n]
        ]
    return told


def _is_same(connection: duckdb.DuckDBPyConnection, expressions: str) -> bool:
    """Whether both sides hold the same rows: as many, and none of before is missing."""
    row = connection.execute(
        "SELECT (SELECT COUNT(*) FROM compared_before) = (SELECT COUNT(*) FROM compared_after) "
        f"AND NOT EXISTS (SELECT {expressions} FROM compared_before "
        f"EXCEPT ALL SELECT {expressions} FROM compared_after)"
    ).fetchone()
    return row is not None and bool(row[0])


def _kept(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> dict[str, str]:
    """Keep the rows of a query, so that it runs once; its columns and their types."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    described = connection.execute(f"DESCRIBE {name}").fetchall()
    return {row[0]: row[1] for row in described}


def _exact(column: str, kind: str) -> str:
    """A value that is equal only to itself: a float's text tells its last bit and its sign."""
    if kind in ("DOUBLE", "FLOAT"):
        return f"CAST({column} AS VARCHAR) AS {column}"
    return column
