"""Overview: this month in money against the last, and where it is going."""

from __future__ import annotations

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import spend
from ai_usage.dashboard.viewers import Viewer


def months(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """Twelve months up to the filters' month, and the twelve before: one row a month with cost.

    `month`, and the measures of `scope.spend`.
    """
    whole = filters.having(first=filters.back(23).last)
    return spend(published, viewer, whole, ["month"])
