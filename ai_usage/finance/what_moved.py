"""Why one month cost more than another: people, volume, mix, price, seats, credits, one-time.

Exact: the parts are fractions and sum to the difference to the last digit. Metered cost is taken
apart by what is counted in it (tokens, requests), because tokens and requests cannot be added.
With n people, U units and cost M of a unit, U_g and M_g of one of its groups (a model), and p the
price M/U, old figures with 0 and new ones with 1:

- **people**: (n1 - n0) x M0/n0. More people, each at the old cost a person.
- **volume**: (U1 - n1 x U0/n0) x p0. More units a person, at the old price.
- **mix**: the sum of (U1_g - U1 x U0_g/U0) x p0_g. Other groups, at their old prices.
- **price**: the sum of M1_g - U1_g x p0_g. The rest of metered cost.

A group without old units has no old price: it takes its new one, so that what it costs above or
below the others is mix, not price. A unit that nobody used before is volume alone. Cost in which
nothing is counted is counted in dollars, so that it has no price.
Where nobody was active before there is no cost a person: volume has people's part, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from ai_usage.finance.exact import ZERO, cents, cents_that_sum

DOLLARS = "dollars"
"""The unit of metered cost in which nothing is counted."""


class Part(StrEnum):
    """A reason for a difference of cost."""

    people = "people"
    volume = "volume"
    mix = "mix"
    price = "price"
    seats = "seats"
    credits = "credits"
    one_time = "one_time"


@dataclass(frozen=True)
class Metered:
    """Metered cost of one group, mostly a model, in one unit: US dollars, and what was counted.

    Without units (0) the cost is one in which nothing is counted, whatever `unit` says.
    """

    group: str
    unit: str
    units: int
    cost: Decimal


@dataclass(frozen=True)
class Books:
    """What a month cost, US dollars, and how many people were active in it.

    `credits` are below 0. Several entries of one group and unit are added up.
    """

    people: int
    metered: tuple[Metered, ...] = ()
    seats: Decimal = ZERO
    credits: Decimal = ZERO
    one_time: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Everything, US dollars."""
        metered = sum((one.cost for one in self.metered), ZERO)
        return metered + self.seats + self.credits + self.one_time


@dataclass(frozen=True)
class Moved:
    """The difference of two months by its reasons, US dollars, exact."""

    before: Decimal
    after: Decimal
    parts: Mapping[Part, Fraction]
    groups: Mapping[tuple[Part, str], Fraction] = field(default_factory=dict)
    """Of mix and price what each group has: they sum to the part."""

    @property
    def total(self) -> Fraction:
        """The sum of the parts: `after` less `before`."""
        return sum(self.parts.values(), Fraction())

    def in_cents(self) -> dict[Part, Decimal]:
        """The parts in cents: they lead from `before` in cents to `after` in cents."""
        names = sorted(self.parts, key=list(Part).index)
        shown = cents(self.after) - cents(self.before)
        return dict(zip(names, cents_that_sum([self.parts[n] for n in names], shown), strict=True))


@dataclass(frozen=True)
class _Use:
    """Units and cost of a group, or of a whole unit."""

    units: Fraction = Fraction()
    cost: Fraction = Fraction()

    def __add__(self, other: _Use) -> _Use:
        return _Use(self.units + other.units, self.cost + other.cost)

    @property
    def price(self) -> Fraction | None:
        return self.cost / self.units if self.units else None


def what_moved(before: Books, after: Books) -> Moved:
    """`after` less `before`, taken apart; see the module for the formulas."""
    parts = {part: Fraction() for part in Part}
    parts[Part.seats] = Fraction(after.seats) - Fraction(before.seats)
    parts[Part.credits] = Fraction(after.credits) - Fraction(before.credits)
    parts[Part.one_time] = Fraction(after.one_time) - Fraction(before.one_time)
    groups: dict[tuple[Part, str], Fraction] = defaultdict(Fraction)
    old, new = _by_unit(before.metered), _by_unit(after.metered)
    for unit in sorted(old.keys() | new.keys()):
        _take_apart(old.get(unit, {}), new.get(unit, {}), before.people, after.people, groups)
    for (part, _group), usd in groups.items():
        parts[part] += usd
    shown = {key: usd for key, usd in groups.items() if key[0] in (Part.mix, Part.price) and usd}
    return Moved(before.total, after.total, parts, shown)


def _by_unit(metered: Iterable[Metered]) -> dict[str, dict[str, _Use]]:
    found: dict[str, dict[str, _Use]] = defaultdict(lambda: defaultdict(_Use))
    for one in metered:
        if one.units:
            found[one.unit][one.group] += _Use(Fraction(one.units), Fraction(one.cost))
        elif one.cost:
            found[DOLLARS][one.group] += _Use(Fraction(one.cost), Fraction(one.cost))
    return found


def _take_apart(
    old: Mapping[str, _Use],
    new: Mapping[str, _Use],
    people_before: int,
    people_after: int,
    to: dict[tuple[Part, str], Fraction],
) -> None:
    """Add one unit's parts, group by group."""
    was, now = sum(old.values(), _Use()), sum(new.values(), _Use())
    if not was.units:
        # Nothing to compare with: the new price is the old one.
        to[Part.volume, ""] += now.cost - was.cost
        return
    growth = Fraction(people_after, people_before) if people_before else Fraction(1)
    to[Part.people, ""] += (growth - 1) * was.cost
    to[Part.volume, ""] += (now.units - growth * was.units) * was.cost / was.units
    for group in old.keys() | new.keys():
        before, after = old.get(group, _Use()), new.get(group, _Use())
        price = before.price
        if price is None:
            price = after.price or Fraction()
        to[Part.mix, group] += (after.units - now.units * before.units / was.units) * price
        to[Part.price, group] += after.cost - after.units * price
