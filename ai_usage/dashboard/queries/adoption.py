"""Adoption: who works with the tools how much, in four groups, by team or department."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import cohorts
from ai_usage.dashboard.viewers import Viewer

COHORTS: dict[str, str] = {
    "none": "no active day in the month",
    "light": "active on fewer than a quarter of the weekdays",
    "moderate": "active on a quarter of the weekdays or more, and fewer than three in five",
    "heavy": "active on three in five weekdays or more",
}
"""The groups, and what makes a person one of them."""


def people(
    published: Published,
    viewer: Viewer,
    filters: Filters,
    by: Sequence[Literal["team", "department"]] = (),
) -> pa.Table:
    """People of the company by month and cohort, and by team or department where asked.

    `month`, the dimensions, `cohort`, `people`, `is_merged`. Everybody who is with the company in
    the month counts once, in the team held last in it. A month without a loaded weekday has none.
    """
    return cohorts(published, viewer, filters, by)
