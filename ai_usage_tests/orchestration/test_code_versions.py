"""What changes a code version, and what does not."""

from __future__ import annotations

import pytest

from ai_usage.orchestration import code_versions
from ai_usage.orchestration.code_versions import code_version_of
from ai_usage.warehouse import kept
from ai_usage.warehouse.views import ViewSchema, view_schema

SQL = "SELECT 'a  b' AS x, t.y FROM t WHERE z = @start"


def test_comments_and_layout_are_no_other_version() -> None:
    other = "SELECT  -- the day's\n  'a  b' AS x, /* and */ t.y\nFROM t\nWHERE z = @start\n"
    assert code_version_of(other) == code_version_of(SQL)


@pytest.mark.parametrize(
    "other",
    [
        SQL.replace("a  b", "a b"),
        SQL.replace("@start", "@end"),
        SQL.replace("t.y", "t. y2"),
        SQL.replace("'a  b'", "`a  b`"),
        SQL.replace(", t.y", ""),
    ],
)
def test_whatever_is_said_otherwise_is_another_version(other: str) -> None:
    assert code_version_of(other) != code_version_of(SQL)


def test_a_view_that_is_read_is_part_of_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view is not stored: a statement that reads another one builds other rows."""
    # Answers that are kept from an earlier process speak of the product's own views.
    monkeypatch.setattr(kept, "_file", None)
    reads = "SELECT * FROM vw_loaded_days"
    before = code_version_of(reads)
    real = view_schema("vw_loaded_days")
    changed = ViewSchema(
        real.name, real.description, real.columns, f"{real.query} LIMIT 1", real.defaults, real.ddl
    )
    monkeypatch.setattr(code_versions, "view_schema", lambda name: changed)
    code_version_of.cache_clear()
    assert code_version_of(reads) != before
    code_version_of.cache_clear()
