"""What days are built from besides their own reports: who is who, and what finance's files book.

Both follow from lists and files of all days, and from the hour. Rather than to reason about which
day a list or a midnight reaches, what follows from them is worked out before a build and compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any

import msgspec

from ai_usage.days.spans import day_before
from ai_usage.days.windows import Window
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.orchestration.assets.finance import FinanceSnapshot
from ai_usage.orchestration.resources import Resources

_OF_TODAY = frozenset({"last_activity_date", "created_timestamp", "updated_timestamp"})
"""Columns of people that no table with days is built from."""
_VERIFIED = "last_verified_date"
"""Moves on with every list that says the same; days up to it do not depend on it."""


class Derived(msgspec.Struct, frozen=True):
    """What was derived on a day: digests of who is who, and of what each day has booked.

    `identities` holds for days before `day`: what was verified since counts as verified then.
    `accounts` are the billing accounts that the bookings name: one more may draw cost from others.
    """

    day: date
    identities: str
    booked: dict[date, str]
    accounts: list[str]


class Deriving:
    """What follows from lists and files by now; worked out when it is asked for.

    `AiUsageError` where it cannot be, as a run would raise.
    """

    def __init__(self, declared: Declared, given: Resources) -> None:
        self._directory = Directory(declared, given.archive, given.clock, given.kept_lists)
        self._events: tuple[Window, tuple[dict[date, str], list[str]]] | None = None

    def derived(self, window: Window) -> Derived:
        """What to remember of it, for the days of the window."""
        day = self._directory.clock.today
        return Derived(day, self._identities(day), *self._booked(window))

    def moved(self, since: Derived, among: Window) -> set[date] | None:
        """The days for which it says something else than it did; None where any may be.

        Days from that on which it was derived are among them.
        """
        if self._identities(since.day) != since.identities:
            return None
        booked, accounts = self._booked(among)
        if not set(accounts) <= set(since.accounts):
            return None
        return {
            day
            for day in among.days()
            if day >= since.day or booked.get(day) != since.booked.get(day)
        }

    @cached_property
    def _rows(self) -> list[list[Mapping[str, Any]]]:
        # Events add to this when somebody was last seen, and keys by their names from the first
        # day on which one is seen.
        identity = self._directory.as_listed()
        return [list(identity.bridge_user_identity()), list(identity.dim_users())]

    def _identities(self, before: date) -> str:
        digest = hashlib.sha256()
        for rows in self._rows:
            for text in sorted(repr(list(_told(row, day_before(before)))) for row in rows):
                digest.update(text.encode() + b"\n")
            digest.update(b"\0")
        return digest.hexdigest()

    def _booked(self, window: Window) -> tuple[dict[date, str], list[str]]:
        if self._events is None or self._events[0] != window:
            self._events = window, self._digests(window)
        return self._events[1]

    def _digests(self, window: Window) -> tuple[dict[date, str], list[str]]:
        digests: dict[date, Any] = {}
        accounts = set()
        for stream in FinanceSnapshot(self._directory).events(window):
            for event in stream.events:
                own = digests.setdefault(event.event_date, hashlib.sha256())
                own.update(f"{stream.platform}/{stream.endpoint} ".encode())
                own.update(msgspec.json.encode(event) + b"\n")
                if event.billing_account_id is not None:
                    accounts.add(f"{stream.platform}/{event.billing_account_id}")
        booked = {day: digest.hexdigest() for day, digest in digests.items()}
        return booked, sorted(accounts)


def _told(row: Mapping[str, Any], last: date) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if name == _VERIFIED and value is not None:
            yield name, min(value, last)
        elif name not in _OF_TODAY:
            yield name, value
