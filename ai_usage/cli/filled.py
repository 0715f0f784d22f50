"""The warehouse of a command that reads what runs have built."""

from __future__ import annotations

from ai_usage.errors import AiUsageError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Warehouse


def filled_warehouse(settings: Settings, relation: str) -> Warehouse:
    """The warehouse. Raises `AiUsageError` where no run has built the relation."""
    warehouse = warehouse_resource(settings).warehouse()
    if not warehouse.exists(relation):
        raise AiUsageError(
            f"{warehouse.describe()} has no {relation}: nothing is built yet; "
            "`ai-usage backfill --from YYYY-MM-DD` does."
        )
    return warehouse
