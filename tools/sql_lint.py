"""Refuses SQL that BigQuery and DuckDB would silently answer differently.

Only what parses and runs on both but gives other values belongs here; what one engine refuses
shows up by itself. The rules are those measured for `sql/README.md`; types come from the DDL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.scope import Scope, traverse_scope

from ai_usage.warehouse.files import sql_root
from ai_usage.warehouse.functions import inline
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.types import typed as _typed
from ai_usage.warehouse.zones import NODES, USE, leaves_zone_open


@dataclass(frozen=True)
class Finding:
    """A construct that must not stand in `file`: why it is dangerous, what to write instead."""

    file: str
    construct: str
    why: str
    use: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.file}: {self.construct}: {self.why}; use {self.use}"


@dataclass(frozen=True)
class Rule:
    """Nodes that a rule looks at, which of them it refuses, and what it says."""

    nodes: tuple[type[exp.Expr], ...]
    refuses: Callable[[exp.Expr], bool]
    why: str
    use: str


INTEGERS = frozenset({exp.DType.BIGINT, exp.DType.INT})
FLOATS = frozenset({exp.DType.DOUBLE, exp.DType.FLOAT})
MONEY = frozenset({exp.DType.DECIMAL})
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ)
_DATE, _TIMESTAMP = exp.DType.DATE, {exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMP}


def lint_tree(root: Path | None = None) -> list[Finding]:
    """The findings of every SQL file under `sql/`."""
    root = root or sql_root()
    return [
        finding
        for path in sorted(root.rglob("*.sql"))
        for finding in lint_sql(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
    ]


def lint_sql(sql: str, file: str = "-") -> list[Finding]:
    """The findings of one file, in BigQuery's dialect."""
    findings: list[Finding] = []
    for statement in sqlglot.parse(sql, read="bigquery"):
        if statement is None:
            continue
        if not (isinstance(statement, exp.Create) and statement.kind == "FUNCTION"):
            statement = inline(statement)
        query = statement.expression if isinstance(statement, exp.Create) else statement
        findings += _apply(_WRITTEN, statement, file)
        if not isinstance(query, exp.Query):
            continue
        try:
            typed = _typed(query)
        except SqlglotError as error:
            why = str(error).splitlines()[0]
            findings.append(Finding(file, "an unknown name", why, "columns that the DDL declares"))
            continue
        findings += _apply(_TYPED, typed, file)
        if isinstance(statement, exp.Create) and statement.kind == "VIEW":
            findings += _surface(query, typed, file)
    return findings


def _apply(rules: tuple[Rule, ...], tree: exp.Expr, file: str) -> list[Finding]:
    return [
        Finding(file, node.sql("bigquery")[:80], rule.why, rule.use)
        for node in tree.walk()
        for rule in rules
        if isinstance(node, rule.nodes) and rule.refuses(node)
    ]


def zoneless(sql: str) -> Iterator[str]:
    """Places of a statement or script, as it is sent, where the session's time zone decides.

    Tables and columns that nobody declares may stand in it: their types are not known, and what is
    not known counts as an instant.
    """
    for statement in sqlglot.parse(sql, read="bigquery"):
        if statement is None:
            continue
        for query in statement.find_all(exp.Query):
            if query.find_ancestor(exp.Query) is not None:
                continue
            ours = query.copy()
            for table in ours.find_all(exp.Table):
                if table.name in relations():
                    table.set("db", None)
                    table.set("catalog", None)
            try:
                typed = _typed(ours)
            except SqlglotError:
                typed = annotate_types(ours, dialect="bigquery")
            yield from (finding.construct for finding in _apply((ZONE,), typed, "-"))


def _type(node: exp.Expr | None) -> exp.DType | None:
    kind = node.type if node is not None else None
    return kind.this if isinstance(kind, exp.DataType) else None


def _always(_: exp.Expr) -> bool:
    return True


def _of(kinds: frozenset[exp.DType]) -> Callable[[exp.Expr], bool]:
    return lambda node: _type(node.this) in kinds


def _float_literal(node: exp.Expr) -> bool:
    fraction = isinstance(node, exp.Literal) and not node.is_string and not node.is_int
    holder = node.parent.parent if isinstance(node.parent, exp.Neg) else node.parent
    return fraction and not isinstance(holder, exp.Cast | exp.PercentileCont | exp.PercentileDisc)


def _iso_week(node: exp.Expr) -> bool:
    unit = node.this if isinstance(node, exp.Extract) else node.args.get("unit")
    return unit is not None and unit.name.upper() in {"ISOWEEK", "ISOYEAR"}


def _odd_format(node: exp.Expr) -> bool:
    pattern = node.args.get("format")
    # The parser has already turned %e into %-d.
    return pattern is not None and any(code in pattern.name for code in ("%Q", "%e", "%-d"))


def _shadowed_group(node: exp.Expr) -> bool:
    select = node.parent
    if not isinstance(select, exp.Select):
        return False
    named = {
        column.name
        for column in node.expressions
        if isinstance(column, exp.Column) and not column.table
    }
    return any(
        isinstance(item, exp.Alias)
        and item.alias in named
        and not (isinstance(item.this, exp.Column) and item.this.name == item.alias)
        for item in select.expressions
    )


def _unguarded_cast(node: exp.Expr) -> bool:
    if not isinstance(node, exp.TryCast) or node.to.this not in {*INTEGERS, exp.DType.BOOLEAN}:
        return False
    guard = node.find_ancestor(exp.If)
    return guard is None or guard.this.find(exp.RegexpLike) is None


def _backslash(node: exp.Expr) -> bool:
    return any("\\" in text.name for text in node.expression.find_all(exp.Literal, exp.RawString))


def _array_agg(node: exp.Expr) -> bool:
    return not isinstance(node.parent, exp.IgnoreNulls) or node.find(exp.Limit) is not None


def _ordered_view(node: exp.Expr) -> bool:
    query = node.expression
    return isinstance(query, exp.Query) and query.args.get("order") is not None


def _inexact_division(node: exp.Expr) -> bool:
    """Any `/` but (x - MOD(x, w)) / w, which leaves nothing to round, and FLOAT64 / constant."""
    upper, lower = node.this.unnest(), node.expression.unnest()
    if _type(upper) in FLOATS and isinstance(lower, exp.Literal) and float(lower.name) != 0:
        return False
    if not isinstance(upper, exp.Sub) or not isinstance(upper.expression, exp.Mod):
        return True
    whole, remainder = upper.this.unnest(), upper.expression
    return bool(remainder.this.unnest() != whole or remainder.expression.unnest() != lower)


def _inexact_ratio(node: exp.Expr) -> bool:
    return any(_type(node.args[side]) not in FLOATS for side in ("this", "expression"))


def _both_money(node: exp.Expr) -> bool:
    return _type(node.this) in MONEY and _type(node.expression) in MONEY


def _either_money(node: exp.Expr) -> bool:
    return _type(node.this) in MONEY or _type(node.expression) in MONEY


def _date_with_timestamp(node: exp.Expr) -> bool:
    if isinstance(node, exp.Between):
        sides = [node.this, node.args["low"], node.args["high"]]
    else:
        sides = [node.this, node.expression]
    types = {_type(side) for side in sides}
    return _DATE in types and bool(types & _TIMESTAMP)


def _number_as_text(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.Cast)
        and node.to.this in {exp.DType.TEXT, exp.DType.VARCHAR}
        and _type(node.this) in MONEY | FLOATS
    )


_WRITTEN = (
    Rule((exp.Literal,), _float_literal, "FLOAT64 or DECIMAL", "NUMERIC '0.5' or a CAST"),
    Rule((exp.Format,), _always, "DuckDB gives the pattern back", "CONCAT and CAST"),
    Rule(
        (exp.TimestampDiff, exp.DatetimeDiff),
        _always,
        "whole units or boundaries crossed",
        "DIV of a difference of UNIX_MICROS",
    ),
    Rule((exp.UnixSeconds, exp.UnixMillis), _always, "floor or round", "DIV(UNIX_MICROS(ts), n)"),
    Rule(
        (exp.Extract, exp.DateTrunc, exp.DateDiff),
        _iso_week,
        "fails or differs",
        "dim_dates.iso_week, or FORMAT_DATE('%G%V', d)",
    ),
    Rule((exp.TimeToStr,), _odd_format, "%Q and %e differ", "EXTRACT(QUARTER FROM d), '%d'"),
    Rule((exp.Group,), _shadowed_group, "alias or column", "GROUP BY 1"),
    Rule((exp.TryCast,), _unguarded_cast, "'1.5' or 't' pass", "IF(REGEXP_CONTAINS(…), …, NULL)"),
    Rule((exp.Like,), _backslash, "escape or literal", "STRPOS, STARTS_WITH, ENDS_WITH"),
    Rule(
        (exp.Upper, exp.Lower, exp.Initcap),
        _always,
        "differ beyond ASCII",
        "text that Python lower-cased before loading",
    ),
    Rule(
        (exp.JSONExtract, exp.JSONExtractScalar, exp.JSONFormat),
        _always,
        "numbers and key order differ as text",
        "a column filled in Python",
    ),
    Rule((exp.ArrayAgg,), _array_agg, "NULLs and LIMIT differ", "IGNORE NULLS, ROW_NUMBER"),
    Rule(
        (exp.ApproxQuantiles,),
        _always,
        "approximate or interpolated",
        "PERCENTILE_CONT(x, 0.5) OVER (…) with DISTINCT",
    ),
    Rule((exp.FarmFingerprint,), _always, "not in DuckDB", "60 bits of SHA256"),
    Rule(
        (exp.DataType,),
        lambda node: node.this == exp.DType.BIGDECIMAL,
        "no exact type in DuckDB",
        "NUMERIC",
    ),
    Rule((exp.Create,), _ordered_view, "a view has no order", "ORDER BY where it is read"),
)
"""Rules that see the SQL as it is written."""

ZONE = Rule(NODES, leaves_zone_open, "the session's time zone decides", USE)

_TYPED = (
    ZONE,
    Rule(
        (exp.Div,),
        _inexact_division,
        "NUMERIC or DOUBLE, an error or inf for 0",
        "SAFE_DIVIDE of FLOAT64; for money (x - MOD(x, w)) / w",
    ),
    Rule((exp.SafeDivide,), _inexact_ratio, "NUMERIC or DOUBLE", "CAST(… AS FLOAT64) on both"),
    Rule((exp.Avg,), _always, "other digits; a mean of ratios", "SAFE_DIVIDE(SUM, SUM)"),
    Rule((exp.IntDiv,), _either_money, "DOUBLE for NUMERIC", "(x - MOD(x, w)) / w"),
    Rule((exp.Mul,), _both_money, "9 or 18 places", "an INT64 factor, or a CAST"),
    Rule((exp.Round, exp.Sum), _of(FLOATS), "other last digits", "NUMERIC"),
    Rule(
        (*_COMPARISONS, exp.Between),
        _date_with_timestamp,
        "refused or accepted",
        "a CAST of one side",
    ),
    Rule((exp.Cast,), _number_as_text, "'1.5' or '1.500000000'", "whole micro-units as INT64"),
)
"""Rules that need to know the types."""


def _surface(query: exp.Query, typed: exp.Expr, file: str) -> Iterator[Finding]:
    """Columns of a view that DuckDB would answer as HUGEINT: sums of INT64 never cast back."""
    huge: dict[int, set[str]] = {}
    top: Scope | None = None
    for scope in traverse_scope(typed):
        if not isinstance(scope.expression, exp.Query):  # an UNNEST has no columns of its own
            continue
        top = scope
        if scope.set_operation_scopes:
            names = _selected(scope)
            found = [
                [name in huge[id(part)] for name in _selected(part)]
                for part in scope.set_operation_scopes
            ]
            huge[id(scope)] = {name for name, *wide in zip(names, *found, strict=True) if any(wide)}
            continue
        huge[id(scope)] = {
            item.alias_or_name for item in _query(scope).selects if _is_huge(item, scope, huge)
        }
    if top is not None:
        for name in query.named_selects:
            if name in huge[id(top)]:
                yield Finding(file, name, "INT64 or HUGEINT", "CAST(… AS INT64) at the surface")


def _query(scope: Scope) -> exp.Query:
    if not isinstance(scope.expression, exp.Query):
        raise TypeError(f"not a query: {scope.expression.sql('bigquery')}")
    return scope.expression


def _selected(scope: Scope) -> list[str]:
    return _query(scope).named_selects


def _is_huge(item: exp.Expr, scope: Scope, huge: dict[int, set[str]]) -> bool:
    value = item.unalias()
    if _type(value) not in INTEGERS:
        return False
    for node in value.walk(prune=lambda node: isinstance(node, exp.Cast)):
        if isinstance(node, exp.CountIf):
            return True
        if isinstance(node, exp.Sum) and _type(node.this) in INTEGERS:
            return True
        if isinstance(node, exp.Column):
            source = scope.sources.get(node.table)
            if isinstance(source, Scope) and node.name in huge.get(id(source), set()):
                return True
    return False
