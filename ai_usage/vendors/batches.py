"""Events as Arrow batches of `raw_ai_events`, ready to be scored and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from ai_usage.vendors.event_columns import DEFAULTS, EventColumns, gathered
from ai_usage.vendors.rows import RawEvent
from ai_usage.vendors.stored_json import stored
from ai_usage.warehouse.schema import table_schema


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
    return column_batches(gathered(events), provenance)


def column_batches(
    events: Iterable[EventColumns], provenance: Provenance
) -> Iterator[pa.RecordBatch]:
    """As `batches`, of events that are in columns already; a batch for each that has some."""
    return (_batch(some, provenance) for some in events if len(some))


def _batch(events: EventColumns, provenance: Provenance) -> pa.RecordBatch:
    rows, provisional = len(events), provenance.provisional_days
    shared: dict[str, Any] = {
        **DEFAULTS,
        **events.shared,
        "platform": provenance.platform,
        "source_endpoint": provenance.endpoint,
        "ingest_timestamp": provenance.fetched_at,
        "pipeline_run_id": provenance.run_id,
        # Scoring fills both; a score is needed because the column is NOT NULL.
        "data_quality_score": 1.0,
        "is_charge_unknown": None,
    }
    texts, flags = stored(events.values("raw_response"), events.values("validation_errors"))
    each: dict[str, Sequence[Any]] = {
        **events.each,
        "is_provisional": [day in provisional for day in events.each["event_date"]],
        "raw_response": texts,
        "validation_errors": flags,
    }
    schema = table_schema("raw_ai_events").arrow_schema
    arrays = [
        pa.array(each[column.name], column.type)
        if column.name in each
        else pa.repeat(pa.scalar(shared[column.name], column.type), rows)
        for column in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
