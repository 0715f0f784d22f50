"""The faults on the wire: each looks as the real trouble does, where and when it was asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from ai_usage.simulator import ANTHROPIC_KEY, CURSOR_KEY, Company, Fault, FaultPlan, serve
from ai_usage.simulator.faults import EXAMPLES, KINDS
from ai_usage_tests.simulator.conftest import TODAY
from ai_usage_tests.simulator.reading import ms

KEYS = {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def plan() -> FaultPlan:
    return FaultPlan()


@pytest.fixture(scope="module")
def wire(company: Company, plan: FaultPlan) -> Iterator[httpx.Client]:
    with (
        serve(company, faults=plan) as url,
        httpx.Client(base_url=url, auth=(CURSOR_KEY, ""), headers=KEYS) as client,
    ):
        yield client


def users(wire: httpx.Client, **params: Any) -> httpx.Response:
    return wire.get("/anthropic/v1/organizations/users", params=params)


def events(wire: httpx.Client, page: int, size: int = 20) -> dict[str, Any]:
    start = ms(TODAY - timedelta(days=2))
    body = {"startDate": start, "endDate": ms(TODAY) - 1, "page": page, "pageSize": size}
    answer: dict[str, Any] = wire.post("/cursor/teams/filtered-usage-events", json=body).json()
    return answer


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault("503")),
        ("503#2", Fault("503", first=2, last=2)),
        ("429:30@cost_report#2-4", Fault("429", "cost_report", 2, 4, 30.0)),
        ("revoked@/anthropic/v1#5-", Fault("revoked", "/anthropic/v1", 5)),
        ("clock:-3600", Fault("clock", value=-3600.0)),
    ],
)
def test_a_fault_is_read_from_its_text(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", [*KINDS, *EXAMPLES])
def test_every_kind_and_example_is_a_fault(text: str) -> None:
    Fault.parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("boom", "'boom' is no fault: write a status from 400 to 599, or one of timeout, cut"),
        ("200", "'200' is no fault"),
        ("503#0", "counted from 1"),
        ("503#4-2", "counted from 1"),
        ("503 twice", "write KIND[:VALUE][@PATH][#REQUESTS], like 503#1-2"),
    ],
)
def test_what_is_no_fault_is_refused_with_what_would_be(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        Fault.parse(text)
    assert says in str(caught.value)


def test_a_status_comes_in_the_vendors_own_form_with_or_without_retry_after(
    wire: httpx.Client, plan: FaultPlan
) -> None:
    plan.set("429:30@/anthropic", "503@/cursor")
    refused = users(wire)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert refused.json()["error"]["type"] == "rate_limit_error"
    refused = wire.get("/cursor/teams/members")
    assert (refused.status_code, "retry-after" in refused.headers) == (503, False)
    assert refused.json()["message"] == "Service unavailable"


def test_it_strikes_the_requests_that_were_named_and_no_other(
    wire: httpx.Client, plan: FaultPlan
) -> None:
    plan.set("500@/users#2-3")
    assert [users(wire).status_code for _ in range(4)] == [200, 500, 500, 200]
    assert wire.get("/cursor/teams/members").status_code == 200
    assert wire.get("/health").status_code == 200
    assert plan.struck == 2
    plan.set()
    assert users(wire).status_code == 200


def test_a_cut_connection_is_not_an_answer_and_a_truncated_one_is(
    wire: httpx.Client, plan: FaultPlan
) -> None:
    plan.set()
    whole = users(wire).content
    plan.set("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        users(wire)
    plan.set("truncated")
    half = users(wire)
    assert (half.status_code, half.content) == (200, whole[: len(whole) // 2])


def test_a_time_out_is_slow_for_its_victim_only(wire: httpx.Client, plan: FaultPlan) -> None:
    plan.set("timeout:0.5@/users")
    started = time.monotonic()
    assert wire.get("/cursor/teams/members").status_code == 200
    assert time.monotonic() - started < 0.5
    assert users(wire).status_code == 200
    assert time.monotonic() - started >= 0.5


def test_the_vendors_clock_is_in_its_answers(wire: httpx.Client, plan: FaultPlan) -> None:
    for text, ahead in (("limit", 0), ("clock:7200", 7200), ("clock:-7200", -7200)):
        plan.set(text)
        (date,) = users(wire).headers.get_list("date")
        off = parsedate_to_datetime(date) - datetime.now(UTC) - timedelta(seconds=ahead)
        assert abs(off) < timedelta(seconds=10)


def test_pages_repeat_and_shift_as_offsets_into_a_growing_list_do(
    wire: httpx.Client, plan: FaultPlan
) -> None:
    plan.set()
    first, second = events(wire, 1), events(wire, 2)
    plan.set("repeated-page")
    assert [events(wire, 1), events(wire, 2)] == [first, first]
    plan.set("shifting-page")
    assert events(wire, 1) == first
    shifted = events(wire, 2)
    assert shifted["usageEvents"] == [first["usageEvents"][-1], *second["usageEvents"]]
    assert shifted["totalUsageEventsCount"] == first["totalUsageEventsCount"] + 1


def test_a_vanished_row_is_gone_and_every_page_counts_without_it(
    wire: httpx.Client, plan: FaultPlan
) -> None:
    plan.set()
    first, second = events(wire, 1), events(wire, 2)
    plan.set("vanished")
    assert events(wire, 1)["usageEvents"] == first["usageEvents"][1:]
    later = events(wire, 2)
    assert later["usageEvents"] == second["usageEvents"]
    assert later["totalUsageEventsCount"] == second["totalUsageEventsCount"] - 1


def test_a_stray_token_comes_with_the_end(wire: httpx.Client, plan: FaultPlan) -> None:
    plan.set("stray-token")
    answer = users(wire, limit=1000).json()
    assert (answer["has_more"], answer["next_page"]) == (False, "page_stray")
    assert "next_page" not in users(wire, limit=1).json()


def test_strange_values_are_in_one_record(wire: httpx.Client, plan: FaultPlan) -> None:
    plan.set()
    truth = users(wire).json()["data"]
    plan.set("wrong-type")
    record, *others = users(wire).json()["data"]
    assert record["id"] == [truth[0]["id"]]
    assert others == truth[1:]
    plan.set("unknown-enum")
    record, *others = users(wire).json()["data"]
    assert record == {**truth[0], "role": "brand_new_value"}
    assert others == truth[1:]


def test_late_and_restated_days_are_the_last_ones_in_every_report(
    wire: httpx.Client, plan: FaultPlan
) -> None:
    """Both vendors' reports agree with each other, as when the vendors themselves said so."""

    def reported() -> tuple[dict[str, int], dict[str, float]]:
        tokens = wire.get(
            "/anthropic/v1/organizations/usage_report/messages",
            params={"starting_at": f"{TODAY - timedelta(days=3)}T00:00:00Z", "bucket_width": "1d"},
        ).json()["data"]
        dear = wire.get(
            "/anthropic/v1/organizations/cost_report",
            params={
                "starting_at": f"{TODAY - timedelta(days=3)}T00:00:00Z",
                "ending_at": f"{TODAY + timedelta(days=1)}T00:00:00Z",
            },
        ).json()["data"]
        return (
            {
                b["starting_at"][:10]: sum(r["uncached_input_tokens"] for r in b["results"])
                for b in tokens
            },
            {b["starting_at"][:10]: sum(float(r["amount"]) for r in b["results"]) for b in dear},
        )

    plan.set()
    tokens, dear = reported()
    days = sorted(tokens)
    plan.set("late:2")
    assert reported() == (
        {**tokens, days[2]: 0, days[3]: 0},
        {**dear, days[2]: 0, days[3]: 0},
    )
    plan.set("restated:1")
    more, dearer = reported()
    assert more == {**tokens, days[3]: tokens[days[3]] + 1000}
    assert {day for day in days if dearer[day] > dear[day]} == {days[3]}


def test_a_limit_refuses_what_is_above_it_and_says_when_to_come_again(
    company: Company,
) -> None:
    now = 1000.0
    plan = FaultPlan(clock=lambda: now)
    plan.set("limit:2@/users")
    with serve(company, faults=plan) as url, httpx.Client(base_url=url, headers=KEYS) as client:
        assert [users(client).status_code for _ in range(3)] == [200, 200, 429]
        assert client.get("/anthropic/v1/organizations/workspaces").status_code == 200
        now += 20
        assert users(client).headers["retry-after"] == "40"
        now += 40
        assert users(client).status_code == 200
    assert plan.struck == 2
