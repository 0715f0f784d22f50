"""Which line of `focus_mapping.csv` a charge falls under. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from ai_usage.reference.column import Row
from ai_usage.reference.files.focus_mapping import ANY, INCLUDE
from ai_usage.reference.periods import first_day, last_day


class Services:
    """The lines of the mapping, asked by provider, service and day."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._whole: dict[str, list[Row]] = defaultdict(list)
        self._beginnings: list[tuple[str, Row]] = []
        for row in rows:
            service = row["service"].casefold()
            if service.endswith(ANY):
                self._beginnings.append((service.removesuffix(ANY), row))
            else:
                self._whole[service].append(row)

    def line(self, provider: str, service: str, day: date) -> Row | None:
        """The line that fits closest on the day; None where the service is not mapped."""
        provider, service = provider.casefold(), service.casefold()
        fitting = [((1, 0), row) for row in self._whole.get(service, ())]
        fitting += [
            ((0, len(beginning)), row)
            for beginning, row in self._beginnings
            if service.startswith(beginning)
        ]
        own = [
            ((*closeness, row["provider"] is not None), row)
            for closeness, row in fitting
            if (row["provider"] or provider).casefold() == provider
            and first_day(row) <= day <= last_day(row)
        ]
        return max(own, key=lambda found: found[0])[1] if own else None

    def included(self, provider: str, service: str, day: date) -> Row | None:
        """The line, where it says that the service is an AI tool."""
        line = self.line(provider, service, day)
        return line if line is not None and line["treatment"] == INCLUDE else None
