"""What old tables and events must agree on while both are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from ai_usage.orchestration.checks.sql_checks import subject_check
from ai_usage.text.figures import money

NOTHING_UNEXPLAINED = "nothing_unexplained"
DIFFERENCES_DECLARED = "differences_declared"
OLD_TABLES_WRITTEN = "old_tables_written"
_TABLE = "migration_differences"


def migration_checks(
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetChecksDefinition]:
    """Checks of comparison and dual write: they hold back nothing, and pass without old tables."""
    return [
        subject_check(
            _TABLE,
            NOTHING_UNEXPLAINED,
            "Every difference between an old table and the events has an explanation.",
            lambda window, today: {},
            lambda row: str(row["table_name"]),
            partitions,
            severity=dg.AssetCheckSeverity.ERROR,
            count=lambda row: int(row["records"]),
            says=lambda row: f"{_usd(row)} on {row['day']} that nothing explains",
        ),
        subject_check(
            _TABLE,
            DIFFERENCES_DECLARED,
            "Differences between an old table and the events are declared in migration.yaml, and "
            "within the limit of their class.",
            lambda window, today: {},
            lambda row: f"{row['table_name']} {row['class']}",
            partitions,
            count=lambda row: int(row["records"]),
            says=lambda row: f"{_usd(row)} on {row['day']}",
        ),
        subject_check(
            "migration_writes",
            OLD_TABLES_WRITTEN,
            "While dual write is on, old tables have each day that the new ones have.",
            lambda window, today: {},
            lambda row: str(row["table_name"]),
            partitions,
            says=lambda row: f"{row['day']}: {row['error']}",
        ),
    ]


def _usd(row: Mapping[str, Any]) -> str:
    return money(row["usd"])
