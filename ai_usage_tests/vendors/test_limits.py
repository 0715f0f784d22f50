"""The rate limit, on a clock that only sleeping moves."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.requests import Request

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.simulator import ANTHROPIC_KEY, CURSOR_KEY, Company, FaultPlan, serve
from ai_usage.vendors import cursor, http, limits
from ai_usage.vendors.base import Vendor
from ai_usage.vendors.fetching import fetch_window
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.limits import RateLimiter
from ai_usage_tests.support.faults import watching
from ai_usage_tests.vendors.support import ANTHROPIC, CURSOR

TODAY = date(2026, 11, 23)


class Clock:
    """Stands in for the `time` module."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def later(self, seconds: float) -> bool:
        """Let time pass."""
        self.now += seconds
        return True


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
        if limiter.claim(0.0) == 0.0:
            passed.append(1)

    threads = [threading.Thread(target=pass_once) for _ in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50


def test_the_clients_of_a_key_share_its_limits_and_others_have_their_own() -> None:
    """Every source has a client of its own, and the vendor counts them all together."""
    one, two, other = (VendorClient(ANTHROPIC, SecretStr(key)) for key in ("k", "k", "other"))
    with one, two, other:
        mine, also_mine, others = (c.limiter("cost_report") for c in (one, two, other))
        assert mine is also_mine
        assert mine is not others


# --- Against vendors that enforce theirs ---------------------------------------------------------


def backfilled(
    clock: Clock, vendor: Vendor, names: Sequence[str], days: int, *, rate_limited: bool
) -> tuple[int, int, float]:
    """(requests, refusals, seconds of the pretended clock) of a backfill of these endpoints.

    The simulated vendor refuses what is above its limits by the same clock; 429 is waited out.
    """
    company = Company(today=TODAY, people=30, scale=0.05)
    plan = FaultPlan(clock=clock.monotonic)
    asked: list[Request] = []
    # Cursor counts each endpoint for itself, Anthropic all of an organisation's requests.
    plan.set("limit:20@/teams/daily-usage-data", "limit:60@/anthropic")
    key = CURSOR_KEY if vendor is CURSOR else ANTHROPIC_KEY
    with serve(company, faults=plan, middleware=[watching(asked.append)]) as url:
        for name in names:
            with VendorClient(
                vendor,
                SecretStr(key),
                base_url=f"{url}/{vendor.name}",
                wait_initial=0.001,
                wait_max=0.01,
                rate_limited=rate_limited,
            ) as client:
                fetch_window(
                    vendor,
                    vendor.endpoint(name),
                    Window(TODAY - timedelta(days=days), TODAY),
                    client=client,
                    archive=Archive(f"memory://{uuid4().hex}"),
                    now=datetime.combine(TODAY, time(12), UTC),
                )
    return len(asked), plan.struck, clock.now - 1000.0


@pytest.mark.parametrize(
    ("vendor", "names", "days", "least", "minutes"),
    [
        # A call a day, and four windows of each report after them: 60 a minute for all.
        (ANTHROPIC, ["claude_code", "cost_report", "usage_report"], 122, 130, 2),
        # Ten windows of 30 days, in three pages of users each: 20 a minute.
        (CURSOR, ["daily_usage"], 300, 30, 1),
    ],
)
def test_a_backfill_is_never_refused_by_a_vendor_that_enforces_its_limit(
    monkeypatch: pytest.MonkeyPatch,
    vendor: Vendor,
    names: list[str],
    days: int,
    least: int,
    minutes: int,
) -> None:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    monkeypatch.setattr(cursor.api, "USERS_PER_PAGE", 10)
    requests, refused, seconds = backfilled(clock, vendor, names, days, rate_limited=True)
    assert requests >= least
    assert refused == 0
    assert minutes * 60 <= seconds < minutes * 60 + 1, "and it waits no longer than it must"


def test_without_the_limit_the_vendor_would_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above can fail; and what is refused is asked again when it is due."""
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    monkeypatch.setattr(cursor.api, "USERS_PER_PAGE", 10)
    monkeypatch.setattr(http, "_retry_after", lambda response: 0.0 if clock.later(60) else None)
    _, refused, _ = backfilled(clock, CURSOR, ["daily_usage"], 300, rate_limited=False)
    assert refused > 0


def test_cursor_counts_each_endpoint_and_a_simulator_counts_nothing() -> None:
    with VendorClient(CURSOR, SecretStr("k")) as real:
        assert real.requests_per_minute("usage_events") == 60
        assert real.requests_per_minute("daily_usage") == 20
    with VendorClient(ANTHROPIC, SecretStr("k")) as shared:
        (one,) = {shared.limiter(endpoint.name) for endpoint in ANTHROPIC.endpoints}
        assert one.per_minute == 60
    with VendorClient(CURSOR, SecretStr("k"), base_url="http://localhost:1/cursor") as simulated:
        assert simulated.requests_per_minute("usage_events") is None
        assert simulated.requests_per_minute("one without a limit of its own") is None
