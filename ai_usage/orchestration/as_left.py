"""Whether the warehouse is the one that a run left: what it says of itself, and who wrote its days.

Dagster's storage and the warehouse are two places, and each may be restored from a backup, removed
or altered without the other. Nothing stands that only one of them knows of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.schema import table_schema

LOADED = "loaded_days"
"""Every run of the whole graph writes to it, also one that has nothing else to build."""
NAME_THEIR_RUN = (LOADED, "raw_ai_events", "fact_ai_usage", "fact_ai_costs")
"""Tables whose rows name the run that wrote them."""


def fingerprint(warehouse: Warehouse) -> str:
    """A digest of which tables and views there are, and which runs have loaded its days.

    Empty where it cannot be asked: that is no warehouse's. Rows that somebody alters are not seen.
    """
    try:
        there = warehouse.definitions()
        if LOADED not in there:
            return ""
        days = table_schema(LOADED).days_from("DATE '1900-01-01'")
        rows = warehouse.rows(f"SELECT DISTINCT pipeline_run_id FROM {LOADED} WHERE {days}")
        runs = sorted(str(row["pipeline_run_id"]) for row in rows)
    except WarehouseError:
        # The run says what is wrong with it.
        return ""
    return sha256(repr((sorted(there.items()), runs)).encode()).hexdigest()


def writers(
    warehouse: Warehouse, windows: Sequence[Window], tables: Collection[str]
) -> frozenset[str]:
    """The runs that wrote the days of these tables, as their rows tell; none if they cannot.

    `tables` are some of `NAME_THEIR_RUN`.
    """
    parts = [
        f"SELECT pipeline_run_id FROM {table} WHERE {table_schema(table).days_from(*bounds)}"
        for table in tables
        for bounds in [(f"DATE '{window.start}'", f"DATE '{window.end}'") for window in windows]
    ]
    if not parts:
        return frozenset()
    rows = " UNION ALL ".join(parts)
    try:
        if not all(warehouse.exists(table) for table in tables):
            return frozenset()
        found = warehouse.rows(f"SELECT DISTINCT pipeline_run_id FROM ({rows}) AS written")
        return frozenset(row["pipeline_run_id"] for row in found)
    except WarehouseError:
        # The run says what is wrong with it.
        return frozenset()
