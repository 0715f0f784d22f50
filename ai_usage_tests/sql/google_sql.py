"""Google's own analyzer and reference executor (zetasql) as a judge of the SQL under `sql/`.

It knows nothing of sqlglot and DuckDB, so it shares none of their mistakes. The catalog is built
from the DDL as it is written; small tables go into a query as typed constants.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlglot
import wasmtime
from sqlglot import exp
from zetasql import types
from zetasql.api import CatalogBuilder, PreparedQuery, TableBuilder
from zetasql.core import wasm_client
from zetasql.core.local_service import ZetaSqlLocalService

from ai_usage.orchestration.assets.sql_views import view_literals
from ai_usage.warehouse.files import load, names
from ai_usage.warehouse.functions import functions
from ai_usage.warehouse.relations import INTERNAL_SUFFIX
from ai_usage.warehouse.schema import Column, table_schema
from ai_usage.warehouse.sql import AS_OF as AS_OF_NAME
from ai_usage.warehouse.sql import MONTHS, filled, inlined, references
from ai_usage.warehouse.views import view_names, view_schema

Row = dict[str, Any]
Columns = list[tuple[str, str]]
"""Names and BigQuery types, in order."""

PARAMETERS = {
    "start": "DATE",
    "end": "DATE",
    "month_start": "DATE",
    "today": "DATE",
    "as_of": "DATE",
    "window_start": "DATE",
    "months": "INT64",
    "run_id": "STRING",
    "closed_at": "TIMESTAMP",
}
"""Types of the parameters that mean the same in every file; any other is left to be inferred."""

AS_OF = date(2026, 3, 18)
"""The day that views are seen from where a test names none."""

PROJECT, DATASET = "the-project", "the_dataset"
"""Where the catalog has the tables under their full names."""

_EPOCH = date(1970, 1, 1)
_KINDS = {
    types.TypeKind.TYPE_INT64: "INT64",
    types.TypeKind.TYPE_BOOL: "BOOL",
    types.TypeKind.TYPE_DOUBLE: "FLOAT64",
    types.TypeKind.TYPE_STRING: "STRING",
    types.TypeKind.TYPE_DATE: "DATE",
    types.TypeKind.TYPE_TIMESTAMP: "TIMESTAMP",
    types.TypeKind.TYPE_NUMERIC: "NUMERIC",
    types.TypeKind.TYPE_JSON: "JSON",
}


class GoogleSql:
    """The analyzer and the executor, with the product's tables and views as catalog.

    Compiling the module takes half a minute and more; `cache` keeps the result between runs.
    """

    def __init__(self, cache: Path) -> None:
        _compile_into(cache)
        language = types.LanguageOptions.maximum_features()
        language.product_mode = types.ProductMode.PRODUCT_EXTERNAL
        # BigQuery has it, though it is in development in the open analyzer.
        language.enabled_language_features.append(
            types.LanguageFeature.FEATURE_CREATE_VIEWS_WITH_COLUMN_OPTIONS
        )
        language.enabled_language_features.append(types.LanguageFeature.FEATURE_CREATE_TABLE_CLONE)
        kinds = types.ResolvedNodeKind
        language.supported_statement_kinds = [
            kinds.RESOLVED_QUERY_STMT,
            kinds.RESOLVED_CREATE_TABLE_STMT,
            kinds.RESOLVED_CREATE_VIEW_STMT,
            # What is sent for old tables.
            kinds.RESOLVED_BEGIN_STMT,
            kinds.RESOLVED_ASSERT_STMT,
            kinds.RESOLVED_DELETE_STMT,
            kinds.RESOLVED_INSERT_STMT,
            kinds.RESOLVED_COMMIT_STMT,
            kinds.RESOLVED_CREATE_SNAPSHOT_TABLE_STMT,
            kinds.RESOLVED_ALTER_TABLE_STMT,
            kinds.RESOLVED_DROP_STMT,
        ]
        self.language = language
        self._options = types.AnalyzerOptions(
            language_options=language,
            allow_undeclared_parameters=True,
            # A project may live anywhere: whatever follows the session's zone is found out here.
            default_timezone="America/Los_Angeles",
        )
        self._options.query_parameters = [
            types.AnalyzerOptions.QueryParameter(name=name, type=_simple(kind))
            for name, kind in PARAMETERS.items()
        ]
        self._builtin = types.ZetaSQLBuiltinFunctionOptions(language_options=language)
        self._functions = CatalogBuilder("empty").with_builtin_functions(self._builtin).build()
        self._functions_id = self._catalog_id = _registered(self._functions)
        self.tables: dict[str, Columns] = {}
        declared: dict[str, list[tuple[str, Any]]] = {}
        for name in names("tables"):
            created = self._analyze(load("tables", name))
            declared[name] = [(c.name, c.type) for c in created.column_definition_list]
            self.tables[name] = [(column, type_name(kind)) for column, kind in declared[name]]
        for name in view_names():
            view = deployed(name)
            # With what it reads alone: the whole takes half a second to be sent.
            read = {other: declared[other] for other in references(view_schema(name).query)}
            self._catalog_id = _registered(self._catalog_of(read))
            declared[name] = _outputs(self._analyze(view))
        self._catalog_id = _registered(self._catalog_of(declared))

    def _catalog_of(self, declared: Mapping[str, list[tuple[str, Any]]]) -> Any:
        """The relations as the product's own, and under their full names, as they are sent."""
        builder = CatalogBuilder("warehouse").with_builtin_functions(self._builtin)
        tables = []
        for name, columns in declared.items():
            table = TableBuilder(name)
            for column, kind in columns:
                table.add_column(column, kind)
            tables.append(table.build())
            builder.add_table(tables[-1])
        catalog = builder.build()
        homes = [
            types.SimpleCatalog(name=name, table=tables)
            for name in (DATASET, f"{DATASET}{INTERNAL_SUFFIX}")
        ]
        catalog.catalog = [types.SimpleCatalog(name=PROJECT, catalog=homes)]
        return catalog

    def with_tables(self, tables: Mapping[str, str]) -> GoogleSql:
        """The same with these tables alone, each with its columns as DDL has them.

        A name is the project's and whatever else leads to the table, with full stops.
        """
        catalogs: dict[tuple[str, ...], Any] = {(): copy.copy(self._functions)}
        catalogs[()].catalog = []
        for name, columns in tables.items():
            *path, table_name = name.split(".")
            for depth in range(1, len(path) + 1):
                here = tuple(path[:depth])
                if here not in catalogs:
                    catalogs[here] = types.SimpleCatalog(name=here[-1], catalog=[], table=[])
                    catalogs[here[:-1]].catalog.append(catalogs[here])
            table = TableBuilder(table_name)
            for column in self._analyze(f"CREATE TABLE x ({columns})").column_definition_list:
                table.add_column(column.name, column.type)
            catalogs[tuple(path)].table.append(table.build())
        other = copy.copy(self)
        other._catalog_id = _registered(catalogs[()])
        return other

    def _analyze(self, sql: str) -> Any:
        sql = written_out(sql)
        analyzed = ZetaSqlLocalService.get_instance().analyze(
            sql_statement=sql, options=self._options, registered_catalog_id=self._catalog_id
        )
        return analyzed.resolved_statement

    def analyze(self, sql: str) -> Columns:
        """The columns that a query or view gives. Raises where Google's analyzer refuses it."""
        return [(name, type_name(kind)) for name, kind in _outputs(self._analyze(sql))]

    def accepts(self, sql: str) -> Any:
        """The resolved statement. Raises where Google's analyzer refuses it."""
        return self._analyze(sql)

    def _prepared(self, sql: str) -> Any:
        # The tables stand in the query: the catalog need not travel with it each time.
        builder = PreparedQuery.builder().set_sql(sql)
        builder.set_registered_catalog_id(self._functions_id)
        return builder.set_analyzer_options(self._options).prepare()

    def run(
        self,
        sql: str,
        tables: Mapping[str, Iterable[Row]],
        parameters: Mapping[str, Any] | None = None,
        views: Mapping[str, str] | None = None,
    ) -> list[Row]:
        """The rows of a query over small tables, by Google's reference implementation.

        `views` are the queries of views that it reads, over the same tables.
        """
        given = [f"{name} AS ({_constant(name, rows)})" for name, rows in tables.items()]
        given += [f"{name} AS ({query})" for name, query in (views or {}).items()]
        query = with_literals(sql, parameters or {})
        head = f"WITH {', '.join(given)} " if given else ""
        with self._prepared(f"{head}SELECT * FROM ({query})") as prepared:
            columns = [(c.name, c.type) for c in prepared.columns]
            moments = [name for name, kind in columns if type_name(kind) == "TIMESTAMP"]
            answer = None if moments else prepared.execute()
        if answer is None:
            # The library drops the value of a TIMESTAMP on its way out, not that of an INT64.
            micros = ", ".join(f"UNIX_MICROS({name}) AS {name}" for name in moments)
            with self._prepared(f"{head}SELECT * REPLACE ({micros}) FROM ({query})") as prepared:
                answer = prepared.execute()
        data = answer.content.table_data
        return [
            {name: _value(cell, kind) for (name, kind), cell in zip(columns, row.cell, strict=True)}
            for row in (data.row if data is not None else ())
        ]


def deployed(view: str, as_of: date | None = None) -> str:
    """The view's file with its parameters filled in, as it is deployed or seen from a day."""
    return with_literals(view_schema(view).ddl, view_literals(as_of or AS_OF, view_schema(view)))


def _compile_into(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    settings = cache / "cache.toml"
    settings.write_text(f'[cache]\ndirectory = "{(cache / "compiled").absolute()}"\n')

    class Cached(wasmtime.Config):
        def __init__(self) -> None:
            super().__init__()
            self.cache = str(settings)

    wasm_client.Config = Cached


def _registered(catalog: Any) -> int:
    """The number under which the service knows the catalog, which is sent this once."""
    service = ZetaSqlLocalService.get_instance()
    return int(service.register_catalog(simple_catalog=catalog).registered_id)


def _simple(kind: str) -> Any:
    (found,) = [k for k, name in _KINDS.items() if name == kind]
    return types.Type(type_kind=found)


def type_name(kind: Any) -> str:
    """A type's name in BigQuery."""
    if kind.type_kind == types.TypeKind.TYPE_ARRAY:
        return f"ARRAY<{type_name(kind.array_type.element_type)}>"
    return _KINDS.get(kind.type_kind) or str(kind.type_kind)


def _outputs(statement: Any) -> list[tuple[str, Any]]:
    return [(column.name, column.column.type) for column in statement.output_column_list]


def written_out(sql: str) -> str:
    """The statement as it is, or with the product's functions inlined where it calls any."""
    calls = any(re.search(rf"\b{name}\(", sql, re.IGNORECASE) for name in functions())
    return inlined(sql) if calls else sql


def with_literals(sql: str, parameters: Mapping[str, Any]) -> str:
    """The statement with constants for its parameters, and its functions inlined."""
    window = {name: parameters[name] for name in (AS_OF_NAME, MONTHS) if name in parameters}
    tree = filled(sqlglot.parse_one(written_out(sql), read="bigquery"), window)
    for parameter in list(tree.find_all(exp.Parameter)):
        text = literal(_kind_of(parameters[parameter.name]), parameters[parameter.name])
        parameter.replace(sqlglot.parse_one(text, read="bigquery"))
    return tree.sql("bigquery")


def _kind_of(value: Any) -> str:
    kinds = {
        date: "DATE",
        datetime: "TIMESTAMP",
        int: "INT64",
        float: "FLOAT64",
        Decimal: "NUMERIC",
        str: "STRING",
    }
    return kinds[type(value)]


def literal(kind: str, value: Any) -> str:
    """A constant of a BigQuery type."""
    if value is None:
        return "NULL"
    if kind.startswith("ARRAY<"):
        return "[" + ", ".join(literal(kind[6:-1], item) for item in value) + "]"
    if kind == "STRING":
        return json.dumps(value)
    if kind == "BOOL":
        return "TRUE" if value else "FALSE"
    if kind == "FLOAT64":
        return f"CAST({value!r} AS FLOAT64)"
    if kind == "INT64":
        return str(value)
    if kind == "TIMESTAMP":
        value = value.astimezone(UTC).isoformat()
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return f"{kind} {json.dumps(text)}"


def _constant(table: str, rows: Iterable[Row]) -> str:
    columns = table_schema(table).columns
    shape = ", ".join(f"{c.name} {c.type}" for c in columns)
    values = ", ".join(_tuple(columns, row) for row in rows)
    return f"SELECT * FROM UNNEST(ARRAY<STRUCT<{shape}>>[{values}])"


def _tuple(columns: tuple[Column, ...], row: Row) -> str:
    return "(" + ", ".join(literal(c.type, row.get(c.name)) for c in columns) + ")"


def _value(cell: Any, kind: Any) -> Any:
    name = type_name(kind)
    if name.startswith("ARRAY<"):
        if cell.array_value is None:
            return None
        return [_value(item, kind.array_type.element_type) for item in cell.array_value.element]
    found = getattr(cell, _FIELDS[name])
    if found is None:
        return None
    if name == "NUMERIC":
        return Decimal(int.from_bytes(found, "little", signed=True)).scaleb(-9)
    if name == "DATE":
        return _EPOCH + timedelta(days=found)
    if name == "TIMESTAMP":
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found)
    return found


_FIELDS = {
    "INT64": "int64_value",
    "BOOL": "bool_value",
    "FLOAT64": "double_value",
    "STRING": "string_value",
    "DATE": "date_value",
    "TIMESTAMP": "int64_value",
    "NUMERIC": "numeric_value",
    "JSON": "json_value",
}
