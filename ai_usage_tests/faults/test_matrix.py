"""Every fault against every endpoint: equal to the truth in the end, or failed with its reason.

A case says which of these is expected, so none passes by always failing:

- `EQUAL`: the fetch is complete and its rows are those of the undisturbed fetch, to the last value;
- `FAILED`: one line says why, and the answer serves no day;
- `FLAGGED`: one record that cannot be read is kept whole and flagged, all others are equal;
- `LEFT_OUT`: as that, in a list of people or keys: the record is named and left out;
- `AS_SAID`: the vendor itself said something else then. The rows are what it said, and a later
  look-back brings the truth.

Every fault strikes one endpoint of each way of paging, and every endpoint some faults; the product
of all is `long`. A vendor that the company buys is in all of them by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args
from uuid import uuid4

import msgspec
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.errors import VendorError
from ai_usage.simulator import Fault
from ai_usage.simulator.faults import KINDS
from ai_usage.simulator.pages import UNHEARD_FIELD
from ai_usage.simulator.vendors import VENDORS
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.kit.paginate import Way
from ai_usage.vendors.rows import LeftOut, RawEvent
from ai_usage_tests.faults.simulated import (
    ASKED,
    NAMES,
    Asked,
    Seen,
    Simulated,
    simulated_vendors,
    small_pages,
)

Outcome = Literal["EQUAL", "FAILED", "FLAGGED", "LEFT_OUT", "TWICE", "AS_SAID"]

ALONE = "alone"
WAYS = [way for way in get_args(Way) if way != "start_index"] + ["files", ALONE]
"""Directories of people page by the start's index: no vendor does."""
OF_LATER_PAGES = ("repeated-page", "shifting-page", "stray-token")
OF_FIRST_RECORDS = ("wrong-type", "unknown-enum")
OF_WORDS = ("stray-token", "unknown-enum")
"""Faults in a word of an answer, which not every list has."""


@dataclass(frozen=True)
class Case:
    """A fault, what is expected of an endpoint that it strikes, and words of a failure's reason.

    `directory` is the outcome at a list of people, keys or workspaces, where it is another.
    """

    fault: str
    outcome: Outcome
    says: str = ""
    directory: Outcome | None = None


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
    Case("repeated-page#1", "EQUAL"),
    Case("shifting-page#1", "EQUAL"),
    Case("limit:1000", "EQUAL"),
    # What lasts fails, and says what came.
    Case("429", "FAILED", "answered 429 (Too many requests) after 3 attempts. Try again later."),
    Case("429:86400", "FAILED", "The vendor asks to wait 86400 s: run it again then."),
    Case("500", "FAILED", "answered 500 (Internal server error) after 3 attempts"),
    Case("503", "FAILED", "answered 503 (Service unavailable) after 3 attempts"),
    Case("timeout:0.6", "FAILED", "in time after 3 attempts. Try again later, or raise"),
    Case("cut", "FAILED", "broke ("),
    Case("truncated", "FAILED", "bytes that are not complete JSON"),
    Case("empty", "FAILED", "answered 200 with an empty body after 3 attempts"),
    Case("repeated-page", "FAILED", "page 2 repeats a"),
    Case("shifting-page", "FAILED", "Try again later."),
    # What asking again would not fix fails at once.
    Case("html#1", "FAILED", "answered 200 with a web page (text/html; charset=utf-8) instead of"),
    Case("revoked", "FAILED", "answered 401 (The API key was revoked). Check {key}."),
    Case("clock:5400", "FAILED", "clock is 90 minutes behind that of 127.0.0.1:"),
    Case("clock:-90000", "FAILED", "clock is 1500 minutes ahead of that of 127.0.0.1:"),
    Case("clock:600", "EQUAL"),
    # A key revoked in mid-run: what the later answers would have said is missing, so all is.
    Case("revoked#2-", "FAILED", "answered 401 (The API key"),
    Case("500#2-", "FAILED", "answered 500 (Internal"),
    # Strange answers.
    Case("stray-token", "EQUAL"),
    Case("unknown-field", "EQUAL"),
    Case("wrong-type#1", "FLAGGED", directory="LEFT_OUT"),
    Case("unknown-enum#1", "AS_SAID"),
    # What vendors do by right: reports come late, are corrected, and rows vanish.
    Case("late:5", "AS_SAID", directory="EQUAL"),
    Case("restated:5", "AS_SAID", directory="EQUAL"),
    Case("vanished", "AS_SAID"),
]
BY_FAULT = {case.fault: case for case in CASES}
OTHERWISE = {
    # A list without identities that reads the same twice says so: two records, alike.
    ("shifting-page", "anthropic-claude_code"): Case("shifting-page", "TWICE"),
    # Without one member's or group's spend the sum would be another.
    **{
        ("wrong-type#1", name): Case(
            "wrong-type#1", "FAILED", "a record has another shape than documented"
        )
        for name in (
            "cursor-spend",
            "cursor-groups",
            "cursor-otherwise-spend",
            "cursor-otherwise-groups",
        )
    },
    # The export is held against the plain answer of the same days.
    ("vanished", "github_copilot-billing"): Case("vanished", "FAILED", "the plain answer"),
    # The person at the head of the list has a second seat there.
    ("vanished", "github_copilot-seats"): Case("vanished", "EQUAL"),
    ("vanished", "github_copilot-otherwise-seats"): Case("vanished", "EQUAL"),
}
"""Where a fault ends in another way at an endpoint, and why."""


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulated]:
    with simulated_vendors() as running:
        yield running


def test_every_vendor_is_one_that_the_company_buys() -> None:
    assert {vendor.name for vendor in VENDORS} == {vendor.name for vendor in discovered_vendors()}


def test_the_matrix_has_every_fault_that_the_simulator_knows() -> None:
    assert set(KINDS) <= {Fault.parse(case.fault).kind for case in CASES}


def test_the_undisturbed_fetch_is_what_happened_at_the_company(simulated: Simulated) -> None:
    """Every other endpoint's truth is held against the company in the tests of fetching."""
    company = simulated.companies[0]
    asked = {asked.name: asked for asked in ASKED}
    report, events = asked["anthropic-cost_report"], asked["cursor-usage_events"]
    cents = sum(line.cents for day in report.days.days() for line in company.cost_lines(day))
    assert sum(row.cost_usd for row in simulated.seen(report).rows) * 100 == cents > 0
    made = [event for day in events.days.days() for event in company.cursor_events(day)]
    rows = simulated.seen(events).rows
    assert len(rows) == len(made)
    charged = sum(event.charged_cents for event in made if event.is_chargeable)
    assert sum(row.cost_usd or 0 for row in rows) * 100 == charged > 0


@pytest.mark.parametrize("case", CASES, ids=[case.fault for case in CASES])
@pytest.mark.parametrize("way", WAYS)
def test_every_fault_on_each_way_of_paging(simulated: Simulated, way: str, case: Case) -> None:
    asked = next(one for one in ASKED if way in (simulated.seen(one).ways or {ALONE}))
    hold(simulated, asked, case)


@pytest.mark.parametrize("fault", ["429", "truncated", "shifting-page", "unknown-field"])
@pytest.mark.parametrize("asked", ASKED, ids=NAMES)
def test_every_endpoint_that_is_refused_or_halved_or_shifted_or_new(
    simulated: Simulated, asked: Asked, fault: str
) -> None:
    hold(simulated, asked, BY_FAULT[fault])


@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=[case.fault for case in CASES])
@pytest.mark.parametrize("asked", ASKED, ids=NAMES)
def test_every_fault_at_every_endpoint(simulated: Simulated, asked: Asked, case: Case) -> None:
    hold(simulated, asked, case)


def hold(simulated: Simulated, asked: Asked, case: Case) -> None:
    """A fault ends in the truth or in a clear failure."""
    seen = simulated.seen(asked)
    with small_pages(seen.page_size):
        hold_to(simulated, asked, case, seen)


def hold_to(simulated: Simulated, asked: Asked, case: Case, seen: Seen) -> None:
    truth, archive = seen.rows, Archive(f"memory://{uuid4().hex}")
    fault = Fault.parse(case.fault)
    case = OTHERWISE.get((case.fault, asked.name), case)
    if fault.kind in OF_FIRST_RECORDS:
        fault = replace(fault, first=seen.first_records, last=seen.first_records)
    simulated.plan.set(fault)
    outcome = case.directory if asked.is_directory and case.directory else case.outcome
    if not strikes(fault, seen):
        outcome = "EQUAL"
    if outcome == "FAILED":
        with pytest.raises(VendorError) as caught:
            simulated.fetched(asked, archive)
        reason = str(caught.value)
        assert reason.startswith(f"{asked.vendor.name} {asked.endpoint.name} 2026-11-")
        assert case.says.format(key=asked.vendor.key_setting) in reason
        assert len(reason.splitlines()) == 1
        assert archive.coverage(asked.vendor.name, asked.endpoint.name, asked.days) == []
    else:
        rows = simulated.fetched(asked, archive)
        if outcome == "EQUAL" and fault.kind == "unknown-field":
            assert_the_new_field_alone_is_new(rows, truth)
        elif outcome == "EQUAL":
            assert rows == truth
        elif outcome == "FLAGGED":
            assert_one_is_flagged(asked, rows, truth)
        elif outcome == "LEFT_OUT":
            assert_one_is_left_out(rows, truth)
        elif outcome == "TWICE":
            assert len(rows) > len(truth)
            assert {row.raw_response for row in rows} == {row.raw_response for row in truth}
            assert [row for row in truth if row not in rows] == []
        elif fault.kind == "unknown-enum":
            assert_nothing_is_lost_to_an_unknown_value(asked.endpoint.name, rows, truth)
        elif fault.kind == "vanished":
            assert 0 < len(truth) - len(rows) <= seen.requests
            assert [row for row in truth if row in rows] == rows
        else:
            with simulated.otherwise(fault):
                said = simulated.fetched(asked)
            assert rows == said != truth
    if simulated.plan.faults and fault.kind not in OF_WORDS:
        assert (simulated.plan.struck > 0) is strikes(fault, seen)
    simulated.plan.set()
    assert simulated.fetched(asked, archive) == truth


def strikes(fault: Fault, seen: Seen) -> bool:
    """Whether the fault can be felt at the endpoint."""
    if fault.kind in OF_LATER_PAGES:
        return seen.has_pages
    return fault.kind != "limit" and fault.first <= seen.requests


def assert_the_new_field_alone_is_new(rows: list[Any], truth: list[Any]) -> None:
    def known(row: Any) -> Any:
        return msgspec.structs.replace(row, raw_response="") if isinstance(row, RawEvent) else row

    assert sorted(map(known, rows), key=repr) == sorted(map(known, truth), key=repr)
    events = [row for row in rows if isinstance(row, RawEvent)]
    assert all(UNHEARD_FIELD in (row.raw_response or "") for row in events)


def assert_one_is_flagged(asked: Asked, rows: list[RawEvent], truth: list[RawEvent]) -> None:
    """One row says that it could not be read and keeps what came; the others are as they were."""
    (flagged,) = [row for row in rows if row.validation_errors == ["undecodable_record"]]
    assert len(rows) in (len(truth), len(truth) + 1)
    assert [row for row in truth if row in rows] == [row for row in rows if row is not flagged]
    assert flagged.raw_response
    assert flagged.event_date in asked.days.days()


def assert_one_is_left_out(rows: list[Any], truth: list[Any]) -> None:
    (left,) = [row for row in rows if isinstance(row, LeftOut) and row not in truth]
    assert left.what
    read = [row for row in rows if row is not left]
    assert [row for row in truth if row in read] == read
    assert len(read) >= len(truth) - 1


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
    if now is None:
        return
    for name in MEASURES:
        assert getattr(now, name, None) == getattr(before, name, None)
    if isinstance(now, RawEvent):
        assert now.validation_errors == ([FLAGS[endpoint]] if endpoint in FLAGS else [])
