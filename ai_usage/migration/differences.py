"""`migration_differences`: what a run's days look like in the old tables and in the events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.migration.classes import Cell, Finding
from ai_usage.migration.comparing import Comparison, compare_table
from ai_usage.migration.description import MEASURES, read_description
from ai_usage.migration.opening import open_old
from ai_usage.migration.states import State
from ai_usage.migration.trend import Verdict
from ai_usage.warehouse.base import Warehouse


def comparisons(
    file: Path, state: State, warehouse: Warehouse, window: Window
) -> Iterator[Comparison]:
    """Each described table against the events of the window's days that are taken from it.

    None without the file, or after the old tables were retired. Raises `MigrationError`.
    """
    if state == "retired" or not file.exists():
        return
    description = read_description(file)
    if not description.tables:
        return
    source = open_old(description.source, state, warehouse)
    for table, mapping in description.tables.items():
        if mapping.takes_any(window):
            yield compare_table(source, table, mapping, warehouse, window)


def difference_rows(
    comparison: Comparison, compared_at: datetime, run_id: str | None
) -> Iterator[dict[str, Any]]:
    """The comparison as rows of `migration_differences`."""
    verdicts = {one.day: one for one in comparison.verdicts}
    for finding in comparison.findings:
        verdict = verdicts.get(finding.day, Verdict(finding.day, False, ()))
        yield {
            "compared_day": finding.day,
            "table_name": comparison.table,
            "platform": comparison.platform,
            "compared_key": json.dumps(finding.key[1]),
            "class": finding.class_,
            "note": finding.note or None,
            "is_final": verdict.final,
            "is_within_limit": finding.class_ not in verdict.over,
            "rows_old": _rows(finding.old),
            "rows_new": _rows(finding.new),
            **_sums(finding),
            "compared_at": compared_at,
            "pipeline_run_id": run_id,
        }


def _rows(cell: Cell | None) -> int:
    return 0 if cell is None else cell.rows


def _sums(finding: Finding) -> Mapping[str, Decimal | None]:
    sides = (("old", finding.old), ("new", finding.new))
    return {
        f"{measure}_{side}": None if cell is None else cell.sums.get(measure)
        for measure in MEASURES
        for side, cell in sides
    }
