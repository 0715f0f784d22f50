"""What the copy asks of the warehouse keeps the laws of the product's SQL."""

from __future__ import annotations

import pytest

from ai_usage.dashboard.copied import COPIED
from ai_usage.warehouse.sql import references
from ai_usage_tests.support.pruning import unfiltered
from tools.sql_lint import lint_sql, zoneless


@pytest.mark.parametrize("table", COPIED)
def test_a_statement_means_the_same_to_both_engines_and_reads_days_alone(table: str) -> None:
    sql = COPIED[table]
    assert lint_sql(sql) == []
    assert list(zoneless(sql)) == []
    assert list(unfiltered(sql)) == []


def test_no_statement_reads_the_vendors_events() -> None:
    """The copy is made of rollups, facts' daily sums and views; events stay in the warehouse."""
    read = {name for sql in COPIED.values() for name in references(sql)}
    assert "raw_ai_events" not in read
