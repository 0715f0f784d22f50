"""Names of Dagster's that stand in what it keeps, for those who must not import it."""

from __future__ import annotations

WHOLE_GRAPH = "__ASSET_JOB"
"""The job of all assets, by which the UI and commands materialise any of them."""

DASHBOARD_COPY = "dashboard_copy"
"""The asset that publishes what the dashboard reads, after all of the warehouse."""
MONTHLY_REPORT = "monthly_report"
"""The asset that writes the last whole month as a file, from that copy."""
MADE_TO_BE_READ = frozenset({DASHBOARD_COPY, MONTHLY_REPORT})
"""Assets that are made of the warehouse and stand outside of it."""
