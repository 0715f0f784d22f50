"""Judges tables by questions whose text is kept: what holds is told without ibis and Pandera.

Both take as long to import, and to work a question out, as an engine to answer it. What a question
says, and what Pandera finds of a table's columns, follows from texts alone, so it is worked out
once. Where anything is broken, `judging` asks again and tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ai_usage.days.windows import Window
from ai_usage.quality.outcome import Outcome, Validation
from ai_usage.quality.promises import FOREIGN, broken
from ai_usage.quality.rules import RELATIONS
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.kept import kept
from ai_usage.warehouse.own_sql import Columns, OwnSql
from ai_usage.warehouse.schema import table_schema


def judged(
    warehouse: Warehouse, asked: Mapping[str, Sequence[str]], window: Window | None
) -> dict[str, dict[str, Validation]]:
    """What each of a table's checks (`promises`) finds in it, or in a window of it.

    All are asked at one opening; of a table without partitions the window says nothing.
    """
    with warehouse.own_sql() as own:
        found = {} if own is None else _sound(own, asked, window)
        left = {table: checks for table, checks in asked.items() if table not in found}
        if left:
            from ai_usage.quality.judging import judge_together

            with warehouse.ibis() as connection:
                found |= judge_together(connection, left, window, warehouse.dataset_of)
    return found


def _sound(
    own: OwnSql, asked: Mapping[str, Sequence[str]], window: Window | None
) -> dict[str, dict[str, Validation]]:
    """The tables of which all that is asked is kept."""
    found = {}
    for table, checks in asked.items():
        partitioned = table_schema(table).partition_column is not None
        reads = {table: window if partitioned else None}
        if FOREIGN in checks:
            reads |= dict.fromkeys(relation.target for relation in RELATIONS[table])
        columns = {name: own.columns(name) for name in reads}
        if not all(columns.values()) or _odd(table, columns[table]):
            continue
        said = own.answer(_question(table, tuple(checks)), reads)
        if not broken(said, checks):
            found[table] = {c: Validation(Outcome(), {}, int(said["total"])) for c in checks}
    return found


@kept(list[str])
def _odd(table: str, columns: Columns) -> list[str]:
    """What Pandera finds that a table lacks, has too much, or has of another type."""
    from ai_usage.quality.contract import as_described, mistyped

    return mistyped(as_described(table, columns), table, "duckdb")


@kept(str)
def _question(table: str, checks: tuple[str, ...]) -> str:
    """What is asked of a table, in DuckDB's dialect, over tables by their bare names."""
    import ibis

    from ai_usage.quality.contract import as_declared
    from ai_usage.quality.judging import question

    relations = [
        (relation, as_declared(relation.target, "duckdb"))
        for relation in RELATIONS.get(table, ())
        if FOREIGN in checks
    ]
    asked = question(as_declared(table, "duckdb"), table, checks, relations)
    return str(ibis.to_sql(asked, dialect="duckdb"))
