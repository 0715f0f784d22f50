"""Cross-file rules that several files share: who is known, which rates there are. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date

from ai_usage.reference.column import Row
from ai_usage.reference.currencies import USD
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.problems import Problem, quoted
from ai_usage.vendors.base import WHOLE_PLATFORM

USERS = "users.csv"
PLATFORMS = "platforms.csv"
SEATS = "seats.csv"
RATES = "fx_rates.csv"
DIRECTORIES = "the directories"
"""Among `Others`: people (user_email, aliases, team) of SCIM, the vendors' member lists and former
states of users.csv. Absent while a directory that is configured has not been read yet."""

Others = Mapping[str, Sequence[Row]]
"""Rows of the other present files by name, and of `DIRECTORIES`."""


def unknown_people(
    lines: Sequence[Line],
    others: Others,
    column: str = "user_email",
    *,
    where: Callable[[Row], bool] = lambda _row: True,
) -> Iterator[Problem]:
    """Refuse an address that is nobody's: no person's and no alias, in users.csv or a directory.

    No rule where nobody is known at all, or while a directory has not been read yet.
    """
    directories = others.get(DIRECTORIES)
    if directories is None:
        return
    people = [*others.get(USERS, ()), *directories]
    if not people:
        return
    known = {row["user_email"] for row in people}
    known |= {alias for row in people for alias in row["aliases"] or ()}
    listed = f"{USERS} or a directory" if directories else USERS
    for line in lines:
        email = line.values[column]
        if email and where(line.values) and email not in known:
            what = f"{email} is nobody in {listed}"
            yield Problem(line.number, column, what, f"fix the address, or add it to {USERS}")


def unknown_teams(lines: Sequence[Line], others: Others, column: str = "team") -> Iterator[Problem]:
    """Refuse a team that nobody is or ever was in, by users.csv or a directory.

    No rule where no team is known at all, or while a directory has not been read yet.
    """
    directories = others.get(DIRECTORIES)
    if directories is None:
        return
    teams = {row.get("team") for row in (*others.get(USERS, ()), *directories)} - {None}
    if not teams:
        return
    for line in lines:
        team = line.values[column]
        if team and team not in teams:
            what = f"nobody is in the team {quoted(team)}"
            close = difflib.get_close_matches(team, teams, n=1)
            remedy = f"did you mean {close[0]}?" if close else "fix the name, or people's team"
            yield Problem(line.number, column, what, remedy)


Product = tuple[str, str]
"""(platform_code, platform_subtype)."""


def undeclared_platforms(
    file: ReferenceFile, lines: Sequence[Line], others: Others, vendors: Sequence[Product]
) -> Iterator[Problem]:
    """Refuse a platform, or a product of one, that nobody declares: its cost would be Unknown.

    The vendors' modules and platforms.csv declare platforms, and seats.csv products besides.
    """
    platforms = {platform for platform, _product in (*vendors, *_in_platforms(others))}
    declared = {*vendors, *_in_platforms(others), *_in_seats(others)}
    names_products = "platform_subtype" in file.column_names and file.name != SEATS
    for line in lines:
        platform = line.values["platform"]
        product = line.values["platform_subtype"] if names_products else None
        if platform is None:
            continue
        if platform not in platforms:
            what = f"nobody declares a platform {quoted(platform)}"
            yield Problem(line.number, "platform", what, _one_of(platform, platforms))
        elif product not in (None, WHOLE_PLATFORM) and (platform, product) not in declared:
            what = f"nobody declares a product {quoted(product)} of {platform}"
            own = {name for code, name in declared if code == platform}
            yield Problem(line.number, "platform_subtype", what, _one_of(product, own))


def undeclared_approvals(
    lines: Sequence[Line], others: Others, vendors: Sequence[Product]
) -> Iterator[Problem]:
    """Tell of platforms that people are approved for and nobody declares: no use is on them."""
    declared = {*vendors, *_in_platforms(others), *_in_seats(others)}
    known = {name for product in declared for name in product}
    for line in lines:
        for name in line.values["approved_platforms"] or ():
            if name not in known:
                what = f"nobody declares a platform or product {quoted(name)}"
                yield Problem(line.number, "approved_platforms", what, _one_of(name, known))


def _in_platforms(others: Others) -> list[Product]:
    return [(row["platform_code"], row["platform_subtype"]) for row in others.get(PLATFORMS, ())]


def _in_seats(others: Others) -> list[Product]:
    return [(row["platform"], row["platform_subtype"]) for row in others.get(SEATS, ())]


def _one_of(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]}? Else add it to {PLATFORMS}"
    return f"write one of {', '.join(sorted(known))}, or add it to {PLATFORMS}"


def missing_rates(
    lines: Sequence[Line], others: Others, needed_on: Callable[[Row], date]
) -> Iterator[Problem]:
    """Refuse an amount in a currency that has no rate on or before the day it is converted on."""
    first: dict[str, date] = {}
    for row in others.get(RATES, ()):
        currency, day = row["currency"], row["rate_date"]
        first[currency] = min(day, first.get(currency, day))
    for line in lines:
        currency = line.values["currency"]
        if currency == USD:
            continue
        day = needed_on(line.values)
        if currency not in first or first[currency] > day:
            what = f"{RATES} has no rate of {currency} on or before {day}"
            yield Problem(line.number, "currency", what, f"add one to {RATES}")
