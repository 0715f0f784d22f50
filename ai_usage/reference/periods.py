"""Lines that hold from a day to a day: their order, their overlaps, the first day of a change.

Both days included; an empty start is since ever, an empty end until further notice. Pure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from ai_usage.reference.column import FIRST_DAY, Column, Row, of_table
from ai_usage.reference.file import ChangedFrom, Line
from ai_usage.reference.problems import CellError, Problem

START, END = "valid_from", "valid_to"


def first_day(row: Row, column: str = START) -> date:
    """The first day on which the row holds."""
    first: date = row[column] or FIRST_DAY
    return first


def last_day(row: Row, column: str = END) -> date:
    """The last day on which the row holds."""
    last: date = row[column] or date.max
    return last


def days_of(table: str, *, start_required: bool = False) -> tuple[Column, Column]:
    """The columns valid_from and valid_to of a file that fills the table's columns of that name."""
    since = "" if start_required else " Empty: since ever."
    return (
        of_table(
            table,
            START,
            description=_described(table, START) + since,
            required=start_required,
        ),
        of_table(table, END, description="Last day. Empty: until further notice."),
    )


def in_order(row: Row, start: str = START, end: str = END) -> Iterator[tuple[str, CellError]]:
    """Refuse a row that ends before it begins."""
    if row[start] and row[end] and row[end] < row[start]:
        yield end, CellError(f"{row[end]} lies before {start} {row[start]}", "swap or fix them")


def overlaps(
    lines: Sequence[Line],
    key: Callable[[Row], Hashable],
    what: str,
    remedy: str,
    *,
    start: str = START,
    end: str = END,
) -> Iterator[Problem]:
    """Refuse lines of one key whose days overlap: the lower line of each pair is named."""
    groups: dict[Hashable, list[Line]] = defaultdict(list)
    for line in lines:
        groups[key(line.values)].append(line)
    for own in groups.values():
        own.sort(key=lambda line: (first_day(line.values, start), line.number))
        reach = own[0]
        for line in own[1:]:
            if first_day(line.values, start) <= last_day(reach.values, end):
                later, earlier = max(line.number, reach.number), min(line.number, reach.number)
                yield Problem(later, start, f"{what} overlap those of line {earlier}", remedy)
            if last_day(line.values, end) > last_day(reach.values, end):
                reach = line


def first_difference(start: str = START, end: str = END) -> ChangedFrom:
    """A rule for `changed_from`: the first day on which before and after say different things.

    A line that is cut in two without a change of what it says is no change.
    """

    def changed_from(before: Sequence[Row], after: Sequence[Row], _day: date) -> date | None:
        old, new = _changed(before, after)
        spans = [(first_day(row, start), last_day(row, end), row) for row in (*old, *new)]
        # The day after the last day of the calendar does not exist, and nothing ends on it.
        cuts = {s for s, _e, _r in spans}
        cuts |= {e + timedelta(days=1) for _s, e, _r in spans if e < date.max}
        for day in sorted(cuts):
            if _state(old, day, start, end) != _state(new, day, start, end):
                return day
        return None

    return changed_from


def earliest(start: str) -> ChangedFrom:
    """A rule for `changed_from` where a line's effect begins on its `start`, whatever changes."""

    def changed_from(before: Sequence[Row], after: Sequence[Row], _day: date) -> date | None:
        old, new = _changed(before, after)
        return min((first_day(row, start) for row in (*old, *new)), default=None)

    return changed_from


def _described(table: str, name: str) -> str:
    return of_table(table, name).description


def _changed(before: Sequence[Row], after: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows that only one side has, as often as it has them more often."""
    old, new = (Counter(map(_frozen, rows)) for rows in (before, after))
    kept: list[list[Row]] = []
    for rows, more in ((before, old - new), (after, new - old)):
        left = []
        for row in rows:
            if more[_frozen(row)] > 0:
                more[_frozen(row)] -= 1
                left.append(row)
        kept.append(left)
    return kept[0], kept[1]


def _state(rows: Sequence[Row], day: date, start: str, end: str) -> Counter[Hashable]:
    return Counter(
        _frozen({name: value for name, value in row.items() if name not in (start, end)})
        for row in rows
        if first_day(row, start) <= day <= last_day(row, end)
    )


def _frozen(row: Mapping[str, object]) -> Hashable:
    return tuple(sorted(row.items(), key=lambda item: item[0]))
