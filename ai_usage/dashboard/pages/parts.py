"""What a page is made of: tiles, cards with charts or tables, banners. Values, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ai_usage.dashboard.charts.chart import Chart

Tone = Literal["", "good", "warn", "bad", "quiet"]
"""How a figure is to be taken; never told by colour alone."""
Look = Literal["", "number", "whole", "prose"]
"""How a column's cells stand."""
Width = Literal["wide", "half", "third", "two-thirds"]


@dataclass(frozen=True)
class Gauge:
    """How much of a whole is used, of 1."""

    filled: float

    @property
    def is_over(self) -> bool:
        """True if more than the whole is used."""
        return self.filled > 1


@dataclass(frozen=True)
class Tile:
    """A figure with its name. `note` sets it in proportion, `delta` is the note's figure."""

    label: str
    value: str
    note: str = ""
    delta: str = ""
    tone: Tone = ""
    href: str = ""
    gauge: Gauge | None = None
    is_words: bool = False


@dataclass(frozen=True)
class Badge:
    """A short state; its icon follows the tone, so that it is not told by colour alone."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Cell:
    """A cell as it is read. `bar` draws a share of 1 below a figure; `folded` opens below it."""

    text: str
    href: str = ""
    badge: Badge | None = None
    bar: float | None = None
    tone: Tone = ""
    evidence: str = ""
    folded: str = ""


@dataclass(frozen=True)
class Heading:
    """A column's head. `sort` leads to the table sorted by it; `order` is how it is sorted now."""

    label: str
    look: Look = ""
    sort: str = ""
    order: Literal["", "ascending", "descending"] = ""
    help: str = ""


@dataclass(frozen=True)
class Pager:
    """Where in the rows a table is: counted from 1."""

    first: int
    last: int
    of: int
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Table:
    """Rows as they are read; the first cell of each names it."""

    name: str
    caption: str
    head: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    foot: Sequence[Cell] = ()
    pager: Pager | None = None


@dataclass(frozen=True)
class Empty:
    """Nothing to show, why, and what to do."""

    title: str
    why: str = ""


@dataclass(frozen=True)
class Link:
    """A way on. `is_file` downloads."""

    text: str
    href: str
    is_file: bool = False


@dataclass(frozen=True)
class Card:
    """A titled part of a page with one chart, small multiples, a table, facts or nothing.

    `folded` says what the table holds and hides it until it is asked for.
    """

    title: str
    sentence: str = ""
    unit: str = ""
    chart: Chart | None = None
    multiples: Sequence[Chart] = ()
    table: Table | None = None
    folded: str = ""
    facts: Sequence[tuple[str, Cell]] = ()
    empty: Empty | None = None
    links: Sequence[Link] = ()
    steps: Sequence[Step] = ()
    width: Width = "wide"
    anchor: str = ""

    @classmethod
    def of(
        cls,
        chart: Chart,
        *,
        width: Width = "wide",
        links: Sequence[Link] = (),
        empty: Empty | None = None,
    ) -> Card:
        """A card for a chart; in place of one without rows, what is said for it."""
        if chart.is_empty:
            said = empty or Empty("Nothing to draw", "The selection has no rows.")
            return cls(chart.title, empty=said, width=width, anchor=chart.name)
        return cls(
            chart.title,
            chart.sentence,
            chart.unit,
            chart=chart,
            links=links,
            width=width,
            anchor=chart.name,
        )


@dataclass(frozen=True)
class Banner:
    """A line across the page: stale figures, a refusal, whether it ties to the invoices."""

    text: str
    tone: Tone = ""
    link: Link | None = None
    is_tie: bool = False


@dataclass(frozen=True)
class Vote:
    """A question that one click answers, and how it has been answered."""

    action: str
    question: str
    said: str


Part = Card | Banner | Vote | tuple[Tile, ...]
"""What stands below another on a page; tiles come together."""


@dataclass(frozen=True)
class Option:
    """A value that can be chosen in a filter."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True)
class Pick:
    """A filter: a list of values of which several can be chosen."""

    name: str
    label: str
    options: Sequence[Option]
    more: int = 0

    @property
    def chosen(self) -> list[Option]:
        """The chosen values."""
        return [option for option in self.options if option.is_chosen]


@dataclass(frozen=True)
class Chip:
    """A chosen value, and the address without it."""

    text: str
    href: str


@dataclass(frozen=True)
class Step:
    """One of a few choices of which one holds."""

    text: str
    href: str
    is_current: bool = False
    label: str = ""


@dataclass(frozen=True)
class FilterBar:
    """The filters of a page. `kept` are parameters of the address that no list shows."""

    action: str
    months: Sequence[Option]
    first: str
    last: str
    before: str = ""
    after: str = ""
    period: str = ""
    picks: Sequence[Pick] = ()
    org: Sequence[Step] = ()
    chips: Sequence[Chip] = ()
    clear: str = ""
    kept: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Page:
    """A page: its question, its filters, and its parts in their order."""

    name: str
    title: str
    question: str
    parts: Sequence[Part | Sequence[Card]]
    filters: FilterBar | None = None
    links: Sequence[Link] = ()
    foot: Sequence[str] = field(default_factory=tuple)
