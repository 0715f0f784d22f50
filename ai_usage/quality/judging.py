"""Judges a table: all that is promised of its rows is asked in one query, inside the engine.

Only of what that query finds broken are the failing rows counted, by test and day, and a few shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    QUALITY,
    UNIQUE,
    Tests,
    all_hold,
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

    def rows_of(name: str) -> Any:
        return connection.table(name, database=dataset_of(name))

    schema = table_schema(table)
    rows = within(rows_of(table), schema, window)
    odd = mistyped(rows, table, connection.name)
    if odd:
        # It concerns every row of every day; no rule can be asked of columns that are not there.
        total = int(rows.count().execute())
        found = dict.fromkeys(odd, total or 1)
        days = {day: Outcome(dict(found)) for day in (window.days() if window else [])}
        return {check: Validation(Outcome(dict(found)), days, total) for check in checks}
    relations = [(r, rows_of(r.target)) for r in RELATIONS.get(table, ()) if FOREIGN in checks]
    (said,) = question(rows, table, checks, relations).to_pyarrow().to_pylist()
    broken = {check for check in checks if not said.get(check, True)}
    if any(said[f"orphans_{number}"] for number in range(len(relations))):
        broken.add(FOREIGN)
    total = int(said["total"])
    validations: dict[str, Validation] = {}
    for check in checks:
        whole, by_day = Outcome(), dict[date, Outcome]()
        if check not in broken:
            pass
        elif check == UNIQUE:
            _count_doubled(rows, schema, whole, by_day)
        elif check == FOREIGN:
            _count_orphans(rows, schema, relations, whole, by_day)
        else:
            _count_broken(rows, schema, row_tests(table, _SEVERITIES[check]), whole, by_day)
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
        answer = answer.cross_join(lost.rename({f"orphans_{number}": "orphans"}))
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
