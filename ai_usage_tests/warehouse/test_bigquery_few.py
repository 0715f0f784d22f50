"""Few rows as text: what a script reads is what was given, whatever zone the session has."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from ai_usage.warehouse.bigquery_few import FEW_BYTES, are_few, as_text, from_text, gathered
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage_tests.warehouse.rows import DAY, arrow, raw
from tools.sql_lint import zoneless

RAW = "raw_ai_events"


@pytest.mark.parametrize("table", table_names())
def test_no_session_decides_in_which_zone_an_instant_is(table: str) -> None:
    assert not list(zoneless(from_text(table_schema(table))))


def test_each_value_is_the_text_that_bigquery_reads_it_from() -> None:
    schema = table_schema(RAW)
    later = datetime(2026, 3, 10, 23, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    given = raw(
        DAY, "one", event_timestamp=later, cost_usd=Decimal("-0.000000001"), project_codes=["Ü"]
    )
    (row,) = json.loads(as_text(schema, arrow(RAW, [given])))
    said = dict(zip(schema.column_names, row, strict=True))
    assert said["event_timestamp"] == later.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert said["event_date"] == "2026-03-10"
    assert Decimal(said["cost_usd"]) == Decimal("-0.000000001")
    assert said["project_codes"] == ["Ü"]
    assert said["workspace_id"] is None


def test_rows_that_come_in_batches_are_held_up_to_the_bound_and_none_is_lost() -> None:
    kind = pa.schema([("text", pa.string())])
    batch = pa.record_batch([["x" * 1000] * 100], schema=kind)
    few = gathered(pa.RecordBatchReader.from_batches(kind, [batch] * 2))
    assert are_few(few)
    assert few.num_rows == 200
    batches = 2 * FEW_BYTES // batch.nbytes
    many = gathered(pa.RecordBatchReader.from_batches(kind, [batch] * batches))
    assert not are_few(many)
    assert sum(one.num_rows for one in many) == 100 * batches
