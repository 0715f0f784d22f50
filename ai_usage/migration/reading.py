"""Old rows as events, by the expressions of a description. Each old row comes with its event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from ai_usage.days.windows import Window
from ai_usage.migration.description import TableMapping, expression
from ai_usage.migration.exactly import exactly
from ai_usage.migration.sources import PLAIN, MigrationError, OldTable, Source, day_literal
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.schema import table_schema

_DAY, _NEW, _OLD = "day_", "new_", "old_"
"""Aliases of a row's day, of the event's columns, and of the old ones: the two share names."""

ENDPOINT_PREFIX = "legacy:"
"""Before the table's name it is the `source_endpoint` of its events."""


@dataclass(frozen=True)
class OldRow:
    """A row as it stands in the old table, and the event that it is.

    The event's address is spelled as the row spells it; `folded` has it in lower case.
    """

    old: dict[str, Any]
    event: RawEvent
    repeats: bool = False
    """Whether the whole row was there before: it counts once."""


def old_rows(source: Source, table: str, mapping: TableMapping, window: Window) -> Iterator[OldRow]:
    """The table's rows of the UTC days of the window, those that are there twice included.

    Raises `MigrationError` for a value that is not what its column holds, and at the end where the
    table changed meanwhile.
    """
    there = source.table(table)
    seen: set[str] = set()
    for row in source.unchanged(table, _statement(there, mapping, window)):
        old = {name: row[f"{_OLD}{name}"] for name in there.columns}
        day = _day(row[_DAY], table, mapping)
        if day is None:
            continue
        event = _event(row, day, table, mapping, old)
        if not window.start <= event.event_date < window.end:
            continue
        whole = event.raw_response or ""
        yield OldRow(old, event, whole in seen)
        seen.add(whole)


def folded(event: RawEvent) -> RawEvent:
    """The event with its address in lower case, as `raw_ai_events` holds it."""
    if event.user_email is not None:
        event.user_email = event.user_email.strip().lower() or None
    return event


def _statement(table: OldTable, mapping: TableMapping, window: Window) -> exp.Select:
    """The rows in one order, whoever asks: equal keys are numbered as they come."""
    day = expression(mapping.day)
    selected = [exp.alias_(day.copy(), _DAY)]
    selected += [exp.alias_(expression(sql), f"{_NEW}{n}") for n, sql in mapping.read.items()]
    selected += [
        exp.alias_(exp.column(name, quoted=True), f"{_OLD}{name}", quoted=True)
        for name in table.columns
    ]
    order = [
        exp.column(f"{_OLD}{name}", quoted=True)
        for name, type_ in table.columns.items()
        if type_ in PLAIN
    ]
    # An instant's UTC day is at most a day from the row's own.
    slack = timedelta(days=1 if "event_timestamp" in mapping.read else 0)
    first = max(window.start - slack, mapping.days.first or date.min)
    last = min(window.end - timedelta(days=1) + slack, mapping.days.last or date.max)
    return (
        exp.select(*selected)
        .from_(exp.to_table(table.name))
        .where(exp.GTE(this=exp.paren(day.copy()), expression=day_literal(first)))
        .where(exp.LTE(this=exp.paren(day.copy()), expression=day_literal(last)))
        .order_by(_DAY, *order)
    )


def _day(value: Any, table: str, mapping: TableMapping) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise MigrationError(
        f"{table}: `day: {mapping.day}` gives {value!r}, which is no day; write "
        f"CAST({mapping.day} AS DATE)."
    )


def _event(
    row: dict[str, Any], day: date, table: str, mapping: TableMapping, old: dict[str, Any]
) -> RawEvent:
    schema = table_schema("raw_ai_events")
    values: dict[str, Any] = {}
    for column in mapping.read:
        type_ = schema.column(column).type
        try:
            value = _value(row[f"{_NEW}{column}"], type_, mapping.zone)
        except ValueError:
            given = row[f"{_NEW}{column}"]
            raise MigrationError(
                f"{table}, {day}: read.{column} gives {given!r}, which is no {type_}; write an "
                "expression that gives one, or NULL."
            ) from None
        if isinstance(value, Decimal):
            value = exactly(value / mapping.divisor(column, day))
        values[column] = value
    at = values.pop("event_timestamp", None) or datetime.combine(day, time(), UTC)
    identity = mapping.key or list(old)
    return RawEvent(
        identity=(at.isoformat(), *(_text(old[name]) for name in identity)),
        event_timestamp=at,
        event_date=at.date(),
        event_type=mapping.event_type,
        attribution_method=_method(values),
        raw_response=json.dumps(old, default=_text, sort_keys=True),
        **values,
    )


def _method(values: dict[str, Any]) -> str:
    """What the row itself carries, in the words of `raw_ai_events`."""
    named = (
        ("user_email", "direct_email"),
        ("api_key_id", "api_key_mapping"),
        ("actor_name", "key_name"),
    )
    return next((method for column, method in named if values.get(column)), "unknown")


def _value(value: Any, type_: str, zone: str) -> Any:
    """The value as its column holds it. Raises ValueError where it is none."""
    if value is None or value == "":
        return None
    if type_ == "STRING":
        return str(value)
    if type_ in ("INT64", "NUMERIC"):
        number = exactly(value)
        if number is None or (type_ == "INT64" and number != int(number)):
            raise ValueError
        return int(number) if type_ == "INT64" else number
    if type_ == "TIMESTAMP" and isinstance(value, datetime):
        local = value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone))
        return local.astimezone(UTC)
    if type_ == "DATE" and isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    if type_ == "BOOL" and isinstance(value, bool):
        return value
    if type_ == "ARRAY<STRING>":
        return [str(v) for v in value] if isinstance(value, list) else str(value).split(";")
    raise ValueError


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
