"""`migrate compare`: an old table against what the events say, by the key of its description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.ledger.restatements import Bearer
from ai_usage.migration.classes import (
    CLASSES,
    Cell,
    Class,
    Finding,
    Key,
    Known,
    Sums,
    classify,
    total,
)
from ai_usage.migration.description import MEASURES, TableMapping
from ai_usage.migration.endpoints import of_endpoints
from ai_usage.migration.evidence import zone_of
from ai_usage.migration.loading import taken
from ai_usage.migration.reading import ENDPOINT_PREFIX, old_rows
from ai_usage.migration.sources import Source
from ai_usage.migration.trend import Verdict, green_run
from ai_usage.text.figures import exact_money
from ai_usage.warehouse.base import Parameters, Query, Warehouse

_ADDRESSES = frozenset({"user_email"})
"""Compared columns whose spelling does not count."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Total:
    """All findings of a class: keys, and what both sides sum to."""

    class_: Class
    keys: int
    days: Sequence[date]
    old: Sums
    new: Sums

    @property
    def usd_old(self) -> Decimal:
        """Dollars of the old table."""
        return self.old.get("usd", Decimal(0))

    @property
    def usd_new(self) -> Decimal:
        """Dollars of the events."""
        return self.new.get("usd", Decimal(0))

    def difference(self, measure: str) -> Decimal:
        """Old less new."""
        return self.old.get(measure, Decimal(0)) - self.new.get(measure, Decimal(0))


@dataclass(frozen=True)
class Comparison:
    """An old table against the events of a window."""

    table: str
    platform: str
    columns: Sequence[str]
    """What the key has beside the day."""
    findings: Sequence[Finding]
    verdicts: Sequence[Verdict]
    measures: Sequence[str] = ("usd",)
    """What the old table has of `description.MEASURES`."""

    @property
    def totals(self) -> list[Total]:
        """By class, what nobody can explain first; classes without findings are left out."""
        found = []
        for class_ in CLASSES:
            own = [one for one in self.findings if one.class_ == class_]
            if own:
                days = sorted({one.day for one in own})
                old, new = _summed(one.old for one in own), _summed(one.new for one in own)
                found.append(Total(class_, len(own), days, old, new))
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
        return len(green_run([self.verdicts]))


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
    if any(one.class_ == "unexplained" and not one.note for one in findings):
        hint = _zone_hint(warehouse, mapping, old, days)
        findings = [_hinted(one, hint) for one in findings]
    final = {day for day, is_final in loaded.items() if is_final}
    return Comparison(
        table=table,
        platform=mapping.platform,
        columns=mapping.compare,
        findings=findings,
        verdicts=[verdict(day, findings, mapping, final=day in final) for day in days.days()],
        measures=list(measures),
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
        usd = _moved(some, "usd")
        if class_ == "unexplained":
            over[class_] = f"{_told(some)} unexplained"
        elif class_ not in mapping.differences:
            over[class_] = f"{class_} is not declared: {_told(some)}"
        elif usd > (most := mapping.differences[class_].a_day):
            over[class_] = f"{class_}: {exact_money(usd)}, declared {exact_money(most)}"
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
    of_vendor, given = of_endpoints(mapping.platform, endpoints)
    sql = (
        f"SELECT {', '.join(selected)} FROM raw_ai_events "
        f"WHERE event_date >= @start AND event_date < @end AND {of_vendor} GROUP BY {groups}"
    )
    bound: Parameters = {"start": window.start, "end": window.end, **given}
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
    of_vendor, given = of_endpoints(mapping.platform, mapping.endpoints)
    columns = "".join(f"{column}, " for column in mapping.compare)
    sql = (
        f"SELECT event_date, {columns}seen_at, measure, SUM(difference) AS difference "
        "FROM raw_restatements WHERE event_date >= @start AND event_date < @end "
        f"AND {of_vendor} GROUP BY event_date, {columns}seen_at, measure ORDER BY seen_at DESC"
    )
    bound: Parameters = {"start": window.start, "end": window.end, **given}
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
    of_vendor, given = of_endpoints(mapping.platform, mapping.endpoints)
    if not warehouse.exists("loaded_days"):
        return {}
    sql = (
        "SELECT day, LOGICAL_OR(is_provisional) AS open_ FROM loaded_days "
        f"WHERE day >= @start AND day < @end AND {of_vendor} GROUP BY day"
    )
    bound: Parameters = {"start": window.start, "end": window.end, **given}
    return {row["day"]: not row["open_"] for row in warehouse.rows(Query(sql, bound))}


def _key(row: Mapping[str, Any], day: str, columns: Sequence[str]) -> Key:
    return (row[day], _folded(columns, [str(row[column] or "") for column in columns]))


def _folded(columns: Sequence[str], values: Sequence[str]) -> tuple[str, ...]:
    pairs = zip(columns, values, strict=True)
    return tuple(v.strip().lower() if c in _ADDRESSES else v for c, v in pairs)


def _zone_hint(
    warehouse: Warehouse, mapping: TableMapping, old: Mapping[Key, Cell], window: Window
) -> str:
    """The zone whose days the old days are, where UTC is declared and another fits; else nothing.

    Only dollars tell it, as in the inventory.
    """
    if mapping.zone != "UTC" or "event_timestamp" in mapping.read or not mapping.has_cost:
        return ""
    of_vendor, given = of_endpoints(mapping.platform, mapping.endpoints)
    sql = (
        "SELECT TIMESTAMP_TRUNC(event_timestamp, HOUR) AS hour, SUM(cost_usd) AS usd "
        "FROM raw_ai_events WHERE event_date >= @start AND event_date < @end "
        f"AND {of_vendor} AND cost_usd IS NOT NULL GROUP BY hour"
    )
    bound: Parameters = {"start": window.start - _DAY, "end": window.end + _DAY, **given}
    hours = {row["hour"]: row["usd"] for row in warehouse.rows(Query(sql, bound))}
    days: dict[date, Decimal] = {}
    for (day, _), cell in old.items():
        days[day] = days.get(day, Decimal(0)) + cell.sums.get("usd", Decimal(0))
    found = zone_of(days, hours)
    if found is None or found.zone == "UTC":
        return ""
    return f"days of {found.zone}? {found.matched} of {found.of} are equal by it: declare `zone:`"


def _hinted(finding: Finding, hint: str) -> Finding:
    if finding.class_ != "unexplained" or finding.note:
        return finding
    return replace(finding, note=hint)


def _told(findings: Sequence[Finding]) -> str:
    """How much differs: dollars, and lines and tokens where those do."""
    told = [
        f"{_moved(findings, measure):,.0f} {measure}"
        for measure in MEASURES
        if measure != "usd" and _moved(findings, measure)
    ]
    usd = _moved(findings, "usd")
    return " and ".join([*([exact_money(usd)] if usd or not told else []), *told])


def _moved(findings: Sequence[Finding], measure: str) -> Decimal:
    return sum((abs(one.difference(measure)) for one in findings), Decimal(0))


def _summed(cells: Iterable[Cell | None]) -> Sums:
    return total([cell.sums for cell in cells if cell is not None])
