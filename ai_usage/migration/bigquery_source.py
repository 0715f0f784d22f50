"""An old system in a BigQuery dataset, read with the caller's own rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from google.cloud import bigquery
from sqlglot import exp

from ai_usage.migration.bigquery_statements import LEGACY_SUFFIX, readers, type_of
from ai_usage.migration.sources import MigrationError, OldTable, Reader, Source

Connect = Callable[[], AbstractContextManager[bigquery.Client]]


class BigQuerySource(Source):
    """The tables of a dataset. A statement sees one state of its tables, as Google runs it.

    After the cutover an old name is a view; `switched` reads the table that had it.
    """

    def __init__(
        self, project: str, dataset: str, connect: Connect | None = None, *, switched: bool = False
    ) -> None:
        """`connect` opens a client; without it, one with the caller's default credentials."""
        self.where = f"bigquery:{project}.{dataset}"
        self._dataset = bigquery.DatasetReference(project, dataset)
        self._connect: Connect = connect or (lambda: bigquery.Client(project=project))
        self._switched = switched

    def tables(self) -> list[OldTable]:
        """Every table or view, by name."""
        try:
            with self._connect() as client:
                standing = self._standing(client)
                opened = {
                    name: client.get_table(self._dataset.table(place))
                    for name, place in standing.items()
                }
        except GoogleAPIError as error:
            raise self._refused(error) from error
        return [
            OldTable(name, {field.name: type_of(field) for field in table.schema})
            for name, table in opened.items()
        ]

    def rows(self, statement: exp.Query) -> Iterator[dict[str, Any]]:
        """The rows of a statement, streamed."""
        config = bigquery.QueryJobConfig(default_dataset=self._dataset)
        try:
            with self._connect() as client:
                asked = self._standing_in(client, statement)
                job = client.query(asked.sql("bigquery"), job_config=config)
                for row in job.result(page_size=10_000):
                    yield dict(row.items())
        except GoogleAPIError as error:
            raise self._refused(error) from error

    def version(self, table: str) -> str:
        """When the table was last changed, and how many rows it has."""
        try:
            with self._connect() as client:
                place = self._standing(client)[table] if self._switched else table
                found = client.get_table(self._dataset.table(place))
        except GoogleAPIError as error:
            raise self._refused(error) from error
        return f"{found.modified} {found.num_rows}"

    def readers(self, days: int) -> list[Reader] | None:
        """Who read the tables in the last days; needs `bigquery.jobs.listAll` in the project."""
        parameters = [
            bigquery.ScalarQueryParameter("days", "INT64", days),
            bigquery.ScalarQueryParameter("project", "STRING", self._dataset.project),
            bigquery.ScalarQueryParameter("dataset", "STRING", self._dataset.dataset_id),
        ]
        config = bigquery.QueryJobConfig(query_parameters=parameters)
        try:
            with self._connect() as client:
                location = client.get_dataset(self._dataset).location.lower()
                asked = readers(self._dataset.project, location)
                found = list(client.query(asked, job_config=config).result())
        except GoogleAPIError as error:
            raise self._refused(error) from error
        return [Reader(r.table_name, r.who, r.reads, r.last_read) for r in found]

    def _standing(self, client: bigquery.Client) -> dict[str, str]:
        """Under which name each old table stands, by its old name."""
        listed = sorted(t.table_id for t in client.list_tables(self._dataset))
        if not self._switched:
            return {name: name for name in listed}
        aside = {name.removesuffix(LEGACY_SUFFIX): name for name in listed if _is_aside(name)}
        return {name: name for name in listed if not _is_aside(name)} | aside

    def _standing_in(self, client: bigquery.Client, statement: exp.Query) -> exp.Query:
        """The statement over the tables that had the names."""
        if not self._switched:
            return statement
        standing, asked = self._standing(client), statement.copy()
        for table in asked.find_all(exp.Table):
            place = standing.get(table.name, table.name)
            if place != table.name and not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("this", exp.to_identifier(place, quoted=True))
        return asked

    def _refused(self, error: GoogleAPIError) -> MigrationError:
        return MigrationError(f"{self.where}: {str(error).strip().splitlines()[0]}")


def _is_aside(name: str) -> bool:
    return name.endswith(LEGACY_SUFFIX)
