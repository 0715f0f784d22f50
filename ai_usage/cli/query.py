"""`ai-usage query` and `ai-usage tables`: ask the warehouse, change nothing.

A question is one SELECT over the product's own tables and views. DuckDB's read-only mode alone
would still let a statement write files, load extensions or open other databases. What is internal
is worked out for other tables and may change with any version: it is shown where it is asked for.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable

import sqlglot
from rich.console import Console
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from ai_usage.cli.harmless import say
from ai_usage.cli.show import print_rows
from ai_usage.errors import AiUsageError, WarehouseError
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.embedded import embedded_warehouse
from ai_usage.warehouse.relations import is_internal, relations
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import view_schema

_CHANGES = (
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Command,
    exp.Into,
)


_REMEDIES = {
    "not found in FROM clause": "`ai-usage tables NAME` lists the columns of a table or view.",
    "Duplicate column names": "Name one of them otherwise with AS, or take `* EXCEPT (name)`.",
}
"""What a warehouse says of a question, and what helps. BigQuery has no two columns of one name."""


def ask(
    console: Console, settings: Settings, sql: str, format_: str, *, internal: bool = False
) -> None:
    """Print the rows of one SELECT. Raises `AiUsageError` on anything else."""
    warehouse = _opened(settings)
    check_reads_only(sql, warehouse.dataset_of, internal=internal)
    try:
        rows = warehouse.query(sql)
    except (SqlglotError, ValueError) as error:
        raise AiUsageError(f"query: {str(error).splitlines()[0]}") from error
    except WarehouseError as error:
        for words, remedy in _REMEDIES.items():
            if words in str(error):
                raise WarehouseError(f"{error} {remedy}") from error
        raise
    print_rows(console, rows, format_)


def _opened(settings: Settings) -> Warehouse:
    """The warehouse; a question to the embedded one does not wait for Dagster to be imported."""
    if settings.warehouse == "duckdb":
        return embedded_warehouse(settings)
    from ai_usage.orchestration.io_managers import warehouse_resource

    return warehouse_resource(settings).warehouse()


def check_reads_only(sql: str, dataset_of: Callable[[str], str], *, internal: bool = False) -> None:
    """Refuse what is not one readable SELECT over the warehouse's tables and views.

    `dataset_of` says where each of them stands; those that are internal can be named if `internal`.
    """
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        statements = [found for found in sqlglot.parse(sql, read="bigquery") if found is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        at = f" (line {first['line']}, column {first['col']})" if first.get("line") else ""
        what = str(first.get("description") or error).splitlines()[0].rstrip(".")
        raise AiUsageError(f"query: not readable as BigQuery SQL: {what}{at}.") from error
    except SqlglotError as error:
        what = str(error).splitlines()[0].rstrip(".")
        raise AiUsageError(f"query: not readable as BigQuery SQL: {what}.") from error
    if len(statements) != 1:
        raise AiUsageError("query: write one SELECT, not " + (
            f"{len(statements)} statements." if statements else "nothing."
        ))  # fmt: skip
    tree = statements[0]
    if not isinstance(tree, exp.Query | exp.Values) or tree.find(*_CHANGES):
        raise AiUsageError(
            "query: it only reads, nothing can be changed this way: write a SELECT. Tables and "
            "views are listed by `ai-usage tables`."
        )
    _check_sources(tree, dataset_of, internal)


def _check_sources(tree: exp.Expr, dataset_of: Callable[[str], str], internal: bool) -> None:
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            raise AiUsageError(
                f"query: {table.this.sql('bigquery')[:60]} cannot be read: only the warehouse's "
                "tables and views can. `ai-usage tables` lists them."
            )
        if not table.db and table.name in named:
            continue
        if table.name in relations() and table.db in ("", dataset_of(table.name)):
            if is_internal(table.name) and not internal:
                raise AiUsageError(
                    f"query: {table.name} is internal: other tables are worked out from it, and it "
                    "may change with any version. Add --internal to read it all the same."
                )
            continue
        raise AiUsageError(
            f"query: there is no table or view {table.sql('bigquery')[:60]}: "
            f"{_hint(table.name, internal)}"
        )


def _hint(name: str, internal: bool) -> str:
    """What a name that nothing has may have been meant for."""
    close = difflib.get_close_matches(name, _shown(internal), n=1)
    return f"did you mean {close[0]}?" if close else "`ai-usage tables` lists those there are."


def _shown(internal: bool) -> list[str]:
    return [name for name in relations() if internal or not is_internal(name)]


def list_relations(console: Console, *, internal: bool = False) -> None:
    """Print every table and view with its meaning; those that are internal if `internal`."""
    kinds = relations()
    for name in sorted(_shown(internal), key=lambda name: (is_internal(name), kinds[name], name)):
        kind = kinds[name]
        meaning = (table_schema(name) if kind == "table" else view_schema(name)).description
        word = f"internal {kind}" if is_internal(name) else kind
        _entry(console, f"{name} ({word})", meaning)


def list_columns(console: Console, name: str) -> None:
    """Print the columns of a table or view: type, whether it may be NULL, and meaning."""
    kind = relations().get(name)
    if kind is None:
        raise AiUsageError(f"there is no table or view {name}: {_hint(name, internal=True)}")
    if kind == "view":
        view = view_schema(name)
        say(console, view.description)
        for column, meaning in view.columns:
            _entry(console, column, meaning)
        return
    table = table_schema(name)
    say(console, table.description)
    for c in table.columns:
        _entry(console, f"{c.name} {c.type}{'' if c.nullable else ' NOT NULL'}", c.description)


def _entry(console: Console, name: str, meaning: str) -> None:
    console.print(name, style="bold", markup=False, highlight=False, soft_wrap=True)
    say(console, f"    {meaning}")
