"""What was told and what waits to be sent, where every process that may send can see it.

It is one value in the key-value store of Dagster's instance, next to the runs it is about: the
daemon, every command and, on Postgres, every machine share it, and it vanishes when they do. A
file in the state folder would be split where several machines share an instance. The store cannot
compare and swap, so a file lock keeps the processes of one machine from writing over each other;
two machines that report within the same milliseconds may at worst repeat a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import filelock
import msgspec

from ai_usage.alerts.findings import BUILT, COMMAND_WAREHOUSE
from ai_usage.alerts.history import RunHistory
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.instance.names import WHOLE_GRAPH

KEY = "ai_usage/notifications"
_LOCK_SECONDS = 30.0
_FORGET_RUNS = timedelta(days=7)
_FORGET_FAILURES = timedelta(days=120)


class Open(msgspec.Struct):
    """A broken rule that was told and has not passed since: on these days, as ranges.

    No days: of the asset as a whole.
    """

    severity: str
    since: datetime
    seen: datetime
    days: list[tuple[date, date]] = []


class Note(msgspec.Struct):
    """News of an asset that waits for its backfill to end."""

    backfill: str
    since: datetime
    run_id: str
    asset: str
    severity: str
    lines: list[str]
    recovered: bool = False


class OutboxMessage(msgspec.Struct):
    """A message to one channel: `route` names it without its secrets."""

    id: str
    route: str
    severity: str
    title: str
    body: str
    since: datetime
    due: datetime
    tries: int = 0


class AlertState(msgspec.Struct):
    """Everything that is remembered."""

    open: dict[str, Open] = {}
    handled: dict[str, datetime] = {}
    """Runs that were read, and when."""
    notes: list[Note] = []
    letters: list[OutboxMessage] = []
    last_end: datetime | None = None
    """When a run was last seen to have ended; before the first one, since when that is watched."""

    def forget(self, now: datetime) -> None:
        """Drop what nobody will ask for again, so that the value stays small."""
        self.handled = {r: at for r, at in self.handled.items() if now - at < _FORGET_RUNS}
        self.open = {k: o for k, o in self.open.items() if now - o.seen < _FORGET_FAILURES}


@contextmanager
def alert_state(history: RunHistory, home: Path) -> Iterator[AlertState]:
    """The board, alone on this machine; what is changed is kept on a clean exit.

    Raises `AiUsageError` if another process holds it for long.
    """
    with _lock(home):
        found = read_alert_state(history)
        yield found
        text = msgspec.json.encode(found).decode()
        history.save(KEY, text)


def read_alert_state(history: RunHistory) -> AlertState:
    """The board as it stands, to look at. One that cannot be read any more starts anew."""
    text = history.load(KEY)
    try:
        found = msgspec.json.decode(text, type=AlertState) if text else AlertState()
    except msgspec.MsgspecError:
        return AlertState()
    # Earlier versions told people Dagster's name.
    earlier, now = key_of(WHOLE_GRAPH, BUILT, BUILT), key_of(COMMAND_WAREHOUSE, BUILT, BUILT)
    if earlier in found.open:
        found.open[now] = found.open.pop(earlier)
    return found


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    path = home / "notifications.lock"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path, timeout=_LOCK_SECONDS):
            yield
    except filelock.Timeout as error:
        raise AiUsageError(
            f"{path} is held by another process for longer than {_LOCK_SECONDS:.0f} s."
        ) from error


def key_of(asset: str, check: str, rule: str) -> str:
    """The key of a broken rule; a rule's name may hold any character but this separator."""
    return "\x1f".join((asset, check, rule))


def parts_of(key: str) -> tuple[str, str, str]:
    """Asset, check and rule of a key."""
    asset, check, rule = key.split("\x1f", 2)
    return asset, check, rule


def to_ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days as ranges of consecutive ones, both ends included."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and found[-1][1] + timedelta(days=1) == day:
            found[-1] = found[-1][0], day
        elif not found or found[-1][1] != day:
            found.append((day, day))
    return found


def to_days(ranges: Iterable[tuple[date, date]]) -> set[date]:
    """The days of ranges."""
    return {day for first, last in ranges for day in Window(first, last + timedelta(days=1)).days()}
