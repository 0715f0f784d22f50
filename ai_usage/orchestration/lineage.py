"""Column lineage as Dagster shows it."""

from __future__ import annotations

from functools import cache

import dagster as dg

from ai_usage.warehouse.lineage import column_sources


@cache
def column_lineage(sql: str) -> dg.TableColumnLineage:
    """Which upstream columns every output column of a SELECT is computed from."""
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=source)
                for table, source in sources
            ]
            for column, sources in column_sources(sql).items()
        }
    )
