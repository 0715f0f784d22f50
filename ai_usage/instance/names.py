"""Names of Dagster's that stand in what it keeps, for those who must not import it."""

from __future__ import annotations

WHOLE_GRAPH = "__ASSET_JOB"
"""The job of all assets, by which the UI and commands materialise any of them."""

DASHBOARD_COPY = "dashboard_copy"
"""The asset that publishes what the dashboard reads: the last of the graph."""
