"""How far a run is, told from within its steps to whoever started it; nobody need listen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Something happened to an asset or check: `state` is started, done, failed or skipped.

    Or it is `fetching`, `reading` what the archive holds, or `filling` days that it lacks, and
    `note` says how far; or it is `waiting`, and `note` says for what. `fetched` comes before
    `done`, and `note` says what came of it; `retrying` says what is asked again, `resuming` what is
    left of a build that was stopped, `standing` which days stand, for nothing of them has moved.
    """

    name: str
    state: str
    note: str = ""


Progress = Callable[[Step], None]

_listener: ContextVar[Progress | None] = ContextVar("ai_usage_progress", default=None)


@contextmanager
def listening(progress: Progress) -> Iterator[None]:
    """Have `tell` reach `progress`, from all that runs in this thread meanwhile."""
    token = _listener.set(progress)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(step: Step) -> None:
    """Tell who listens, if anybody does."""
    progress = _listener.get()
    if progress is not None:
        progress(step)
