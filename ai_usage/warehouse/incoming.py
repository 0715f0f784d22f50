"""What new rows must be: the declared columns with their types, within the window, nothing missing.

Raises `WarehouseError` in the words that every engine uses; nothing was changed then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.schema import TableSchema


def check_arrow(schema: TableSchema, got: pa.Schema) -> None:
    """Refuse rows whose columns or types are not the declared ones; a column of NULLs has none."""
    check_names(schema, got.names)
    for c in schema.columns:
        arrived = got.field(c.name).type
        if arrived != c.arrow_type and not pa.types.is_null(arrived):
            raise WarehouseError(
                f"{schema.name}.{c.name}: the new rows have {arrived}, the DDL says "
                f"{c.arrow_type}; nothing was changed."
            )


def check_names(schema: TableSchema, got: list[str]) -> None:
    """Refuse rows that lack a column, have an unknown one, or one twice."""
    declared = schema.column_names
    missing = [name for name in declared if name not in got]
    unknown = [name for name in got if name not in declared]
    doubled = sorted({name for name in got if got.count(name) > 1})
    if missing or unknown or doubled:
        parts = [
            f"{what} {', '.join(names)}"
            for what, names in (
                ("lack", missing),
                ("have the unknown", unknown),
                ("have twice", doubled),
            )
            if names
        ]
        raise WarehouseError(
            f"{schema.name}: the new rows {' and '.join(parts)}; nothing was changed."
        )


def checked(
    schema: TableSchema, window: Window | None, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The batches, of columns that were checked; rows that are refused are told of at the end.

    After the first of those none is given: an engine would stop there and tell of it alone.
    """
    nulls: Counter[str] = Counter()
    outside: Counter[date] = Counter()
    for batch in batches:
        for name in schema.required_columns:
            if missing := batch.column(name).null_count:
                nulls[name] += missing
        if window is not None:
            days = pc.value_counts(batch.column(schema.partition_column).cast(pa.date32()))
            for day, rows in zip(*map(pa.Array.to_pylist, days.flatten()), strict=True):
                if day is not None and not window.start <= day < window.end:
                    outside[day] += rows
        if not nulls and not outside:
            yield batch
    refuse_nulls(schema, nulls)
    if window is not None:
        refuse_outside(schema, window, outside)


def refuse_nulls(schema: TableSchema, nulls: Mapping[str, int]) -> None:
    """Refuse rows by how many have NULL in a column that must not."""
    for name in schema.required_columns:
        if count := nulls.get(name):
            raise WarehouseError(
                f"{schema.name}.{name} is NOT NULL, but {count} of the new rows have NULL there; "
                "nothing was changed."
            )


def refuse_outside(schema: TableSchema, window: Window, outside: Mapping[date, int]) -> None:
    """Refuse rows by how many are of each day that is not in the window."""
    if outside:
        raise WarehouseError(
            f"{schema.name}: {sum(outside.values())} of the new rows lie outside {window} "
            f"({min(outside)} to {max(outside)}); nothing was changed."
        )
