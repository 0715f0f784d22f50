"""The rate limit, on a clock that only sleeping moves."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from ai_usage.platforms import limits
from ai_usage.platforms.http import VendorClient
from ai_usage.platforms.limits import RateLimiter
from ai_usage_tests.platforms.support import ANTHROPIC, CURSOR


class Clock:
    """Stands in for the `time` module."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(st.integers(1, 8), st.lists(st.floats(0, 90), min_size=1, max_size=40))
def test_never_more_than_the_limit_within_any_minute(limit: int, pauses: list[float]) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "time", clock)
        limiter, granted = RateLimiter(limit), []
        for pause in pauses:
            clock.now += pause
            limiter.wait()
            granted.append(clock.now)
    for early, late in zip(granted, granted[limit:], strict=False):
        assert late - early >= 60 - 1e-6
    assert all(late >= early for early, late in pairwise(granted))


def test_a_burst_up_to_the_limit_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    limiter = RateLimiter(20)
    for _ in range(20):
        limiter.wait()
    assert clock.now == 1000.0
    limiter.wait()
    assert clock.now == 1060.0


def test_a_pause_that_one_thread_was_told_holds_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    limiter = RateLimiter(None)
    limiter.wait()
    limiter.hold(7)
    limiter.wait()
    assert clock.now == 1007.0


def test_threads_share_one_limit() -> None:
    limiter = RateLimiter(50)
    passed = []

    def pass_once() -> None:
        if limiter._claim(0.0) == 0.0:
            passed.append(1)

    threads = [threading.Thread(target=pass_once) for _ in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50


def test_cursor_counts_each_endpoint_and_a_simulator_counts_nothing() -> None:
    with VendorClient(CURSOR, SecretStr("k")) as real:
        assert real._own["usage_events"]._per_minute == 60
        assert real._own["daily_usage"]._per_minute == 20
    with VendorClient(ANTHROPIC, SecretStr("k")) as shared:
        assert shared._own == {}
        assert shared._shared._per_minute == 60
    with VendorClient(CURSOR, SecretStr("k"), base_url="http://localhost:1/cursor") as simulated:
        assert simulated._own["usage_events"]._per_minute is None
        assert simulated._shared._per_minute is None
