"""Events as Arrow batches of `raw_ai_events`, ready to be scored and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import compress, islice
from typing import Any

import msgspec
import pyarrow as pa

from ai_usage.vendors.rows import RawEvent
from ai_usage.vendors.stored_json import stored
from ai_usage.warehouse.schema import table_schema

BATCH_ROWS = 5_000
"""Rows in memory at once, ten kilobytes each on their way into columns. Four times as many take no
less time."""

_AT_ONCE = 100
"""Events that are objects at once: so few die before the garbage collector looks at them."""
_UNSAID = frozenset({"identity", "record"})
_SAID = [name not in _UNSAID for name in RawEvent.__struct_fields__]
_FIELDS = tuple(compress(RawEvent.__struct_fields__, _SAID))
"""The columns of the table among an event's fields; identities would be most of the memory."""
_FLAGS = _FIELDS.index("validation_errors")
_NO_FLAGS: list[str] = []
"""Shared by all events that flag nothing; never added to."""


@dataclass(frozen=True)
class Provenance:
    """What every event of one fetch shares: where it came from and when.

    `provisional_days` are those that the vendor could still change when it was asked.
    """

    platform: str
    endpoint: str
    fetched_at: datetime
    provisional_days: frozenset[date]
    run_id: str | None


def batches(events: Iterable[RawEvent], provenance: Provenance) -> Iterator[pa.RecordBatch]:
    """Events as Arrow batches in the columns of `raw_ai_events`, not yet scored."""
    waiting = iter(events)
    while (columns := _columns(waiting))["event_id"]:
        yield _batch(columns, provenance)


def _columns(events: Iterator[RawEvent]) -> dict[str, list[Any]]:
    """The values of the next events, by column."""
    columns: list[list[Any]] = [[] for _ in _FIELDS]
    for _ in range(0, BATCH_ROWS, _AT_ONCE):
        found = map(msgspec.structs.astuple, islice(events, _AT_ONCE))
        for column, values in zip(columns, compress(zip(*found, strict=True), _SAID), strict=False):
            column += values
        # Most flag nothing: as many empty lists as events would keep the garbage collector at work.
        flags = columns[_FLAGS]
        flags[-_AT_ONCE:] = [found or _NO_FLAGS for found in flags[-_AT_ONCE:]]
    return dict(zip(_FIELDS, columns, strict=True))


def _batch(columns: dict[str, list[Any]], provenance: Provenance) -> pa.RecordBatch:
    rows = len(columns["event_id"])
    shared: dict[str, Any] = {
        "platform": provenance.platform,
        "source_endpoint": provenance.endpoint,
        "ingest_timestamp": provenance.fetched_at,
        "pipeline_run_id": provenance.run_id,
        # Scoring fills both; a score is needed because the column is NOT NULL.
        "data_quality_score": 1.0,
        "is_charge_unknown": None,
    }
    provisional = provenance.provisional_days
    columns["is_provisional"] = [day in provisional for day in columns["event_date"]]
    columns["raw_response"], columns["validation_errors"] = stored(
        columns["raw_response"], columns["validation_errors"]
    )
    schema = table_schema("raw_ai_events").arrow_schema
    arrays = []
    for column in schema:
        if column.name in shared:
            scalar = pa.scalar(shared[column.name], column.type)
            arrays.append(pa.repeat(scalar, rows))
        else:
            arrays.append(pa.array(columns[column.name], column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
