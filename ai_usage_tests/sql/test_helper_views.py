"""Helper views: they look as far back as the published views that they serve."""

from __future__ import annotations

import pytest

from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.views import published_views, view_names, view_schema, views_read

HELPERS = [name for name in view_names() if is_internal(name) and view_schema(name).months]
ONE_WINDOW = ("int_attribution_gaps", "int_cycle_costs", "int_reconciliation_daily")
"""Helpers whose rows add up the whole window: a reader cannot take a part of it."""


@pytest.mark.parametrize("helper", HELPERS)
def test_a_helper_view_looks_back_as_far_as_each_view_that_reads_it(helper: str) -> None:
    own = view_schema(helper).months
    windows = [
        view_schema(view).months
        for view in published_views()
        if helper in views_read(view_schema(view).query)
    ]
    assert own is not None
    assert windows, "a helper view serves a published one"
    assert all(months is not None and months <= own for months in windows)
    if helper in ONE_WINDOW:
        assert set(windows) == {own}
