"""The estimate of a fetch is honest: it is right at an even pace and under a vendor's limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.vendors import limits
from ai_usage.vendors.limits import RateLimiter
from ai_usage.vendors.pace import FetchProgress
from ai_usage_tests.vendors.test_limits import Clock


@given(st.integers(1, 364), st.floats(0.01, 100))
def test_at_an_even_pace_it_is_what_is_left(done: int, seconds_a_day: float) -> None:
    progress = FetchProgress(done, 365, done, done * seconds_a_day)
    assert progress.seconds_left == pytest.approx((365 - done) * seconds_a_day)


@pytest.mark.parametrize(("per_minute", "requests_a_day"), [(60, 1), (20, 1), (60, 7)])
def test_under_a_limit_it_is_right_to_the_minute_from_the_first_days_on(
    monkeypatch: pytest.MonkeyPatch, per_minute: int, requests_a_day: int
) -> None:
    """The first minute's requests go out at once: their pace would promise the year in no time."""
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    limiter, began = RateLimiter(per_minute), clock.now
    said: list[tuple[float, float]] = []
    for day in range(1, 366):
        for _ in range(requests_a_day):
            limiter.wait()
        if day % 31 == 0 or day == 365:
            passed = clock.now - began
            progress = FetchProgress(day, 365, day * requests_a_day, passed, per_minute)
            assert progress.seconds_left is not None
            said.append((passed, progress.seconds_left))
    took = clock.now - began
    assert took >= 300
    for passed, left in said:
        assert abs(took - passed - left) <= 60


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (FetchProgress(0, 365, 0, 0.0), "0 of 365 days"),
        (FetchProgress(31, 365, 31, 1.0, 60), "31 of 365 days, about 6 min left"),
        (FetchProgress(31, 365, 31, 1.0), "31 of 365 days, less than a minute left"),
        (FetchProgress(365, 365, 365, 400.0, 60), "365 of 365 days"),
    ],
)
def test_it_reads_as_a_person_would_say_it(progress: FetchProgress, says: str) -> None:
    assert str(progress) == says
