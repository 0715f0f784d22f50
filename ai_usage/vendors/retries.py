"""Requests that are asked again, told to whoever listens; nobody need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Retry:
    """A request that failed and is asked again in `wait` seconds, as attempt `attempt`."""

    place: str
    """Vendor, endpoint and what was asked for, as an error would name it."""
    came: str
    """What came instead of an answer: the status, or that nothing came. Holds no secret."""
    wait: float
    attempt: int
    attempts: int

    def __str__(self) -> str:
        return (
            f"{self.place}: {self.came}; asked again in {self.wait:.2g} s "
            f"(attempt {self.attempt} of {self.attempts})"
        )


Told = Callable[[Retry], None]

_listener: ContextVar[Told | None] = ContextVar("ai_usage_retries", default=None)


@contextmanager
def listening(told: Told) -> Iterator[None]:
    """Have every retry of this thread reach `told` meanwhile, those of fetching a token too."""
    token = _listener.set(told)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(retry: Retry) -> None:
    """Tell who listens, if anybody does."""
    told = _listener.get()
    if told is not None:
        told(retry)
