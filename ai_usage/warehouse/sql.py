"""SQL is written once, in BigQuery's dialect; this renders it for the engine that runs it.

`sqlglot` translates; what it gets wrong or leaves open is fixed here, each fix with a test
(the measurements behind them are named in `sql/README.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Literal

import sqlglot
from sqlglot import exp

from ai_usage.warehouse.functions import inline
from ai_usage.warehouse.kept import kept
from ai_usage.warehouse.relations import is_internal, relations

Dialect = Literal["bigquery", "duckdb"]
Literals = Mapping[str, date | int | str | None]
_Named = tuple[tuple[str, date | int | str | None], ...]
_Homes = tuple[str, str, str]
"""The datasets of tables, of views, and of what is internal."""

AS_OF = "as_of"
"""The render parameter of views: the day they are seen from. None: always the current UTC day."""

MONTHS = "months"
"""The whole months of a view's window before the running one."""

WINDOW_START = "window_start"
"""The render parameter that follows from the two: the first day of a view's window."""


_STAND_INS = 9000
"""The year of the first day that stands for another while a statement is worked out."""


def render(
    sql: str,
    dialect: Dialect,
    *,
    dataset: str,
    views_dataset: str | None = None,
    internal_dataset: str | None = None,
    literals: Literals | None = None,
) -> str:
    """Render one statement for `dialect`.

    Calls of the product's functions are replaced by what they stand for. Names of its tables and
    views are qualified with their dataset, that of the tables where no other is given; `@name`
    becomes the typed literal in `literals` where there is one, else it stays a bound parameter.
    """
    homes = (dataset, views_dataset or dataset, internal_dataset or dataset)
    if literals is None:
        return _rendered(sql, dialect, homes)
    named, days = _with_stand_ins(literals)
    text = _filled(sql, dialect, homes, named)
    for stand_in, day in days.items():
        text = text.replace(stand_in.isoformat(), day.isoformat())
    return text


def _with_stand_ins(literals: Literals) -> tuple[_Named, dict[date, date]]:
    """The literals with other days for theirs, and which day is meant by each that comes of them.

    Seen from a day of its own a statement is another one each day: but for the day it is the same,
    and worked out once. No statement names these days.
    """
    named, days = dict(literals), dict[date, date]()
    for number, (name, value) in enumerate(sorted(literals.items(), key=lambda item: item[0])):
        if isinstance(value, date) and not isinstance(value, datetime):
            named[name] = stand_in = date(_STAND_INS + number, 8, 9)
            days[stand_in] = value
            months = literals.get(MONTHS)
            if name == AS_OF and isinstance(months, int):
                days[_months_before(stand_in, months)] = _months_before(value, months)
    return tuple(sorted(named.items(), key=lambda item: item[0])), days


@lru_cache(maxsize=512)
@kept(str)
def _rendered(sql: str, dialect: Dialect, homes: _Homes) -> str:
    """A statement without literals: a run asks for the same few again and again."""
    return _written(_qualify(_parsed(sql).copy(), homes), dialect)


@kept(str)
def _filled(sql: str, dialect: Dialect, homes: _Homes, named: _Named) -> str:
    """A statement with these literals, as deployed views have them."""
    return _written(filled(_qualify(_parsed(sql).copy(), homes), dict(named)), dialect)


def duckdb_expression(sql: str) -> str:
    """A scalar expression in BigQuery's dialect, calls of the product's functions too, as DuckDB's.

    For statements written for DuckDB alone: a rule of the product stands once all the same.
    """
    return render(f"SELECT {sql}", "duckdb", dataset="main").removeprefix("SELECT")


@kept(str)
def inlined(sql: str) -> str:
    """The statement, in BigQuery's dialect, with the product's functions inlined."""
    return _parsed(sql).sql("bigquery", pretty=True)


def _written(tree: exp.Expr, dialect: Dialect) -> str:
    if dialect == "bigquery":
        return tree.sql("bigquery", pretty=True)
    return for_duckdb(tree).sql("duckdb", pretty=True)


def for_duckdb(tree: exp.Expr) -> exp.Expr:
    """Fix what the translation from BigQuery to DuckDB would silently change."""
    for node in list(tree.find_all(exp.DataType)):
        if node.this == exp.DType.DECIMAL and not node.expressions:
            # Bare NUMERIC becomes DECIMAL(18,3): six of nine places lost.
            node.set("expressions", [_param(38), _param(9)])
        elif node.this == exp.DType.BIGDECIMAL:
            raise ValueError("BIGNUMERIC has no exact type in DuckDB")
    # Functions become operators: DIV(a + b, c) * d would come out as a + b // c * d. The nodes are
    # changed where they stand, not copied: an operation within an operation has its turn too.
    for operation in list(tree.find_all(exp.IntDiv, exp.Mod, exp.SafeDivide)):
        for side in ("this", "expression"):
            if _is_compound(operation.args[side]):
                operation.set(side, exp.Paren(this=operation.args[side]))
        if _is_compound(operation.parent):
            parentheses = exp.Paren()
            operation.replace(parentheses)
            parentheses.set("this", operation)
    for extract in list(tree.find_all(exp.Extract)):
        if extract.this.name.upper() == "DAYOFWEEK":
            # BigQuery's Sunday is 1, DuckDB's is 0.
            extract.replace(exp.paren(exp.Add(this=extract.copy(), expression=_number(1))))
    for day in list(tree.find_all(exp.Date)):
        if (zone := day.args.get("zone")) is not None:
            # sqlglot casts to a TIMESTAMP without a zone first, which goes by the session's.
            day.replace(exp.cast(_clock(day.this, zone), exp.DType.DATE))
    for instant in list(tree.find_all(exp.Datetime)):
        if (zone := instant.args.get("expression")) is not None:
            instant.replace(_clock(instant.this, zone))
    for counted in list(tree.find_all(exp.CountIf)):
        # Where nothing is counted, DuckDB's COUNT_IF is NULL, and its type no INT64.
        one = exp.If(this=counted.this, true=_number(1))
        counted.replace(exp.Count(this=one, big_int=True))
    for current in list(tree.find_all(exp.CurrentDate)):
        # DuckDB's CURRENT_DATE follows the session's time zone, a reader's may not be UTC.
        zone = current.this or exp.Literal.string("UTC")
        current.replace(
            exp.cast(exp.AtTimeZone(this=exp.func("NOW"), zone=zone.copy()), exp.DType.DATE)
        )
    return tree


def _clock(instant: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """What a clock of the zone shows, for DuckDB: of UTC by a sum, which needs no calendar."""
    if zone.name == "UTC":
        return exp.func("MAKE_TIMESTAMP", exp.func("EPOCH_US", instant, dialect="duckdb"))
    return exp.AtTimeZone(this=instant, zone=zone)


def _is_compound(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Binary | exp.Unary) and not isinstance(node, exp.Paren)


@lru_cache(maxsize=256)
@kept(frozenset[str])
def references(sql: str) -> frozenset[str]:
    """The product's tables and views that a statement reads."""
    return frozenset(t.name for t in _parsed(sql).find_all(exp.Table) if _is_ours(t))


@kept(set[str])
def parameters(sql: str) -> set[str]:
    """The names of the parameters of a statement."""
    return {p.name for p in _parsed(sql).find_all(exp.Parameter)}


@lru_cache(maxsize=256)
def _parsed(sql: str) -> exp.Expr:
    """A statement's tree: copy it to change it.

    The same few statements are asked for again and again in a run, and a fact takes as long to
    parse as to run over a day.
    """
    return inline(sqlglot.parse_one(sql, read="bigquery"))


def _qualify(tree: exp.Expr, homes: _Homes) -> exp.Expr:
    tables, views, internal = homes
    for table in tree.find_all(exp.Table):
        if not _is_ours(table):
            continue
        home = views if relations()[table.name] == "view" else tables
        home = internal if is_internal(table.name) else home
        parts = [exp.to_identifier(part) for part in home.split(".")]
        table.set("db", parts[-1])
        if len(parts) > 1:
            table.set("catalog", parts[0])
    return tree


def _is_ours(table: exp.Table) -> bool:
    """Whether the reference means a table or view of the product, not a CTE of the statement."""
    return not table.db and table.name in relations() and table.name not in _ctes_seen_by(table)


def _ctes_seen_by(node: exp.Expr) -> set[str]:
    """The names of the CTEs that a place in a statement can refer to.

    A query sees the CTEs of its own WITH and of those around it; a CTE sees the ones before it,
    and itself only in WITH RECURSIVE.
    """
    seen: set[str] = set()
    inside: exp.Expr = node
    while inside.parent is not None:
        around = inside.parent
        if isinstance(around, exp.With):
            visible = around.expressions if around.recursive else around.expressions[: inside.index]
            seen.update(cte.alias for cte in visible)
        else:
            own = around.args.get("with_")
            if own is not None and own is not inside:
                seen.update(cte.alias for cte in own.expressions)
        inside = around
    return seen


def filled(tree: exp.Expr, literals: Literals) -> exp.Expr:
    """The tree with typed literals for the parameters that are given; the others stay."""
    for parameter in list(tree.find_all(exp.Parameter)):
        if parameter.name in literals:
            parameter.replace(_literal(literals[parameter.name], parameter.name))
        elif parameter.name == WINDOW_START and {AS_OF, MONTHS} <= literals.keys():
            parameter.replace(_window_start(literals[AS_OF], literals[MONTHS]))
    return tree


def _window_start(as_of: date | int | str | None, months: date | int | str | None) -> exp.Expr:
    """The first of the month that lies `months` before that of `as_of`.

    Written as a constant, or from the current day: only by constants BigQuery leaves out
    partitions, not by what a subquery finds.
    """
    if not isinstance(months, int):
        raise TypeError(f"@{MONTHS}: a number, not {months!r}")
    if isinstance(as_of, date):
        return _literal(_months_before(as_of, months), WINDOW_START)
    return sqlglot.parse_one(
        f"DATE_SUB(DATE_TRUNC(CURRENT_DATE('UTC'), MONTH), INTERVAL {months} MONTH)",
        read="bigquery",
    )


def _months_before(day: date, months: int) -> date:
    """The first of the month that lies so many before that of the day."""
    whole = day.year * 12 + day.month - 1 - months
    return date(whole // 12, whole % 12 + 1, 1)


def _literal(value: date | int | str | None, name: str) -> exp.Expr:
    if value is None and name == AS_OF:
        return exp.CurrentDate(this=exp.Literal.string("UTC"))
    if isinstance(value, bool | datetime):
        raise TypeError(f"@{name}: no literal for {value!r}")
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), exp.DType.DATE)
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    raise TypeError(f"@{name}: no literal for {value!r}")


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _param(value: int) -> exp.Expr:
    return exp.DataTypeParam(this=_number(value))
