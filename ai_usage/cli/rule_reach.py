"""What each allocation rule would have split in the last days, before anybody relies on it.

The rules are not restated here: the statement of `int_cost_parts` is cut after the step that gives
each share of a cost its rule, and asked with the lines of the file in place of the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import exp

from ai_usage.days.windows import Window
from ai_usage.finance import allocation_rules
from ai_usage.reference import Row
from ai_usage.text.words import counted
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.layers import statement
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import references

DAYS = 30
_TABLE = "int_allocation_rules"
_PARTS = "int_cost_parts"
_RULED = "ruled"
"""The step of int_cost_parts whose rows are shares with the rule that is about them."""

_Heads = list[dict[str, Any]]


@dataclass(frozen=True)
class Reach:
    """What a rule touches: `as_if` had it held on all days, `held` on the days of its own."""

    rule_id: str
    platform: str
    scope: str
    as_if: Decimal
    lines: int
    held: Decimal

    def text(self, window: Window) -> str:
        """One line for a person."""
        rule = f"{self.rule_id} ({self.platform}, {self.scope})"
        if not self.lines:
            return f"{rule}: nothing; no cost of {window} is the rule's"
        said = f"{rule}: ${self.as_if:,.2f} in {counted(self.lines, 'part')} of {window}"
        if self.held == self.as_if:
            return said
        return f"{said}, ${self.held:,.2f} of it on the days on which the rule holds"


def last_days(today: date) -> Window:
    """The days that are looked at, today included."""
    return Window(today - timedelta(days=DAYS - 1), today + timedelta(days=1))


def reaches(warehouse: Warehouse, rows: Sequence[Row], window: Window) -> list[Reach] | None:
    """What each rule of allocation_rules.csv touches, in the file's order.

    None where the warehouse holds nothing yet.
    """
    heads = _heads(rows)
    if not heads:
        return []
    if not all(warehouse.exists(table) for table in references(_statement(heads))):
        return None
    held = _asked(warehouse, heads, window)
    as_if = _asked(warehouse, list(_always(heads, window)), window)
    found: dict[tuple[str, str], Reach] = {}
    for head in heads:
        key = (head["platform"], head["rule_id"])
        own, always = held.get(key, _NOTHING), as_if.get(key, held.get(key, _NOTHING))
        found[key] = Reach(
            head["rule_id"], head["platform"], _scope(head), always[0], always[1], own[0]
        )
    return list(found.values())


_NOTHING = (Decimal(), 0)


def _scope(head: Mapping[str, Any]) -> str:
    if head["scope_type"] == "platform":
        return "the whole platform"
    what = "key" if head["scope_type"] == "api_key" else head["scope_type"]
    return f"{what} {head['scope_value'] or 'default'}"


def _heads(rows: Sequence[Row]) -> _Heads:
    """One row per rule and period: whom it lets bear the cost does not change what it touches."""
    unique: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in allocation_rules(rows):
        key = (row["platform"], row["rule_id"], row["valid_from"], row["valid_to"])
        unique.setdefault(key, row)
    return list(unique.values())


def _always(heads: _Heads, window: Window) -> Iterator[dict[str, Any]]:
    """Of the rules about one thing the last that has begun, else the first to come: on all days."""
    last = window.end - timedelta(days=1)
    things: dict[tuple[Any, ...], _Heads] = {}
    for head in heads:
        thing = (head["platform"], head["scope_type"], head["scope_value"])
        things.setdefault(thing, []).append(head)
    for own in things.values():
        own.sort(key=lambda head: head["valid_from"])
        begun = [head for head in own if head["valid_from"] <= last]
        chosen = begun[-1] if begun else own[0]
        yield {**chosen, "valid_from": window.start, "valid_to": last}


def _asked(
    warehouse: Warehouse, heads: _Heads, window: Window
) -> dict[tuple[str, str], tuple[Decimal, int]]:
    query = Query(_statement(heads), {"start": window.start, "end": window.end})
    return {
        (row["platform"], row["rule_id"]): (row["usd"], row["parts"])
        for row in warehouse.rows(query)
    }


def _statement(heads: _Heads) -> str:
    parts = sqlglot.parse_one(statement(_PARTS), read="bigquery")
    (ruled,) = (step for step in parts.args["with_"].expressions if step.alias == _RULED)
    rules = " UNION ALL ".join(_select(head) for head in heads)
    return (
        f"WITH {_TABLE} AS ({rules}), {ruled.sql('bigquery')} "
        "SELECT platform, rule_id, CAST(SUM(share_usd) AS NUMERIC) AS usd, COUNT(*) AS parts "
        f"FROM {_RULED} WHERE rule_id IS NOT NULL GROUP BY 1, 2"
    )


def _select(head: Mapping[str, Any]) -> str:
    values = {**head, "scope_value": head["scope_value"] or ""}
    return "SELECT " + ", ".join(
        f"{_literal(values[column.name], column.type)} AS {column.name}"
        for column in table_schema(_TABLE).columns
    )


def _literal(value: Any, type_: str) -> str:
    if isinstance(value, list):
        inside = ", ".join(exp.Literal.string(item).sql("bigquery") for item in value)
        return f"CAST([{inside}] AS {type_})"
    if value is None:
        return f"CAST(NULL AS {type_})"
    if isinstance(value, int):
        return str(value)
    text = exp.Literal.string(str(value)).sql("bigquery")
    return f"DATE {text}" if type_ == "DATE" else text
