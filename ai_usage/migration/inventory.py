"""What an old system holds, table by table: counted by its own engine, guessed with evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from sqlglot import exp

from ai_usage.migration.evidence import (
    Renamed,
    UnitSpell,
    ZoneGuess,
    by_day,
    renamed,
    unit_spells,
    zone_of,
)
from ai_usage.migration.exactly import exactly
from ai_usage.migration.sources import NUMBERS, PLAIN, OldTable, Reader, Source

READ_DAYS = 90
"""How far back readers are looked for."""

_KEY_COLUMNS = 6
_KEY_SIZE = 3
_MONEY = ("usd", "cost", "amount", "price", "spend", "cents", "dollar", "charge")
_KEY_TYPES = PLAIN - {"FLOAT64", "BIGNUMERIC"}
"""Nobody tells rows apart by a measured number."""
_DAYS = frozenset({"DATE", "DATETIME", "TIMESTAMP"})


@dataclass(frozen=True)
class VendorHours:
    """What a vendor's own endpoint says, in US dollars by the hour: the measure of old amounts."""

    endpoint: str
    """`<platform>/<endpoint>`."""
    usd: Mapping[datetime, Decimal]


@dataclass(frozen=True)
class Amount:
    """A column of money: what it sums to, and its unit and days against a vendor's figure."""

    column: str
    total: Decimal
    endpoint: str | None = None
    """Whose figure it was compared with: the one with the most days in common."""
    spells: Sequence[UnitSpell] = ()
    zone: ZoneGuess | None = None


@dataclass(frozen=True)
class Profile:
    """A table as it is found."""

    table: OldTable
    rows: int
    doubled: int
    """Rows that are another row again."""
    day: str | None = None
    """The column of days; None where no column holds days alone."""
    first: date | None = None
    last: date | None = None
    gaps: Sequence[date] = ()
    """Days between the first and the last without a row."""
    keys: Sequence[tuple[str, ...]] = ()
    """The fewest columns that tell all rows apart, once doubled ones count once."""
    addresses_by_case: int = 0
    """Addresses that are there in more than one spelling."""
    amounts: Sequence[Amount] = ()
    renamed: Sequence[Renamed] = ()


@dataclass(frozen=True)
class Inventory:
    """Everything that an old system holds, and who reads it."""

    where: str
    profiles: Sequence[Profile]
    readers: Sequence[Reader] | None = field(default=None)
    """None where the engine keeps no list."""


def take_inventory(source: Source, vendors: Sequence[VendorHours] = ()) -> Inventory:
    """Look at every table. Raises `MigrationError` where the old system refuses."""
    profiles = [_Look(source, table, vendors).profile() for table in source.tables()]
    return Inventory(source.where, profiles, source.readers(READ_DAYS))


class _Look:
    """A look at one table: a few aggregates, each a statement of its own."""

    def __init__(self, source: Source, table: OldTable, vendors: Sequence[VendorHours]) -> None:
        self._source = source
        self._table = table
        self._vendors = vendors

    def profile(self) -> Profile:
        rows, distinct = self._count(self._all()), self._count(self._distinct())
        day = self._day()
        if day is None:
            keys = self._keys(distinct)
            return Profile(self._table, rows, rows - distinct, keys=keys)
        days = sorted(self._by_day(day, {}))
        return Profile(
            table=self._table,
            rows=rows,
            doubled=rows - distinct,
            day=day,
            first=days[0] if days else None,
            last=days[-1] if days else None,
            gaps=_gaps(days),
            keys=self._keys(distinct),
            addresses_by_case=self._addresses(),
            amounts=[*self._amounts(day)],
            renamed=renamed(self._filled(day), days),
        )

    def _all(self) -> exp.Select:
        return exp.select("*").from_(exp.to_table(self._table.name))

    def _distinct(self) -> exp.Select:
        names = [exp.column(name, quoted=True) for name in self._groupable()]
        return exp.select(*names).distinct().from_(exp.to_table(self._table.name))

    def _groupable(self) -> list[str]:
        return [n for n, t in self._table.columns.items() if t in PLAIN]

    def _count(self, query: exp.Select) -> int:
        counted = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(query.subquery("t"))
        return int(next(self._source.rows(counted))["n"])

    def _day(self) -> str | None:
        """The column that holds days in every row: by type, then by its name, then by its texts."""
        typed = [n for n, t in self._table.columns.items() if t in _DAYS]
        texts = [n for n, t in self._table.columns.items() if t == "STRING"]
        for name in [*sorted(typed, key=_like_a_day), *sorted(texts, key=_like_a_day)]:
            read = exp.alias_(exp.Count(this=day_of(name, self._table.columns[name])), "days")
            there = exp.alias_(exp.Count(this=exp.Star()), "n")
            found = next(
                self._source.rows(exp.select(read, there).from_(exp.to_table(self._table.name)))
            )
            if found["n"] and found["days"] == found["n"]:
                return name
        return None

    def _by_day(self, day: str, selected: Mapping[str, exp.Expr]) -> dict[date, dict[str, Any]]:
        on = exp.alias_(day_of(day, self._table.columns[day]), "day_")
        query = (
            exp.select(on, *(exp.alias_(e, name, quoted=True) for name, e in selected.items()))
            .from_(exp.to_table(self._table.name))
            .group_by(exp.Literal.number(1))
        )
        return {row["day_"]: row for row in self._source.rows(query)}

    def _keys(self, distinct: int) -> list[tuple[str, ...]]:
        columns = [
            n for n, t in self._table.columns.items() if t in _KEY_TYPES and not _is_money(n)
        ]
        for size in range(1, _KEY_SIZE + 1):
            found = [
                key
                for key in combinations(columns[:_KEY_COLUMNS], size)
                if self._count(self._combined(key)) == distinct
            ]
            if found:
                return found
        return []

    def _combined(self, key: Sequence[str]) -> exp.Select:
        names = [exp.column(name, quoted=True) for name in key]
        return exp.select(*names).distinct().from_(exp.to_table(self._table.name))

    def _addresses(self) -> int:
        """How many addresses of all columns that hold any are spelled in more than one way."""
        found = 0
        for name, type_ in self._table.columns.items():
            if type_ != "STRING":
                continue
            column = exp.column(name, quoted=True)
            query = (
                exp.select(exp.alias_(column.copy(), "value"))
                .distinct()
                .from_(exp.to_table(self._table.name))
                .where(exp.Like(this=column.copy(), expression=exp.Literal.string("%@%")))
            )
            spellings = [row["value"] for row in self._source.rows(query)]
            folded = [value.strip().lower() for value in spellings]
            found += len({value for value in folded if folded.count(value) > 1})
        return found

    def _amounts(self, day: str) -> Iterator[Amount]:
        for name, type_ in self._table.columns.items():
            if not _is_money(name) or not (type_ in NUMBERS or type_ == "STRING"):
                continue
            number: exp.Expr = exp.column(name, quoted=True)
            if type_ == "STRING":
                number = exp.TryCast(this=number, to=exp.DataType.build("NUMERIC", "bigquery"))
            found = self._by_day(day, {"total": exp.Sum(this=number)})
            sums = {d: amount for d, row in found.items() if (amount := exactly(row["total"]))}
            yield self._judged(name, sums)

    def _judged(self, name: str, sums: Mapping[date, Decimal]) -> Amount:
        total = sum(sums.values(), Decimal(0))
        best: Amount | None = None
        for vendor in self._vendors:
            utc = by_day(vendor.usd, "UTC")
            if not sums.keys() & utc.keys():
                continue
            zone = zone_of(sums, vendor.usd)
            usd = by_day(vendor.usd, zone.zone) if zone else utc
            amount = Amount(name, total, vendor.endpoint, unit_spells(sums, usd), zone)
            if best is None or _known_days(amount) > _known_days(best):
                best = amount
        return best or Amount(name, total)

    def _filled(self, day: str) -> dict[str, tuple[date, date]]:
        """The first and last day on which a column holds anything; none where it always does."""
        columns = [name for name in self._table.columns if name != day]
        counts = {name: exp.Count(this=exp.column(name, quoted=True)) for name in columns}
        found = self._by_day(day, counts)
        spans = {}
        for name in columns:
            days = sorted(d for d, row in found.items() if row[name])
            if days and len(days) < len(found):
                spans[name] = (days[0], days[-1])
        return spans


def day_of(column: str, type_: str) -> exp.Expr:
    """SQL for the day of a value: of a day, an instant in UTC, or a text that begins with one."""
    value: exp.Expr = exp.column(column, quoted=True)
    if type_ == "TIMESTAMP":
        return exp.Date(this=value, zone=exp.Literal.string("UTC"))
    if type_ == "STRING":
        start, length = exp.Literal.number(1), exp.Literal.number(10)
        value = exp.Substring(this=value, start=start, length=length)
        return exp.TryCast(this=value, to=exp.DataType.build("DATE"))
    return exp.cast(value, exp.DType.DATE)


def _gaps(days: Sequence[date]) -> list[date]:
    there = set(days)
    if not there:
        return []
    span = (max(there) - min(there)).days
    return [d for n in range(span) if (d := min(there) + timedelta(days=n)) not in there]


def _like_a_day(name: str) -> int:
    words = ("day", "date")
    return 0 if any(word in name.lower() for word in words) else 1


def _is_money(name: str) -> bool:
    return any(word in name.lower() for word in _MONEY)


def _known_days(amount: Amount) -> int:
    return sum(spell.days for spell in amount.spells if spell.unit != "other")
