"""Changes of the rules by which days are built, and which loaded days still follow older ones.

A release that reads a vendor's answer or works out a fact otherwise than before names the change in
`RULE_CHANGES`. The archive remembers, for each change, which loaded days were built before it; the
next run rebuilds those that are open. A closed month keeps the rules that it was reported by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window, windows_of
from ai_usage.ledger.closing import history
from ai_usage.reference import VENDOR
from ai_usage.text.words import few

_ENDPOINT = "_built_rules"


@dataclass(frozen=True)
class RuleChange:
    """One change of what a day's rows are: its name, which the archive keeps, and why it came.

    `rebuilds` are the tables that Python fills and that come out otherwise: their code version is
    the name of the last change that names them.
    """

    name: str
    reason: str
    rebuilds: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatementChange(RuleChange):
    """A table's statement is another one; nobody declares that, its code version tells."""

    table: str = ""


_STATEMENT = "statement/"


def statement_changes(versions: Mapping[str, str]) -> tuple[StatementChange, ...]:
    """One change per table that a statement builds, by its present code version."""
    return tuple(
        StatementChange(
            f"{_STATEMENT}{table}/{version}", f"the statement of {table} is another", (), table
        )
        for table, version in versions.items()
    )


RULE_CHANGES = (
    RuleChange(
        "unknown-charges",
        "a record whose charge cannot be read or is not known is marked as such",
        ("raw_ai_events",),
    ),
    RuleChange(
        "platform-as-a-whole",
        "a cost that is for no single product stays with its platform",
        ("dim_platforms",),
    ),
    RuleChange(
        "seats-before-the-first-list",
        "seats before the first member list and without assignments are Shared",
        ("raw_ai_events", "dim_seats"),
    ),
    RuleChange(
        "full-month-ends-with-its-contract",
        "a full_month contract that ends within a month is charged to its last day",
        ("raw_ai_events", "dim_seats"),
    ),
    RuleChange(
        "split-confidence",
        "a split is less sure where a cost line names what usage does not, or shares its tokens "
        "with priority_on_demand, which counts as a weight",
    ),
    RuleChange(
        "cost-centre-order", "the cost centre is the rule's, else the key's, else the person's"
    ),
    RuleChange(
        "platform-rules",
        "a rule of scope platform splits all cost of the platform that no narrower rule splits, "
        "and an equal split among nobody is Shared",
    ),
    RuleChange(
        "units-once",
        "tokens that several lines bill are counted once, and a seat's units by its billing month",
    ),
    RuleChange(
        "invoice-status",
        "a cycle's status holds for its one-time cost, counts its invoices as one sum, and asks "
        "for the days that were loaded, not for those with events",
    ),
    RuleChange(
        "lines-that-usage-cannot-tell-apart",
        "a split says where usage cannot tell lines or tiers apart, and counts their tokens once",
    ),
    RuleChange(
        "priority-on-demand-is-billed", "tokens of Priority Tier on demand are billed like standard"
    ),
    RuleChange(
        "platform-rules-split-everything",
        "a platform's rule splits all its cost, and every rule the tokens, requests and seats with "
        "the dollars; an equal split over nobody is Shared",
    ),
    RuleChange(
        "a-keys-own-cost-centre", "a personal key's own cost centre comes before its bearer's too"
    ),
    RuleChange(
        "seat-months-by-billing-day",
        "a day of a seat is its part of the contract's billing month",
        ("raw_ai_events", "dim_seats"),
    ),
    RuleChange(
        "one-person-by-ids",
        "a renamed address is the same person's, one given to somebody else another's",
        ("dim_users", "api_key_mappings", "bridge_user_identity"),
    ),
    RuleChange(
        "key-succession",
        "a key made under the name of one that was switched off takes its place",
        ("api_key_mappings", "bridge_user_identity"),
    ),
)
"""Oldest first. What SQL alone works out otherwise needs none: a statement's version tells. Add one
where rows of days already loaded come out otherwise; never rename one."""


@dataclass(frozen=True)
class OutdatedDays:
    """Loaded days that are open and were built before `changes`: `open`, in order, never empty."""

    open: tuple[Window, ...]
    changes: tuple[RuleChange, ...]

    @property
    def reasons(self) -> list[str]:
        """What has changed, a line each; the tables whose statements did are one line."""
        statements = [c.table for c in self.changes if isinstance(c, StatementChange)]
        found = [c.reason for c in self.changes if not isinstance(c, StatementChange)]
        if statements:
            found.append(f"SQL has changed: {few(statements)}")
        return found

    @property
    def day(self) -> date:
        """The first day to rebuild."""
        return self.open[0].start

    @property
    def days(self) -> Window:
        """From the first to the last day; closed months may lie between."""
        return Window(self.day, self.open[-1].end)


class _Built(msgspec.Struct):
    """By name of a change: the loaded days that it has not reached, each first and end, in order.

    A change without an entry has reached none of the loaded days.
    """

    older: dict[str, list[tuple[date, date]]]


def all_known(archive: Archive, changes: Iterable[RuleChange] = RULE_CHANGES) -> bool:
    """Whether the archive says of every change which days it has not reached."""
    known = _known(archive)
    return all(change.name in known for change in changes)


def outdated_days(
    archive: Archive,
    first_day: date,
    loaded: Callable[[], Window | None],
    changes: Sequence[RuleChange] = RULE_CHANGES,
) -> OutdatedDays | None:
    """The open days that are to be rebuilt, and why; None where there are none.

    `loaded` asks for all days that the facts hold; it is asked only where the archive says nothing
    of a change.
    """
    known = dict(_known(archive))
    if any(change.name not in known for change in changes):
        days = loaded()
        known = {change.name: known.get(change.name, [days] if days else []) for change in changes}
    books = history(archive)
    found: set[date] = set()
    lacking = []
    for change in changes:
        # What lies before the first partition cannot be built, so it is not asked for for ever.
        buildable = [
            Window(max(older.start, first_day), older.end)
            for older in known[change.name]
            if older.end > first_day
        ]
        own = [day for older in buildable for part in books.open(older) for day in part.days()]
        if own:
            found.update(own)
            lacking.append(change)
    return OutdatedDays(tuple(windows_of(found)), tuple(lacking)) if found else None


def note_built(
    archive: Archive,
    clock: Clock,
    built: Window,
    loaded: Window,
    changes: Iterable[RuleChange] = RULE_CHANGES,
    *,
    leaves_closed: bool = False,
) -> None:
    """Remember that a run of the whole graph built these days by the present rules.

    `loaded` are all days that the facts hold. A run that `leaves_closed` built the open ones alone.
    """
    known = _known(archive)
    parts = history(archive).open(built) if leaves_closed else [built]
    new = {day for part in parts for day in part.days()}

    def less(older: Sequence[Window]) -> list[Window]:
        return windows_of({day for window in older for day in window.days()} - new)

    now = {change.name: less(known.get(change.name, [loaded])) for change in changes}
    _keep(archive, clock, {**_without_statements(known), **now})


def note_empty(
    archive: Archive, clock: Clock, changes: Iterable[RuleChange] = RULE_CHANGES
) -> None:
    """Remember that nothing was loaded before the present rules: all of it will be built by them.

    Without this a first load that fails midway would pass for one of an older version.
    """
    known = _without_statements(_known(archive))
    _keep(archive, clock, {**known, **{change.name: [] for change in changes}})


def _without_statements(known: Mapping[str, list[Window]]) -> dict[str, list[Window]]:
    """The changes that are declared: of a statement that is no more, nothing need be known."""
    return {name: days for name, days in known.items() if not name.startswith(_STATEMENT)}


def _known(archive: Archive) -> Mapping[str, list[Window]]:
    complete = [fetch for fetch in archive.fetches(VENDOR, _ENDPOINT) if fetch.complete]
    if not complete:
        return {}
    (page,) = archive.pages(complete[-1])
    older = msgspec.json.decode(page, type=_Built).older
    return {name: [Window(*days) for days in windows] for name, windows in older.items()}


def _keep(archive: Archive, clock: Clock, older: Mapping[str, list[Window]]) -> None:
    if older == _known(archive):
        return
    body = _Built({name: [(w.start, w.end) for w in own] for name, own in sorted(older.items())})
    today = Window.day(clock.today)
    with archive.recording(VENDOR, _ENDPOINT, today, fetched_at=clock.now) as recorder:
        recorder.add(Page(msgspec.json.encode(body), "rules of the days built"))
