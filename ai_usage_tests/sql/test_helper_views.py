"""Helper views: they look as far back as the published views that they serve."""

from __future__ import annotations

import pytest

from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.sql import references
from ai_usage.warehouse.views import published_views, view_names, view_schema

HELPERS = [name for name in view_names() if is_internal(name) and view_schema(name).months]
ONE_WINDOW = ("int_attribution_gaps", "int_cycle_costs", "int_reconciliation_daily")
"""Helpers whose rows add up the whole window: a reader cannot take a part of it."""


def reads(view: str) -> set[str]:
    """The views that a view reads, also through others."""
    direct = set(references(view_schema(view).query)) & set(view_names())
    return direct.union(*map(reads, direct))


@pytest.mark.parametrize("helper", HELPERS)
def test_a_helper_view_looks_back_as_far_as_each_view_that_reads_it(helper: str) -> None:
    own = view_schema(helper).months
    windows = [view_schema(view).months for view in published_views() if helper in reads(view)]
    assert own is not None
    assert windows, "a helper view serves a published one"
    assert all(months is not None and months <= own for months in windows)
    if helper in ONE_WINDOW:
        assert set(windows) == {own}
