"""What is promised of a table's rows: the names of its checks, and the tests of each.

A test knows the rows that fail it; a promise says of all rows at once, in an aggregate that shares
its scan with others, whether it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ai_usage.quality.flags import Severity
from ai_usage.quality.rules import RELATIONS, Relation, rules_of
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.schema import table_schema

CONTRACT = "contract"
QUALITY = "quality"
UNIQUE = "unique_key"
FOREIGN = "foreign_keys"
ORPHANS = "orphans_"
"""How the columns of an answer begin that count keys without a target, one for each relation."""

Tests = Mapping[str, Callable[[Any], Any]]
"""By name, what must hold of every row of an ibis table: a boolean that is never NULL."""


def promised(table: str) -> list[str]:
    """The checks that a table has by its declarations."""
    names = [CONTRACT]
    if rules_of(table, "warning"):
        names.append(QUALITY)
    if table in UNIQUE_KEYS:
        names.append(UNIQUE)
    if table in RELATIONS:
        names.append(FOREIGN)
    return names


def row_tests(table: str, severity: Severity) -> Tests:
    """The table's rules of a severity and, for `error`, the NOT NULLs of its DDL."""
    tests: dict[str, Callable[[Any], Any]] = {r.name: r.holds for r in rules_of(table, severity)}
    if severity == "error":
        required = table_schema(table).required_columns
        tests |= {f"{name}_not_null": _not_null(name) for name in required}
    return tests


def broken(said: Mapping[str, Any], checks: Iterable[str]) -> set[str]:
    """The checks that are not kept, by the answer to the question of a table (`judging`)."""
    found = {check for check in checks if not said.get(check, True)}
    if any(count for name, count in said.items() if name.startswith(ORPHANS)):
        found.add(FOREIGN)
    return found


def all_hold(rows: Any, tests: Tests) -> Any:
    """Whether every row passes every test, as an aggregate; no rows break nothing."""
    import ibis

    return ibis.and_(*(holds(rows) for holds in tests.values())).all().fill_null(True)


def looks_unique(rows: Any, key: tuple[str, ...]) -> Any:
    """Whether as many keys as rows have a hash of their own, as an aggregate.

    Then no two keys are equal. Two that differ may share a hash, one in 2^64: whoever gets a no
    has to look at the keys. Half the price of grouping by texts.
    """
    import ibis

    if len(key) == 1 and not rows[key[0]].type().is_string():
        # The text of an instant would be that of the session's zone.
        return rows[key[0]].nunique() == rows.count()
    parts = [rows[column].cast("string") for column in key]
    joined = parts[0] if len(parts) == 1 else ibis.literal("|").join(parts)
    return joined.hash().nunique() == rows.count()


def doubled(rows: Any, key: tuple[str, ...]) -> Any:
    """The keys that several rows have, and how many."""
    groups = rows.group_by(list(key)).agg(n=rows.count())
    return groups.filter(groups.n > 1)


def orphans(rows: Any, relation: Relation, target: Any) -> Any:
    """The rows whose key does not stand in the target."""
    return rows.anti_join(target, rows[relation.column] == target[relation.target_column])


def orphaned_keys(rows: Any, relation: Relation, target: Any) -> Any:
    """How many different keys do not stand in the target: one row with the column `orphans`."""
    keys = rows.select(key=rows[relation.column]).distinct()
    lost = keys.anti_join(target, keys["key"] == target[relation.target_column])
    return lost.agg(orphans=lost.count())


def _not_null(column: str) -> Callable[[Any], Any]:
    return lambda t: t[column].notnull()
