"""An old system in a BigQuery dataset, read with the caller's own rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from google.cloud import bigquery
from sqlglot import exp

from ai_usage.migration.sources import MigrationError, OldTable, Reader, Source

READERS = """
SELECT
  referenced.table_id AS table_name,
  jobs.user_email AS who,
  COUNT(*) AS reads,
  MAX(jobs.creation_time) AS last_read
FROM `{project}`.`region-{location}`.INFORMATION_SCHEMA.JOBS_BY_PROJECT AS jobs
CROSS JOIN UNNEST(jobs.referenced_tables) AS referenced
WHERE jobs.creation_time >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL @days DAY)
  AND jobs.job_type = 'QUERY'
  AND referenced.project_id = @project
  AND referenced.dataset_id = @dataset
GROUP BY table_name, who
ORDER BY table_name, who
"""
"""Google keeps jobs for 180 days. Readers in other projects are not seen."""


class BigQuerySource(Source):
    """The tables of a dataset. A statement sees one state of its tables, as Google runs it."""

    def __init__(self, project: str, dataset: str) -> None:
        self.where = f"bigquery:{project}.{dataset}"
        self._dataset = bigquery.DatasetReference(project, dataset)
        self._client = bigquery.Client(project=project)

    def tables(self) -> list[OldTable]:
        """Every table or view, by name."""
        try:
            listed = sorted(t.table_id for t in self._client.list_tables(self._dataset))
            opened = [self._client.get_table(self._dataset.table(name)) for name in listed]
        except GoogleAPIError as error:
            raise self._refused(error) from error
        return [
            OldTable(
                table.table_id,
                {
                    field.name: f"ARRAY<{_TYPES.get(field.field_type, field.field_type)}>"
                    if field.mode == "REPEATED"
                    else _TYPES.get(field.field_type, field.field_type)
                    for field in table.schema
                },
            )
            for table in opened
        ]

    def rows(self, statement: exp.Query) -> Iterator[dict[str, Any]]:
        """The rows of a statement, streamed."""
        config = bigquery.QueryJobConfig(default_dataset=self._dataset)
        try:
            job = self._client.query(statement.sql("bigquery"), job_config=config)
            for row in job.result(page_size=10_000):
                yield dict(row.items())
        except GoogleAPIError as error:
            raise self._refused(error) from error

    def version(self, table: str) -> str:
        """When the table was last changed, and how many rows it has."""
        try:
            found = self._client.get_table(self._dataset.table(table))
        except GoogleAPIError as error:
            raise self._refused(error) from error
        return f"{found.modified} {found.num_rows}"

    def readers(self, days: int) -> list[Reader] | None:
        """Who read the tables in the last days; needs `bigquery.jobs.listAll` in the project."""
        try:
            location = self._client.get_dataset(self._dataset).location.lower()
            sql = READERS.format(project=self._dataset.project, location=location)
            parameters = [
                bigquery.ScalarQueryParameter("days", "INT64", days),
                bigquery.ScalarQueryParameter("project", "STRING", self._dataset.project),
                bigquery.ScalarQueryParameter("dataset", "STRING", self._dataset.dataset_id),
            ]
            config = bigquery.QueryJobConfig(query_parameters=parameters)
            found = self._client.query(sql, job_config=config).result()
            return [Reader(r.table_name, r.who, r.reads, r.last_read) for r in found]
        except GoogleAPIError as error:
            raise self._refused(error) from error

    def _refused(self, error: GoogleAPIError) -> MigrationError:
        return MigrationError(f"{self.where}: {str(error).strip().splitlines()[0]}")


_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""The client's older names."""
