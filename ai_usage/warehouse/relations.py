"""The tables and views of the product: which of the two each is, its layer, and its dataset.

The folder of a relation's statement under `sql/` is its layer. Staging, intermediates and rollups
are internal: people who browse the warehouse see raw events, dimensions, facts and views alone.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, get_args

from ai_usage.warehouse.files import load, names

Layer = Literal["staging", "intermediate", "facts", "rollups", "views"]

LAYERS: tuple[Layer, ...] = get_args(Layer)
"""In the order in which a day of data passes them."""

INTERNAL: frozenset[Layer] = frozenset({"staging", "intermediate", "rollups"})
"""The layers that stand in the internal dataset."""

INTERNAL_TABLES = frozenset({"migration_log", "migration_differences", "migration_writes"})
"""Base tables, of no layer, that stand there too: what was done, and nothing that is reported."""

INTERNAL_SUFFIX = "_internal"
"""What follows the name of the tables' dataset in that of the internal one, unless it is set."""

_CREATES_VIEW = re.compile(r"\A(?:\s|--[^\n]*\n)*CREATE\s+VIEW\b")


@cache
def _layers() -> dict[str, Layer]:
    return {name: layer for layer in LAYERS for name in names(layer)}


def layer_of(relation: str) -> Layer | None:
    """The layer whose statement makes the relation; None for a base table, which Python fills."""
    return _layers().get(relation)


def is_internal(relation: str) -> bool:
    """Whether the relation stands in the internal dataset."""
    return layer_of(relation) in INTERNAL or relation in INTERNAL_TABLES


@cache
def relations() -> dict[str, Literal["table", "view"]]:
    """Every table and view of the product, and which of the two it is."""
    found: dict[str, Literal["table", "view"]] = dict.fromkeys(names("tables"), "table")
    for relation, layer in _layers().items():
        if _CREATES_VIEW.match(load(layer, relation)):
            found[relation] = "view"
        elif relation not in found:
            raise ValueError(f"sql/{layer}/{relation}.sql selects for a table without a DDL")
    return found
