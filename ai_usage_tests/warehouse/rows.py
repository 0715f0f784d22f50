"""Made-up rows of the product's tables: NOT NULL columns filled plainly, all others NULL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.vendors.batches import Provenance, batches
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema

Row = dict[str, Any]
DAY = date(2026, 3, 10)
FETCHED = datetime(2026, 3, 20, 6, tzinfo=UTC)

_PLAIN: dict[str, Any] = {
    "STRING": "x",
    "INT64": 1,
    "FLOAT64": 1.0,
    "NUMERIC": Decimal(0),
    "BOOL": False,
    "DATE": DAY,
    "TIMESTAMP": FETCHED,
    "JSON": "{}",
}

_MEANINGFUL: dict[str, Row] = {
    "raw_ai_events": {
        "platform": "cursor",
        "event_type": "usage",
        "source_endpoint": "usage_events",
        "attribution_method": "direct_email",
        "validation_errors": [],
    },
    "fact_ai_costs": {
        "allocation_method": "direct",
        "cost_type": "usage",
        "billing_period": "daily",
        "currency_code": "USD",
        "exchange_rate": Decimal(1),
        "reconciliation_status": "pending",
        "allocation_percentage": 100.0,
    },
    "agg_costs_daily": {"month": DAY.replace(day=1), "cost_type": "usage"},
    "raw_restatements": {
        "measure": "cost_usd",
        "value_after": Decimal(1),
        "difference": Decimal(1),
    },
    "identity_days": {"identity_type": "email"},
    "agg_reports_daily": {"cost_kind": "usage"},
    "agg_unattributed_daily": {"identity_type": "email"},
    "int_usage_weights": {"weight": 1},
    "int_line_matches": {"match_level": 1},
    "int_cost_shares": {"match_level": 1},
    "int_rule_bearers": {"valid_to": date(9999, 12, 31)},
    "int_cost_bearers": {"allocation_method": "direct"},
    "int_budgets": {"month": DAY.replace(day=1), "scope_type": "person"},
    "int_cycle_status": {"reconciliation_status": "pending"},
    "int_cycle_days": {"cost_kind": "usage"},
    "closed_months": {"month": DAY.replace(day=1)},
    "migration_log": {"outcome": "done", "state": "parallel"},
    "migration_writes": {"outcome": "written"},
    "migration_differences": {"class": "identical"},
    "dim_users": {"expiration_date": date(9999, 12, 31)},
    "api_key_mappings": {"attribution_source": "manual_entry"},
    "bridge_user_identity": {"identity_type": "email", "valid_to": date(9999, 12, 31)},
    "dim_platforms": {"cost_model": "hybrid"},
}


def at(day: date, hour: int = 0) -> datetime:
    """An instant of the day, UTC."""
    return datetime.combine(day, time(hour), UTC)


def event_id(text: object) -> str:
    """An id of the form that events have."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def row(table: str, day: date = DAY, **values: Any) -> Row:
    """A row that keeps the table's contract, on the given day where the table is partitioned."""
    schema = table_schema(table)
    made = {c.name: _PLAIN[c.type] for c in schema.columns if not c.nullable}
    made |= _MEANINGFUL.get(table, {})
    if "event_id" in made:
        made["event_id"] = event_id(day)
    if schema.partition_column is not None:
        is_date = schema.column(schema.partition_column).type == "DATE"
        made[schema.partition_column] = day if is_date else at(day, 9)
    if table == "raw_ai_events":
        made["event_timestamp"] = at(day, 9)
    if "date_sk" in made:
        made["date_sk"] = int(f"{day:%Y%m%d}")
    return made | values


def raw(day: date, name: object, **values: Any) -> Row:
    """A raw event of the day."""
    return row("raw_ai_events", day, **{"event_id": event_id(name)} | values)


def arrow(table: str, rows: Iterable[Row]) -> pa.Table:
    """The rows as the table's Arrow columns."""
    return table_schema(table).to_arrow(rows)


def selected(table: str, made: Row, **instead: str) -> str:
    """A SELECT that gives the row on DuckDB, some of its columns by other expressions."""
    written = {
        c.name: "NULL" if made.get(c.name) is None else f"'{made[c.name]}'"
        for c in table_schema(table).columns
    }
    typed = {c.name: f"CAST({written[c.name]} AS {c.type})" for c in table_schema(table).columns}
    return "SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in (typed | instead).items())


def days(first: date, count: int) -> Window:
    """A window of `count` days."""
    return Window(first, first + timedelta(days=count))


def open_warehouse(folder: Path, **options: Any) -> DuckDBWarehouse:
    """A warehouse in a file of its own."""
    return DuckDBWarehouse(folder / "warehouse.duckdb", "ai_usage", **options)


def stored(warehouse: DuckDBWarehouse, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The table's rows as the file has them, read without the product's code, sorted."""
    names = ", ".join(f'"{c}"' for c in columns)
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return sorted(
            connection.execute(
                f'SELECT {names} FROM "{warehouse.dataset_of(table)}"."{table}"'
            ).fetchall(),
            key=lambda values: [(value is not None, value) for value in values],
        )


ODD_JSON = {
    '{"a": 1e400}': False,
    '{"a": -1e400}': False,
    '{"a": 1.7976931348623159e308}': False,
    '{"a": ' + "9" * 310 + "}": False,
    '{"a": ' + "9" * 300 + "e9}": False,
    '{"a": "\\ud800"}': False,
    '{"a": "\\udc00x"}': False,
    '{"\\ud800": 1}': False,
    '{"a": NaN}': False,
    "{no json": False,
    '{"a": "\\ud83d\\ude00", "b": [1, null, "ü"]}': True,
    '{"a": 1.7976931348623157e308}': True,
    '{"a": 0.5, "b": 123456789}': True,
    '"text"': True,
}
"""Vendors' records, and whether a warehouse takes them for JSON."""


def odd_events(day: date) -> pa.Table:
    """An event for each odd record, as readers' events become rows."""
    events = [
        RawEvent(
            identity=(text,),
            event_id=event_id(text),
            event_timestamp=at(day),
            event_date=day,
            event_type="usage",
            raw_response=text,
        )
        for text in ODD_JSON
    ]
    provenance = Provenance("cursor", "usage_events", FETCHED, frozenset(), None)
    return pa.Table.from_batches(list(batches(events, provenance)))
