"""`migrate compare`: an old table against what the events say, by the key of its description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.ledger.restatements import Bearer
from ai_usage.migration.classes import CLASSES, Cell, Class, Finding, Key, Known, Sums, classify
from ai_usage.migration.description import MEASURES, TableMapping
from ai_usage.migration.loading import taken
from ai_usage.migration.reading import ENDPOINT_PREFIX, old_rows
from ai_usage.migration.sources import Source
from ai_usage.text.csv_cells import text
from ai_usage.warehouse.base import Parameters, Query, Warehouse

_ADDRESSES = frozenset({"user_email"})
"""Compared columns whose spelling does not count."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Total:
    """All findings of a class: keys, and dollars. `usd` is old less new."""

    class_: Class
    keys: int
    usd_old: Decimal
    usd_new: Decimal

    @property
    def usd(self) -> Decimal:
        """Old less new."""
        return self.usd_old - self.usd_new


@dataclass(frozen=True)
class Verdict:
    """A day: whether it is green, and why not."""

    day: date
    final: bool
    """Whether no vendor can change it any more."""
    reasons: Sequence[str]
    over: frozenset[Class] = frozenset()
    """The classes that make it so."""

    @property
    def green(self) -> bool:
        """Nothing unexplained, every class within its limit."""
        return not self.reasons


@dataclass(frozen=True)
class Comparison:
    """An old table against the events of a window."""

    table: str
    platform: str
    columns: Sequence[str]
    """What the key has beside the day."""
    findings: Sequence[Finding]
    verdicts: Sequence[Verdict]

    @property
    def totals(self) -> list[Total]:
        """By class, what nobody can explain first; classes without findings are left out."""
        found = []
        for class_ in CLASSES:
            own = [one for one in self.findings if one.class_ == class_]
            if own:
                found.append(Total(class_, len(own), _usd(own, "old"), _usd(own, "new")))
        return found

    @property
    def unexplained_usd(self) -> Decimal:
        """Dollars that nobody can explain, whichever side has more."""
        return sum(
            (abs(f.difference("usd")) for f in self.findings if f.class_ == "unexplained"),
            Decimal(0),
        )

    @property
    def green_days(self) -> int:
        """Final green days up to the newest final one, without a break."""
        count = 0
        for verdict in reversed([one for one in self.verdicts if one.final]):
            if not verdict.green:
                break
            count += 1
        return count


def compare_table(
    source: Source,
    table: str,
    mapping: TableMapping,
    warehouse: Warehouse,
    window: Window,
) -> Comparison:
    """Compare the days of the window that the description takes. Nothing is written.

    Raises `MigrationError` where the old table cannot be read, `WarehouseError` where the
    warehouse refuses.
    """
    days = taken(mapping, window)
    measures = compared(mapping)
    loaded = _loaded(warehouse, mapping, days)
    known = Known(
        zoned=_zoned(warehouse, mapping, measures, days),
        restated=_restated(warehouse, mapping, measures, days),
        limits=mapping.differences,
        loaded=frozenset(loaded),
    )
    old = _old_cells(source, table, mapping, measures, days)
    new = _new_cells(warehouse, table, mapping, measures, days)
    findings = classify(old, new, known)
    final = {day for day, is_final in loaded.items() if is_final}
    return Comparison(
        table=table,
        platform=mapping.platform,
        columns=mapping.compare,
        findings=findings,
        verdicts=[verdict(day, findings, mapping, final=day in final) for day in days.days()],
    )


def compared(mapping: TableMapping) -> dict[str, list[str]]:
    """The measures that the old table has, each with the columns of events that it fills."""
    found = {
        name: [column for column in columns if column in mapping.read]
        for name, columns in MEASURES.items()
    }
    return {name: columns for name, columns in found.items() if columns}


def verdict(
    day: date, findings: Sequence[Finding], mapping: TableMapping, *, final: bool
) -> Verdict:
    """Whether the day is green: by class, the dollars of all differences against the limit.

    A class that is not declared may not be there at all. Of a declared one tokens and lines may
    differ as they will: no limit in dollars bounds them.
    """
    over: dict[Class, str] = {}
    own = [one for one in findings if one.day == day]
    for class_ in CLASSES:
        some = [one for one in own if one.class_ == class_]
        if not some or class_ == "identical":
            continue
        usd = sum((abs(one.difference("usd")) for one in some), Decimal(0))
        if class_ == "unexplained":
            over[class_] = f"${text(usd)} unexplained"
        elif class_ not in mapping.differences:
            over[class_] = f"{class_} is not declared: ${text(usd)}"
        elif usd > (most := mapping.differences[class_].a_day):
            over[class_] = f"{class_}: ${text(usd)}, declared ${text(most)}"
    return Verdict(day, final, [*over.values()], frozenset(over))


def _old_cells(
    source: Source,
    table: str,
    mapping: TableMapping,
    measures: Mapping[str, Sequence[str]],
    window: Window,
) -> dict[Key, Cell]:
    cells: dict[Key, Cell] = {}
    for row in old_rows(source, table, mapping, window):
        written = [str(getattr(row.event, column) or "") for column in mapping.compare]
        key = (row.event.event_date, _folded(mapping.compare, written))
        cell = cells.setdefault(key, Cell())
        sums = {
            name: sum((Decimal(getattr(row.event, c) or 0) for c in columns), Decimal(0))
            for name, columns in measures.items()
        }
        cell.add(sums, repeats=row.repeats)
        cell.spelled.update(set(written) - set(key[1]))
    return cells


def _new_cells(
    warehouse: Warehouse,
    table: str,
    mapping: TableMapping,
    measures: Mapping[str, Sequence[str]],
    window: Window,
) -> dict[Key, Cell]:
    endpoints = [*mapping.endpoints, f"{ENDPOINT_PREFIX}{table}"]
    return _cells(warehouse, mapping, measures, window, endpoints, "event_date")


def _zoned(
    warehouse: Warehouse,
    mapping: TableMapping,
    measures: Mapping[str, Sequence[str]],
    window: Window,
) -> dict[Key, Cell] | None:
    """The vendor's events by the zone's day; None where old rows have instants, or UTC days."""
    if mapping.zone == "UTC" or "event_timestamp" in mapping.read:
        return None
    day = f"DATE(event_timestamp, '{mapping.zone}')"
    around = Window(window.start - _DAY, window.end + _DAY)
    return _cells(warehouse, mapping, measures, around, mapping.endpoints, day)


def _cells(
    warehouse: Warehouse,
    mapping: TableMapping,
    measures: Mapping[str, Sequence[str]],
    window: Window,
    endpoints: Sequence[str],
    day: str,
) -> dict[Key, Cell]:
    """Sums of events by day and compared columns. Names are checked when a description is read."""
    sums = [
        f"SUM({' + '.join(f'COALESCE({column}, 0)' for column in columns)}) AS {name}_"
        for name, columns in measures.items()
    ]
    selected = [f"{day} AS day_", *mapping.compare, "COUNT(*) AS rows_", *sums]
    groups = ", ".join(str(n + 1) for n in range(1 + len(mapping.compare)))
    names = {f"endpoint{n}": name for n, name in enumerate(endpoints)}
    sql = (
        f"SELECT {', '.join(selected)} FROM raw_ai_events "
        "WHERE event_date >= @start AND event_date < @end AND platform = @platform "
        f"AND source_endpoint IN ({', '.join(f'@{name}' for name in names)}) GROUP BY {groups}"
    )
    bound: Parameters = {
        "start": window.start,
        "end": window.end,
        "platform": mapping.platform,
        **names,
    }
    cells: dict[Key, Cell] = {}
    for row in warehouse.rows(Query(sql, bound)):
        cell = cells.setdefault(_key(row, "day_", mapping.compare), Cell())
        cell.add({name: Decimal(row[f"{name}_"]) for name in measures}, row["rows_"])
    return cells


def _restated(
    warehouse: Warehouse,
    mapping: TableMapping,
    measures: Mapping[str, Sequence[str]],
    window: Window,
) -> dict[Key, list[Sums]]:
    """What vendors changed, by key, the newest first; nothing where the ledger has no such key."""
    if not set(mapping.compare) <= set(Bearer._fields):
        return {}
    if not warehouse.exists("raw_restatements"):
        return {}
    of_column = {column: name for name, columns in measures.items() for column in columns}
    names = {f"endpoint{n}": name for n, name in enumerate(mapping.endpoints)}
    columns = "".join(f"{column}, " for column in mapping.compare)
    sql = (
        f"SELECT event_date, {columns}seen_at, measure, SUM(difference) AS difference "
        "FROM raw_restatements WHERE event_date >= @start AND event_date < @end "
        f"AND platform = @platform AND source_endpoint IN ({', '.join(f'@{n}' for n in names)}) "
        f"GROUP BY event_date, {columns}seen_at, measure ORDER BY seen_at DESC"
    )
    bound: Parameters = {
        "start": window.start,
        "end": window.end,
        "platform": mapping.platform,
        **names,
    }
    by_key: dict[Key, dict[Any, dict[str, Decimal]]] = {}
    for row in warehouse.rows(Query(sql, bound)):
        name = of_column.get(row["measure"])
        if name is not None:
            key = _key(row, "event_date", mapping.compare)
            change = by_key.setdefault(key, {}).setdefault(row["seen_at"], {})
            change[name] = change.get(name, Decimal(0)) + row["difference"]
    return {key: list(changes.values()) for key, changes in by_key.items()}


def _loaded(warehouse: Warehouse, mapping: TableMapping, window: Window) -> dict[date, bool]:
    """Days that are loaded of any of the endpoints, and whether all that are can change no more.

    Days that come from the old table are among them.
    """
    names = {f"endpoint{n}": name for n, name in enumerate(mapping.endpoints)}
    if not warehouse.exists("loaded_days"):
        return {}
    sql = (
        "SELECT day, LOGICAL_OR(is_provisional) AS open_ FROM loaded_days "
        "WHERE day >= @start AND day < @end AND platform = @platform "
        f"AND source_endpoint IN ({', '.join(f'@{name}' for name in names)}) GROUP BY day"
    )
    bound: Parameters = {
        "start": window.start,
        "end": window.end,
        "platform": mapping.platform,
        **names,
    }
    return {row["day"]: not row["open_"] for row in warehouse.rows(Query(sql, bound))}


def _key(row: Mapping[str, Any], day: str, columns: Sequence[str]) -> Key:
    return (row[day], _folded(columns, [str(row[column] or "") for column in columns]))


def _folded(columns: Sequence[str], values: Sequence[str]) -> tuple[str, ...]:
    pairs = zip(columns, values, strict=True)
    return tuple(v.strip().lower() if c in _ADDRESSES else v for c, v in pairs)


def _usd(findings: Sequence[Finding], side: str) -> Decimal:
    cells = [getattr(one, side) for one in findings]
    return sum((c.sums.get("usd", Decimal(0)) for c in cells if c is not None), Decimal(0))
