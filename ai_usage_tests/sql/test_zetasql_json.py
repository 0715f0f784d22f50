"""Google's own PARSE_JSON takes what we store as JSON, and refuses what we store as a text."""

from __future__ import annotations

import json

import pytest

from ai_usage.vendors.stored_json import stored
from ai_usage.warehouse.bigquery import inserted
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.sql.google_sql import GoogleSql
from ai_usage_tests.warehouse.rows import ODD_JSON

COLUMN = table_schema("raw_ai_events").column("raw_response")


def held(google: GoogleSql, text: str | None) -> str | None:
    """The column as the swap would insert it from the staged text, as JSON text."""
    value = "CAST(NULL AS STRING)" if text is None else json.dumps(text)
    sql = f"SELECT TO_JSON_STRING(x) AS x FROM (SELECT {inserted(COLUMN, 'STRING')} AS x FROM (SELECT {value} AS raw_response))"  # noqa: E501
    (row,) = google.run(sql, {})
    found: str | None = row["x"]
    return found


@pytest.mark.parametrize("text", ODD_JSON)
def test_each_record_is_held_as_the_embedded_warehouse_holds_it(
    text: str, google: GoogleSql
) -> None:
    ((kept,), _) = stored([text], [[]])
    found = held(google, kept)
    assert found is not None
    assert json.loads(found) == (json.loads(text) if ODD_JSON[text] else text)
    # As it came, without the reader's care: the same.
    assert held(google, text) == found


def test_no_record_stays_none(google: GoogleSql) -> None:
    sql = f"SELECT {inserted(COLUMN, 'STRING')} IS NULL AS x FROM (SELECT CAST(NULL AS STRING) AS raw_response)"  # noqa: E501
    assert google.run(sql, {}) == [{"x": True}]
