"""`migrate plan`: what a load would bring, some rows old and new side by side, and back again.

Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from heapq import heappush, heappushpop
from typing import Any

import duckdb
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.migration.archived import vendor_days
from ai_usage.migration.description import TableMapping, expression
from ai_usage.migration.exactly import exactly
from ai_usage.migration.loading import taken
from ai_usage.migration.reading import ENDPOINT_PREFIX, OldRow, folded, old_rows
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.migration.writing import old_rows_of
from ai_usage.vendors.batches import Provenance, batches
from ai_usage.vendors.event_ids import with_event_ids
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import for_duckdb

SHOWN = 20
"""Rows that are shown side by side."""


@dataclass(frozen=True)
class Shown:
    """An old row, the event that it becomes, and the old row that the event would be written as."""

    old: Mapping[str, Any]
    event: RawEvent
    back: Mapping[str, Any]
    """Empty without `write:`."""

    @property
    def lost(self) -> list[str]:
        """Old columns that come back with another value; those that are not written are none."""
        return [name for name, value in self.back.items() if not _same(self.old.get(name), value)]


@dataclass(frozen=True)
class Plan:
    """What a load of a table would bring."""

    table: str
    window: Window
    read: int
    repeated: int
    days: Mapping[date, Decimal]
    """Dollars of each day that has rows; whole rows that are there twice count once."""
    vendor_days: Sequence[date]
    shown: Sequence[Shown] = field(default=())
    dual_write: bool = False

    @property
    def usd(self) -> Decimal:
        """What the events bill on the days that no vendor has."""
        vendors = set(self.vendor_days)
        return sum((usd for day, usd in self.days.items() if day not in vendors), Decimal(0))


def plan_table(
    source: Source, table: str, mapping: TableMapping, archive: Archive, window: Window
) -> Plan:
    """Read the window's rows, and show some. Raises `MigrationError`."""
    part = taken(mapping, window)
    answered = vendor_days(archive, mapping.replaces, part)
    read = repeated = 0
    days: dict[date, Decimal] = {}
    some: list[tuple[int, int, OldRow]] = []
    for row in old_rows(source, table, mapping, part):
        read += 1
        if row.repeats:
            repeated += 1
            continue
        day = row.event.event_date
        days[day] = days.get(day, Decimal(0)) + (row.event.cost_usd or Decimal(0))
        _choose(some, row, read)
    chosen = [row for _, _, row in sorted(some, key=lambda one: one[1])]
    return Plan(
        table=table,
        window=part,
        read=read,
        repeated=repeated,
        days=days,
        vendor_days=sorted(answered),
        shown=_shown(chosen, table, mapping),
        dual_write=bool(mapping.write),
    )


def _choose(some: list[tuple[int, int, OldRow]], row: OldRow, number: int) -> None:
    """Keep the rows whose digests are the smallest: a sample, and the same one each time."""
    digest = int.from_bytes(sha256((row.event.raw_response or "").encode()).digest()[:8])
    item = (-digest, number, row)
    if len(some) < SHOWN:
        heappush(some, item)
    else:
        heappushpop(some, item)


def _shown(rows: Sequence[OldRow], table: str, mapping: TableMapping) -> list[Shown]:
    events = [folded(row.event) for row in rows]
    back = written(table, mapping, events) if mapping.write else [{} for _ in rows]
    return [Shown(row.old, event, old) for row, event, old in zip(rows, events, back, strict=True)]


def written(table: str, mapping: TableMapping, events: Sequence[RawEvent]) -> list[dict[str, Any]]:
    """The old rows that the events are written as, by `write:`, in their order.

    Raises `MigrationError` where an expression is refused.
    """
    if not events:
        return []
    endpoint = f"{ENDPOINT_PREFIX}{table}"
    named = list(with_event_ids(mapping.platform, endpoint, events))
    provenance = Provenance(mapping.platform, endpoint, datetime.now(UTC), frozenset(), None)
    schema = table_schema("raw_ai_events").arrow_schema
    rows = pa.Table.from_batches(batches(named, provenance), schema)
    expressions = {name: expression(sql) for name, sql in mapping.write.items()}
    # Each event by itself: what several of them would be summed to is not shown here.
    select = old_rows_of(expressions, "event_id").from_("events")
    statement = for_duckdb(select).sql("duckdb")
    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.register("events", rows)
        try:
            found = connection.execute(statement)
            names = [column[0] for column in found.description][1:]
            by_id = {row[0]: dict(zip(names, row[1:], strict=True)) for row in found.fetchall()}
        except duckdb.Error as error:
            raise MigrationError(f"{table}: write: {str(error).strip().splitlines()[0]}") from error
    return [by_id[event.event_id] for event in named]


def _same(old: Any, back: Any) -> bool:
    if old is None or back is None:
        return old is None and back is None
    one, other = exactly(old), exactly(back)
    if one is not None and other is not None:
        return one == other
    return str(old) == str(back)
