"""What is asked of a table's rows, as it is sent: Google's analyzer accepts it, and it prunes."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from ai_usage.days.windows import Window
from ai_usage.quality.judging import judge, judge_together
from ai_usage.quality.promises import promised
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage_tests.sql.google_sql import GoogleSql
from ai_usage_tests.support.pruning import unfiltered
from tools.sql_lint import zoneless

pytestmark = pytest.mark.slow

_TYPES = {
    "NUMERIC": "decimal(38, 9)",
    "BOOL": "boolean",
    "TIMESTAMP": "timestamp('UTC')",
    "ARRAY<STRING>": "array<string>",
}


class Unasked:
    """Stands for an ibis connection to BigQuery; nothing can be asked of it."""

    name = "bigquery"

    def table(self, name: str, database: str | None = None) -> Any:
        """The table as its DDL declares it."""
        columns = table_schema(name).columns
        return ibis.table({c.name: _TYPES.get(c.type, c.type.lower()) for c in columns}, name)


class Sent(Exception):  # noqa: N818 - no error: it carries what was asked
    """The query, instead of its answer."""


@pytest.mark.parametrize("table", table_names())
def test_what_is_asked_of_a_table_is_accepted_prunes_and_names_its_time_zone(
    table: str, google: GoogleSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(asked: Any, **_: Any) -> Any:
        raise Sent(ibis.to_sql(asked, dialect="bigquery"))

    monkeypatch.setattr(ir.Table, "to_pyarrow", sent)
    window = Window.day(date(2026, 3, 10))
    with pytest.raises(Sent) as asked:
        judge(Unasked(), table, promised(table), window)
    sql = str(asked.value)
    columns = dict(google.analyze(sql))
    assert columns.pop("total") == "INT64"
    assert {type_ for name, type_ in columns.items() if name.startswith("orphans_")} <= {"INT64"}
    assert set(promised(table)) - {"foreign_keys"} >= {
        name for name, type_ in columns.items() if type_ == "BOOL"
    }
    assert not list(unfiltered(sql))
    assert not list(zoneless(sql))


def test_what_is_asked_of_several_tables_at_once_is_accepted_prunes_and_names_its_time_zone(
    google: GoogleSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(asked: Any, **_: Any) -> Any:
        raise Sent(ibis.to_sql(asked, dialect="bigquery"))

    monkeypatch.setattr(ir.Table, "to_pyarrow", sent)
    names = {table: promised(table) for table in table_names()}
    with pytest.raises(Sent) as asked:
        judge_together(Unasked(), names, Window.day(date(2026, 3, 10)))
    sql = str(asked.value)
    assert dict(google.analyze(sql)) == {"place": "INT64", "said": "ARRAY<INT64>"}
    assert not list(unfiltered(sql))
    assert not list(zoneless(sql))
