"""Old names of a BigQuery dataset as views, and back. Imported only where they are.

BigQuery has no transaction over names: each table is moved by a script of its own, which runs to
its end at Google's whoever goes away, and each step looks where every table stands and goes on from
there. A cutover that fails gives back the names that it took.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core import exceptions as api
from google.cloud import bigquery

from ai_usage.errors import AiUsageError
from ai_usage.migration import bigquery_statements as sql
from ai_usage.migration.bigquery_rights import (
    Grant,
    authorise,
    give,
    grants,
    row_policies,
    shown,
    tagged_columns,
)
from ai_usage.migration.bigquery_statements import Place
from ai_usage.migration.bigquery_target import BigQueryTarget
from ai_usage.migration.description import TableMapping
from ai_usage.migration.embedded_target import sha256_of
from ai_usage.migration.sources import MigrationError, Reader
from ai_usage.migration.targets import (
    SNAPSHOT_DAYS,
    Rehearsed,
    Snapshot,
    Switch,
    Switching,
    SwitchStep,
    WrittenDays,
)
from ai_usage.migration.writing import EVENTS, view_of
from ai_usage.warehouse.bigquery import STAGE_LIFETIME
from ai_usage.warehouse.bigquery_jobs import LOOK_RETRY
from ai_usage.warehouse.bigquery_loads import load

REHEARSAL_PREFIX = "ai_usage_rehearsal_"
"""What the copies of a rehearsal begin with, in the pipeline's internal dataset."""


class BigQuerySwitching(Switching):
    """The old names of a dataset; a table goes to `<name>__legacy` beside it."""

    def __init__(self, target: BigQueryTarget, *, shared: bool = True) -> None:
        """`shared`: whether others read the names, so that rights have to follow them."""
        self.target: BigQueryTarget = target
        self._shared = shared

    def aside(self, table: str) -> str:
        """The table with its other name."""
        return self.target.place(table).aside.table

    def views(
        self, tables: Mapping[str, TableMapping], columns: Mapping[str, Sequence[str]]
    ) -> dict[str, str]:
        """Each view's SELECT, with exactly the old table's columns and types."""
        found = {}
        with self.target.client() as client:
            for name, mapping in tables.items():
                _, there = self.target.table(client, name)
                select = self.target.warehouse.render(view_of(name, mapping, ()).sql("bigquery"))
                found[name] = sql.shaped(select, there.schema, mapping.write)
        return found

    def hindrances(self, tables: Mapping[str, TableMapping]) -> list[str]:
        """What a renamed table loses, and what a view would show that the table does not."""
        with self.target.client() as client:
            found = [one for name in tables for one in self._hindrances(client, name)]
            here = client.get_dataset(f"{self.target.project}.{self.target.dataset}").location
            warehouse = self.target.warehouse
            there = client.get_dataset(f"{warehouse.project}.{warehouse.dataset}").location
        if (here or "").lower() != (there or "").lower():
            found.append(f"{self.target.where} lies in {here}, the warehouse in {there}")
        return found

    def _hindrances(self, client: bigquery.Client, table: str) -> Iterator[str]:
        standing, place, there = self.target.standing(client, table)
        if there.table_type != "TABLE":
            yield f"{table} is no table but a {there.table_type.lower()}"
            return
        partitioning = there.time_partitioning
        if partitioning is not None and partitioning.field is None:
            yield f"{table} is partitioned by when rows came: written days would move to today's"
        if there.streaming_buffer:
            yield f"rows are streamed into {table}; Google renames it hours after the last"
        if standing == "here" and self.target.found(client, place.aside) is not None:
            yield f"{place.aside.table} is there already"
        for name, condition in row_policies(client, place).items():
            yield f"{table} has the row policy {name} ({condition}), which a view cannot have"
        for column in tagged_columns(there):
            yield f"{table}.{column} has a policy tag, which a view cannot have"

    def switched(self, tables: Sequence[str]) -> list[str]:
        """Those of the tables that have given up their names."""
        with self.target.client() as client:
            return [name for name in tables if self.target.standing(client, name)[0] != "here"]

    def snapshot(self, tables: Sequence[str], folder: Path, begun: datetime) -> Snapshot:
        """A snapshot of each table, which expires by itself; one that is there is kept."""
        told, details = [], {}
        expires = datetime.now(UTC) + timedelta(days=SNAPSHOT_DAYS)
        with self.target.client() as client:
            for name in tables:
                standing, place, there = self.target.standing(client, name)
                copy = _snapshot_place(self.target.place(name), begun)
                made = self.target.found(client, copy)
                if made is None and standing != "here":
                    raise MigrationError(
                        f"{copy.name} is gone, and some names are switched: go back with "
                        "`ai-usage migrate rollback`."
                    )
                if made is None:
                    self.target.run(client, sql.snapshot(place, copy, expires))
                    made = client.get_table(copy.name)
                    mark = self.target.mark_of(client, sql.rows_of(copy, there))
                    if mark != self.target.mark_of(client, sql.rows_of(place, there)):
                        self.target.discard(client, copy)
                        raise MigrationError(
                            f"{name} changed while it was copied: stop what writes it, and try "
                            "again."
                        )
                until = f"{made.expires:%Y-%m-%d}" if made.expires else "it is dropped"
                told.append(f"{copy.name}: {name} as it is, until {until}")
                details[f"snapshot of {name}"] = copy.name
        return Snapshot(told, details)

    def cut_over(self, switch: Switch) -> list[str]:
        """Move each table aside, and let a view have its name."""
        with self.target.client() as client:
            for name, select in switch.views.items():
                # Before anything moves: what can be told before needs no way back.
                self._refuse_difference(client, name, f"(\n{select}\n)", switch.written.get(name))
            moved: list[str] = []
            try:
                for name, select in switch.views.items():
                    self._move(client, name, select, moved)
                for name in switch.views:
                    view = self.target.place(name).sql
                    self._refuse_difference(client, name, view, switch.written.get(name))
            except (AiUsageError, api.GoogleAPICallError) as error:
                self._give_back(moved, error)
                raise
        return moved

    def _give_back(self, moved: Sequence[str], error: Exception) -> None:
        try:
            self.roll_back(moved)
        except AiUsageError as second:
            raise MigrationError(
                f"{error} Some names could not be given back ({second}): `ai-usage migrate "
                "cutover` goes on with them once both are put right."
            ) from error

    def _move(self, client: bigquery.Client, name: str, select: str, moved: list[str]) -> None:
        standing, old, there = self.target.standing(client, name)
        place = self.target.place(name)
        held: frozenset[Grant] = grants(client, old) if self._shared else frozenset()
        if standing != "switched":
            moved.append(name)
        if standing == "here":
            self.target.run(client, sql.script(sql.cut_over(place, there, select)))
        elif standing == "moved":
            self.target.run(client, sql.create_view(place, there, select))
        if self._shared:
            authorise(client, self._events_dataset, place)
            give(client, place, held - grants(client, place))
            self._compare(client, place, there, held)

    def _compare(
        self, client: bigquery.Client, place: Place, table: bigquery.Table, held: frozenset[Grant]
    ) -> None:
        """Raise where the view lacks a grant that the table has, or is described otherwise."""
        view = client.get_table(place.name, retry=LOOK_RETRY)
        lacking = held - grants(client, place)
        if lacking:
            raise MigrationError(f"{place.table}: the view lacks {shown(lacking)}.")
        if _described(view) != _described(table):
            raise MigrationError(f"{place.table}: the view is not described as its table is.")

    def _refuse_difference(
        self, client: bigquery.Client, table: str, view: str, written: WrittenDays | None
    ) -> None:
        """The smoke query: on days that we wrote, the old name gives the rows that it gave."""
        if written is None:
            return
        place, there = self.target.table(client, table)
        wanted = sql.of_days(written.day, written.days, there.schema)
        one, other = (
            sql.reshaped(rows, there)
            for rows in (
                sql.rows_where(place.sql, sql.everything(there), wanted),
                sql.rows_where(view, wanted),
            )
        )
        (found,) = self.target.run(client, sql.differing(one, other))
        if found["differing"]:
            raise MigrationError(
                f"{table}: {found['differing']} rows of {len(written.days)} days are not those "
                "that the view gives, and no name is switched: let a run write them, and try again."
            )

    def roll_back(self, tables: Sequence[str]) -> list[str]:
        """Drop the views and give the tables their names, with all that was written since."""
        moved = []
        with self.target.client() as client:
            for name in tables:
                standing, place = self.target.standing(client, name)[0], self.target.place(name)
                if standing != "here":
                    script = sql.roll_back(place, has_view=standing == "switched")
                    self.target.run(client, sql.script(script))
                    moved.append(name)
                if self._shared:
                    authorise(client, self._events_dataset, place, may=False)
        return moved

    def retire(self, tables: Sequence[str], folder: Path) -> dict[str, str]:
        """Archive each table that is aside, load the file again, and drop it and its view."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {name: folder / f"{name}.parquet" for name in tables}
        with self.target.client() as client:
            for name, file in files.items():
                place = self.target.place(name)
                named, old = (
                    self.target.found(client, place),
                    self.target.found(client, place.aside),
                )
                if named is not None and named.table_type != "VIEW":
                    # It has its name, so what stands beside it is none of ours.
                    continue
                if old is not None:
                    self._archive(client, place.aside, old, file)
                if file.exists():
                    self.target.run(client, sql.drop_view(place))
                    self.target.run(client, sql.drop_table(place.aside))
                    authorise(client, self._events_dataset, place, may=False)
        return {name: sha256_of(file) for name, file in files.items() if file.exists()}

    def _archive(
        self, client: bigquery.Client, place: Place, table: bigquery.Table, file: Path
    ) -> None:
        """Write the table as Parquet, and load it again: raise where it is not the same there."""
        select = sql.archived(place, table)
        half = file.with_name(f"{file.name}.half")
        _write_parquet(client, select, half, storage_api=self.target.warehouse.storage_api)
        stage = self.target.stage(place.table)
        loaded = bigquery.Table(stage.name, schema=[sql.archived_field(f) for f in table.schema])
        loaded.expires = datetime.now(UTC) + STAGE_LIFETIME
        try:
            made = client.create_table(loaded)
            if table.num_rows:
                with half.open("rb") as opened:
                    load(client, opened, loaded, made.location)
            kept = self.target.mark_of(client, sql.rows_of(stage, loaded))
            was = self.target.mark_of(client, f"(\n{sql.reshaped(select, loaded)}\n)")
            if kept != was:
                raise MigrationError(
                    f"{half} does not hold what {place.name} does: nothing was dropped; see "
                    "whether its disk is sound."
                )
        finally:
            self.target.discard(client, stage)
        half.replace(file)

    def rehearse(self, switch: Switch, folder: Path) -> list[Rehearsed]:
        """Cut over and roll back clones in the internal dataset; the tables are only read."""
        warehouse = self.target.warehouse
        target = BigQueryTarget(warehouse, warehouse.project, warehouse.internal)
        copies = {name: f"{REHEARSAL_PREFIX}{name}" for name in switch.views}
        own = Switch(
            {copies[name]: select for name, select in switch.views.items()},
            {copies[name]: days for name, days in switch.written.items() if name in copies},
        )
        rehearsal = BigQuerySwitching(target, shared=False)
        expires = datetime.now(UTC) + STAGE_LIFETIME
        with target.client() as client:
            try:
                for name, copy in copies.items():
                    place, _ = self.target.table(client, name)
                    _drop_copy(target, client, copy)
                    target.run(client, sql.clone(place, target.place(copy), expires))
                before = {name: _state(target, client, copy) for name, copy in copies.items()}
                rehearsal.cut_over(own)
                rehearsal.roll_back(list(own.views))
                after = {name: _state(target, client, copy) for name, copy in copies.items()}
            finally:
                for copy in copies.values():
                    _drop_copy(target, client, copy)
        return [Rehearsed(name, before[name], after[name]) for name in copies]

    def readers(self, tables: Sequence[str], days: int) -> list[Reader] | None:
        """Who read the tables, or views with their names; needs `bigquery.jobs.listAll`."""
        target = self.target
        with target.client() as client:
            dataset = client.get_dataset(f"{target.project}.{target.dataset}", retry=LOOK_RETRY)
            places = [target.place(name) for name in tables]
            asked = sql.readers_of_old_names(str(dataset.location).lower(), places, self._events)
            found = target.run(client, asked, {"days": days})
        return [Reader(r["table_name"], r["who"], r["reads"], r["last_read"]) for r in found]

    def statements(self, step: SwitchStep, switch: Switch) -> list[str]:
        """What a step sends, as the tables stand now."""
        target, found = self.target, []
        with target.client() as client:
            for name, select in switch.views.items():
                standing, _, there = target.standing(client, name)
                place = target.place(name)
                if step == "cutover" and standing == "here":
                    now = datetime.now(UTC)
                    copy = _snapshot_place(place, now)
                    found.append(sql.snapshot(place, copy, now + timedelta(days=SNAPSHOT_DAYS)))
                    found += sql.cut_over(place, there, select)
                elif step == "cutover" and standing == "moved":
                    found.append(sql.create_view(place, there, select))
                elif step == "rollback" and standing != "here":
                    found += sql.roll_back(place, has_view=standing == "switched")
                elif step == "retire" and standing != "here":
                    found.append(sql.archived(place.aside, there))
                    found += [sql.drop_view(place), sql.drop_table(place.aside)]
        return found

    @property
    def _events(self) -> Place:
        warehouse = self.target.warehouse
        return Place(warehouse.project, warehouse.dataset_of(EVENTS), EVENTS)

    @property
    def _events_dataset(self) -> str:
        return f"{self._events.project}.{self._events.dataset}"


def _described(table: bigquery.Table) -> list[tuple[str, str]]:
    columns = [(field.name, field.description or "") for field in table.schema]
    return [("", table.description or ""), *columns]


def _snapshot_place(old: Place, begun: datetime) -> Place:
    return replace(old, table=f"{old.table}__before_{begun:%Y%m%dT%H%M%S%f}")


def _drop_copy(target: BigQueryTarget, client: bigquery.Client, copy: str) -> None:
    place = target.place(copy)
    for one in (place, place.aside):
        target.discard(client, one)


def _state(target: BigQueryTarget, client: bigquery.Client, table: str) -> str:
    """What a table is: its columns, descriptions, labels, partitions and rows."""
    place, there = target.table(client, table)
    said_of_it = {
        key: value
        for key, value in there.to_api_repr().items()
        if key in ("schema", "description", "labels", "timePartitioning", "clustering", "type")
    }
    mark = target.mark_of(client, sql.rows_of(place, there))
    return f"{json.dumps(said_of_it, sort_keys=True)} {mark}"


def _write_parquet(client: bigquery.Client, select: str, file: Path, *, storage_api: bool) -> None:
    """Write the rows of a query, one batch of them in memory."""
    rows = client.query_and_wait(select)
    if not rows.total_rows:
        pq.write_table(rows.to_arrow(create_bqstorage_client=False), file)
        return
    storage = client._ensure_bqstorage_client() if storage_api else None
    writer: pq.ParquetWriter | None = None
    try:
        for batch in rows.to_arrow_iterable(bqstorage_client=storage):
            if writer is None:
                writer = pq.ParquetWriter(file, batch.schema)
            writer.write_table(pa.Table.from_batches([batch]))
    finally:
        if writer is not None:
            writer.close()
