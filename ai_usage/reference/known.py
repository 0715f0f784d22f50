"""Cross-file rules that several files share: who is known, which rates there are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from ai_usage.reference.column import Row
from ai_usage.reference.currencies import USD
from ai_usage.reference.file import Line
from ai_usage.reference.problems import Problem

USERS = "users.csv"
RATES = "fx_rates.csv"

Others = Mapping[str, Sequence[Row]]


def unknown_people(
    lines: Sequence[Line],
    others: Others,
    column: str = "user_email",
    *,
    where: Callable[[Row], bool] = lambda _row: True,
) -> Iterator[Problem]:
    """Refuse an address that users.csv lists neither as a person nor as an alias.

    Where there is no users.csv, or no line in it, the people come from elsewhere: no rule.
    """
    users = others.get(USERS)
    if not users:
        return
    known = {row["user_email"] for row in users}
    known |= {alias for row in users for alias in row["aliases"] or ()}
    for line in lines:
        email = line.values[column]
        if email and where(line.values) and email not in known:
            what = f"{email} is nobody in {USERS}"
            yield Problem(line.number, column, what, f"mend the address, or add it to {USERS}")


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
