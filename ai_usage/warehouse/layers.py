"""The tables that SQL builds: their statements, and the order in which a day passes them."""

from __future__ import annotations

from functools import cache

from ai_usage.warehouse.files import load
from ai_usage.warehouse.relations import LAYERS, layer_of, relations
from ai_usage.warehouse.sql import inlined, parameters
from ai_usage.warehouse.views import tables_read


@cache
def statement(table: str) -> str:
    """The SELECT that builds a table, in BigQuery's dialect, functions inlined.

    KeyError for a base table, which Python fills, and for a view.
    """
    layer = layer_of(table)
    if layer is None or relations()[table] != "table":
        raise KeyError(f"{table} is not built by a statement")
    return inlined(load(layer, table))


@cache
def statement_parameters(table: str) -> frozenset[str]:
    """What the statement of a table asks for: start, end, month_start, today, run_id."""
    return frozenset(parameters(statement(table)))


@cache
def built_tables() -> tuple[str, ...]:
    """Every table that a statement builds, those that others read before these.

    A table that is read through views counts as read. Raises ValueError for a circle.
    """
    waiting = {
        name: tables_read(statement(name)) - {name}
        for layer in LAYERS
        for name, kind in relations().items()
        if kind == "table" and layer_of(name) == layer
    }
    ordered: list[str] = []
    while waiting:
        ready = [name for name, reads in waiting.items() if not reads & waiting.keys()]
        if not ready:
            raise ValueError(f"tables that are built from each other: {', '.join(waiting)}")
        ordered += ready
        for name in ready:
            del waiting[name]
    return tuple(ordered)
