"""Checks that ibis writes mean UTC's days, whatever the session's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import ibis
import pytest

from ai_usage.quality.counting import day_of
from ai_usage.quality.days import utc_day
from ai_usage.quality.rules import RULES
from ai_usage.warehouse.schema import table_names, table_schema
from tools.sql_lint import zoneless

_IBIS = {
    "STRING": "string",
    "INT64": "int64",
    "FLOAT64": "float64",
    "NUMERIC": "decimal(38, 9)",
    "BOOL": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp('UTC')",
    "JSON": "json",
    "ARRAY<STRING>": "array<string>",
}


@pytest.mark.parametrize("table", table_names())
def test_no_rule_leaves_its_time_zone_to_the_session(table: str) -> None:
    schema = table_schema(table)
    rows = ibis.table({c.name: _IBIS[c.type] for c in schema.columns}, name=table)
    asked = [rows.filter(rule.holds(rows)) for rule in RULES.get(table, ())]
    if schema.partition_column is not None:
        asked.append(rows.select(day=day_of(rows, schema)))
    for query in asked:
        assert not list(zoneless(ibis.to_sql(query, dialect="bigquery")))


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 3, 10, tzinfo=UTC), date(2026, 3, 10)),
        (datetime(2026, 3, 9, 23, 59, 59, 999_999, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), date(2024, 2, 29)),
    ],
)
def test_a_day_begins_at_midnight_utc(instant: datetime, day: date) -> None:
    value = utc_day(ibis.literal(instant, type="timestamp('UTC')"))
    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        assert connection.execute(ibis.to_sql(value, dialect="duckdb")).fetchall() == [(day,)]
