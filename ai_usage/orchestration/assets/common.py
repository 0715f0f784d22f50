"""What all assets share: owners, groups, column metadata, and errors as one line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from ai_usage.errors import AiUsageError
from ai_usage.instance.step_errors import CAUSE
from ai_usage.orchestration.lineage import column_lineage
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.relations import Layer, layer_of
from ai_usage.warehouse.schema import table_schema

DATA_PLATFORM = "team:data-platform"
FINANCE = "team:finance"
ENGINEERING = "team:engineering"

_OWNERS: dict[Layer, str] = {"staging": DATA_PLATFORM}
"""Who answers for what SQL makes of a layer; finance for all others."""
_ABOUT_USAGE = frozenset(
    {
        "int_model_prices_daily",
        "int_usage_prices",
        "fact_ai_usage",
        "agg_usage_daily",
        "vw_team_productivity",
    }
)
"""Of these, engineering: they are about what is used, not about who pays."""


def owner_of(relation: str) -> str:
    """Who answers for a table or view that SQL makes."""
    layer = layer_of(relation)
    if relation in _ABOUT_USAGE:
        return ENGINEERING
    return FINANCE if layer is None else _OWNERS.get(layer, FINANCE)


def note_data_version(context: dg.AssetExecutionContext) -> None:
    """Let each run of a table that Python fills be a version of its own.

    It reads the archive and the files, which Dagster knows nothing of: equal inputs in the graph do
    not tell that the rows are equal.
    """
    context.set_data_version(context.asset_key, dg.DataVersion(context.run_id))


@contextmanager
def explained() -> Iterator[None]:
    """Let a person's error fail the step with its one line, not with a stack of frames."""
    try:
        yield
    except AiUsageError as error:
        metadata = {CAUSE: error.cause} if error.cause else {}
        raise dg.Failure(str(error), metadata, allow_retries=False) from None


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


def key_metadata(relation: str) -> dict[str, Any]:
    """What tells the rows of a table or view apart, for Dagster's UI."""
    key = UNIQUE_KEYS.get(relation)
    return {"unique_key": ", ".join(key)} if key else {}


def note_of_run(context: dg.AssetExecutionContext, metadata: Mapping[str, Any]) -> None:
    """Note what a run did as a whole, and no single day of it, with the last of its partitions.

    On each of them it would be a flat line in Dagster's plots, and its sum nonsense.
    """
    context.add_asset_metadata(metadata, partition_key=context.partition_key_range.end)


def note_lineage(context: dg.AssetExecutionContext, sql: str) -> None:
    """Tell Dagster the column lineage, with the last of the run's partitions.

    The UI reads it from the newest materialisation; on every partition of a year it would be most
    of the event log.
    """
    note_of_run(context, {"dagster/column_lineage": column_lineage(sql)})
