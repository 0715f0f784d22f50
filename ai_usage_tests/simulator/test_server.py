"""The server: readiness, keys, the hooks for what is to come, and a clean stop."""

from __future__ import annotations

import os
import socket
import threading
from datetime import date, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ai_usage.simulator import CURSOR_KEY, Company, drop, serve
from ai_usage.simulator.server import follow_the_date
from ai_usage_tests.simulator.conftest import TODAY
from ai_usage_tests.simulator.reading import all_events, ms
from ai_usage_tests.support.ports import listening_elsewhere_than_on_loopback

DAY = date(2026, 3, 10)


def test_health_says_which_day_it_is(base_url: str) -> None:
    assert httpx.get(f"{base_url}/health").json() == {"status": "ok", "today": str(TODAY)}


def test_an_unknown_path_is_404_in_json(base_url: str) -> None:
    answer = httpx.get(f"{base_url}/mistral/v1")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_keys_can_be_chosen(company: Company) -> None:
    with serve(company, cursor_key="key_other", anthropic_key="sk-other") as url:
        path = f"{url}/cursor/teams/members"
        assert httpx.get(path, auth=("key_other", "")).status_code == 200
        assert httpx.get(path, auth=(CURSOR_KEY, "")).status_code == 401
        headers = {"x-api-key": "sk-other", "anthropic-version": "2023-06-01"}
        users = f"{url}/anthropic/v1/organizations/users"
        assert httpx.get(users, headers=headers).status_code == 200


def test_another_view_of_the_company_can_be_put_behind_a_running_server(company: Company) -> None:
    current = company
    with (
        serve(lambda: current) as url,
        httpx.Client(base_url=f"{url}/cursor", auth=(CURSOR_KEY, "")) as client,
    ):
        window = (ms(DAY), ms(DAY + timedelta(days=1)) - 1)
        before = all_events(client, *window)
        first = company.cursor_events(DAY)[0]
        current = company.amended(drop("cursor_events", DAY, lambda e: e == first, limit=1))
        assert all_events(client, *window) == before[:-1]


def test_a_middleware_can_answer_in_the_vendors_place(company: Company) -> None:
    class Outage:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app
            self.seen = 0

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.seen += 1
            down = PlainTextResponse("overloaded", 529)
            await (down if self.seen == 1 else self.app)(scope, receive, send)

    with serve(company, middleware=[Middleware(Outage)]) as url:
        assert [httpx.get(f"{url}/health").status_code for _ in range(2)] == [529, 200]


_VALUES = st.one_of(
    st.sampled_from(["", "0", "-1", "1d", "9999-12-31T23:59:59Z", "2026-03-10", "true", "null"]),
    st.text(max_size=12),
)
_NAMES = st.sampled_from(
    [
        "starting_at",
        "ending_at",
        "limit",
        "page",
        "bucket_width",
        "group_by[]",
        "models[]",
        "after_id",
        "before_id",
        "status",
        "include_archived",
    ]
)
_JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=9),
    st.lists(st.integers(), max_size=2),
)
_FIELDS = [
    "startDate",
    "endDate",
    "page",
    "pageSize",
    "email",
    "userId",
    "sortBy",
    "sortDirection",
    "searchTerm",
]


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from(
        ["usage_report/messages", "cost_report", "usage_report/claude_code", "api_keys", "users"]
    ),
    params=st.lists(st.tuples(_NAMES, _VALUES), max_size=4),
    started=st.booleans(),
)
def test_no_query_makes_anthropic_fail(
    anthropic: httpx.Client, path: str, params: list[tuple[str, str]], started: bool
) -> None:
    if started:
        params = [("starting_at", "2026-03-10T00:00:00Z"), *params]
    answer = anthropic.get(f"/{path}", params=[*params])
    assert answer.status_code in (200, 400)
    assert answer.json()


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from(["daily-usage-data", "filtered-usage-events", "spend"]),
    body=st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=4),
    dated=st.booleans(),
)
def test_no_body_makes_cursor_fail(
    cursor: httpx.Client, path: str, body: dict[str, object], dated: bool
) -> None:
    if dated:
        body = {"startDate": ms(DAY), "endDate": ms(DAY)} | body
    answer = cursor.post(f"/teams/{path}", json=body)
    assert answer.status_code in (200, 400)
    assert answer.json()


def test_the_server_has_stopped_when_the_block_ends(company: Company) -> None:
    before = threading.active_count()
    with serve(company) as url:
        port = int(url.rpartition(":")[2])
        assert httpx.get(f"{url}/health").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")
    assert threading.active_count() == before
    with serve(company, port=port) as again:
        assert again == url


def test_the_simulator_listens_on_loopback_alone_unless_told_otherwise(company: Company) -> None:
    with serve(company):
        assert listening_elsewhere_than_on_loopback([os.getpid()]) == set()
    with serve(company, host="0.0.0.0"):  # noqa: S104
        assert len(listening_elsewhere_than_on_loopback([os.getpid()])) == 1


def test_a_taken_port_fails_at_once(company: Company) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        serve(company, port=taken.getsockname()[1]),
    ):
        pass


def test_a_long_run_follows_the_date_and_keeps_its_anchor() -> None:
    old = Company(today=TODAY, people=30)
    seen = follow_the_date(old)()
    assert seen.today > old.today
    assert seen.anchor == old.anchor
