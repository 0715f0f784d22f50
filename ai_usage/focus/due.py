"""Which bills should have come: who bills a tool for one month is expected to for the next. Pure.

The mapping is the declaration: an account whose newest bill brings cost of a tool owes a bill of
each later month in which a line of `focus_mapping.csv` still holds for the service. To end that,
end the line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from ai_usage.days.cycles import cycle_of
from ai_usage.days.spans import day_after
from ai_usage.days.windows import Window
from ai_usage.focus.mapping import Services
from ai_usage.focus.shelf import HeldBill

COMES_WITHIN = timedelta(days=10)
"""How long after a period's end its bill may come: clouds correct a month in its first days."""


class DueBill(NamedTuple):
    """A period of an account without a bill, and the platforms whose cost is not known for it."""

    account: str
    days: Window
    platforms: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"account {self.account} has no bill of {self.days}: what {', '.join(self.platforms)} "
            "cost then is in no sum"
        )


def due_bills(bills: Iterable[HeldBill], services: Services, today: date) -> list[DueBill]:
    """The bills that are due on a day, by account and period."""
    accounts: dict[str, list[HeldBill]] = defaultdict(list)
    for bill in bills:
        accounts[bill.key.account].append(bill)
    found = []
    for account, own in sorted(accounts.items()):
        own.sort(key=lambda bill: bill.key.period)
        for before, days in _missing(own, today):
            platforms = _platforms(before, services, days)
            if platforms:
                found.append(DueBill(account, days, platforms))
    return found


def _missing(bills: Sequence[HeldBill], today: date) -> Iterator[tuple[HeldBill, Window]]:
    """Periods without a bill, each with the bill before it: between two bills, after the last."""
    for before, after in pairwise(bills):
        start, end = before.key.period.end, after.key.period.start
        if start < end:
            yield before, Window(start, end)
    newest = bills[-1]
    start = newest.key.period.end
    while (end := day_after(cycle_of(start, start.day).last)) + COMES_WITHIN <= today:
        yield newest, Window(start, end)
        start = end


def _platforms(before: HeldBill, services: Services, days: Window) -> tuple[str, ...]:
    """The platforms of the bill's services on any of the days."""
    billed = {(of.provider, of.service) for of in before.head.services}
    lines = (services.included(*of, day) for of in billed for day in days.days())
    return tuple(sorted({line["platform"] for line in lines if line is not None}))
