"""What moved: the company's month against the one before, taken apart so that it adds up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ai_usage.dashboard.cells import is_told_whole
from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.queries.overview import sees_company
from ai_usage.dashboard.scope import sees_people
from ai_usage.dashboard.viewers import Viewer
from ai_usage.days.months import months_before
from ai_usage.finance import Books, Metered, Moved, what_moved

_COSTS = """
SELECT platform, model, kind, total < 0 AS is_credit, SUM(billable_tokens)::BIGINT AS tokens,
  SUM(total)::DECIMAL(38, 9) AS total
FROM detail_rows
WHERE date BETWEEN $first AND $last
GROUP BY ALL
"""
_PEOPLE = """
SELECT COUNT(DISTINCT person) AS people
FROM usage_rows
WHERE date BETWEEN $first AND $last AND is_person AND active_records > 0
"""
_METERED = ("usage", "overage")


def moved(published: Published, viewer: Viewer, filters: Filters, as_of: date) -> Moved | None:
    """The filters' last month less the one before; a running one less as many days of it.

    Only the company's sums come out, no group's; None for who sees or selects a part of it,
    where the month before has no cost, and where a kind of cost is that of too few people for who
    sees none one by one.
    """
    if not sees_company(viewer, filters):
        return None
    month, earlier = filters.last, months_before(filters.last, 1)
    if not sees_people(viewer) and not is_told_whole(published, viewer, [earlier, month], "kind"):
        # Seats, credits and one-time cost are told apart: of too few people's they are not.
        return None
    end = _last(month)
    last = min(as_of, end)
    until = _last(earlier)
    if last != end:
        until = min(until, earlier.replace(day=min(last.day, until.day)))
    before = books(published, earlier, until)
    if not before.metered and not before.total:
        return None
    return what_moved(before, books(published, month, last))


def books(published: Published, first: date, last: date) -> Books:
    """What the company's days cost, both included, and who was active on them.

    Metered cost is counted in tokens, by product and model; what no token stands for in dollars.
    Credits are one-time costs below 0.
    """
    bound = {"first": first, "last": last}
    metered: list[Metered] = []
    sums = {"seats": Decimal(0), "credits": Decimal(0), "one_time": Decimal(0)}
    for row in published.rows(_COSTS, bound):
        if row["kind"] in _METERED:
            group = f"{row['platform']} {row['model']}"
            metered.append(Metered(group, "tokens", row["tokens"] or 0, row["total"]))
        elif row["kind"] == "subscription":
            sums["seats"] += row["total"]
        else:
            sums["credits" if row["is_credit"] else "one_time"] += row["total"]
    (active,) = published.rows(_PEOPLE, bound)
    return Books(active["people"], tuple(metered), **sums)


def _last(month: date) -> date:
    return date.fromordinal(months_before(month, -1).toordinal() - 1)
