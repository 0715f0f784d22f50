"""Old tables of a BigQuery dataset as dual write writes them. Imported only where they are.

Rows come from the warehouse's own tables, so that no row leaves BigQuery: both must lie in one
location. The jobs are the warehouse's, with its account, labels and bounds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, date, datetime
from typing import Any, Literal

from google.api_core import exceptions as api
from google.cloud import bigquery

from ai_usage.migration import bigquery_statements as sql
from ai_usage.migration.bigquery_statements import Place
from ai_usage.migration.description import TableMapping
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.targets import Target
from ai_usage.warehouse.base import Parameters, Query, Warehouse
from ai_usage.warehouse.bigquery import STAGE_LIFETIME, BigQueryWarehouse
from ai_usage.warehouse.bigquery_jobs import JOB_RETRY, LOOK_RETRY, NO_ANSWER, Spent, run, said

Standing = Literal["here", "moved", "switched"]
"""Whether a table has its name, was moved aside and nothing has its name, or a view has."""


class BigQueryTarget(Target):
    """The tables of a dataset. After the cutover they stand under `<name>__legacy`."""

    def __init__(self, warehouse: BigQueryWarehouse, project: str, dataset: str) -> None:
        self.warehouse = warehouse
        self.project = project
        self.dataset = dataset

    @property
    def where(self) -> str:
        """The dataset."""
        return f"bigquery:{self.project}.{self.dataset}"

    def place(self, table: str) -> Place:
        """Where the old name is."""
        return Place(self.project, self.dataset, table)

    def stage(self, table: str) -> Place:
        """A new place in the pipeline's own dataset."""
        name = f"ai_usage_stage_{table}_{uuid.uuid4().hex}"
        return Place(self.warehouse.project, self.warehouse.internal, name)

    def changed_at(self, tables: Sequence[str]) -> datetime:
        """When any of the tables changed last; now, where rows are being streamed into one."""
        with self.client() as client:
            found = [self.table(client, name)[1] for name in tables]
        now = datetime.now(UTC)
        times = [now if one.streaming_buffer else one.modified or now for one in found]
        return max(times)

    def mark(self, table: str) -> str:
        """A digest of the table's rows, whatever their order."""
        with self.client() as client:
            place, there = self.table(client, table)
            return self.mark_of(client, sql.rows_of(place, there))

    def columns(self, tables: Sequence[str]) -> dict[str, list[str]]:
        """The columns of each table, in order, wherever it stands."""
        with self.client() as client:
            return {name: [f.name for f in self.table(client, name)[1].schema] for name in tables}

    def replace(
        self,
        table: str,
        mapping: TableMapping,
        asked: Query,
        warehouse: Warehouse,
        days: Sequence[date],
        before_commit: Callable[[str, str], None],
    ) -> int:
        """Put the rows of the days in the place of those that are there, in one transaction.

        The transaction goes on at Google's if this process is ended. It changes nothing where the
        table is not as it was when the marks were told.
        """
        stage = self.stage(table)
        with self.client() as client:
            place, there = self.table(client, table)
            make, look, write = self._writing(place, there, mapping, asked, days, stage)
            made = bigquery.Table(stage.name, schema=there.schema)
            made.expires = datetime.now(UTC) + STAGE_LIFETIME
            try:
                # With the old table's own types, so that what it refuses is refused here.
                client.create_table(made)
                self.run(client, make, asked.parameters)
                (found,) = self.run(client, look)
                before_commit(found["before_mark"], found["after_mark"])
                self.run(client, sql.script(write(found["before_mark"])))
            except api.GoogleAPICallError as error:
                raise MigrationError(
                    f"{table}: the new rows were refused, the old ones stay: {said(error)}"
                ) from error
            finally:
                self.discard(client, stage)
        return int(found["new_rows"])

    def statements(
        self, table: str, mapping: TableMapping, asked: Query, days: Sequence[date]
    ) -> list[str]:
        """What `replace` sends."""
        with self.client() as client:
            place, there = self.table(client, table)
        stage = Place(self.warehouse.project, self.warehouse.internal, f"ai_usage_stage_{table}")
        make, look, write = self._writing(place, there, mapping, asked, days, stage)
        return [make, look, *write("<rows> <digest>")]

    def _writing(
        self,
        place: Place,
        there: bigquery.Table,
        mapping: TableMapping,
        asked: Query,
        days: Sequence[date],
        stage: Place,
    ) -> tuple[str, str, Callable[[str], list[str]]]:
        """Fill the stage; look what the table is and will be; the script, by the mark before."""
        old_rows = sql.rows_of(place, there)
        wanted = sql.of_days(mapping.day, days, there.schema)
        rows = sql.shaped(self.warehouse.render(asked.sql), there.schema, mapping.write)
        columns = [field.name for field in there.schema]
        staged_rows = sql.rows_of(stage, bigquery.Table(stage.name, schema=there.schema))

        def write(before: str) -> list[str]:
            return sql.replace_rows(place, old_rows, wanted, stage, columns, before)

        return (
            sql.stage_rows(stage, columns, rows, wanted),
            sql.marks_around(old_rows, wanted, staged_rows),
            write,
        )

    def client(self) -> AbstractContextManager[bigquery.Client]:
        """The warehouse's client; what Google refuses becomes one line."""
        return self.warehouse.client()

    def run(
        self, client: bigquery.Client, statement: str, parameters: Parameters | None = None
    ) -> list[Any]:
        """The rows of a statement or script, run to its end."""
        return list(run(client, statement, parameters or {}, Spent(), JOB_RETRY))

    def mark_of(self, client: bigquery.Client, rows: str) -> str:
        """A digest of the rows, whatever their order."""
        (found,) = self.run(client, sql.mark(rows))
        return str(found["mark"])

    def found(self, client: bigquery.Client, place: Place) -> bigquery.Table | None:
        """The table or view, if it is there."""
        try:
            return client.get_table(place.name, retry=LOOK_RETRY)
        except api.NotFound:
            return None

    def standing(
        self, client: bigquery.Client, table: str
    ) -> tuple[Standing, Place, bigquery.Table]:
        """Where the old table is. A table aside of one that has its name is somebody else's."""
        place = self.place(table)
        there = self.found(client, place)
        if there is not None and there.table_type != "VIEW":
            return "here", place, there
        aside = self.found(client, place.aside)
        if aside is not None:
            return "moved" if there is None else "switched", place.aside, aside
        if there is not None:
            return "here", place, there
        raise MigrationError(f"{self.where}: there is no table {table}.")

    def table(self, client: bigquery.Client, table: str) -> tuple[Place, bigquery.Table]:
        """The old table, wherever it stands."""
        _, place, there = self.standing(client, table)
        return place, there

    def discard(self, client: bigquery.Client, place: Place) -> None:
        """Drop a table of ours; what cannot be dropped now expires by itself."""
        with suppress(*NO_ANSWER):
            client.delete_table(place.name, not_found_ok=True, retry=LOOK_RETRY)
