"""What of a run's findings nobody was told yet: new failures, and failures that are over.

A failure is a broken rule of a check of an asset. While it is open it is told once. On a day next
to one that was told it goes on; on a day apart it is another. It is over on a day when the check
passes there, and a failed build when a later run builds days that it failed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ai_usage.alerts.findings import BUILT, Failure, Judged, RunFindings
from ai_usage.alerts.routes import Severity
from ai_usage.alerts.state import AlertState, Open, key_of, parts_of, to_days, to_ranges


@dataclass(frozen=True)
class Recovery:
    """A broken rule that holds again: on these days, none where it is of the asset as a whole."""

    check: str
    rule: str
    severity: Severity
    since: datetime
    days: frozenset[date]
    left: frozenset[date]
    """Days on which it was told and is still broken."""


@dataclass(frozen=True)
class AssetNews:
    """What is new about an asset after a run. `open` are checks told before and still failing."""

    asset: str
    failed: tuple[Failure, ...] = ()
    recovered: tuple[Recovery, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """The worst that is in it."""
        parts: Sequence[Failure | Recovery] = (*self.failed, *self.recovered)
        return "error" if any(part.severity == "error" for part in parts) else "warning"

    def only(self, wanted: frozenset[Severity]) -> AssetNews:
        """The part of the wanted severities; nothing wanted is everything."""
        if not wanted:
            return self
        return AssetNews(
            self.asset,
            tuple(f for f in self.failed if f.severity in wanted),
            tuple(r for r in self.recovered if r.severity in wanted),
            self.open,
        )

    def __bool__(self) -> bool:
        return bool(self.failed or self.recovered)


def by_cause(news: Sequence[AssetNews]) -> list[list[AssetNews]]:
    """The news, those together that one sentence tells: not built, or built again, for one cause.

    A vendor that is down fails all of its endpoints, and one message says it.
    """
    groups: dict[object, list[AssetNews]] = {}
    for new in news:
        groups.setdefault(_cause(new), []).append(new)
    return list(groups.values())


def _cause(new: AssetNews) -> object:
    checks = {failure.check for failure in new.failed} | {over.check for over in new.recovered}
    if checks == {BUILT} and not new.recovered:
        (failure,) = new.failed
        days = frozenset(day for rule in failure.rules.values() for day in rule.days)
        return failure.cause or new.asset, days
    if checks == {BUILT} and not new.failed:
        return tuple((over.since, over.days, over.left) for over in new.recovered)
    return new.asset


def news_of(alert_state: AlertState, found: RunFindings, now: datetime) -> list[AssetNews]:
    """Compare with what is on the board, bring the board up to date, and say what is new."""
    failed: dict[str, list[Failure]] = {}
    known: dict[str, list[str]] = {}
    for failure in found.failures:
        if _note(alert_state, failure, now):
            failed.setdefault(failure.asset, []).append(failure)
        else:
            known.setdefault(failure.asset, []).append(failure.check)
    recovered: dict[str, list[Recovery]] = {}
    broken = {
        key_of(f.asset, f.check, rule): state.days
        for f in found.failures
        for rule, state in f.rules.items()
    }
    for judged in found.judged:
        for recovery in _recoveries(alert_state, judged, broken):
            recovered.setdefault(judged.asset, []).append(recovery)
    return [
        AssetNews(
            asset,
            tuple(failed.get(asset, ())),
            tuple(recovered.get(asset, ())),
            tuple(known.get(asset, ())),
        )
        for asset in sorted(failed.keys() | recovered.keys())
    ]


def _note(alert_state: AlertState, failure: Failure, now: datetime) -> bool:
    """Put the failure on the board; True if any of it was not there."""
    new = False
    for rule, state in failure.rules.items():
        key = key_of(failure.asset, failure.check, rule)
        entry = alert_state.open.get(key)
        notified = to_days(entry.days) if entry else set()
        if entry is None or _apart(notified, state.days):
            new = True
        alert_state.open[key] = Open(
            severity=failure.severity,
            since=entry.since if entry else now,
            seen=now,
            days=to_ranges(notified | state.days),
        )
    return new


def _apart(notified: set[date], days: frozenset[date]) -> bool:
    """Whether a day lies in a run of failing days of which none was told."""
    return any(
        notified.isdisjoint(to_days([span]))
        for span in to_ranges(notified | days)
        if span[0] in days
    )


def _recoveries(
    alert_state: AlertState, judged: Judged, broken: Mapping[str, frozenset[date]]
) -> list[Recovery]:
    """The rules of a check that were open and hold now; they leave the board."""
    found = []
    for key, entry in list(alert_state.open.items()):
        asset, check, rule = parts_of(key)
        if (asset, check) != (judged.asset, judged.check):
            continue
        notified = to_days(entry.days)
        over = _over(notified, judged, key in broken, broken.get(key, frozenset()))
        if over is None:
            continue
        left = notified - over
        if left:
            entry.days = to_ranges(left)
        else:
            del alert_state.open[key]
        severity: Severity = "error" if entry.severity == "error" else "warning"
        found.append(Recovery(check, rule, severity, entry.since, frozenset(over), frozenset(left)))
    return found


def _over(
    notified: set[date], judged: Judged, fails: bool, failing: frozenset[date]
) -> set[date] | None:
    """The told days on which a rule holds again; None if there is nothing to say."""
    if not notified or not judged.days:
        return None if fails else notified
    if judged.check == BUILT:
        # Days of a failed window that were left behind since are the nightly run's to fetch.
        spans = [to_days([span]) for span in to_ranges(notified)]
        over = set().union(*(span for span in spans if not span.isdisjoint(judged.days)))
    else:
        over = (notified & judged.days) - failing
    return over or None
