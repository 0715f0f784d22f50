"""`migration.yaml`: what old tables mean, in SQL expressions, and how much may differ.

Every problem is one line with file, line, field and remedy. Expressions are in BigQuery's dialect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import sqlglot
import yaml
from sqlglot import exp

from ai_usage.archive.old_tables import NO_TABLES
from ai_usage.days.windows import Window
from ai_usage.migration.sources import MigrationError
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.schema import table_schema

FILE_NAME = "migration.yaml"

MEASURES: dict[str, tuple[str, ...]] = {
    "tokens": ("input_tokens", "output_tokens", "cached_input_tokens", "cache_read_tokens"),
    "lines": ("lines_added", "lines_accepted"),
    "usd": ("cost_usd",),
}
"""What is compared beside rows, and of which columns of events each is the sum."""

DeclaredClass = Literal[
    "attribution", "doubled", "rounding", "restated", "zone", "missing_in_old", "missing_in_new"
]
"""Classes of differences that a description may expect; see docs/decisions/0006-migration.md."""

_OWN = frozenset(
    {"event_id", "event_date", "event_type", "identity", "record", "raw_response", "archive_page"}
    | {"validation_errors", "attribution_method"}
)
READABLE = frozenset(RawEvent.__struct_fields__) - _OWN
"""Columns of `raw_ai_events` that `read:` may fill."""

_T = TypeVar("_T")


class Limit(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How much of a declared difference is accepted, in US dollars."""

    a_day: Decimal
    """All differences of the class on one day."""
    a_row: Decimal | None = None
    """Of `rounding`: one compared row. Default: half a cent for each old row in it."""
    why: str = ""


class UnitDays(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"first": "from", "last": "to"}
):
    """The unit of an amount, on all days or on some of them; both ends included."""

    column: str
    """The column of events that it fills."""
    unit: Literal["usd", "cents"]
    first: date | None = None
    last: date | None = None

    def holds(self, column: str, day: date) -> bool:
        """Whether this is the unit of the column's amount on the day."""
        return self.column == column and (
            (self.first or date.min) <= day <= (self.last or date.max)
        )


class Days(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"first": "from", "last": "to"}
):
    """The days that are taken from a table, both ends included."""

    first: date | None = None
    last: date | None = None


class TableMapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True, dict=True):
    """What the rows of an old table are as events."""

    platform: str
    event_type: Literal["usage", "cost", "session"]
    replaces: list[str]
    """Vendors' endpoints, `<platform>/<endpoint>`, that say the same: where one has answered a day,
    it wins."""
    day: str
    """SQL for the row's day."""
    read: dict[str, str]
    """SQL for each column of the event."""
    key: list[str] = []
    """Old columns that tell a row from another; none: all of them."""
    write: dict[str, str] = {}
    """SQL over an event for each old column; empty: the table is never written."""
    units: list[UnitDays] = []
    zone: str = "UTC"
    """The zone of the table's days, and of instants without one."""
    days: Days = Days()
    compare: list[str] = msgspec.field(default_factory=lambda: ["user_email"])
    """Columns of events by which rows are compared, beside day and platform."""
    differences: dict[DeclaredClass, Limit] = {}

    @cached_property
    def has_cost(self) -> bool:
        """Whether its rows say what is billed."""
        return "cost_usd" in self.read

    @property
    def endpoints(self) -> list[str]:
        """The endpoints that it replaces, as `source_endpoint` names them."""
        return [name.partition("/")[2] for name in self.replaces]

    def takes_any(self, window: Window) -> bool:
        """Whether any day of the window is taken."""
        first, last = self.days.first or date.min, self.days.last or date.max
        return first < window.end and window.start <= last

    def divisor(self, column: str, day: date) -> int:
        """By what an amount of the column is divided to be dollars; the last unit that holds."""
        units = [one.unit for one in self.units if one.holds(column, day)]
        return 100 if units and units[-1] == "cents" else 1


class ReferenceMapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An old table that is a file which people maintain: whose keys, or who works there."""

    into: Literal["api_keys.csv", "users.csv"]
    read: dict[str, str]
    """SQL for each column of the file."""


class Description(msgspec.Struct, frozen=True):
    """The whole file."""

    source: str
    tables: Mapping[str, TableMapping]
    references: Mapping[str, ReferenceMapping] = {}
    old_queries: Mapping[str, str] = {}
    """For a view the SELECT over old tables that it stands for: it may not be slower."""


class _Top(msgspec.Struct, forbid_unknown_fields=True, rename={"source": "from"}):
    version: Literal[1]
    source: str
    tables: dict[str, Any]
    references: dict[str, Any] = {}
    old_queries: dict[str, str] = {}


def read_description(path: Path) -> Description:
    """The description in the file. Raises `MigrationError` for the first problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MigrationError(
            f"{path}: there is no such file; `ai-usage migrate init` writes a first one."
        ) from None
    return _Reading(path, text).description()


class _Reading:
    """One reading of the file, which knows on which line a field stands."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        try:
            self._root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
            self._values: Any = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            problem = getattr(error, "problem", None) or "it is no YAML"
            raise MigrationError(f"{path}:{line}: {problem}; put it right.") from error

    def description(self) -> Description:
        top = self._converted(self._values, _Top, ())
        tables = {
            name: self._converted(value, TableMapping, ("tables", name))
            for name, value in top.tables.items()
        }
        references = {
            name: self._converted(value, ReferenceMapping, ("references", name))
            for name, value in top.references.items()
        }
        for name, mapping in tables.items():
            if not _NAME.fullmatch(name) or name in NO_TABLES:
                what = f"{name} is no name that the archive can keep it under"
                raise self._problem(("tables", name), what, "read the table through a view")
            self._check(mapping, ("tables", name))
        for name, reference in references.items():
            for column, sql in reference.read.items():
                self._expression(sql, ("references", name, "read", column))
        for view, sql in top.old_queries.items():
            try:
                old_query(sql)
            except ValueError as error:
                remedy = "write one SELECT over old tables, in BigQuery's dialect"
                raise self._problem(("old_queries", view), str(error), remedy) from error
        return Description(top.source, tables, references, top.old_queries)

    def _converted(self, value: Any, type_: type[_T], place: tuple[str, ...]) -> _T:
        try:
            return msgspec.convert(value, type=type_)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$")
            parts = [part or index for part, index in _PART.findall(where.rstrip("`"))]
            unknown = _UNKNOWN.search(what)
            if unknown:
                parts.append(unknown.group(1))
            remedy = "write what is expected, or leave the field out"
            raise self._problem((*place, *parts), what, remedy) from error

    def _check(self, mapping: TableMapping, place: tuple[str, ...]) -> None:
        known = {f"{v.name}/{e.name}" for v in discovered_vendors() for e in v.endpoints}
        for name in mapping.replaces:
            if name not in known:
                remedy = f"name any of {', '.join(sorted(known))}"
                raise self._problem((*place, "replaces"), f"{name} is no endpoint", remedy)
        if mapping.platform not in {vendor.name for vendor in discovered_vendors()}:
            raise self._problem(
                (*place, "platform"), f"{mapping.platform} is none", "name a vendor"
            )
        for column in mapping.read:
            if column not in READABLE:
                remedy = "name a column of raw_ai_events, as `ai-usage tables` lists them"
                raise self._problem((*place, "read", column), f"{column} cannot be filled", remedy)
        columns = set(table_schema("raw_ai_events").column_names)
        for column in mapping.compare:
            if column not in columns:
                remedy = "name a column of raw_ai_events"
                raise self._problem((*place, "compare"), f"{column} is no column", remedy)
        for one in mapping.units:
            if one.column not in mapping.read:
                remedy = "name a column of `read:`"
                raise self._problem((*place, "units"), f"{one.column} is not read", remedy)
        try:
            ZoneInfo(mapping.zone)
        except (ValueError, OSError, KeyError):
            remedy = "write one like Europe/Berlin"
            raise self._problem((*place, "zone"), f"{mapping.zone} is no zone", remedy) from None
        self._expression(mapping.day, (*place, "day"))
        for section, expressions in (("read", mapping.read), ("write", mapping.write)):
            for column, sql in expressions.items():
                self._expression(sql, (*place, section, column))

    def _expression(self, sql: str, place: tuple[str, ...]) -> None:
        try:
            expression(sql)
        except ValueError as error:
            remedy = "write an expression over the row's columns, in BigQuery's dialect"
            raise self._problem(place, str(error), remedy) from error

    def _problem(self, place: tuple[str, ...], what: str, remedy: str) -> MigrationError:
        field = ".".join(place) or "the file"
        line = _line(self._root, place)
        return MigrationError(f"{self._path}:{line}: {field}: {what}; {remedy}.")


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PART = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")


def expression(sql: str) -> exp.Expr:
    """An expression over the columns of one row. Raises ValueError for anything else."""
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError as error:
        raise ValueError(f"`{sql}` cannot be parsed") from error
    if tree.find(exp.Query, exp.DDL, exp.DML, exp.Command, exp.Table):
        raise ValueError(f"`{sql}` is no expression")
    return tree


def old_query(sql: str) -> exp.Query:
    """A query of old tables. Raises ValueError for anything else."""
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError as error:
        raise ValueError(f"`{sql}` cannot be parsed") from error
    if not isinstance(tree, exp.Query) or tree.find(exp.DDL, exp.DML, exp.Command):
        raise ValueError(f"`{sql}` is no query")
    return tree


def _line(root: yaml.Node | None, place: tuple[str, ...]) -> int:
    """The line on which a field stands; that of what it is missing in, where it is not there."""
    node, line = root, 1
    for part in place:
        found: tuple[yaml.Node, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            found = (node.value[int(part)], node.value[int(part)])
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
    return line
