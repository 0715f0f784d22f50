"""Where a statement leaves it to the session which time zone it means.

BigQuery takes a project's default time zone there, DuckDB the machine's: `DATE(ts)` of a midnight
in UTC is then the day before. An instant becomes a day, an hour or a text, and a day an instant,
only by naming the zone.
"""

from __future__ import annotations

import re

from sqlglot import exp

INSTANTS = frozenset({exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ})
"""BigQuery's TIMESTAMP."""
_WALL_CLOCK = frozenset({exp.DType.DATE, exp.DType.DATETIME, exp.DType.TIMESTAMP, exp.DType.TIME})
"""Types that mean no instant; BigQuery's DATETIME is the parser's TIMESTAMP."""
_TEXT = frozenset({exp.DType.TEXT, exp.DType.VARCHAR})
_OFFSET = re.compile(r":\d\d(\.\d+)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)$", re.I)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ)

USE = "DATE(ts, 'UTC'), DATETIME(ts, 'UTC'), TIMESTAMP(day, 'UTC')"
"""What to write instead."""

NODES: tuple[type[exp.Expr], ...] = (
    exp.AtTimeZone,
    exp.CurrentDate,
    exp.CurrentDatetime,
    exp.CurrentTime,
    exp.Date,
    exp.Datetime,
    exp.TsOrDsToDatetime,
    exp.TsOrDsToTime,
    exp.String,
    exp.Timestamp,
    exp.StrToTime,
    exp.TimeToStr,
    exp.TimestampTrunc,
    exp.DateTrunc,
    exp.Extract,
    exp.Cast,
    exp.Between,
    *_COMPARISONS,
)
"""The nodes that `leaves_zone_open` judges."""


def leaves_zone_open(node: exp.Expr) -> bool:
    """Whether the session's zone decides what a node of a typed tree means.

    What has a type that is not known counts as an instant where a zone could be named.
    """
    match node:
        case exp.AtTimeZone():
            # The parser writes it back as a TIMESTAMP of the session's zone.
            return True
        case exp.CurrentDate() | exp.CurrentDatetime() | exp.CurrentTime():
            return node.this is None
        case exp.Timestamp() | exp.StrToTime():
            # The pattern of PARSE_TIMESTAMP may read the zone from the text.
            pattern = node.args.get("format")
            reads_zone = pattern is not None and "%z" in pattern.name.lower()
            return not (node.args.get("zone") or reads_zone or _is_instant(node.this))
        case exp.TimeToStr():
            return isinstance(node.this, exp.TsOrDsToTimestamp) and not node.args.get("zone")
        case exp.Datetime():
            return node.expression is None and _type(node.this) not in _WALL_CLOCK
        case exp.Extract():
            return _type(node.expression) not in _WALL_CLOCK
        case exp.DateTrunc():
            return _type(node.this) in INSTANTS
        case exp.Cast():
            return _cast_leaves_zone_open(node)
        case exp.Between():
            return _compares(node.this, node.args["low"], node.args["high"])
        case exp.Binary():
            return _compares(node.this, node.expression)
    return not node.args.get("zone") and _type(node.this) not in _WALL_CLOCK


def _cast_leaves_zone_open(node: exp.Cast) -> bool:
    if node.to.this in INSTANTS:
        return not _is_instant(node.this)
    return node.to.this in _WALL_CLOCK | _TEXT and _type(node.this) in INSTANTS


def _compares(*sides: exp.Expr) -> bool:
    """Whether an instant is compared with a text that does not say in which zone it is."""
    return any(_type(side) in INSTANTS for side in sides) and any(
        isinstance(side, exp.Literal) and not _is_instant(side) for side in sides
    )


def _is_instant(node: exp.Expr) -> bool:
    """Whether a value is an instant by itself: a TIMESTAMP, nothing, or a text with its zone."""
    if isinstance(node, exp.Literal):
        return node.is_string and bool(_OFFSET.search(node.name))
    return isinstance(node, exp.Null) or _type(node) in INSTANTS


def _type(node: exp.Expr | None) -> exp.DType | None:
    kind = node.type if node is not None else None
    return kind.this if isinstance(kind, exp.DataType) else None
