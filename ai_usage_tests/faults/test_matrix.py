"""Every fault against every endpoint: equal to the truth in the end, or failed with its reason.

A case says which of these is expected, so none passes by always failing:

- `EQUAL`: the fetch is complete and its rows are those of the undisturbed fetch, to the last value;
- `FAILED`: one line says why, and the answer serves no day;
- `FLAGGED`: one record that cannot be read is kept whole and flagged, all others are equal;
- `LEFT_OUT`: as that, in a list of people or keys: the record is named and left out;
- `AS_SAID`: the vendor itself said something else then. The rows are what it said, and a later
  look-back brings the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import uuid4

import msgspec
import pytest
from pydantic import SecretStr

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.simulator import (
    ANTHROPIC_KEY,
    CURSOR_KEY,
    Company,
    Fault,
    FaultPlan,
    serve,
)
from ai_usage.simulator.faults import KINDS
from ai_usage.vendors import anthropic, cursor
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import fetch_window, read_rows
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import LeftOut, RawEvent
from ai_usage_tests.vendors.support import without_place

TODAY = date(2026, 3, 18)
NOW = datetime.combine(TODAY, time(12), UTC)
DAYS = Window(TODAY - timedelta(days=2), TODAY + timedelta(days=1))
KEYS = {"cursor": CURSOR_KEY, "anthropic": ANTHROPIC_KEY}

Outcome = Literal["EQUAL", "FAILED", "FLAGGED", "LEFT_OUT", "TWICE", "AS_SAID"]

ENDPOINTS = [(vendor, e) for vendor in (cursor.VENDOR, anthropic.VENDOR) for e in vendor.endpoints]
NAMES = [f"{vendor.name}-{endpoint.name}" for vendor, endpoint in ENDPOINTS]
PATHS = {e.name: e.api_path.split()[1] for _, e in ENDPOINTS}
UNPAGED = {"members"}
SNAPSHOTS = {e.name for _, e in ENDPOINTS if e.kind == "snapshot"}
DIRECTORIES = SNAPSHOTS - {"spend"}
"""What no day's records change."""


@dataclass(frozen=True)
class Case:
    """A fault, what is expected, and words of the reason where that is a failure.

    `only` are the endpoints that the fault can strike; it must not be felt at the others, and
    the outcome there is `EQUAL`. The outcome `then` is that of the endpoints `instead`; those in
    `fails` fail.
    """

    fault: str
    outcome: Outcome
    says: str = ""
    only: frozenset[str] = frozenset(PATHS)
    instead: frozenset[str] = frozenset()
    then: Outcome = "EQUAL"
    fails: frozenset[str] = frozenset()

    def expected(self, endpoint: str) -> Outcome:
        if endpoint not in self.only:
            return "EQUAL"
        if endpoint in self.fails:
            return "FAILED"
        return self.then if endpoint in self.instead else self.outcome


PAGED = frozenset(PATHS) - UNPAGED
CASES = [
    # What passes is asked again, and no trace is left of it.
    Case("429#1-2", "EQUAL"),
    Case("429:0.02#1-2", "EQUAL"),
    Case("500#1-2", "EQUAL"),
    Case("503:0.02#1", "EQUAL"),
    Case("timeout:0.6#1", "EQUAL"),
    Case("cut#1-2", "EQUAL"),
    Case("truncated#1-2", "EQUAL"),
    Case("empty#1-2", "EQUAL"),
    Case("repeated-page#1", "EQUAL", only=PAGED),
    Case("shifting-page#1", "EQUAL", only=PAGED),
    Case("limit:1000", "EQUAL", only=frozenset()),
    # What lasts fails, and says what came.
    Case("429", "FAILED", "answered 429 (Too many requests) after 3 attempts. Try again later."),
    Case("429:86400", "FAILED", "The vendor asks to wait 86400 s: run it again then."),
    Case("500", "FAILED", "answered 500 (Internal server error) after 3 attempts"),
    Case("503", "FAILED", "answered 503 (Service unavailable) after 3 attempts"),
    Case("timeout:0.6", "FAILED", "in time after 3 attempts. Try again later, or raise"),
    Case("cut", "FAILED", "broke ("),
    Case("truncated", "FAILED", "bytes that are not complete JSON"),
    Case("empty", "FAILED", "answered 200 with an empty body after 3 attempts"),
    Case("repeated-page", "FAILED", "page 2 repeats a", only=PAGED),
    Case(
        "shifting-page",
        "FAILED",
        "Try again later.",
        only=PAGED,
        # A list without identities that reads the same twice says so: two records, alike.
        instead=frozenset({"claude_code"}),
        then="TWICE",
    ),
    # What asking again would not fix fails at once.
    Case("html#1", "FAILED", "answered 200 with a web page (text/html; charset=utf-8) instead of"),
    Case("revoked", "FAILED", "answered 401 (The API key was revoked). Check {key}."),
    Case("clock:5400", "FAILED", "clock is 90 minutes behind that of 127.0.0.1:"),
    Case("clock:-90000", "FAILED", "clock is 1500 minutes ahead of that of 127.0.0.1:"),
    Case("clock:600", "EQUAL"),
    # A key revoked in mid-run: what the later pages would have said is missing, so all is.
    Case("revoked#2-", "FAILED", "page 2: answered 401 (The API key", only=PAGED),
    Case("500#2-", "FAILED", "page 2: answered 500 (Internal", only=PAGED),
    # Strange answers.
    Case("stray-token", "EQUAL", only=PAGED - {"spend"}),
    Case(
        "wrong-type#1",
        "FLAGGED",
        "a record has another shape than documented",
        instead=frozenset(DIRECTORIES),
        then="LEFT_OUT",
        # Without one member's spend the sum would be another.
        fails=frozenset({"spend"}),
    ),
    Case("unknown-enum#1", "AS_SAID"),
    # What vendors do by right: reports come late, are corrected, and rows vanish.
    Case("late", "AS_SAID", instead=frozenset(DIRECTORIES)),
    Case("restated", "AS_SAID", instead=frozenset(DIRECTORIES)),
    Case("vanished", "AS_SAID"),
]


@dataclass(frozen=True)
class Simulated:
    """A running simulator of a tiny company, the faults between, and how to see it otherwise."""

    clients: dict[tuple[str, bool], VendorClient]
    """By vendor's name, and whether it is impatient."""
    plan: FaultPlan
    companies: list[Company]

    @contextmanager
    def seen(self, fault: Fault) -> Iterator[None]:
        """Without any fault between, but as vendors that really see the company that way."""
        self.plan.set()
        self.companies.append(fault.view(self.companies[0]))
        yield
        self.companies.pop()


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulated]:
    companies = [Company(today=TODAY, people=30, scale=0.3)]
    plan = FaultPlan()
    with ExitStack() as stack:
        url = stack.enter_context(serve(lambda: companies[-1], faults=plan))
        clients = {
            (vendor.name, impatient): stack.enter_context(
                VendorClient(
                    vendor,
                    SecretStr(KEYS[vendor.name]),
                    base_url=f"{url}/{vendor.name}",
                    timeout_seconds=0.3 if impatient else 20,
                    attempts=3,
                    wait_initial=0.002,
                    wait_max=0.01,
                )
            )
            for vendor in (cursor.VENDOR, anthropic.VENDOR)
            for impatient in (False, True)
        }
        yield Simulated(clients, plan, companies)


@pytest.fixture
def several_pages(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages so small that every list of the tiny company has some."""
    monkeypatch.setattr(cursor.usage_events, "EVENTS_PER_PAGE", 60)
    monkeypatch.setattr(cursor.api, "USERS_PER_PAGE", 12)
    monkeypatch.setattr(anthropic.api, "MOST_BUCKETS", 2)
    records = {"workspaces": 2, "claude_code": 5}.get(endpoint.name, 9)
    monkeypatch.setattr(anthropic.api, "MOST_RECORDS", records)


def fetched(
    simulated: Simulated, vendor: Vendor, endpoint: Endpoint, archive: Archive
) -> list[Any]:
    """Ask for the days, all anew, and give what they read as: rows without their order."""
    window = Window.day(TODAY) if endpoint.kind == "snapshot" else DAYS
    impatient = any(fault.kind == "timeout" for fault in simulated.plan.faults)
    client = simulated.clients[vendor.name, impatient]
    report = fetch_window(
        vendor, endpoint, window, client=client, archive=archive, now=NOW, refetch=True
    )
    assert report.fetched_days == window.days()
    parts = list(read_rows(vendor, endpoint, window, archive))
    assert [day for part in parts for day in part.days] == window.days()
    rows = (without_place(row) for part in parts for row in part.rows)
    return sorted(rows, key=msgspec.json.encode)


@pytest.fixture(scope="module")
def truths(simulated: Simulated) -> dict[str, list[Any]]:
    """What an undisturbed fetch of each endpoint reads as."""
    found = {}
    for vendor, endpoint in ENDPOINTS:
        archive = Archive(f"memory://{uuid4().hex}")
        found[endpoint.name] = fetched(simulated, vendor, endpoint, archive)
        assert found[endpoint.name]
    return found


def test_the_matrix_has_every_fault_that_the_simulator_knows() -> None:
    assert set(KINDS) <= {Fault.parse(case.fault).kind for case in CASES}


def test_the_undisturbed_fetch_is_what_happened_at_the_company(
    simulated: Simulated, truths: dict[str, list[Any]]
) -> None:
    """Every other endpoint's truth is held against the company in the tests of fetching."""
    company, days = simulated.companies[0], DAYS.days()
    cents = sum(line.cents for day in days for line in company.cost_lines(day))
    assert sum(row.cost_usd for row in truths["cost_report"]) * 100 == cents > 0
    events = [event for day in days for event in company.cursor_events(day)]
    assert len(truths["usage_events"]) == len(events)
    charged = sum(event.charged_cents for event in events if event.is_chargeable)
    assert sum(row.cost_usd or 0 for row in truths["usage_events"]) * 100 == charged > 0


@pytest.mark.usefixtures("several_pages")
@pytest.mark.parametrize("case", CASES, ids=[case.fault for case in CASES])
@pytest.mark.parametrize(("vendor", "endpoint"), ENDPOINTS, ids=NAMES)
def test_a_fault_ends_in_the_truth_or_in_a_clear_failure(
    simulated: Simulated,
    truths: dict[str, list[Any]],
    vendor: Vendor,
    endpoint: Endpoint,
    case: Case,
) -> None:
    truth, archive = truths[endpoint.name], Archive(f"memory://{uuid4().hex}")
    fault = replace(Fault.parse(case.fault), where=PATHS[endpoint.name])
    outcome = case.expected(endpoint.name)
    simulated.plan.set(fault)
    if outcome == "FAILED":
        with pytest.raises(VendorError) as caught:
            fetched(simulated, vendor, endpoint, archive)
        reason = str(caught.value)
        assert reason.startswith(f"{vendor.name} {endpoint.name} 2026-03-1")
        assert case.says.format(key=vendor.key_setting) in reason
        assert len(reason.splitlines()) == 1
        assert archive.coverage(vendor.name, endpoint.name, DAYS) == []
    else:
        rows = fetched(simulated, vendor, endpoint, archive)
        if outcome == "EQUAL":
            assert rows == truth
        elif outcome == "FLAGGED":
            assert_one_is_flagged(rows, truth)
        elif outcome == "LEFT_OUT":
            (left,) = [row for row in rows if isinstance(row, LeftOut)]
            assert left.what
            read = [row for row in rows if row is not left]
            assert [row for row in truth if row in read] == read
            assert len(read) >= len(truth) - 1
        elif outcome == "TWICE":
            assert len(rows) > len(truth)
            assert {row.raw_response for row in rows} == {row.raw_response for row in truth}
            assert [row for row in truth if row not in rows] == []
        elif fault.kind == "unknown-enum":
            assert_nothing_is_lost_to_an_unknown_value(endpoint.name, rows, truth)
        elif fault.kind == "vanished":
            # Claude Code's report is a list a day.
            gone = len(DAYS.days()) if endpoint.name == "claude_code" else 1
            assert len(rows) == len(truth) - gone
            assert [row for row in truth if row in rows] == rows
        else:
            said = seen_otherwise(simulated, fault, vendor, endpoint)
            assert rows == said != truth
    if simulated.plan.faults:
        assert (simulated.plan.struck > 0) is (endpoint.name in case.only)
    simulated.plan.set()
    assert fetched(simulated, vendor, endpoint, archive) == truth


def assert_one_is_flagged(rows: list[RawEvent], truth: list[RawEvent]) -> None:
    """One row says that it could not be read and keeps what came; the others are as they were."""
    (flagged,) = [row for row in rows if row.validation_errors == ["undecodable_record"]]
    assert len(rows) == len(truth)
    assert [row for row in truth if row in rows] == [row for row in rows if row is not flagged]
    assert flagged.raw_response
    assert flagged.event_date in DAYS.days()


MEASURES = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_read_tokens",
    "session_count",
    "lines_accepted",
    "request_count",
    "cost_usd",
    "included_value_usd",
    "estimated_cost_usd",
    "user_email",
    "api_key_id",
    "workspace_id",
)
FLAGS = {
    "usage_report": "unknown_enum:service_tier",
    "cost_report": "unknown_enum:service_tier",
    "claude_code": "unknown_enum:customer_type",
}
"""Where money or tokens depend on the value, the row says that nobody has heard of it."""


def assert_nothing_is_lost_to_an_unknown_value(
    endpoint: str, rows: list[Any], truth: list[Any]
) -> None:
    assert len(rows) == len(truth)
    (now,) = [row for row in rows if row not in truth] or [None]
    (before,) = [row for row in truth if row not in rows] or [None]
    if endpoint in ("workspaces", "spend"):
        assert now is None, "a colour and a role that nobody reads"
        return
    assert now is not None
    for name in MEASURES:
        assert getattr(now, name, None) == getattr(before, name, None)
    if isinstance(now, RawEvent):
        assert now.validation_errors == ([FLAGS[endpoint]] if endpoint in FLAGS else [])


def seen_otherwise(
    simulated: Simulated, fault: Fault, vendor: Vendor, endpoint: Endpoint
) -> list[Any]:
    with simulated.seen(fault):
        return fetched(simulated, vendor, endpoint, Archive(f"memory://{uuid4().hex}"))
