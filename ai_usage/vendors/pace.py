"""Fetch progress and estimated time remaining."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(frozen=True)
class FetchProgress:
    """Days of a window that are fetched, of those that are to be, and requests made for them.

    `seconds` have passed since the first one. `per_minute` is the vendor's limit, None without.
    """

    days_done: int
    days: int
    requests: int
    seconds: float
    per_minute: int | None = None

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes at the pace so far; None before there is a pace.

        Never less than the vendor's limit makes it: the first minute's requests go out at once,
        and by their pace alone a year would seem to take a moment.
        """
        if not self.days_done:
            return None
        at_this_pace = self.seconds / self.days_done * (self.days - self.days_done)
        if self.per_minute is None:
            return at_this_pace
        in_all = math.ceil(self.requests / self.days_done * self.days)
        full_minutes = (in_all - 1) // self.per_minute
        return max(at_this_pace, full_minutes * MINUTE - self.seconds)

    def __str__(self) -> str:
        said = f"{self.days_done} of {self.days} days"
        left = self.seconds_left
        if left is None or self.days_done == self.days:
            return said
        minutes = round(left / MINUTE)
        return (
            f"{said}, about {minutes} min left" if minutes else f"{said}, less than a minute left"
        )
