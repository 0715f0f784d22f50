"""Views as their files declare them: name, descriptions, columns, query, window.

Published views stand in `sql/views/`, those of staging and helper views in their layers' folders.

How a view is created belongs to the engines; what it means stands in its SQL file alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from ai_usage.warehouse.files import load
from ai_usage.warehouse.kept import kept
from ai_usage.warehouse.relations import layer_of, relations
from ai_usage.warehouse.sql import AS_OF, MONTHS, WINDOW_START, inlined, references

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
"""In a description: the value of the view's label of that name."""


@dataclass(frozen=True)
class ViewSchema:
    """A view: its columns as (name, description) in order, and its query in BigQuery's dialect.

    The query still has its render parameters: `@as_of`, the UTC day that it is seen from, and one
    for each label, whose value the deployed view takes. `@months` is the view's window: that many
    whole months and the running one; `@window_start`, its first day, follows from the two.
    """

    name: str
    description: str
    columns: tuple[tuple[str, str], ...]
    query: str
    defaults: Mapping[str, int | str]
    ddl: str

    @property
    def months(self) -> int | None:
        """The window's whole months; None for a view without one."""
        months = self.defaults.get("months")
        return months if isinstance(months, int) else None

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the deployed view has of us."""
        return {name: str(value) for name, value in self.defaults.items()}

    @property
    def column_names(self) -> list[str]:
        """Column names in the order of the view."""
        return [name for name, _ in self.columns]

    @property
    def descriptions(self) -> dict[str, str]:
        """What each column means."""
        return dict(self.columns)


@cache
def view_schema(name: str) -> ViewSchema:
    """The view `name` as its file declares it. KeyError if there is no such view."""
    return parse_view(_text(name))


def _text(name: str) -> str:
    layer = layer_of(name)
    if layer is None or relations()[name] != "view":
        raise KeyError(f"{name} is no view of the product")
    return load(layer, name)


@cache
def _in_order() -> tuple[str, ...]:
    names = sorted(name for name, kind in relations().items() if kind == "view")
    waiting = {name: references(_text(name)) - {name} for name in names}
    ordered: list[str] = []
    while waiting:
        ready = [name for name, reads in waiting.items() if not reads & waiting.keys()]
        if not ready:
            raise ValueError(f"views that read each other: {', '.join(waiting)}")
        ordered += ready
        for name in ready:
            del waiting[name]
    return tuple(ordered)


def view_names() -> list[str]:
    """Every view of the product, those that others read before these, else by name."""
    return list(_in_order())


def published_views() -> list[str]:
    """The views that people read, those that others read before these, else by name."""
    return [name for name in _in_order() if layer_of(name) == "views"]


@kept(ViewSchema)
def parse_view(ddl: str) -> ViewSchema:
    """Read one `CREATE VIEW` in BigQuery's dialect.

    Raises ValueError where it is no view, lacks a description, where its labels are not the
    parameters of its query besides @as_of or are not told in its descriptions, or where the
    declared columns are not those that the query selects, in its order.
    """
    ddl = _with_reach(inlined(ddl))
    create = sqlglot.parse_one(ddl, read="bigquery")
    if (
        not isinstance(create, exp.Create)
        or create.kind != "VIEW"
        or not isinstance(create.this, exp.Schema)
        or not isinstance(create.expression, exp.Query)
    ):
        raise ValueError("not a CREATE VIEW with a list of columns")
    name = create.this.this.name
    columns = tuple((column.name, _described(name, column)) for column in create.this.expressions)
    selected = create.expression.named_selects
    if [column for column, _ in columns] != selected:
        raise ValueError(f"{name}: the declared columns are not the selected ones, {selected}")
    options = _options(create.args.get("properties"))
    if "description" not in options:
        raise ValueError(f"{name} has no description")
    labels = _labels(options)
    asked = {parameter.name for parameter in create.find_all(exp.Parameter)} - {AS_OF}
    if WINDOW_START in asked:
        asked = asked - {WINDOW_START} | {MONTHS}
    if asked != labels.keys():
        unmatched = ", ".join(sorted(asked ^ labels.keys()))
        raise ValueError(f"{name}: a parameter and its label go together: {unmatched}")
    if not labels.get("months", "0").isdigit():
        raise ValueError(f"{name}: the label months is a number")
    return ViewSchema(
        name=name,
        description=options["description"].name,
        columns=columns,
        query=create.expression.sql("bigquery", pretty=True),
        defaults={key: int(text) if text.isdigit() else text for key, text in labels.items()},
        ddl=ddl,
    )


def _with_reach(ddl: str) -> str:
    """The statement, each `{label}` of its descriptions being the label's value.

    So a reader sees how far the view reaches, and no number stands twice. Raises ValueError where a
    placeholder is no label, and where a number among the labels is told nowhere.
    """
    create = sqlglot.parse_one(ddl, read="bigquery")
    options = _options(create.args.get("properties")) if isinstance(create, exp.Create) else {}
    labels = _labels(options)
    if "description" not in options:
        return ddl
    told = set(_PLACEHOLDER.findall(ddl))
    untold = {name for name, value in labels.items() if value.isdigit()} - told
    if told - labels.keys() or untold:
        odd = ", ".join(f"{{{name}}}" for name in sorted((told - labels.keys()) | untold))
        raise ValueError(f"a description and the labels go together: {odd}")
    return _PLACEHOLDER.sub(lambda found: labels[found[1]], ddl)


def _labels(options: Mapping[str, exp.Expression]) -> dict[str, str]:
    return {
        pair.expressions[0].name: pair.expressions[1].name
        for pair in options.get("labels", exp.Array()).expressions
    }


def _described(view: str, column: exp.Expression) -> str:
    for constraint in column.args.get("constraints") or []:
        options = _options(constraint.args.get("kind"))
        if "description" in options:
            return options["description"].name
    raise ValueError(f"{view}.{column.name} has no description")


def _options(properties: exp.Expression | None) -> dict[str, exp.Expression]:
    if not isinstance(properties, exp.Properties):
        return {}
    return {
        prop.this.name: prop.args["value"]
        for prop in properties.expressions
        if isinstance(prop, exp.Property) and "value" in prop.args
    }


def views_read(sql: str) -> tuple[str, ...]:
    """The views that a statement reads, also through others, those that others read first."""
    found: set[str] = set()
    waiting = [sql]
    while waiting:
        new = references(waiting.pop()) & set(_in_order()) - found
        found |= new
        waiting += [view_schema(view).query for view in new]
    return tuple(view for view in _in_order() if view in found)


def tables_read(sql: str) -> frozenset[str]:
    """The product's tables that a statement reads, those of the views that it reads included."""
    read = references(sql)
    views = read & set(view_names())
    return (read - views).union(*(tables_read(view_schema(view).query) for view in views))
