"""Which invoiced cycle a cost belongs to, and every invoice against the cost of its cycle.

Both are built anew as a whole by every run, for closed months too: an invoice that comes after the
close is judged without opening the month, and none of its totals moves.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import dagster as dg

from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.assets.common import FINANCE, explained, note_lineage, table_metadata
from ai_usage.reference import Row
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Parameter, Query
from ai_usage.warehouse.files import load
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import references


def invoice_assets(
    settings: Settings,
    invoices: Callable[[], Sequence[Row]],
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """`invoice_days` and `invoice_reconciliation`; `invoices` are the rows of invoices.csv."""

    def periods() -> dict[str, Parameter]:
        # Every invoice is compared anew: a day of its period may have been restated. An account
        # may be named by costs from before the first invoice alone.
        first_days = [row["period_from"] for row in invoices()]
        return {
            "start": min([*first_days, settings.first_day]),
            "end": settings.today + timedelta(days=1),
        }

    return [
        _table("invoice_days", periods, partitions),
        _table("invoice_reconciliation", lambda: periods() | {"today": settings.today}, partitions),
    ]


def _table(
    name: str,
    parameters: Callable[[], Mapping[str, Parameter]],
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    sql = load("facts", name)

    @dg.asset(
        name=name,
        description=table_schema(name).description,
        deps=sorted(references(sql)),
        group_name="finance",
        kinds={"sql", "table"},
        owners=[FINANCE],
        metadata=table_metadata(name),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def compared(context: dg.AssetExecutionContext) -> Query:
        note_lineage(context, sql)
        with explained():
            return Query(sql, parameters())

    return compared
