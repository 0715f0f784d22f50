"""Old tables of BigQuery: written in their old shape, switched to views, given back, retired.

The emulator has row policies, grants, snapshots and authorised views, but no list of jobs with the
tables that they read; it keeps grants by name, where Google moves them with a renamed table.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from google.cloud import bigquery
from rich.console import Console
from sqlglot import exp

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.cli.migrate_switch import dual_write, rehearse_switch
from ai_usage.days.windows import Window
from ai_usage.migration import bigquery_statements
from ai_usage.migration.bigquery_rights import grants, row_policies
from ai_usage.migration.bigquery_switching import BigQuerySwitching
from ai_usage.migration.bigquery_target import BigQueryTarget
from ai_usage.migration.description import Description, read_description
from ai_usage.migration.dual_write import (
    Written,
    keep_marks,
    refuse_other_writers,
    write_days,
)
from ai_usage.migration.left_behind import left_behind
from ai_usage.migration.log import note
from ai_usage.migration.opening import open_old, open_source, open_switching
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import Entry
from ai_usage.migration.steps import (
    OldNames,
    hindrances,
    old_names,
    retire,
    snapshot_of,
    statements,
    switch,
    switch_back,
)
from ai_usage.migration.writing import query_of
from ai_usage.settings import Settings
from ai_usage.warehouse.bigquery import BigQueryWarehouse
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.bigquery.conftest import in_bigquery
from ai_usage_tests.migration.old_system import DOLLARS
from ai_usage_tests.migration.test_comparing import DAYS, vendors

pytestmark = pytest.mark.slow

NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
WEEK = Window(date(2026, 3, 8), date(2026, 3, 15))
DAY = Window.day(date(2026, 3, 20))
READER = {"role": "roles/bigquery.dataViewer", "members": {"user:fin@x.io"}}
TABLE = """
CREATE TABLE {table} (
  user_email STRING OPTIONS (description = "who's it is"),
  usage_date DATE NOT NULL,
  lines INT64,
  amount NUMERIC(12, 2) OPTIONS (description = 'US dollars'),
  tags ARRAY<STRING>,
  remark JSON
)
PARTITION BY usage_date
OPTIONS (
  description = 'what finance reads', labels = [('team', 'finance')],
  require_partition_filter = {required}
);
INSERT INTO {table} (user_email, usage_date, lines, amount)
SELECT user_email, day, 7, amount * 100
FROM UNNEST(GENERATE_DATE_ARRAY('2026-03-01', '2026-03-28')) AS day
CROSS JOIN UNNEST([
  STRUCT('ann@x.io' AS user_email, NUMERIC '1.50' AS amount),
  STRUCT('bob@x.io', NUMERIC '2.25'), STRUCT('cyd@x.io', NUMERIC '0.75')
]);
"""
"""Four weeks of three people, their dollars all kept as cents."""
DESCRIPTION = """\
version: 1
from: bigquery:{dataset}
tables:
  cursor_costs:
    platform: cursor
    event_type: cost
    replaces: [cursor/usage_events]
    day: usage_date
    key: [user_email, usage_date]
    read: {{user_email: user_email, lines_accepted: lines, cost_usd: amount}}
    write:
      {{user_email: user_email, usage_date: event_date, lines: lines_accepted, amount: cost_usd}}
"""


class System:
    """An old dataset beside a warehouse with the vendor's events of March, dual write on."""

    def __init__(self, home: Path, warehouse: BigQueryWarehouse, *, required: bool) -> None:
        home.mkdir()
        self.warehouse = warehouse
        self.dataset = f"{warehouse.project}.old_{uuid.uuid4().hex[:12]}"
        project, dataset = self.dataset.split(".")
        self.place = bigquery_statements.Place(project, dataset, "cursor_costs")
        self.file = home / "migration.yaml"
        self.file.write_text(DESCRIPTION.format(dataset=self.dataset))
        with warehouse.client() as client:
            client.create_dataset(self.dataset)
        self.ask(TABLE.format(table=self.place.sql, required=required))
        self.archive = Archive(str(home / "archive"))
        with self.archive.recording("cursor", "usage_events", DAYS, fetched_at=NOW) as recorder:
            recorder.add(Page(b"{}", "asked"))
        said = {"switch": "on"}
        note(self.archive, Entry(at=NOW, step="dual_write", outcome="done", by="fin", details=said))

    def ask(self, sql: str) -> list[dict[str, Any]]:
        with self.warehouse.client() as client:
            return [dict(row) for row in client.query(sql).result()]

    def rows(self, table: str = "cursor_costs") -> list[tuple[Any, ...]]:
        found = self.ask(
            f"SELECT user_email, usage_date, lines, amount FROM `{self.dataset}.{table}` "
            "WHERE usage_date >= DATE '1900-01-01' ORDER BY 2, 1"
        )
        return [tuple(row.values()) for row in found]

    def write(self, window: Window = WEEK) -> list[Written]:
        return list(write_days(self.file, self.archive, self.warehouse, window, NOW))

    def write_and_note(self, window: Window) -> None:
        rows = [
            {
                "written_day": one.day,
                "table_name": one.table,
                "outcome": one.outcome,
                "rows_written": one.rows,
                "error": one.error,
                "tried_at": NOW,
            }
            for one in self.write(window)
        ]
        assert {row["outcome"] for row in rows} == {"written"}, rows
        made = table_schema("migration_writes").to_arrow(rows)
        self.warehouse.replace("migration_writes", DAYS, made)

    @property
    def description(self) -> Description:
        return read_description(self.file)

    @property
    def switching(self) -> BigQuerySwitching:
        found = open_switching(self.description.source, self.warehouse)
        assert isinstance(found, BigQuerySwitching)
        return found

    @property
    def target(self) -> BigQueryTarget:
        return self.switching.target

    @property
    def names(self) -> OldNames:
        return old_names(self.description, self.warehouse)

    def back(self) -> list[str]:
        return switch_back(self.description, self.warehouse)

    def authorised(self) -> list[str]:
        """The views that may read the warehouse's tables for whoever may read them."""
        with self.warehouse.client() as client:
            entries = client.get_dataset(
                f"{self.warehouse.project}.{self.warehouse.dataset}"
            ).access_entries
        views = [one.entity_id for one in entries if one.entity_type == "view"]
        return [one["tableId"] for one in views if one["datasetId"] == self.place.dataset]


@pytest.fixture(scope="module")
def environment(new_dataset: Callable[[], dict[str, str]]) -> dict[str, str]:
    """The settings of the warehouse beside which old datasets stand."""
    return {"AI_USAGE_ENV_FILE": "no.env", **new_dataset()}


@pytest.fixture(scope="module")
def events(environment: dict[str, str]) -> BigQueryWarehouse:
    """The warehouse with the vendor's events."""
    warehouse = in_bigquery(Settings.load(environment))
    rows = [row for row in vendors() if row["platform"] == "cursor"]
    warehouse.replace("raw_ai_events", DAYS, table_schema("raw_ai_events").to_arrow(rows))
    return warehouse


@pytest.fixture
def system(
    events: BigQueryWarehouse, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[System]:
    """An old table that must not be read without its days, or one that may."""
    made = System(tmp_path / "home", events, required=getattr(request, "param", True))
    yield made
    with events.client() as client:
        client.delete_dataset(made.dataset, delete_contents=True, not_found_ok=True)


COPIED = pytest.mark.parametrize("system", [False], indirect=True, ids=["any-days"])
"""The emulator reads a table as a query does to copy it; Google does not."""


def expected(cents: Callable[[date], bool]) -> list[tuple[Any, ...]]:
    """The rows of the four weeks, with the days that are kept as cents."""
    return [
        (who, day, 7, usd * 100 if cents(day) else usd)
        for day in (date(2026, 3, 1) + timedelta(days=n) for n in range(28))
        for who, usd in sorted(DOLLARS.items())
    ]


def test_days_are_written_in_the_old_shape_again_without_a_change_and_over_nobody_else(
    system: System,
) -> None:
    written = system.write()
    assert [(w.day, w.outcome, w.rows, w.error) for w in written] == [
        (day, "written", 21, None) for day in WEEK.days()
    ]
    assert system.rows() == expected(lambda day: day not in WEEK.days())
    mark = system.target.mark("cursor_costs")
    assert [w.error for w in system.write()] == [None] * 7
    assert system.target.mark("cursor_costs") == mark
    mapping, days = system.description.tables["cursor_costs"], [WEEK.start]
    shown = system.target.statements("cursor_costs", mapping, query_of(mapping, days), days)
    assert [one.split()[0] for one in shown] == [
        *("INSERT", "SELECT"),
        *("BEGIN", "ASSERT", "DELETE", "INSERT", "COMMIT"),
    ]
    # What we wrote a moment ago is no other writer; a row of somebody else is one.
    refuse_other_writers(system.target, system.archive, ["cursor_costs"])
    system.ask(
        f"INSERT INTO {system.place.sql} (user_email, usage_date, lines, amount) "
        "VALUES ('dan@x.io', DATE '2026-03-09', 1, NUMERIC '9')"
    )
    with pytest.raises(MigrationError, match="and not by us: stop what writes cursor_costs"):
        refuse_other_writers(system.target, system.archive, ["cursor_costs"])
    refuse_other_writers(
        system.target,
        system.archive,
        ["cursor_costs"],
        datetime.now(UTC) + timedelta(hours=27),
    )
    failed = system.write()
    assert {w.outcome for w in failed} == {"failed"}
    assert "changed by somebody else since our last write" in str(failed[0].error)
    assert len(system.rows()) == 85
    keep_marks(system.archive, system.target, ["cursor_costs"], NOW)
    assert {w.outcome for w in system.write()} == {"written"}
    assert system.rows() == expected(lambda day: day not in WEEK.days())


def test_a_row_that_is_refused_or_a_writer_in_between_leaves_the_table_as_it_was(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = system.rows()
    text = system.file.read_text()
    system.file.write_text(text.replace("lines: lines_accepted, amount", "lines: \"'x'\", amount"))
    failed = system.write()
    assert {w.outcome for w in failed} == {"failed"}
    assert "the new rows were refused, the old ones stay" in str(failed[0].error)
    system.file.write_text(text)
    make = bigquery_statements.replace_rows

    def late(*given: Any) -> list[str]:
        system.ask(f"DELETE FROM {system.place.sql} WHERE usage_date = DATE '2026-03-28'")
        return make(*given)

    with monkeypatch.context() as patched:
        patched.setattr(bigquery_statements, "replace_rows", late)
        failed = system.write()
    assert "was changed by somebody else while it was to be written" in str(failed[0].error)
    assert system.rows() == before[:-3]


@COPIED
def test_the_old_name_gives_its_rows_from_the_new_tables_and_the_way_back_has_what_was_written(
    system: System,
) -> None:
    system.write_and_note(DAYS)
    with system.warehouse.client() as client:
        policy = client.get_iam_policy(system.place.name)
        policy.bindings = [READER]
        client.set_iam_policy(system.place.name, policy)
    names, before = system.names, system.rows()
    assert before == expected(lambda day: False)
    assert hindrances(names) == []
    assert names.unwritten == {"cursor_costs": ["tags", "remark"]}
    shown = names.switching.statements("cutover", names.switch)
    assert [one.split()[:3] for one in shown] == [
        ["CREATE", "SNAPSHOT", "TABLE"],
        ["ALTER", "TABLE", system.place.sql],
        ["BEGIN", "CREATE", "VIEW"],
    ]
    snapshot = snapshot_of(names, Path(), NOW)
    assert snapshot_of(names, Path(), NOW) == snapshot
    assert switch(names) == ["cursor_costs"]
    assert switch(names) == []
    assert system.rows() == before
    with system.warehouse.client() as client:
        view = client.get_table(system.place.name)
        old = client.get_table(system.place.aside.name)
        copy = client.get_table(snapshot.details["snapshot of cursor_costs"])
        assert grants(client, system.place) == {(READER["role"], "user:fin@x.io")}
    assert (view.table_type, old.table_type, copy.table_type) == ("VIEW", "TABLE", "SNAPSHOT")
    assert copy.expires is not None
    kept = copy.expires - datetime.now(UTC)
    assert timedelta(days=36, hours=23) < kept <= timedelta(days=37)
    assert (view.description, view.labels) == ("what finance reads", {"team": "finance"})
    assert [(f.name, f.field_type, f.mode == "REPEATED", f.description) for f in view.schema] == [
        (f.name, f.field_type, f.mode == "REPEATED", f.description) for f in old.schema
    ]
    assert system.authorised() == ["cursor_costs"]
    # Dual write goes on in the table that stands aside; who compares reads that table, too.
    system.ask(f"DELETE FROM {system.place.aside.sql} WHERE usage_date = DATE '2026-03-20'")
    keep_marks(system.archive, system.target, ["cursor_costs"], NOW)
    assert [w.outcome for w in system.write(DAY)] == ["written"]
    source = open_old(system.description.source, "cutover", system.warehouse)
    assert "cursor_costs" in [table.name for table in source.tables()]
    count = exp.select("COUNT(*) AS n").from_("cursor_costs")
    assert list(source.unchanged("cursor_costs", count)) == [{"n": 84}]
    shown = statements(system.description, system.warehouse, "rollback")
    assert [one.split()[0] for one in shown] == ["DROP", "ALTER"]
    assert system.back() == ["cursor_costs"]
    assert system.back() == []
    assert system.rows() == before
    assert system.authorised() == []
    with system.warehouse.client() as client:
        assert client.get_table(system.place.name).table_type == "TABLE"


def test_days_that_the_old_name_would_lose_are_found_where_no_table_is_read_without_its_days(
    system: System,
) -> None:
    loaded = [
        {
            "platform": "cursor",
            "source_endpoint": "usage_events",
            "day": day,
            "ingest_timestamp": NOW,
            "is_provisional": False,
        }
        for day in DAYS.days()
        if day > date(2026, 3, 2)
    ]
    made = table_schema("loaded_days").to_arrow(loaded)
    system.warehouse.replace("loaded_days", DAYS, made)
    source = open_source(system.description.source, system.warehouse)
    mapping = system.description.tables["cursor_costs"]
    lost = left_behind(source, "cursor_costs", mapping, system.warehouse)
    assert lost == [date(2026, 3, 1), date(2026, 3, 2)]


def test_a_view_that_differs_from_its_table_switches_nothing(system: System) -> None:
    system.write_and_note(WEEK)
    system.ask(f"UPDATE {system.place.sql} SET amount = 9 WHERE usage_date = DATE '2026-03-10'")
    before = system.rows()
    with pytest.raises(MigrationError, match="6 rows of 7 days are not those that the view"):
        switch(system.names)
    assert system.switching.switched(["cursor_costs"]) == []
    assert system.rows() == before


@pytest.mark.parametrize("at", [2, 4])
def test_a_kill_before_any_statement_of_a_cutover_is_finished_by_a_second_or_given_back(
    system: System, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Statements are: the difference before, the script, and the difference after."""
    system.write_and_note(WEEK)
    names, before = system.names, system.rows()
    run, left = BigQueryTarget.run, [at]

    def killed(self: BigQueryTarget, *given: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return run(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(BigQueryTarget, "run", killed)
        try:
            switch(names)
        except KeyboardInterrupt:
            assert system.rows() == before
    assert switch(names) == (["cursor_costs"] if at == 2 else [])
    # Google ended the script between its statements: nothing has the name.
    system.ask(f"DROP VIEW {system.place.sql}")
    assert switch(names) == ["cursor_costs"]
    assert system.authorised() == ["cursor_costs"]
    system.ask(f"DROP VIEW {system.place.sql}")
    assert system.back() == ["cursor_costs"]
    assert system.rows() == before


def test_what_a_renamed_table_loses_or_a_view_would_show_forbids_a_cutover(
    system: System, tmp_path: Path
) -> None:
    system.write_and_note(WEEK)
    name = f"{system.dataset}.cursor_costs"
    system.ask(
        f"CREATE ROW ACCESS POLICY own ON `{name}` GRANT TO ('allUsers') FILTER USING (lines > 0)"
    )
    system.ask(f"CREATE TABLE `{name}__legacy` (a INT64)")
    with system.warehouse.client() as client:
        assert row_policies(client, system.place) == {"own": "lines > 0"}
    assert hindrances(system.names) == [
        "cursor_costs__legacy is there already",
        "cursor_costs has the row policy own (lines > 0), which a view cannot have",
    ]
    # A table that has its name is not retired, nor what somebody else keeps beside it.
    assert retire(system.description, system.warehouse, tmp_path / "retired") == {}
    assert system.ask(f"SELECT COUNT(*) AS n FROM `{name}__legacy`") == [{"n": 0}]


@COPIED
def test_the_commands_show_what_is_sent_and_a_rehearsal_leaves_everything_as_it_was(
    system: System, environment: dict[str, str]
) -> None:
    settings = Settings.load({**environment, "AI_USAGE_HOME": str(system.file.parent)})
    system.write_and_note(WEEK)
    mark, text = system.target.mark("cursor_costs"), io.StringIO()
    console = Console(file=text, width=500)
    dual_write(console, settings, None, on=True, why="", dry_run=True)
    assert f"each run writes cursor_costs in bigquery:{system.dataset}, too" in text.getvalue()
    assert f"DELETE FROM {system.place.sql} WHERE usage_date IN (DATE" in text.getvalue()
    assert rehearse_switch(console, settings, None)
    assert "cursor_costs: as it was" in text.getvalue()
    assert "7 written days gave the same rows under the old names" in text.getvalue()
    assert system.target.mark("cursor_costs") == mark
    with system.warehouse.client() as client:
        left = [t.table_id for t in client.list_tables(system.warehouse.internal)]
    assert [name for name in left if name.startswith("ai_usage_")] == []


def test_what_is_retired_is_loaded_again_from_its_file_before_it_is_dropped(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.write_and_note(WEEK)
    system.ask(
        f"INSERT INTO {system.place.sql} (user_email, usage_date, tags, remark) "
        # A day that we did not write: those are held against the view.
        "VALUES ('dan@x.io', DATE '2026-03-25', ['a', 'b'], JSON '{\"n\": 1}')"
    )
    switch(system.names)
    before = system.rows("cursor_costs__legacy")
    with monkeypatch.context() as patched:
        # A disk that loses rows is found out before anything is gone.
        write = pq.ParquetWriter.write_table
        patched.setattr(pq.ParquetWriter, "write_table", lambda self, rows: write(self, rows[1:]))
        with pytest.raises(MigrationError, match=r"does not hold what .*: nothing was dropped"):
            retire(system.description, system.warehouse, tmp_path / "retired")
    assert system.rows("cursor_costs__legacy") == before
    digests = retire(system.description, system.warehouse, tmp_path / "retired")
    assert list(digests) == ["cursor_costs"]
    kept = pq.read_table(tmp_path / "retired" / "cursor_costs.parquet").to_pylist()
    found = [(r["user_email"], r["usage_date"], r["lines"], r["amount"]) for r in kept]
    assert sorted(found, key=lambda row: (row[1], row[0])) == before
    (dan,) = [row for row in kept if row["user_email"] == "dan@x.io"]
    assert (dan["tags"], json.loads(dan["remark"])) == (["a", "b"], {"n": 1})
    with system.warehouse.client() as client:
        left = [table.table_id for table in client.list_tables(system.dataset)]
    assert left == []
    assert system.authorised() == []
    # A second time, after a kill, there is nothing left to do.
    assert retire(system.description, system.warehouse, tmp_path / "retired") == digests


def test_the_client_has_what_is_called_of_it_by_other_names_than_its_published_ones() -> None:
    assert callable(bigquery.Client._ensure_bqstorage_client)
    from google.cloud.bigquery._http import Connection

    assert callable(Connection.api_request)
