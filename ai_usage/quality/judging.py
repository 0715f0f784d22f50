"""Judges tables: all that is promised of a table's rows is asked in one query, inside the engine.

Several tables may be asked of in one, too, where a query has a price. Only of what is broken are
the failing rows counted, by test and day, and a few shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.quality.contract import mistyped
from ai_usage.quality.counting import count_failing, day_of, within
from ai_usage.quality.flags import Severity
from ai_usage.quality.outcome import MAX_FAILURE_CASES, Outcome, Validation
from ai_usage.quality.promises import (
    CONTRACT,
    FOREIGN,
    ORPHANS,
    QUALITY,
    UNIQUE,
    Tests,
    all_hold,
    broken,
    doubled,
    looks_unique,
    orphaned_keys,
    orphans,
    row_tests,
)
from ai_usage.quality.rules import RELATIONS, Relation
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.schema import TableSchema, table_schema

_SEVERITIES: Mapping[str, Severity] = {CONTRACT: "error", QUALITY: "warning"}
"""The checks that are rules on rows."""


def judge(
    connection: Any,
    table: str,
    checks: Sequence[str],
    window: Window | None,
    dataset_of: Callable[[str], str | None] = lambda table: None,
) -> dict[str, Validation]:
    """What each of the checks (`promises`) finds in a table, or in a window of it.

    `dataset_of` says where a table stands, if that is not the ibis connection's own dataset.
    """
    return judge_together(connection, {table: checks}, window, dataset_of)[table]


def judge_together(
    connection: Any,
    asked: Mapping[str, Sequence[str]],
    window: Window | None,
    dataset_of: Callable[[str], str | None] = lambda table: None,
) -> dict[str, dict[str, Validation]]:
    """What `judge` finds in each of the tables, at one opening; on BigQuery in one query, too.

    Of a table without partitions the window says nothing.
    """

    def rows_of(name: str) -> Any:
        return connection.table(name, database=dataset_of(name))

    found: dict[str, dict[str, Validation]] = {}
    sound: dict[str, _Sound] = {}
    for table, checks in asked.items():
        rows = within(rows_of(table), table_schema(table), window)
        if odd := mistyped(rows, table, connection.name):
            found[table] = _all_odd(rows, odd, checks, window)
            continue
        relations = [(r, rows_of(r.target)) for r in RELATIONS.get(table, ()) if FOREIGN in checks]
        sound[table] = _Sound(rows, checks, relations)
    asks = {t: question(s.rows, t, s.checks, s.relations) for t, s in sound.items()}
    said = _answers(asks, in_one=connection.name == "bigquery")
    return found | {table: _validations(table, one, said[table]) for table, one in sound.items()}


@dataclass(frozen=True)
class _Sound:
    """A table with the columns of its DDL: its rows, its checks, and what its keys name."""

    rows: Any
    checks: Sequence[str]
    relations: Sequence[tuple[Relation, Any]]


def _all_odd(
    rows: Any, odd: Sequence[str], checks: Sequence[str], window: Window | None
) -> dict[str, Validation]:
    """It concerns every row of every day; no rule can be asked of columns that are not there."""
    total = int(rows.count().execute())
    found = dict.fromkeys(odd, total or 1)
    days = {day: Outcome(dict(found)) for day in (window.days() if window else [])}
    return {check: Validation(Outcome(dict(found)), days, total) for check in checks}


def _answers(questions: Mapping[str, Any], *, in_one: bool) -> dict[str, dict[str, Any]]:
    """What each question is answered: a number or a truth in each of its columns.

    One after the other they need the memory of one.
    """
    if in_one and len(questions) > 1:
        return dict(_told_apart(questions))
    return {name: asked.to_pyarrow().to_pylist()[0] for name, asked in questions.items()}


def _told_apart(questions: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    names, columns = list(questions), [asked.columns for asked in questions.values()]
    for row in in_one(list(questions.values())).to_pyarrow().to_pylist():
        place = row["place"]
        yield names[place], dict(zip(columns[place], row["said"], strict=True))


def in_one(questions: Sequence[Any]) -> Any:
    """One query of several: a row for each, by its `place`, with the values of its columns."""
    import ibis

    rows = [
        asked.select(
            place=ibis.literal(place, "int64"),
            said=ibis.array([asked[column].cast("int64") for column in asked.columns]),
        )
        for place, asked in enumerate(questions)
    ]
    return ibis.union(*rows)


def _validations(table: str, one: _Sound, said: Mapping[str, Any]) -> dict[str, Validation]:
    schema = table_schema(table)
    not_kept, total = broken(said, one.checks), int(said["total"])
    validations: dict[str, Validation] = {}
    for check in one.checks:
        whole, by_day = Outcome(), dict[date, Outcome]()
        if check not in not_kept:
            pass
        elif check == UNIQUE:
            _count_doubled(one.rows, schema, whole, by_day)
        elif check == FOREIGN:
            _count_orphans(one.rows, schema, one.relations, whole, by_day)
        else:
            _count_broken(one.rows, schema, row_tests(table, _SEVERITIES[check]), whole, by_day)
        validations[check] = Validation(whole, by_day, total)
    return validations


def question(
    rows: Any, table: str, checks: Sequence[str], relations: Sequence[tuple[Relation, Any]]
) -> Any:
    """The one query: `total` rows, and of each check whether all of them keep it.

    FOREIGN has a column for each of the relations instead, `orphans_<number>`: how many keys do
    not stand in its target. A check that a table has nothing to ask for has no column.
    """
    kept = {}
    for check in checks:
        if check == UNIQUE:
            kept[check] = looks_unique(rows, UNIQUE_KEYS[table])
        elif check in _SEVERITIES and (tests := row_tests(table, _SEVERITIES[check])):
            kept[check] = all_hold(rows, tests)
    answer = rows.agg(total=rows.count(), **kept)
    for number, (relation, target) in enumerate(relations):
        lost = orphaned_keys(rows, relation, target)
        answer = answer.cross_join(lost.rename({f"{ORPHANS}{number}": "orphans"}))
    return answer


def _count_broken(
    rows: Any, schema: TableSchema, tests: Tests, whole: Outcome, by_day: dict[date, Outcome]
) -> None:
    for name, counts in failing_by_day(rows, schema, tests).items():
        whole.failures[name] = sum(counts.values())
        for day, count in counts.items():
            if day is not None:
                by_day.setdefault(day, Outcome()).failures[name] = count
        _show(rows.filter(~tests[name](rows)), name, whole)


def failing_by_day(
    rows: Any, schema: TableSchema, tests: Tests
) -> dict[str, dict[date | None, int]]:
    """How many rows fail each test on each day, in one query; only of tests that some row fails."""
    names = dict(zip(tests, (f"test_{number}" for number in range(len(tests))), strict=True))
    counts = {names[name]: (~holds(rows)).sum() for name, holds in tests.items()}
    day = day_of(rows, schema)
    counted = rows.agg(**counts) if day is None else rows.group_by(day=day).agg(**counts)
    found: dict[str, dict[date | None, int]] = {}
    for row in counted.to_pyarrow().to_pylist():
        for name, column in names.items():
            if row[column]:
                found.setdefault(name, {})[row.get("day")] = int(row[column])
    return {name: found[name] for name in tests if name in found}


def _count_doubled(
    rows: Any, schema: TableSchema, whole: Outcome, by_day: dict[date, Outcome]
) -> None:
    key = UNIQUE_KEYS[schema.name]
    several = doubled(rows, key)
    whole.sample = several.limit(MAX_FAILURE_CASES).to_pyarrow().to_pylist()
    if whole.sample:
        failing = rows.semi_join(several, list(key))
        count_failing(failing, schema, f"{', '.join(key)} not unique", whole, by_day)


def _count_orphans(
    rows: Any,
    schema: TableSchema,
    relations: Sequence[tuple[Relation, Any]],
    whole: Outcome,
    by_day: dict[date, Outcome],
) -> None:
    for relation, target in relations:
        lost = orphans(rows, relation, target)
        name = f"{relation.column} not in {relation.target}"
        count_failing(lost, schema, name, whole, by_day)
        if name in whole.failures:
            _show(lost, name, whole)


def _show(failing: Any, name: str, whole: Outcome) -> None:
    """Add a few of the failing rows to the outcome, under the test's name."""
    wanted = MAX_FAILURE_CASES - len(whole.sample)
    if wanted:
        sample = failing.limit(wanted).to_pyarrow().to_pylist()
        whole.sample.extend({"rule": name, **row} for row in sample)
