"""What new rows must be before an engine sees them: the declared columns, with their types.

Raises `WarehouseError` in the words that every engine uses; nothing was changed by then.
"""

from __future__ import annotations

import pyarrow as pa

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
