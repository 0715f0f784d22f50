"""What all assets share: owners, groups, column metadata, and errors as one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from ai_usage.errors import AiUsageError
from ai_usage.orchestration.lineage import column_lineage
from ai_usage.warehouse.schema import table_schema

DATA_PLATFORM = "team:data-platform"
FINANCE = "team:finance"
ENGINEERING = "team:engineering"


@contextmanager
def explained() -> Iterator[None]:
    """Let a person's error fail the step with its one line, not with a stack of frames."""
    try:
        yield
    except AiUsageError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def table_metadata(table: str) -> dict[str, Any]:
    """The table's columns, as its DDL declares them, for Dagster's UI."""
    schema = table_schema(table)
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=c.name,
                    type=c.type,
                    description=c.description,
                    constraints=dg.TableColumnConstraints(nullable=c.nullable),
                )
                for c in schema.columns
            ]
        ),
        "dagster/table_name": table,
    }


def note_lineage(context: dg.AssetExecutionContext, sql: str) -> None:
    """Tell Dagster the column lineage, with the last of the run's partitions.

    The UI reads it from the newest materialisation; on every partition of a year it would be most
    of the event log.
    """
    context.add_asset_metadata(
        {"dagster/column_lineage": column_lineage(sql)},
        partition_key=context.partition_key_range.end,
    )
