"""A table's Pandera schema, from its DDL and its rules, and its validation inside the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandera.ibis as pa
from pandera.dtypes import immutable
from pandera.engines import ibis_engine

from ai_usage.days.windows import Window
from ai_usage.quality.counting import day_of, within
from ai_usage.quality.flags import Severity
from ai_usage.quality.outcome import MAX_FAILURE_CASES, Outcome, Validation
from ai_usage.quality.rules import rules_of
from ai_usage.warehouse.schema import TableSchema, table_schema


@ibis_engine.Engine.register_dtype(equivalents=[dt.JSON, dt.JSON(), dt.JSON(nullable=False)])
@immutable
class _Json(ibis_engine.DataType):
    """JSON columns, which Pandera does not know of itself."""

    type = dt.JSON()


@ibis_engine.Engine.register_dtype(
    # BigQuery's lists hold no NULL, DuckDB's may.
    equivalents=[
        dt.Array(dt.String(nullable=element), nullable=whole)
        for element in (True, False)
        for whole in (True, False)
    ]
)
@immutable
class _Strings(ibis_engine.DataType):
    """Lists of text, which Pandera does not know of itself."""

    type = dt.Array(dt.String())


_IBIS: dict[str, Any] = {
    "STRING": dt.String(),
    "INT64": dt.Int64(),
    "FLOAT64": dt.Float64(),
    "NUMERIC": dt.Decimal(38, 9),
    "BOOL": dt.Boolean(),
    "DATE": dt.Date(),
    "JSON": dt.JSON(),
    "ARRAY<STRING>": dt.Array(dt.String()),
}


@cache
def pandera_schema(table: str, severity: Severity, timestamp: Any) -> pa.DataFrameSchema:
    """The Pandera schema of a table.

    With severity `error` it holds types and nullability from the DDL and the contract's rules;
    with `warning` only the rules of quality. `timestamp` is the engine's own timestamp type.
    """
    columns = {}
    if severity == "error":
        columns = {
            c.name: pa.Column(timestamp if c.type == "TIMESTAMP" else _IBIS[c.type], nullable=True)
            for c in table_schema(table).columns
        }
    tests = tests_of(table, severity)
    # One check for all, and one answer for all rows: Pandera asks a query for every check, and of
    # one that answers by row it fetches every row's answer where it fails. No rows break nothing.
    check = pa.Check(
        lambda data: (
            ibis.and_(*(holds(data.table) for holds in tests.values()))
            .all()
            .fill_null(True)
            .name("holds")
        ),
        name=f"{table} {severity}",
        error=", ".join(tests),
    )
    return pa.DataFrameSchema(
        columns, checks=[check] if tests else [], strict=severity == "error", name=table
    )


def tests_of(table: str, severity: Severity) -> dict[str, Callable[[Any], Any]]:
    """What must hold for every row, by name: the rules, and for `error` the DDL's NOT NULLs."""
    tests: dict[str, Callable[[Any], Any]] = {r.name: r.holds for r in rules_of(table, severity)}
    if severity == "error":
        required = [c.name for c in table_schema(table).columns if not c.nullable]
        tests |= {f"{name}_not_null": _not_null(name) for name in required}
    return tests


def validate(
    connection: Any,
    table: str,
    severity: Severity,
    window: Window | None,
    dataset: str | None = None,
) -> Validation:
    """Validate a table, or a window of it, inside the engine.

    `dataset` is where the table stands, if that is not the connection's own.
    Passing costs one scan, and one query besides that counts. Only if Pandera finds a failure are
    failing rows counted by rule and day, and a few of them fetched.
    """
    schema = table_schema(table)
    rows = within(connection.table(table, database=dataset), schema, window)
    total = int(rows.count().execute())
    timestamp = dt.Timestamp(timezone="UTC", scale=6 if connection.name == "duckdb" else None)
    try:
        pandera_schema(table, severity, timestamp).validate(rows, lazy=True)
    except pa.errors.SchemaErrors as found:
        return _count(rows, schema, tests_of(table, severity), found, total, window)
    return Validation(Outcome(), {}, total)


def _not_null(column: str) -> Callable[[Any], Any]:
    return lambda t: t[column].notnull()


def _count(
    rows: Any,
    schema: TableSchema,
    tests: dict[str, Callable[[Any], Any]],
    found: pa.errors.SchemaErrors,
    total: int,
    window: Window | None,
) -> Validation:
    whole = Outcome()
    by_day: dict[date, Outcome] = {}
    reasons = [str(error.reason_code).rpartition(".")[2] for error in found.schema_errors]
    for error, reason in zip(found.schema_errors, reasons, strict=True):
        if reason not in ("DATAFRAME_CHECK", "CHECK_ERROR"):
            # A wrong type or a missing column concerns every row.
            whole.failures[str(error).splitlines()[0][:200]] = total or 1
    if whole.failures:
        # No rule could be asked of a column that is not what it should be.
        if window is not None:
            by_day = {day: Outcome(dict(whole.failures)) for day in window.days()}
        return Validation(whole, by_day, total)
    if "CHECK_ERROR" in reasons:
        # The rules could not be asked: that is no answer.
        raise found
    for name, counts in _failing_by_day(rows, schema, tests).items():
        whole.failures[name] = sum(counts.values())
        for day, count in counts.items():
            if day is not None:
                by_day.setdefault(day, Outcome()).failures[name] = count
        wanted = MAX_FAILURE_CASES - len(whole.sample)
        if wanted:
            failing = rows.filter(~tests[name](rows))
            sample = failing.limit(wanted).to_pyarrow().to_pylist()
            whole.sample.extend({"rule": name, **row} for row in sample)
    return Validation(whole, by_day, total)


def _failing_by_day(
    rows: Any, schema: TableSchema, tests: dict[str, Callable[[Any], Any]]
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
