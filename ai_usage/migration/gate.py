"""Whether a migration may be cut over: every condition, met or not, with its figure. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from ai_usage.ledger.closing import History
from ai_usage.migration.accuracy import Accuracy
from ai_usage.migration.comparing import Comparison
from ai_usage.migration.states import Entry
from ai_usage.migration.trend import green_run
from ai_usage.text.figures import money
from ai_usage.text.words import counted

Role = Literal["finance", "engineering"]
ROLES: tuple[Role, ...] = ("finance", "engineering")

GREEN_DAYS = 7
MOST_SECONDS = 3.0
MOST_STALE = timedelta(hours=2)
LEAST_ATTRIBUTED = 0.95
LEAST_YES = 0.9


@dataclass(frozen=True)
class Latency:
    """How long a view and the old query that it stands for take, in seconds."""

    median: float
    p95: float
    old_median: float | None = None
    """None where nobody named an old query."""
    old_p95: float | None = None


@dataclass(frozen=True)
class Approval:
    """What people said of the pages: votes, and how many of them approve."""

    votes: int
    approving: int


@dataclass(frozen=True)
class Evidence:
    """Everything that the gate looks at. What was not measured is None, and not met."""

    comparisons: Sequence[Comparison]
    coverage: float | None
    """The share of dollars that belong to somebody."""
    accuracy: Accuracy | None
    latencies: Mapping[str, Latency]
    freshest: datetime | None
    """When the newest answer was taken in."""
    entries: Sequence[Entry]
    history: History
    now: datetime
    approval: Approval | None = None
    """Of the dashboard's readers, this month; None where no votes are kept."""


@dataclass(frozen=True)
class Condition:
    """One condition: whether it is met, and what was found."""

    name: str
    met: bool
    found: str


def conditions(evidence: Evidence) -> list[Condition]:
    """Every condition, in the order in which a person clears them."""
    unexplained = sum((one.unexplained_usd for one in evidence.comparisons), Decimal(0))
    days = green_run(one.verdicts for one in evidence.comparisons)
    month_end = [day for day in days if (day + timedelta(days=1)).day == 1]
    return [
        Condition("nothing is unexplained", unexplained == 0, money(unexplained)),
        Condition(
            f"{GREEN_DAYS} green final days without a break",
            len(days) >= GREEN_DAYS,
            counted(len(days), "day"),
        ),
        Condition(
            "a month end among them",
            bool(month_end),
            str(month_end[-1]) if month_end else "none",
        ),
        _share("attribution covers the dollars", evidence.coverage),
        _accurate(evidence.accuracy),
        *(_fast(view, latency) for view, latency in evidence.latencies.items()),
        _fresh(evidence),
        *_accepted(evidence.entries),
        *_approved(evidence.approval),
        _month_is_closed(evidence.history, evidence.now.date()),
    ]


def votes(entries: Sequence[Entry]) -> dict[tuple[str, Role], bool]:
    """What each person said last, for each role that they spoke for; since the last way back."""
    found: dict[tuple[str, Role], bool] = {}
    for entry in entries:
        if entry.step in ("reopen", "rollback") and entry.outcome == "done":
            found.clear()
        for role in ROLES:
            if entry.step == "accept" and entry.details.get("role") == role:
                found[entry.by, role] = entry.details.get("answer") == "yes"
    return found


def _accepted(entries: Sequence[Entry]) -> list[Condition]:
    said = votes(entries)
    yes = sum(said.values())
    share = yes / len(said) if said else 0.0
    missing = [r for r in ROLES if not any(own == r and said[by, own] for by, own in said)]
    return [
        Condition(
            "at least 90 % say yes", bool(said) and share >= LEAST_YES, f"{yes} of {len(said)}"
        ),
        Condition(
            "finance and engineering each say yes",
            not missing,
            f"no yes of {' or '.join(missing)}" if missing else "both",
        ),
    ]


def _approved(approval: Approval | None) -> list[Condition]:
    """What readers of the pages said this month; where nobody voted there is nothing to hold."""
    if approval is None or not approval.votes:
        return []
    met = approval.approving / approval.votes >= LEAST_YES
    found = f"{approval.approving} of {approval.votes}"
    return [Condition("at least 90 % of the month's votes approve", met, found)]


def _share(name: str, share: float | None) -> Condition:
    met = share is not None and share > LEAST_ATTRIBUTED
    return Condition(f"{name} to more than 95 %", met, _percent(share))


def _accurate(accuracy: Accuracy | None) -> Condition:
    name = "attribution is right in more than 95 %"
    if accuracy is None or not accuracy.answered:
        return Condition(name, False, "nobody has confirmed any record")
    low, high = accuracy.interval
    found = (
        f"{_percent(accuracy.share)} of {counted(accuracy.answered, 'record')}, between "
        f"{_percent(low)} and {_percent(high)} with 95 % confidence"
    )
    return Condition(name, accuracy.share > LEAST_ATTRIBUTED, found)


def _fast(view: str, latency: Latency) -> Condition:
    within = latency.median <= MOST_SECONDS and latency.p95 <= MOST_SECONDS
    slower = [
        name
        for name, own, old in (
            ("median", latency.median, latency.old_median),
            ("p95", latency.p95, latency.old_p95),
        )
        if old is not None and own > old
    ]
    found = f"median {latency.median:.2f} s, p95 {latency.p95:.2f} s"
    if latency.old_median is None:
        found += "; no old query is named in `old_queries:`"
    if slower:
        found += f"; {' and '.join(slower)} slower than the old query"
    return Condition(f"{view} answers within 3 s", within and not slower, found)


def _fresh(evidence: Evidence) -> Condition:
    name = "data is at most 2 hours old"
    if evidence.freshest is None:
        return Condition(name, False, "nothing is loaded")
    age = evidence.now - evidence.freshest
    return Condition(name, age <= MOST_STALE, f"{age.total_seconds() / 3600:.1f} h")


def _month_is_closed(history: History, today: date) -> Condition:
    """Between a month's end and its close nobody should have to ask which system is right."""
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    closed = last_month in history.standing
    state = "is closed" if closed else "is not closed yet"
    return Condition("the month before is closed", closed, f"{last_month:%Y-%m} {state}")


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{share * 100:.1f} %"
