"""What stands around a page's own parts: filters, who looks at what, how old it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.responses import HTMLResponse, Response

from ai_usage.dashboard.copied import MONTHS_BACK
from ai_usage.dashboard.filters import SELECTIONS, Dimension, Filters
from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.pages.parts import (
    Banner,
    Card,
    Chip,
    Empty,
    FilterBar,
    Link,
    Option,
    Page,
    Part,
    Pick,
    Step,
    Width,
)
from ai_usage.dashboard.pages.rendering import MENU, Entry, page_html
from ai_usage.dashboard.published import About, Published
from ai_usage.dashboard.scope import ForbiddenError, notes_of, sees_people, spend
from ai_usage.dashboard.viewers import Mode, Role, Rows, Viewer
from ai_usage.days.months import month_of, months_before, months_between
from ai_usage.text.figures import day_name, month_name
from ai_usage.text.words import few

LABELS: dict[Dimension, str] = {
    "platform": "Platform",
    "department": "Department",
    "cost_center": "Cost centre",
    "team": "Team",
    "project": "Project",
    "model": "Model",
    "key": "Key",
    "person": "Person",
    "kind": "Kind of cost",
    "month": "Month",
    "date": "Day",
}
"""What dimensions are called on pages."""
KINDS = {
    "subscription": "Seats",
    "usage": "Usage",
    "overage": "Overage",
    "one_time": "One-time",
}
"""What kinds of cost are called on pages."""
STALE = timedelta(hours=26)
"""A copy older than this has missed a day's run."""
MOST_OPTIONS = 300
"""Values in one list, the dearest first; what comes after them is counted."""


def period(filters: Filters) -> str:
    """The months that are asked for, in words."""
    if filters.first == filters.last:
        return month_name(filters.last)
    return f"{month_name(filters.first, short=True)} to {month_name(filters.last, short=True)}"


def label_of(dimension: str, value: str) -> str:
    """What a value of a dimension is called."""
    return KINDS.get(value, value) if dimension == "kind" else value


def respond(
    asked: Asked,
    page: Page,
    *,
    now: datetime | None = None,
    status: int = 200,
) -> Response:
    """The page as it is sent: with what must be said of the copy before its parts."""
    about = asked.about
    old = (now or datetime.now(UTC)) - about.published_at
    said: list[Part | Sequence[Card]] = []
    if old > STALE:
        hours = int(old.total_seconds() // 3600)
        said.append(
            Banner(
                f"These figures are {hours} hours old: no run has published newer ones.",
                "warn",
                Link("See the last runs", "/trust"),
            )
        )
    whole = Page(
        page.name,
        page.title,
        page.question,
        [*said, *page.parts],
        filters=page.filters,
        links=page.links,
        foot=(*page.foot, *foot(about)),
    )
    html = page_html(
        whole,
        menu=menu(asked.viewer, asked.filters, about.as_of),
        side=whose(asked.viewer),
        copy=copy_name(asked.published),
    )
    return HTMLResponse(html, status)


def foot(about: About) -> tuple[str, ...]:
    """What must be known of all figures: up to when they are, and of what."""
    return (
        f"Up to {day_name(about.as_of)}, UTC days",
        f"Published {about.published_at:%Y-%m-%d %H:%M} UTC",
        "Dollars are US dollars",
    )


def menu(viewer: Viewer, filters: Filters | None = None, as_of: date | None = None) -> list[Entry]:
    """The viewer's pages; from page to page the months stay, what else is chosen does not."""
    entries = [entry for entry in MENU if viewer.role is not Role.SELF or entry.name == "me"]
    if filters is None or as_of is None or filters.first == filters.last == month_of(as_of):
        return entries
    kept = Filters(filters.first, filters.last).address
    return [entry._replace(href=f"{entry.href}?{kept}") for entry in entries]


def seen(asked: Asked, dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Those of the dimensions by which the viewer's role is told anything."""
    return [name for name in dimensions if _values(asked, name) is not None]


def copy_name(published: Published) -> str:
    """What tells the copy from another one."""
    return "-".join(map(str, published.key))


def whose(viewer: Viewer) -> list[str]:
    """Who looks, and what of: shown on every page, so that nobody wonders what is missing."""
    name = viewer.email or "This machine’s owner"  # noqa: RUF001
    role = {Role.SELF: "nobody’s lead"}.get(viewer.role, viewer.role.value)  # noqa: RUF001
    return [name, f"{role}: {what_of(viewer)}"]


def what_of(viewer: Viewer) -> str:
    """What the viewer's figures are made of."""
    rows = {
        Rows.ALL: "the whole company",
        Rows.PEOPLE: "your people and you",
        Rows.SELF: "yourself alone",
    }[viewer.rights.rows]
    if viewer.rights.rows is Rows.ALL and viewer.cost_centers:
        rows = few(sorted(viewer.cost_centers), 3)
    mode = "people shown" if viewer.mode is Mode.OPEN else "teams shown"
    return f"{rows}; {mode}"


def filter_bar(
    asked: Asked,
    path: str,
    picks: Sequence[Dimension] = ("platform", "department", "cost_center", "team"),
    *,
    has_org: bool = True,
    has_months: bool = True,
) -> FilterBar:
    """The filters of a page over the copy's months; a list for each dimension that is seen.

    A page of today alone has no months.
    """
    filters, as_of = asked.filters, asked.about.as_of
    months = months_between(months_before(as_of, MONTHS_BACK), as_of)
    is_one = filters.first == filters.last

    def at(shown: Filters) -> str:
        return f"{path}?{shown.address}"

    lists = [found for name in picks if (found := _pick(asked, name)) is not None]
    return FilterBar(
        path,
        [Option(f"{month:%Y-%m}", month_name(month)) for month in reversed(months)]
        if has_months
        else [],
        f"{filters.first:%Y-%m}",
        f"{filters.last:%Y-%m}",
        before=at(filters.back(1)) if has_months and is_one and filters.first > months[0] else "",
        after=at(filters.back(-1)) if has_months and is_one and filters.last < months[-1] else "",
        period=period(filters),
        picks=lists,
        org=(
            Step("As it was", at(filters.having(org="then")), filters.org == "then", _THEN),
            Step("As it is", at(filters.having(org="now")), filters.org == "now", _NOW),
        )
        if has_org and sees_people(asked.viewer)
        else (),
        chips=[
            Chip(
                f"{LABELS[name]}: {label_of(name, value)}",
                at(filters.having(**{name: tuple(v for v in values if v != value)})),
            )
            for name, values in filters.selected.items()
            for value in values
        ],
        clear=at(filters.having(**dict.fromkeys(SELECTIONS, ()))),
        kept=_kept(filters, picks),
    )


def steps_by(asked: Asked, path: str, groups: Sequence[Dimension], by: str) -> list[Step]:
    """By what a table can be grouped, and by what it is; another group is in its own order."""
    return [
        Step(LABELS[one], f"{path}?{asked.filters.having(by=one, sort='').address}", one == by)
        for one in groups
    ]


_THEN = "Teams and departments as they were on the day of the cost"
_NOW = "Teams and departments as they are today"


def _pick(asked: Asked, name: Dimension) -> Pick | None:
    """The values with cost in the months, the dearest first, and those that are chosen."""
    values = _values(asked, name)
    if values is None:
        return None
    chosen: tuple[str, ...] = getattr(asked.filters, name)
    shown = list(dict.fromkeys([*chosen, *values[:MOST_OPTIONS]]))
    options = [Option(value, label_of(name, value), value in chosen) for value in shown]
    return Pick(name, LABELS[name], options, more=len({*values} - {*shown}))


def _values(asked: Asked, name: Dimension) -> list[str] | None:
    """What has cost in the months, the dearest first; None where the role is not told."""
    filters = asked.filters
    whole = Filters(filters.first, filters.last, org=filters.org)
    try:
        found = spend(asked.published, asked.viewer, whole, [name]).to_pylist()
    except ForbiddenError:
        return None
    found.sort(key=lambda row: -abs(row["total"]))
    return [str(row[name]) for row in found]


def _kept(filters: Filters, picks: Sequence[Dimension]) -> list[tuple[str, str]]:
    """What the form must send along, for no list of it says so."""
    own = {"month", "from", "to", "page", *picks}
    return [(name, value) for name, value in filters.items() if name not in own]


def notes(*tables: Any) -> list[Banner]:
    """Banners for what was left out of tables, each said once."""
    said = dict.fromkeys(note for table in tables for note in notes_of(table))
    return [Banner(note, "quiet") for note in said]


def unless_forbidden(title: str, make: Callable[[], Card], width: Width = "wide") -> Card:
    """The card, or in its place why the viewer's role has none."""
    try:
        return make()
    except ForbiddenError as error:
        return forbidden(title, error, width=width)


def forbidden(title: str, error: ForbiddenError, *, width: Width = "wide") -> Card:
    """A card that says why the viewer's role is not told."""
    text = str(error)
    return Card(title, empty=Empty("Not for your role", text[0].upper() + text[1:]), width=width)
