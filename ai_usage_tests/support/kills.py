"""Kills at the n-th operation of a stage: no wall clock decides, and no process is asked to end.

The work is done in a fork of this warm process, so that nothing is imported twice. A test counts
the operations of a run that nobody disturbs, draws some of them, and SIGKILL leaves no time for
anything there.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import pytest

GIVE_UP_SECONDS = 300.0

Tick = Callable[[str], None]
"""Is told of the stage of every operation."""
Counting = Callable[[Tick], AbstractContextManager[None]]
"""While it is entered, operations are told."""


class Moment(NamedTuple):
    """The n-th operation of a stage."""

    stage: str
    number: int


class Told:
    """A connection that tells of every statement before and after it."""

    def __init__(self, connection: Any, tell: Callable[[], None]) -> None:
        self._connection, self._tell = connection, tell

    def execute(self, *arguments: Any) -> Any:
        self._tell()
        done = self._connection.execute(*arguments)
        self._tell()
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def in_a_child(work: Callable[[], object]) -> int:
    """Do the work in a fork of this process; its exit code, negative for a signal."""
    if (child := os.fork()) == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the run hangs")
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(ended[1])


def killed(work: Callable[[], object], counted: Counting, moment: Moment) -> bool:
    """Do the work and be killed at the moment; whether there was one."""
    counts: Counter[str] = Counter()

    def tick(stage: str) -> None:
        counts[stage] += 1
        if moment == (stage, counts[stage]):
            os.kill(os.getpid(), signal.SIGKILL)

    def counting() -> None:
        with counted(tick):
            work()

    code = in_a_child(counting)
    assert code in (0, -signal.SIGKILL)
    return code != 0
