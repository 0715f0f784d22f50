"""Units, zones and renamed columns, guessed from figures. Pure: sums in, words out.

A guess names its evidence: the days on which the old figure and the vendor's are equal, and of how
many. Where too few speak for one guess there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

Sums = Mapping[date, Decimal]
"""What a day sums to."""

FACTORS = {"usd": Decimal(1), "cents": Decimal(100)}
"""By how much an amount is larger than its dollars."""

ZONES = (
    "UTC",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
)
"""Zones that are tried where nobody says which one the old days follow."""

_ENOUGH = Decimal("0.8")
"""The share of days that must speak for a zone."""
_CENT = Decimal("0.01")
_NEARLY = Decimal("0.005")
"""The share of a day that its rows may have lost to cents; a unit is a hundred times another."""


@dataclass(frozen=True)
class UnitSpell:
    """Consecutive days on which an old amount has the same relation to the vendor's dollars."""

    first: date
    last: date
    days: int
    unit: str
    """usd, cents, or other."""
    old: Decimal
    """What the old days sum to."""
    usd: Decimal
    """The vendor's dollars of these days."""


@dataclass(frozen=True)
class ZoneGuess:
    """The zone whose days are the old days, by the most equal sums; `of` days were compared."""

    zone: str
    matched: int
    of: int


@dataclass(frozen=True)
class Renamed:
    """A column that ends where another begins: filled up to the day before, and from the day on."""

    old: str
    new: str
    day: date


def unit_spells(old: Sums, vendor: Sums) -> list[UnitSpell]:
    """The days that both have, in spells of one unit; days of nothing belong to any."""
    days = [d for d in sorted(old.keys() & vendor.keys()) if old[d] or vendor[d]]
    spells = []
    for unit, run in groupby(days, key=lambda day: unit_of(old[day], vendor[day])):
        own = list(run)
        spells.append(
            UnitSpell(
                first=own[0],
                last=own[-1],
                days=len(own),
                unit=unit,
                old=sum((old[d] for d in own), Decimal(0)),
                usd=sum((vendor[d] for d in own), Decimal(0)),
            )
        )
    return spells


def unit_of(old: Decimal, usd: Decimal) -> str:
    """The unit in which the old amount is these dollars, nearly; `other` where there is none.

    Both are sums of a day, each of whose rows may have been rounded to cents.
    """
    for unit, factor in FACTORS.items():
        if abs(old / factor - usd) <= max(_CENT, abs(usd) * _NEARLY):
            return unit
    return "other"


def zone_of(old: Sums, hours: Mapping[datetime, Decimal]) -> ZoneGuess | None:
    """The zone in which the vendor's hours sum to the old days; None where none fits well enough.

    `hours` are the vendor's sums by the hour's beginning. Of several that fit alike the first of
    `ZONES` is taken; where the hours are all midnights UTC, nothing can be told. A day in another
    unit fits too.
    """
    if all(at.astimezone(UTC).hour == 0 for at in hours):
        return None
    best: ZoneGuess | None = None
    for zone in ZONES:
        local = by_day(hours, zone)
        # The first and the last day of either side may be cut.
        days = sorted(old.keys() & local.keys())[1:-1]
        matched = sum(1 for d in days if unit_of(old[d], local[d]) != "other")
        if days and matched >= _ENOUGH * len(days) and (best is None or matched > best.matched):
            best = ZoneGuess(zone, matched, len(days))
    return best


def by_day(hours: Mapping[datetime, Decimal], zone: str) -> dict[date, Decimal]:
    """Sums by the day of a zone."""
    info, found = ZoneInfo(zone), dict[date, Decimal]()
    for at, amount in hours.items():
        day = at.astimezone(info).date()
        found[day] = found.get(day, Decimal(0)) + amount
    return found


def renamed(filled: Mapping[str, tuple[date, date]], days: Sequence[date]) -> list[Renamed]:
    """Columns that end on a day of `days` where another begins on the next.

    `filled` has the first and last day on which a column holds anything; `days` are the table's.
    """
    after = dict(pairwise(days))
    return [
        Renamed(one, other, first)
        for one, (_, last) in filled.items()
        for other, (first, _) in filled.items()
        if one != other and after.get(last) == first
    ]
