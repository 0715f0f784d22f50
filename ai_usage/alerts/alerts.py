"""From a run to messages on their way: reported once, by whoever comes first, and tried again.

The daemon's sensors and the command line come through here alike. Nothing here raises because a
channel is down: what was not delivered stays on the board and is tried again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from ai_usage.alerts.delivery import Sent, send
from ai_usage.alerts.findings import (
    BUILT,
    COMMAND_LINE,
    HEARTBEAT,
    Asset,
    Catalogue,
    Failure,
    Judged,
    Rule,
    RunFindings,
)
from ai_usage.alerts.history import RunHistory
from ai_usage.alerts.messages import Message, Writer
from ai_usage.alerts.news import AssetNews, by_cause, news_of
from ai_usage.alerts.routes import SEVERITIES, Route, Routes, routes_of
from ai_usage.alerts.state import (
    AlertState,
    Note,
    Open,
    OutboxMessage,
    alert_state,
    key_of,
    read_alert_state,
)
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor

COMMAND_GRACE = timedelta(minutes=2)
"""How long after its end a run may be reported by whoever should, before the courier does it."""
SWEEP = timedelta(hours=6)
"""How far back the courier looks for runs that nobody reported."""
DIGEST_AT_LATEST = timedelta(hours=1)
"""A backfill that runs longer sends a digest in between."""
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
GIVE_UP = timedelta(days=3)
_LEASE = timedelta(minutes=5)
"""While a letter is being sent nobody else sends it; a sender who dies leaves it for later."""
_MOST_IN_ONE = 6_000
"""Characters of messages that are put into one because their channel was down."""


@dataclass(frozen=True)
class Delivery:
    """How sending went: how many messages arrived, and one line for each that did not."""

    sent: int = 0
    failed: tuple[str, ...] = ()


class Alerts:
    """The alerts of one installation."""

    def __init__(
        self,
        settings: Settings,
        vendors: Sequence[Vendor],
        catalogue: Catalogue,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._writer = Writer(settings, vendors)
        self._clock = clock

    @cached_property
    def _routes(self) -> Routes:
        return routes_of(self._settings)

    @property
    def catalogue(self) -> Catalogue:
        """The assets that the alerts are about."""
        return self._catalogue

    @property
    def routes(self) -> tuple[Route, ...]:
        """The channels that the settings name."""
        return self._routes.routes

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for every entry of the setting that cannot be read."""
        return self._routes.problems

    def report(self, history: RunHistory, run_id: str) -> bool:
        """Take in a run that has ended, once; True if there is something to deliver."""
        if not self.routes or run_id in read_alert_state(history).handled:
            return False
        found = history.findings(run_id)
        with self._alert_state(history) as on:
            if run_id in on.handled:
                return False
            on.handled[run_id] = self._now()
            if found is None:
                return False
            on.last_end = self._now()
            if found.stopped:
                return False
            news = news_of(on, found, self._now())
            if found.backfill is not None:
                on.notes += [note for new in news for note in self._notes(new, found)]
                self._end_backfills(history, on)
            else:
                self._write(on, news, found)
            return bool(on.letters)

    def take_in(
        self, history: RunHistory, found: RunFindings, earlier: Mapping[str, datetime] = {}
    ) -> None:
        """Take in what was found outside of any run.

        `earlier` are broken rules of the command line that were told, and when, while the state
        could not be kept.
        """
        if not self.routes:
            return
        with self._alert_state(history) as on:
            for rule, at in earlier.items():
                key = key_of(COMMAND_LINE, BUILT, rule)
                on.open.setdefault(key, Open("error", since=at, seen=at))
            self._write(on, news_of(on, found, self._now()), found)

    def send_now(self, found: RunFindings) -> Delivery:
        """Send what was found without remembering anything, where no state can be kept."""
        on = AlertState()
        self._write(on, news_of(on, found, self._now()), found)
        failed = []
        for queued in on.letters:
            route = self._routes.by_id(queued.route)
            if route is not None:
                sent = send(route, queued.title, queued.body, queued.severity)
                failed += [] if sent.arrived else [f"{route.place}: {sent.why}"]
        return Delivery(len(on.letters) - len(failed), tuple(failed))

    def heartbeat(self, history: RunHistory) -> str | None:
        """Tell when no run has ended for too long, and when one does again; the line if so.

        Runs that hang, a queue that stands still and schedules that somebody stopped leave no
        failure behind.
        """
        hours = self._settings.heartbeat_hours
        if not self.routes or not hours:
            return None
        now, state_now = self._now(), read_alert_state(history)
        if state_now.last_end is None:
            with self._alert_state(history) as on:
                on.last_end = on.last_end or now
            return None
        silent = now - state_now.last_end
        line = None
        if silent > timedelta(hours=hours):
            line = (
                f"No run has ended since {state_now.last_end:%Y-%m-%d %H:%M} UTC, for more than "
                f"{hours:g} hours: see in Dagster's UI whether the schedules are on, what waits in "
                "the queue, and which run hangs."
            )
        is_open = key_of(HEARTBEAT, HEARTBEAT, HEARTBEAT) in state_now.open
        if is_open != (line is not None):
            rules = {HEARTBEAT: Rule(1)}
            silence = (Failure(HEARTBEAT, HEARTBEAT, "error", rules, line),) if line else ()
            judged = (Judged(HEARTBEAT, HEARTBEAT),)
            self.take_in(history, RunFindings("", HEARTBEAT, not line, silence, judged))
        return line

    def settle(self, history: RunHistory) -> None:
        """What became due by itself: runs that nobody reported, digests of ended backfills.

        A command that is killed after its run cannot report it, nor can a sensor that finds the
        board busy.
        """
        if not self.routes:
            return
        now = self._now()
        state_now = read_alert_state(history)
        for run in history.ended_since(now - SWEEP):
            grace = run.is_abandoned or (
                now.timestamp() - run.ended_at >= COMMAND_GRACE.total_seconds()
            )
            if grace and run.run_id not in state_now.handled:
                self.report(history, run.run_id)
        if state_now.notes:
            with self._alert_state(history) as on:
                self._end_backfills(history, on)

    def deliver(self, history: RunHistory) -> Delivery:
        """Send what is due, in order for each channel; what does not arrive is tried again."""
        now = self._now()
        if not any(queued.due <= now for queued in read_alert_state(history).letters):
            return Delivery()
        with self._alert_state(history) as on:
            taken = self._take(on, now)
        outcomes: dict[str, Sent] = {}
        failed: list[str] = []
        down: set[str] = set()
        for queued in taken:
            route = self._routes.by_id(queued.route)
            if route is None or queued.route in down:
                continue
            outcomes[queued.id] = send(route, queued.title, queued.body, queued.severity)
            if not outcomes[queued.id].arrived:
                down.add(queued.route)
                failed.append(f"{route.place}: {outcomes[queued.id].why}")
        with self._alert_state(history) as on:
            self._put_back(on, taken, outcomes, down, failed)
        return Delivery(sum(1 for sent in outcomes.values() if sent.arrived), tuple(failed))

    def waiting(self, history: RunHistory) -> int:
        """How many messages are not delivered yet."""
        return len(read_alert_state(history).letters)

    def test(self) -> list[tuple[Route, Sent]]:
        """Send a test message to every channel now, and say how it went."""
        message = self._writer.test()
        return [(route, send(route, message.title, message.body)) for route in self.routes]

    def _alert_state(self, history: RunHistory) -> AbstractContextManager[AlertState]:
        return alert_state(history, self._settings.home)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _write(self, on: AlertState, news: Sequence[AssetNews], found: RunFindings) -> None:
        """Letters on a run's news: one an asset and channel, or one digest a channel."""
        for route in self.routes:
            parts = [
                part
                for part in (new.only(route.severities) for new in news)
                if part and self._concerned(route, part.asset, found.assets)
            ]
            groups = by_cause(parts)
            if len(groups) > self._settings.notify_digest_above:
                notified = [(p.asset, self._writer.lines(p), not p.failed) for p in parts]
                worst = "error" if any(p.severity == "error" for p in parts) else "warning"
                link = f"Run: {self._writer.run_link(found.run_id)}"
                message = self._writer.digest(notified, worst, f"run {found.run_id[:8]}", link)
                self._post(on, route, _kind(worst, [not p.failed for p in parts]), message)
                continue
            for group in groups:
                assets = [self._catalogue.get(part.asset, Asset()) for part in group]
                message = self._writer.message(group[0], assets[0], found)
                if len(group) > 1:
                    message = self._writer.message_on_many(group, assets, found)
                kind = _kind(group[0].severity, [not part.failed for part in group])
                self._post(on, route, kind, message)

    def _notes(self, news: AssetNews, found: RunFindings) -> list[Note]:
        """A backfill's news wait for its end, by severity because routes ask for it."""
        return [
            Note(
                backfill=found.backfill or "",
                since=self._now(),
                run_id=found.run_id,
                asset=part.asset,
                severity=severity,
                lines=self._writer.lines(part),
                recovered=not part.failed,
            )
            for severity in SEVERITIES
            if (part := news.only(frozenset({severity})))
        ]

    def _end_backfills(self, history: RunHistory, on: AlertState) -> None:
        for backfill in {note.backfill for note in on.notes}:
            notes = [note for note in on.notes if note.backfill == backfill]
            ended = history.backfill_ended(backfill)
            if ended or self._now() - min(note.since for note in notes) >= DIGEST_AT_LATEST:
                self._write_digest(on, backfill, notes)
                on.notes = [note for note in on.notes if note.backfill != backfill]

    def _write_digest(self, on: AlertState, backfill: str, notes: Sequence[Note]) -> None:
        for route in self.routes:
            notified: dict[str, tuple[list[str], bool]] = {}
            wanted = [
                note
                for note in notes
                if route.wants("error" if note.severity == "error" else "warning")
                and self._concerned(route, note.asset, ())
            ]
            for note in wanted:
                lines, recovered = notified.get(note.asset, ([], True))
                lines += [line for line in note.lines if line not in lines]
                notified[note.asset] = lines, recovered and note.recovered
            if notified:
                worst = "error" if any(note.severity == "error" for note in wanted) else "warning"
                parts = [(name, lines, over) for name, (lines, over) in sorted(notified.items())]
                link = f"Backfill: {self._writer.backfill_link(backfill)}"
                message = self._writer.digest(parts, worst, f"backfill {backfill}", link)
                self._post(on, route, _kind(worst, [over for *_, over in parts]), message)

    def _concerned(self, route: Route, name: str, planned: Iterable[str]) -> bool:
        """Whether the route wants news of the asset; of a whole job, of any asset it builds."""
        names = [name] if name in self._catalogue else [n for n in planned if n in self._catalogue]
        if not names:
            return True
        return route.concerns(
            {self._catalogue[n].group for n in names},
            {owner for n in names for owner in self._catalogue[n].owners},
        )

    def _post(self, on: AlertState, route: Route, kind: str, message: Message) -> None:
        now = self._now()
        queued = OutboxMessage(
            uuid.uuid4().hex, route.id, kind, message.title, message.body, now, now
        )
        on.letters.append(queued)

    def _take(self, on: AlertState, now: datetime) -> list[OutboxMessage]:
        """The letters that are due, leased; many for one channel become one."""
        known = {route.id for route in self.routes}
        on.letters = [queued for queued in on.letters if queued.route in known]
        for route in sorted(known):
            tried = [x for x in on.letters if x.route == route and x.tries and x.due <= now]
            if len(tried) > self._settings.notify_digest_above:
                on.letters = [x for x in on.letters if x not in tried]
                on.letters.insert(0, _together(tried))
        due = [queued for queued in on.letters if queued.due <= now]
        for queued in due:
            queued.due = now + _LEASE
        on.forget(now)
        return due

    def _put_back(
        self,
        on: AlertState,
        taken: Sequence[OutboxMessage],
        outcomes: dict[str, Sent],
        down: set[str],
        failed: list[str],
    ) -> None:
        arrived = {id_ for id_, sent in outcomes.items() if sent.arrived}
        ours = {queued.id for queued in taken}
        now = self._now()
        kept = []
        for queued in on.letters:
            if queued.id in arrived:
                continue
            if queued.id in ours and queued.route in down:
                if now - queued.since > GIVE_UP:
                    failed.append(f"given up after {GIVE_UP.days} days: {queued.title}")
                    continue
                queued.due = now + min(FIRST_RETRY * 2 ** min(queued.tries, 10), LONGEST_RETRY)
                queued.tries += 1
            kept.append(queued)
        on.letters = kept


def _kind(severity: str, recovered: Sequence[bool]) -> str:
    return "recovered" if all(recovered) else severity


def _together(letters: Sequence[OutboxMessage]) -> OutboxMessage:
    """Messages that could not be delivered, as one."""
    body = ""
    for number, queued in enumerate(letters):
        body += f"{queued.title}\n{queued.body}\n\n"
        if len(body) > _MOST_IN_ONE and number + 1 < len(letters):
            body = f"{body[:_MOST_IN_ONE]}…\n\nand {len(letters) - number - 1} more"
            break
    worst = next((s for s in ("error", "warning") for x in letters if x.severity == s), "recovered")
    first = letters[0]
    return OutboxMessage(
        uuid.uuid4().hex,
        first.route,
        worst,
        f"ai-usage: {len(letters)} alerts that could not be delivered earlier",
        body,
        first.since,
        first.due,
        max(queued.tries for queued in letters),
    )
