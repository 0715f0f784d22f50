"""Restatements as Arrow batches of `raw_restatements`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import pyarrow as pa

from ai_usage.ledger.restatements import Restatement
from ai_usage.warehouse.schema import table_schema

BATCH_ROWS = 20_000
"""Rows in memory at once."""


def restatement_batches(
    found: Iterable[Restatement], run_id: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows in the columns of `raw_restatements`, in the order in which they are found."""
    waiting = iter(found)
    schema = table_schema("raw_restatements")
    while some := list(islice(waiting, BATCH_ROWS)):
        rows = [
            {
                **one._asdict(),
                **one.bearer._asdict(),
                "difference": one.difference,
                "pipeline_run_id": run_id,
            }
            for one in some
        ]
        for row in rows:
            del row["bearer"]
        yield from schema.to_arrow(rows).cast(schema.arrow_schema).to_batches()
