"""What chance decides about a company, always the same for the same number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Choices that follow from a seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311

    def chance(self, share: float) -> bool:
        """True in that share of all cases."""
        return self._random.random() < share

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return self._random.choice(options)

    def some(self, options: Sequence[T], least: int = 0, most: int | None = None) -> list[T]:
        """Several different ones, in any order."""
        most = len(options) if most is None else min(most, len(options))
        return self._random.sample(options, self._random.randint(min(least, most), most))

    def number(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(least, most)

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All of them, in any order."""
        return self._random.sample(options, len(options))

    def identifier(self, prefix: str = "") -> str:
        """A name that says nothing about order."""
        return f"{prefix}{self._random.getrandbits(64):016x}"

    def cents(self, most: int) -> Decimal:
        """Dollars of 0 to `most`, two places."""
        return Decimal(self._random.randint(0, most * 100)).scaleb(-2)

    def dollars(self) -> Decimal:
        """What a line bills: cents, fractions of a millionth, nothing, credits, large sums."""
        kind = self._random.random()
        if kind < 0.06:
            return Decimal(0)
        if kind < 0.14:
            return -self.cents(20)
        if kind < 0.22:
            return Decimal(self._random.randint(1, 20_000)).scaleb(-9)
        if kind < 0.5:
            return Decimal(self._random.randint(1, 90_000_000_000)).scaleb(-9)
        return self.cents(300)

    def count(self, most: int = 10_000_000) -> int | None:
        """How often something is reported; None where it is not."""
        kind = self._random.random()
        if kind < 0.12:
            return None
        if kind < 0.2:
            return 0
        return self._random.randint(1, 9 if kind < 0.4 else most)

    def day(self, first: date, last: date) -> date:
        """A day, both ends included."""
        return first + timedelta(days=self._random.randint(0, (last - first).days))

    def instant(self, day: date) -> datetime:
        """A second of the UTC day, its first and last among them."""
        at = self.pick([0, 1, 43_200, 86_399, self._random.randint(0, 86_399)])
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=at)
