"""`users.csv`: the people of the company, one line per person or one line per person and change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from ai_usage.reference.column import (
    CODES,
    EMAIL,
    EMAILS,
    FIRST_DAY,
    LOGINS,
    Column,
    Row,
    of_table,
)
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.problems import CellError, Problem

_TABLE = "dim_users"


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    start, end = row["start_date"], row["end_date"]
    if start and end and end < start:
        yield "end_date", CellError(f"{end} lies before start_date {start}", "swap or fix them")
    if row["user_email"] in (row["aliases"] or ()):
        yield "aliases", CellError("names the line's own user_email", "list only other addresses")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from _same_day_twice(lines)
    yield from _aliases_of_two(lines)
    yield from _logins_of_two(lines)


def _same_day_twice(lines: Sequence[Line]) -> Iterator[Problem]:
    seen: dict[tuple[str, date | None], int] = {}
    for line in lines:
        email, day = line.values["user_email"], line.values["effective_date"]
        first = seen.setdefault((email, day), line.number)
        if first != line.number:
            column = "effective_date" if day else "user_email"
            since = f"from {day} on" if day else "without an effective_date"
            what = f"{email} {since} stands in line {first} too"
            yield Problem(line.number, column, what, "keep one, or give each its effective_date")


def _aliases_of_two(lines: Sequence[Line]) -> Iterator[Problem]:
    people = {line.values["user_email"]: line.number for line in reversed(lines)}
    claimed: dict[str, str] = {}
    for line in lines:
        email = line.values["user_email"]
        for alias in line.values["aliases"] or ():
            if alias in people and alias != email:
                what = f"{alias} is a person of its own in line {people[alias]}"
                yield Problem(line.number, "aliases", what, "remove that line or the alias")
            elif claimed.setdefault(alias, email) != email:
                what = f"{alias} is an alias of {claimed[alias]} already"
                yield Problem(line.number, "aliases", what, "an address belongs to one person")


def _logins_of_two(lines: Sequence[Line]) -> Iterator[Problem]:
    claimed: dict[str, str] = {}
    for line in lines:
        email = line.values["user_email"]
        for login in line.values["vendor_logins"] or ():
            if claimed.setdefault(login, email) != email:
                what = f"{login} is a login of {claimed[login]} already"
                yield Problem(line.number, "vendor_logins", what, "a login belongs to one person")


def _warn(lines: Sequence[Line]) -> Iterator[Problem]:
    """A manager whom the file does not list may be listed by another directory: no refusal."""
    known = {line.values["user_email"] for line in lines}
    known |= {alias for line in lines for alias in line.values["aliases"] or ()}
    for line in lines:
        for column in ("manager_email", "director_email"):
            boss = line.values[column]
            if boss and boss not in known:
                what = f"{boss} has no line of their own"
                yield Problem(line.number, column, what, "add one if they use AI tools")


def _changed_from(before: Sequence[Row], after: Sequence[Row], observed: date) -> date | None:
    """A dated line matters from its date on; a person's first one, and an alias, since ever."""
    old, new = _by_person(before), _by_person(after)
    days = [_person_changed_from(old.get(e), new.get(e), observed) for e in old.keys() | new.keys()]
    return min((day for day in days if day), default=None)


def _by_person(rows: Iterable[Row]) -> dict[str, list[Row]]:
    people: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        people[row["user_email"]].append(row)
    for own in people.values():
        own.sort(key=lambda row: row["effective_date"] or FIRST_DAY)
    return people


def _person_changed_from(
    old: list[Row] | None, new: list[Row] | None, observed: date
) -> date | None:
    if old == new:
        return None
    if not new:
        return observed
    if not old or _names(old) != _names(new):
        return FIRST_DAY
    if all(row["effective_date"] is None for row in [*old, *new]):
        return observed
    changed = [row for row in old if row not in new] + [row for row in new if row not in old]
    if old[0] in changed or new[0] in changed:
        return FIRST_DAY
    days: list[date] = [row["effective_date"] for row in changed]
    return min(days)


def _names(own: Iterable[Row]) -> set[str]:
    """What else the person is known by, which matters since ever."""
    columns = ("aliases", "vendor_logins")
    return {name for row in own for column in columns for name in row.get(column) or ()}


_OWN = {
    "user_email": of_table(_TABLE, "user_email", kind=EMAIL, required=True),
    "effective_date": of_table(
        _TABLE,
        "effective_date",
        description="First day on which the line holds. A person may have several lines, each "
        "with its day: they are the person's history. Empty: the line holds as long as it stands "
        "here, and a change of it counts from the day it is read. A line says everything: what it "
        "leaves empty is not taken from the person's earlier lines.",
    ),
    "manager_email": of_table(_TABLE, "manager_email", kind=EMAIL),
    "director_email": of_table(_TABLE, "director_email", kind=EMAIL),
    "seniority_level": of_table(
        _TABLE, "seniority_level", choices=("junior", "mid", "senior", "staff", "principal")
    ),
    "employment_type": of_table(
        _TABLE, "employment_type", choices=("full_time", "contractor", "intern")
    ),
    "approved_platforms": of_table(_TABLE, "approved_platforms", kind=CODES),
    "is_active": of_table(
        _TABLE,
        "is_active",
        description="False for who is not with the company on the line's days. Where end_date is "
        "filled, that decides.",
        default=True,
    ),
    "end_date": of_table(
        _TABLE, "end_date", description="Last day with the company: inactive from the next day on."
    ),
    "aliases": Column(
        "aliases",
        EMAILS,
        "Further addresses of the person. Events under them count for user_email.",
    ),
    "vendor_logins": Column(
        "vendor_logins",
        LOGINS,
        "What vendors that give no address call the person, each as platform:login, like "
        "github_copilot:ada-b. Events of the login count for user_email. An id is written as the "
        "vendor writes it, upper case included; GitHub's logins know no case.",
    ),
}

_NAMES = [
    "user_email",
    "effective_date",
    "user_id",
    "employee_id",
    "first_name",
    "last_name",
    "full_name",
    "display_name",
    "preferred_name",
    "department",
    "department_code",
    "team",
    "sub_team",
    "manager_email",
    "director_email",
    "cost_center",
    "job_title",
    "seniority_level",
    "employment_type",
    "location",
    "timezone",
    "ai_budget_monthly_usd",
    "approved_platforms",
    "usage_restrictions",
    "is_active",
    "start_date",
    "end_date",
    "aliases",
    "vendor_logins",
]

FILE = ReferenceFile(
    name="users.csv",
    description="The people of the company: who they are, where they belong, since when. "
    "The strongest source of `dim_users`; each cell that is filled wins over every directory.",
    columns=tuple(_OWN.get(name) or of_table(_TABLE, name) for name in _NAMES),
    examples=(
        {
            "user_email": "ada.byron@example.com",
            "effective_date": "2026-01-01",
            "first_name": "Ada",
            "last_name": "Byron",
            "department": "Engineering",
            "team": "Search",
            "manager_email": "grace.murray@example.com",
            "cost_center": "CC-100",
            "seniority_level": "senior",
            "employment_type": "full_time",
            "timezone": "Europe/London",
            "ai_budget_monthly_usd": "250.00",
            "approved_platforms": "anthropic;cursor;github_copilot",
            "usage_restrictions": '{"max_model": "opus"}',
            "aliases": "ada@example.com;abyron@example.com",
            "vendor_logins": "github_copilot:ada-b",
        },
        {
            "user_email": "ada.byron@example.com",
            "effective_date": "2026-07-01",
            "first_name": "Ada",
            "last_name": "Byron",
            "department": "Engineering",
            "team": "Platform",
            "manager_email": "grace.murray@example.com",
            "cost_center": "CC-200",
            "seniority_level": "staff",
            "employment_type": "full_time",
            "timezone": "Europe/London",
            "ai_budget_monthly_usd": "250.00",
        },
        {
            "user_email": "grace.murray@example.com",
            "first_name": "Grace",
            "last_name": "Murray",
            "department": "Engineering",
            "cost_center": "CC-100",
            "end_date": "2026-09-30",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    warn=_warn,
    changed_from=_changed_from,
)
