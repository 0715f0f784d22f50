"""Filters are the address: read from a query string, written back to one, the same either way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode

from ai_usage.days.months import month_of, months_before, months_between

Dimension = Literal[
    "date", "month", "department", "team", "cost_center", "person", "project", "platform", "model",
    "key", "kind",
]  # fmt: skip
"""What figures are grouped by."""

SELECTIONS: tuple[Dimension, ...] = (
    "platform", "department", "cost_center", "team", "project", "model", "key", "person", "kind",
)  # fmt: skip
"""What can be selected: repeated parameters of the address, `team=Search&team=Ads`."""

PAGE_ROWS = 200
"""Rows of a table on one page."""

MOST_VALUES = 200
"""Values of one selection: what more an address holds is left out."""

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
_SORT = re.compile(r"-?[a-z_]{1,40}")


@dataclass(frozen=True)
class Filters:
    """What a page is asked for. Months are whole; days of a running month end with the copy's day.

    `first` and `last` are first days of months, both included. `org` labels people as they were on
    the cost's day (`then`) or as they are today (`now`). `sort` is a column, `-` before it means
    downwards. `page` counts from 1. A selection that is empty selects all.
    """

    first: date
    last: date
    platform: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    cost_center: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    by: str = ""
    org: Literal["then", "now"] = "then"
    sort: str = ""
    page: int = 1

    @classmethod
    def of_month(cls, day: date) -> Filters:
        """Everything of the month that holds the day."""
        return cls(month_of(day), month_of(day))

    @classmethod
    def parse(cls, items: Iterable[tuple[str, str]], today: date) -> Filters:
        """Read the parameters of an address, as (name, value).

        `today` is the day that the copy is seen from: its month is shown unless another is named
        (`month=2026-10`, or `from=2026-06&to=2026-09`). What is no parameter of ours, or cannot be
        read, is left out: an address that somebody has edited shows something, never more.
        """
        given: dict[str, list[str]] = {}
        for name, value in items:
            given.setdefault(name, []).append(value)

        def one(name: str) -> str:
            return given.get(name, [""])[0]

        month = _month(one("month"))
        first = _month(one("from")) or month or month_of(today)
        last = _month(one("to")) or month or max(first, month_of(today))
        first, last = min(first, last), max(first, last)
        last = min(last, month_of(today))
        return cls(
            min(first, last),
            last,
            **{
                name: tuple(dict.fromkeys(v for v in given.get(name, []) if v))[:MOST_VALUES]
                for name in SELECTIONS
            },
            by=one("by") if _SORT.fullmatch(one("by")) else "",
            org="now" if one("org") == "now" else "then",
            sort=one("sort") if _SORT.fullmatch(one("sort")) else "",
            page=int(one("page")) if _NUMBER.fullmatch(one("page")) else 1,
        )

    @property
    def months(self) -> list[date]:
        """The months that are asked for, in order."""
        return months_between(self.first, self.last)

    @property
    def selected(self) -> dict[Dimension, tuple[str, ...]]:
        """The selections that select anything."""
        return {name: getattr(self, name) for name in SELECTIONS if getattr(self, name)}

    def having(self, **changes: Any) -> Filters:
        """The same with some fields changed. What is selected anew begins on page 1."""
        return replace(self, **({"page": 1} | changes))

    def back(self, months: int) -> Filters:
        """The same, so many months earlier."""
        return replace(
            self, first=months_before(self.first, months), last=months_before(self.last, months)
        )

    def items(self) -> list[tuple[str, str]]:
        """The parameters of the address, in one order; what is left at its default is left out."""
        if self.first == self.last:
            found = [("month", f"{self.first:%Y-%m}")]
        else:
            found = [("from", f"{self.first:%Y-%m}"), ("to", f"{self.last:%Y-%m}")]
        for name in SELECTIONS:
            found += [(name, value) for value in getattr(self, name)]
        defaults = {field.name: field.default for field in fields(self)}
        for field in ("by", "org", "sort", "page"):
            if (value := getattr(self, field)) != defaults[field]:
                found.append((field, str(value)))
        return found

    @property
    def address(self) -> str:
        """The query string, without the question mark."""
        return urlencode(self.items())


def _month(text: str) -> date | None:
    return (
        date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) and text[:4] != "0000" else None
    )
