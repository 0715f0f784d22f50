"""Every statement that is sent to BigQuery for old tables, read by Google's own analyzer.

The emulator runs most of them, too; the list of jobs it does not have, so the statements that ask
it are seen by nobody else.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.cloud import bigquery
from zetasql.api import Parser

from ai_usage.migration import bigquery_statements as sql
from ai_usage.migration.bigquery_statements import Place
from ai_usage.migration.description import TableMapping, read_description
from ai_usage.migration.writing import query_of, view_of
from ai_usage.warehouse.bigquery import BigQueryWarehouse
from ai_usage_tests.sql.google_sql import DATASET, PROJECT, GoogleSql

OLD = Place("old-project", "finance", "cursor-costs")
STAGE, COPY = Place("old-project", "finance", "stage"), Place("old-project", "finance", "copy")
EVENTS = Place(PROJECT, DATASET, "raw_ai_events")
EXPIRES = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAYS = [date(2026, 3, 8), date(2026, 3, 9)]
JOBS = """
creation_time TIMESTAMP, project_id STRING, user_email STRING, job_type STRING, query STRING,
statement_type STRING, cache_hit BOOL, labels ARRAY<STRUCT<key STRING, value STRING>>,
referenced_tables ARRAY<STRUCT<project_id STRING, dataset_id STRING, table_id STRING>>
"""
"""Columns of INFORMATION_SCHEMA.JOBS_BY_PROJECT, by Google's documentation."""

FIELDS = [
    bigquery.SchemaField("user_email", "STRING", description="who's, \"mostly\"\nor nobody's"),
    bigquery.SchemaField("usage_date", "DATE", "REQUIRED"),
    bigquery.SchemaField("lines", "INTEGER"),
    bigquery.SchemaField("amount", "NUMERIC", precision=12, scale=2),
    bigquery.SchemaField("exact", "BIGNUMERIC"),
    bigquery.SchemaField("share", "FLOAT"),
    bigquery.SchemaField("billed", "BOOLEAN"),
    bigquery.SchemaField("at", "TIMESTAMP"),
    bigquery.SchemaField("local_at", "DATETIME"),
    bigquery.SchemaField("of_day", "TIME"),
    bigquery.SchemaField("raw", "BYTES"),
    bigquery.SchemaField("tags", "STRING", "REPEATED"),
    bigquery.SchemaField("remark", "JSON"),
    bigquery.SchemaField("office", "GEOGRAPHY"),
    bigquery.SchemaField(
        "model",
        "RECORD",
        fields=[
            bigquery.SchemaField("name", "STRING"),
            bigquery.SchemaField("tokens", "INTEGER", "REPEATED"),
        ],
    ),
]
DESCRIPTION = """\
version: 1
from: bigquery:old-project.finance
tables:
  cursor-costs:
    platform: cursor
    event_type: cost
    replaces: [cursor/usage_events]
    day: usage_date
    zone: America/Los_Angeles
    read: {user_email: user_email, cost_usd: amount}
    write:
      user_email: user_email
      usage_date: DATE(event_timestamp, 'America/Los_Angeles')
      lines: SUM(lines_accepted)
      amount: SUM(cost_usd)
      share: SUM(cost_usd)
"""


@pytest.fixture(scope="module")
def analyzer(google: GoogleSql) -> GoogleSql:
    """A catalog of events, the old table, its copies and the list of jobs."""
    events = ", ".join(f"{name} {kind}" for name, kind in google.tables["raw_ai_events"])
    columns = ", ".join(f"`{field.name}` {sql.type_of(field)}" for field in FIELDS)
    places = [OLD, OLD.aside, STAGE]
    jobs = {"old-project.region-eu.INFORMATION_SCHEMA.JOBS_BY_PROJECT": JOBS}
    old = {one.name: columns for one in places}
    return google.with_tables(old | jobs | {EVENTS.name: events})


@pytest.fixture(scope="module")
def table() -> bigquery.Table:
    """The old table as the API tells it: partitioned by day, and never read without one."""
    made = bigquery.Table(OLD.name, schema=FIELDS)
    made.time_partitioning = bigquery.TimePartitioning(field="usage_date")
    made.require_partition_filter = True
    made.description, made.labels = "what 'finance' reads\\n", {"team": "finance"}
    return made


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> TableMapping:
    file = tmp_path_factory.mktemp("described") / "migration.yaml"
    file.write_text(DESCRIPTION)
    return read_description(file).tables[OLD.table]


def rendered(select: str) -> str:
    """As a warehouse sends it, names in full."""

    def connect(location: str | None) -> Any:
        raise AssertionError("nothing is sent here")

    return BigQueryWarehouse(connect=connect, project=PROJECT, dataset=DATASET).render(select)


@pytest.fixture(scope="module")
def view(mapping: TableMapping) -> str:
    select = view_of(OLD.table, mapping, ()).sql("bigquery")
    return sql.shaped(rendered(select), FIELDS, mapping.write)


@pytest.fixture(scope="module")
def sent(table: bigquery.Table, mapping: TableMapping, view: str) -> Mapping[str, list[str]]:
    """For each function that makes a statement those that it makes."""
    wanted = sql.of_days(mapping.day, DAYS, FIELDS)
    rows = sql.rows_of(OLD, table)
    stage_rows = sql.rows_of(STAGE, bigquery.Table(STAGE.name, schema=FIELDS))
    columns = [field.name for field in FIELDS]
    new = sql.shaped(rendered(query_of(mapping, DAYS).sql), FIELDS, mapping.write)
    one = sql.reshaped(sql.rows_where(OLD.sql, sql.everything(table), wanted), table)
    other = sql.reshaped(sql.rows_where(f"({view})", wanted), table)
    (move, guarded) = sql.cut_over(OLD, table, view)
    assert guarded.startswith("BEGIN\nCREATE VIEW")
    return {
        "mark": [sql.mark(rows)],
        "marks_around": [sql.marks_around(rows, wanted, stage_rows)],
        "stage_rows": [sql.stage_rows(STAGE, columns, new, wanted)],
        "replace_rows": sql.replace_rows(OLD, rows, wanted, STAGE, columns, "84 1'2"),
        "snapshot": [sql.snapshot(OLD, COPY, EXPIRES)],
        "clone": [sql.clone(OLD, COPY, EXPIRES)],
        "rename": [sql.rename(OLD, OLD.aside), sql.rename(OLD.aside, OLD)],
        "create_view": [sql.create_view(COPY, table, view)],
        "cut_over": [move],
        "roll_back": sql.roll_back(OLD, has_view=True),
        "drop_view": [sql.drop_view(COPY)],
        "drop_table": [sql.drop_table(OLD.aside)],
        "differing": [sql.differing(one, other)],
        "archived": [sql.archived(OLD, table)],
        "readers": [sql.readers("old-project", "eu")],
        "readers_of_old_names": [sql.readers_of_old_names("eu", [OLD, STAGE], EVENTS)],
    }


PARTS = {"text_of", "type_of", "shaped", "reshaped", "everything", "of_days", "rows_of"}
PARTS |= {"rows_where", "script"}
"""Functions that make a part of a statement, or join several."""
MAKERS = [
    name
    for name, made in vars(sql).items()
    if inspect.isfunction(made) and made.__module__ == sql.__name__ and name[0] != "_"
    if inspect.signature(made).return_annotation in ("str", "list[str]") and name not in PARTS
]


@pytest.mark.parametrize("maker", MAKERS)
def test_each_statement_is_accepted(
    maker: str, sent: Mapping[str, list[str]], analyzer: GoogleSql
) -> None:
    for statement in sent[maker]:
        analyzer.accepts(statement)


def test_the_scripts_are_whole(sent: Mapping[str, list[str]], table: Any, view: str) -> None:
    scripts: list[Callable[[], list[str]]] = [
        lambda: sql.cut_over(OLD, table, view),
        lambda: sent["replace_rows"],
        lambda: sent["roll_back"],
    ]
    for make in scripts:
        Parser.parse_script_static(sql.script(make()))


def test_the_view_has_the_tables_columns_and_types(
    sent: Mapping[str, list[str]], analyzer: GoogleSql
) -> None:
    given = analyzer.analyze(sent["create_view"][0])
    assert given == analyzer.analyze(f"SELECT * FROM {OLD.sql}")
    assert [name for name, _ in given] == [field.name for field in FIELDS]


def test_a_days_condition_is_on_the_bare_column_of_a_date_and_casts_any_other() -> None:
    listed = "IN (DATE '2026-03-08', DATE '2026-03-09')"
    assert sql.of_days("usage_date", DAYS, FIELDS) == f"usage_date {listed}"
    assert sql.of_days("local_at", DAYS, FIELDS) == f"CAST(local_at AS DATE) {listed}"


@pytest.mark.parametrize(
    "wrong",
    [
        sql.snapshot(COPY, STAGE, EXPIRES),
        f"DELETE FROM {OLD.sql} WHERE no_such_column = 1",
        f"INSERT INTO {OLD.sql} (lines) SELECT user_email FROM {OLD.sql}",
        "SELECT who FROM `old-project`.`region-eu`.INFORMATION_SCHEMA.JOBS_BY_PROJECT",
    ],
)
def test_what_is_not_there_or_of_another_type_is_refused(wrong: str, analyzer: GoogleSql) -> None:
    """Else the tests above would show nothing."""
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        analyzer.accepts(wrong)
