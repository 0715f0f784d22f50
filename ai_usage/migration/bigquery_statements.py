"""Every statement that is sent to BigQuery for old tables, in one place.

Nothing else here: a test has Google's own analyzer read each of them. Names and texts are quoted
here; expressions of migration.yaml come in as SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from google.cloud import bigquery
from sqlglot import exp

LEGACY_SUFFIX = "__legacy"
"""What an old table's name ends in after the cutover; a view has the name without it."""

_EARLIEST = {
    "DATE": "DATE '0001-01-01'",
    "DATETIME": "DATETIME '0001-01-01 00:00:00'",
    "TIMESTAMP": "TIMESTAMP '0001-01-01 00:00:00+00'",
    "INT64": "-9223372036854775808",
}
"""The first value of each type by which BigQuery partitions a table."""
_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""The client's older names."""
_LOADABLE = frozenset(
    {"STRING", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "DATETIME", "TIME"}
    | {"TIMESTAMP", "BYTES", "STRUCT"}
)
"""Types that a Parquet file holds and BigQuery loads again as they were."""


@dataclass(frozen=True)
class Place:
    """A table or view of BigQuery."""

    project: str
    dataset: str
    table: str

    @property
    def sql(self) -> str:
        """Its name, as SQL has it."""
        return ".".join(f"`{part}`" for part in (self.project, self.dataset, self.table))

    @property
    def name(self) -> str:
        """Its name, as the API has it."""
        return f"{self.project}.{self.dataset}.{self.table}"

    @property
    def aside(self) -> Place:
        """Where it stands after the cutover."""
        return Place(self.project, self.dataset, f"{self.table}{LEGACY_SUFFIX}")


def text_of(value: object) -> str:
    """A text, as SQL has it."""
    return exp.Literal.string(str(value)).sql("bigquery")


def type_of(field: bigquery.SchemaField) -> str:
    """The type of a field's values, without the parameters that a CAST does not take."""
    kind = _TYPES.get(field.field_type, field.field_type)
    if kind in ("RECORD", "STRUCT"):
        kind = f"STRUCT<{', '.join(f'`{one.name}` {type_of(one)}' for one in field.fields)}>"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


def shaped(select: str, fields: Sequence[bigquery.SchemaField], written: Iterable[str]) -> str:
    """The rows of a SELECT with exactly the old table's columns, in its order and types.

    A column that is not written is NULL, a repeated one empty. A number is rounded to the column's
    scale, as BigQuery does when it is stored. Values that are equal are then written alike.
    """
    known = set(written)
    columns = ",\n  ".join(f"{_shaped(f, f.name in known)} AS `{f.name}`" for f in fields)
    return f"SELECT\n  {columns}\nFROM (\n{select}\n)"


def _shaped(field: bigquery.SchemaField, written: bool) -> str:
    kind = type_of(field)
    if not written:
        return f"CAST({'[]' if field.mode == 'REPEATED' else 'NULL'} AS {kind})"
    if kind == "JSON":
        return f"`{field.name}`"
    value = f"CAST(`{field.name}` AS {kind})"
    if field.mode == "REPEATED":
        return f"IFNULL({value}, CAST([] AS {kind}))"
    if kind in ("NUMERIC", "BIGNUMERIC") and field.precision is not None:
        return f"ROUND({value}, {field.scale or 0})"
    return value


def everything(table: bigquery.Table) -> str:
    """A condition that holds for every row, where the table must not be read without one."""
    partitioning = table.time_partitioning or table.range_partitioning
    required = table.require_partition_filter or getattr(
        table.time_partitioning, "require_partition_filter", False
    )
    if not required or partitioning is None or partitioning.field is None:
        return "TRUE"
    column = partitioning.field
    (field,) = [one for one in table.schema if one.name == column]
    return f"(`{column}` IS NULL OR `{column}` >= {_EARLIEST[type_of(field)]})"


def of_days(day: str, days: Iterable[date], fields: Sequence[bigquery.SchemaField]) -> str:
    """A condition on the rows of the days; on the bare column where that is a DATE, to prune."""
    dates = {field.name for field in fields if type_of(field) == "DATE"}
    of_day = day if day.strip("`") in dates else f"CAST({day} AS DATE)"
    listed = ", ".join(f"DATE '{one}'" for one in sorted(days))
    return f"{of_day} IN ({listed})"


_DIGEST = "CAST(FARM_FINGERPRINT(TO_JSON_STRING(old_row_)) AS NUMERIC)"


def rows_of(place: Place, table: bigquery.Table) -> str:
    """All rows of a table as `shaped` writes them, to be read FROM."""
    select = rows_where(place.sql, everything(table))
    return f"(\n{reshaped(select, table)}\n)"


def reshaped(select: str, table: bigquery.Table) -> str:
    """The rows of a SELECT that has the table's columns, as `shaped` writes them."""
    return shaped(select, table.schema, [field.name for field in table.schema])


def mark(rows: str) -> str:
    """One value: how many of these rows there are, and a digest of them, whatever their order."""
    return (
        "SELECT CONCAT(CAST(COUNT(*) AS STRING), ' ', "
        f"CAST(COALESCE(SUM({_DIGEST}), 0) AS STRING)) AS mark\n"
        f"FROM {rows} AS old_row_"
    )


def marks_around(old_rows: str, wanted: str, staged_rows: str) -> str:
    """The old table's mark, what it will be, and how many rows are staged.

    It will be so once the stage's rows are in the place of those wanted. The table is read once.
    """
    return f"""SELECT
  CONCAT(CAST(before_.n AS STRING), ' ', CAST(before_.total AS STRING)) AS before_mark,
  CONCAT(
    CAST(before_.n - before_.gone + staged_.n AS STRING), ' ',
    CAST(before_.total - before_.gone_total + staged_.total AS STRING)
  ) AS after_mark,
  staged_.n AS new_rows
FROM (
  SELECT
    COUNT(*) AS n,
    COALESCE(SUM(digest_), 0) AS total,
    COUNTIF(wanted_) AS gone,
    COALESCE(SUM(IF(wanted_, digest_, 0)), 0) AS gone_total
  FROM (
    SELECT {_DIGEST} AS digest_, COALESCE({wanted}, FALSE) AS wanted_
    FROM {old_rows} AS old_row_
  )
) AS before_
CROSS JOIN (
  SELECT COUNT(*) AS n, COALESCE(SUM({_DIGEST}), 0) AS total
  FROM {staged_rows} AS old_row_
) AS staged_"""


def stage_rows(stage: Place, columns: Sequence[str], select: str, wanted: str) -> str:
    """The wanted rows of a SELECT into a table that has the old table's columns."""
    listed = ", ".join(f"`{name}`" for name in columns)
    return (
        f"INSERT INTO {stage.sql} ({listed})\nSELECT {listed} FROM (\n{select}\n)\nWHERE {wanted}"
    )


def replace_rows(
    old: Place, old_rows: str, wanted: str, stage: Place, columns: Sequence[str], before: str
) -> list[str]:
    """Put the stage in the place of the wanted rows, if the table is as it was; one transaction."""
    listed = ", ".join(f"`{name}`" for name in columns)
    told = text_of(f"{old.table} was changed by somebody else while it was to be written")
    return [
        "BEGIN TRANSACTION",
        f"ASSERT (\n{mark(old_rows)}\n) = {text_of(before)} AS {told}",
        f"DELETE FROM {old.sql} WHERE {wanted}",
        f"INSERT INTO {old.sql} ({listed}) SELECT {listed} FROM {stage.sql}",
        "COMMIT TRANSACTION",
    ]


def snapshot(old: Place, copy: Place, expires: datetime) -> str:
    """A read-only copy, which outlives the seven days of time travel."""
    return (
        f"CREATE SNAPSHOT TABLE {copy.sql} CLONE {old.sql} "
        f"OPTIONS (expiration_timestamp = {_instant(expires)})"
    )


def clone(old: Place, copy: Place, expires: datetime) -> str:
    """A copy that can be renamed and written, which goes by itself."""
    return (
        f"CREATE TABLE {copy.sql} CLONE {old.sql} "
        f"OPTIONS (expiration_timestamp = {_instant(expires)})"
    )


def rename(old: Place, to: Place) -> str:
    """Give the table another name in its dataset; grants and row policies go with it."""
    return f"ALTER TABLE {old.sql} RENAME TO `{to.table}`"


def create_view(view: Place, old: bigquery.Table, select: str) -> str:
    """The view that takes an old name, with the table's descriptions and labels."""
    columns = ", ".join(f"`{f.name}`{_options(description=f.description)}" for f in old.schema)
    options = _options(description=old.description, labels=old.labels)
    return f"CREATE VIEW {view.sql} ({columns}){options} AS\n{select}"


def cut_over(old: Place, table: bigquery.Table, select: str) -> list[str]:
    """Move the table aside, and let a view have its name; if it cannot be, the table is back."""
    return [
        rename(old, old.aside),
        f"BEGIN\n{create_view(old, table, select)};\n"
        f"EXCEPTION WHEN ERROR THEN\n{rename(old.aside, old)};\nRAISE;\nEND",
    ]


def roll_back(old: Place, *, has_view: bool) -> list[str]:
    """Drop the view, and give the table its name."""
    return [*([drop_view(old)] if has_view else []), rename(old.aside, old)]


def drop_view(view: Place) -> str:
    """Drop a view that may be gone."""
    return f"DROP VIEW IF EXISTS {view.sql}"


def drop_table(table: Place) -> str:
    """Drop a table that may be gone."""
    return f"DROP TABLE IF EXISTS {table.sql}"


def differing(one: str, other: str) -> str:
    """How many rows one of two queries gives more often than the other."""
    return f"""SELECT COALESCE(SUM(ABS(surplus_)), 0) AS differing
FROM (
  SELECT row_, SUM(side_) AS surplus_
  FROM (
    SELECT TO_JSON_STRING(old_row_) AS row_, 1 AS side_ FROM (
{one}
    ) AS old_row_
    UNION ALL
    SELECT TO_JSON_STRING(old_row_) AS row_, -1 AS side_ FROM (
{other}
    ) AS old_row_
  )
  GROUP BY row_
)"""


def rows_where(rows: str, *conditions: str) -> str:
    """The rows of a table or of a query in parentheses that meet every condition."""
    return f"SELECT * FROM {rows} WHERE {' AND '.join(conditions)}"


def archived(old: Place, table: bigquery.Table) -> str:
    """All rows as a Parquet file holds them: what cannot be loaded from one is text."""
    columns = ",\n  ".join(f"{_archived(f)} AS `{f.name}`" for f in table.schema)
    return f"SELECT\n  {columns}\nFROM {old.sql}\nWHERE {everything(table)}"


def archived_field(field: bigquery.SchemaField) -> bigquery.SchemaField:
    """The column of the table that an archived column is loaded into."""
    repeated = field.mode == "REPEATED"
    shown = {"mode": "REPEATED" if repeated else "NULLABLE"}
    if _is_loadable(field):
        return bigquery.SchemaField.from_api_repr(field.to_api_repr() | shown)
    return bigquery.SchemaField(field.name, "STRING", "NULLABLE")


def _is_loadable(field: bigquery.SchemaField) -> bool:
    kind = type_of(field).removeprefix("ARRAY<").partition("<")[0].rstrip(">")
    return kind in _LOADABLE and all(_is_loadable(one) for one in field.fields)


def _archived(field: bigquery.SchemaField) -> str:
    if _is_loadable(field):
        return f"`{field.name}`"
    if type_of(field) == "GEOGRAPHY":
        return f"ST_ASTEXT(`{field.name}`)"
    return f"IF(`{field.name}` IS NULL, NULL, TO_JSON_STRING(`{field.name}`))"


_JOBS = "`{project}`.`region-{location}`.INFORMATION_SCHEMA.JOBS_BY_PROJECT"
"""Google keeps jobs for 180 days. Readers in other projects are not seen."""


def readers(project: str, location: str) -> str:
    """Who read the tables of a dataset. Parameters: @days, @project, @dataset."""
    return f"""SELECT
  referenced.table_id AS table_name,
  jobs.user_email AS who,
  COUNT(*) AS reads,
  MAX(jobs.creation_time) AS last_read
FROM {_JOBS.format(project=project, location=location)} AS jobs
CROSS JOIN UNNEST(jobs.referenced_tables) AS referenced
WHERE jobs.creation_time >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL @days DAY)
  AND jobs.job_type = 'QUERY'
  AND referenced.project_id = @project
  AND referenced.dataset_id = @dataset
GROUP BY table_name, who
ORDER BY table_name, who"""


def readers_of_old_names(location: str, old: Sequence[Place], events: Place) -> str:
    """Who but we read old tables or the views with their names. Parameter: @days.

    A job names the tables below a view, not the view, and an answer from the cache none at all:
    there the text of the query tells, by the old name as a word. One too many is asked about; one
    too few loses somebody's report.
    """
    names = ", ".join(f"STRUCT({text_of(one.table)} AS name)" for one in old)
    (project, dataset) = (text_of(old[0].project), text_of(old[0].dataset))
    return f"""SELECT
  old_name.name AS table_name,
  jobs.user_email AS who,
  COUNT(*) AS reads,
  MAX(jobs.creation_time) AS last_read
FROM {_JOBS.format(project=old[0].project, location=location)} AS jobs
CROSS JOIN UNNEST([{names}]) AS old_name
WHERE jobs.creation_time >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL @days DAY)
  AND jobs.job_type = 'QUERY'
  AND NOT EXISTS (
    SELECT 1 FROM UNNEST(jobs.labels) AS label
    WHERE label.key = 'app' AND label.value = 'ai-usage'
  )
  AND (
    EXISTS (
      SELECT 1 FROM UNNEST(jobs.referenced_tables) AS referenced
      WHERE referenced.project_id = {project}
        AND referenced.dataset_id = {dataset}
        AND referenced.table_id IN (old_name.name, CONCAT(old_name.name, '{LEGACY_SUFFIX}'))
    )
    OR (
      REGEXP_CONTAINS(
        jobs.query, CONCAT(r'(^|[^A-Za-z0-9_])\\Q', old_name.name, r'\\E($|[^A-Za-z0-9_])')
      )
      AND (
        jobs.cache_hit
        OR EXISTS (
          SELECT 1 FROM UNNEST(jobs.referenced_tables) AS referenced
          WHERE referenced.project_id = {text_of(events.project)}
            AND referenced.dataset_id = {text_of(events.dataset)}
            AND referenced.table_id = {text_of(events.table)}
        )
      )
    )
  )
GROUP BY table_name, who
ORDER BY table_name, who"""


def script(statements: Iterable[str]) -> str:
    """The statements as one script, which BigQuery runs to its end whoever goes away."""
    return "".join(f"{one};\n" for one in statements)


def _instant(at: datetime) -> str:
    return f"TIMESTAMP '{at.isoformat(timespec='seconds')}'"


def _options(*, description: str | None = None, labels: Mapping[str, str] | None = None) -> str:
    found = []
    if description:
        found.append(f"description = {text_of(description)}")
    if labels:
        pairs = ", ".join(f"({text_of(k)}, {text_of(v)})" for k, v in sorted(labels.items()))
        found.append(f"labels = [{pairs}]")
    return f" OPTIONS ({', '.join(found)})" if found else ""
