"""OpenAI's API: how it is asked, and what its records become, value by value."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from starlette.responses import Response

from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.openai.reports import KINDS
from ai_usage.vendors.rows import ApiKey, LeftOut, Person, RawEvent, Workspace
from ai_usage_tests.vendors.support import (
    DAY,
    NOW,
    OPENAI,
    Asked,
    ScriptedVendor,
    as_json,
    fetch,
    filled,
    read,
)

MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)
START = 1793664000
"""2026-11-03T00:00:00Z, worked out as 20760 days of 86400 s."""
WHO = {"project_id": "proj_x1", "user_id": "user-x1", "api_key_id": "key_x1"}


def bucket(*results: Any, day: date = DAY) -> dict[str, Any]:
    start = START + (day - DAY).days * 86400
    return {
        "object": "bucket",
        "start_time": start,
        "end_time": start + 86400,
        "results": list(results),
    }


def report(*data: Any, more: bool = False, token: str | None = None) -> dict[str, Any]:
    return {"object": "page", "data": list(data), "has_more": more, "next_page": token}


def usage(kind: str, **fields: Any) -> RawEvent:
    """The one event of a result of this kind."""
    record = {"object": f"organization.usage.{kind}.result", **fields}
    (event,) = read(OPENAI, "usage", msgspec.json.encode(report(bucket(record))))
    assert isinstance(event, RawEvent)
    return event


def cost(value: str, **fields: Any) -> RawEvent:
    """The one event of a cost line; `value` is the amount's JSON."""
    amount = f'"amount": {{"value": {value}, "currency": "usd"}}'
    rest = msgspec.json.encode({"object": "organization.costs.result", **fields}).decode()
    record = f"{{{amount}, {rest[1:]}"
    body = f'{{"data": [{{"start_time": {START}, "results": [{record}]}}], "has_more": false}}'
    (event,) = read(OPENAI, "costs", body.encode())
    assert isinstance(event, RawEvent)
    return event


def refused(status: int, message: str = "no") -> Response:
    return as_json({"error": {"message": message, "type": "invalid_request_error"}}, status)


# --- Asking ----------------------------------------------------------------------------------


def test_every_kind_of_usage_is_asked_by_what_it_may_be_grouped_by(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers(report(bucket()))
    with pytest.raises(VendorError):
        # The same page again for another day than asked: every day must be there.
        fetch(OPENAI, "usage", vendor_server.url, Window.day(DAY + timedelta(days=1)))
    vendor_server.asked.clear()
    fetch(OPENAI, "usage", vendor_server.url)
    assert [asked.path for asked in vendor_server.asked] == [
        f"/v1/organization/usage/{kind}"
        for kind in (
            "completions",
            "embeddings",
            "moderations",
            "images",
            "audio_speeches",
            "audio_transcriptions",
            "vector_stores",
            "code_interpreter_sessions",
            "file_search_calls",
            "web_search_calls",
            "decisions",
        )
    ]
    first = vendor_server.asked[0]
    assert first.headers["authorization"].startswith("Bearer sk-")
    assert first.query == [
        ("start_time", "1793664000"),
        ("end_time", "1793750400"),
        ("bucket_width", "1d"),
        ("limit", "31"),
        ("group_by[]", "project_id"),
        ("group_by[]", "user_id"),
        ("group_by[]", "api_key_id"),
        ("group_by[]", "model"),
        ("group_by[]", "batch"),
        ("group_by[]", "service_tier"),
    ]
    by_path = {asked.path.rpartition("/")[2]: asked.query for asked in vendor_server.asked}
    for kind in ("vector_stores", "code_interpreter_sessions"):
        assert by_path[kind][4:] == [("group_by[]", "project_id")]


def test_pages_of_costs_are_followed_and_a_page_that_names_no_next_one_is_the_last(
    vendor_server: ScriptedVendor,
) -> None:
    """`has_more` with an empty `next_page` was seen: it is believed where no day is missing."""
    window = Window(DAY, DAY + timedelta(days=2))
    second = bucket(day=DAY + timedelta(days=1))
    for empty in (None, ""):
        vendor_server.answers(
            report(bucket(), more=True, token="page_2"), report(second, more=True, token=empty)
        )
        assert len(fetch(OPENAI, "costs", vendor_server.url, window)) == 2
        assert [asked.first("page") for asked in vendor_server.asked] == [None, "page_2"]
    vendor_server.answers(report(bucket(), more=True, token=None))
    with pytest.raises(VendorError, match="1 of 2 days are missing, the first is 2026-11-04"):
        fetch(OPENAI, "costs", vendor_server.url, window)


def groups(asked: Asked) -> list[str]:
    return [value for name, value in asked.query if name == "group_by[]"]


def test_costs_are_asked_by_person_and_without_where_the_vendor_refuses_that(
    vendor_server: ScriptedVendor,
) -> None:
    """Both groupings show the same dollars: only one of them is an answer."""
    vendor_server.answers(report(bucket()))
    assert len(fetch(OPENAI, "costs", vendor_server.url)) == 1
    (asked,) = vendor_server.asked
    assert groups(asked) == ["project_id", "line_item", "api_key_id", "user_id"]
    assert asked.first("bucket_width") == "1d"
    vendor_server.answers(
        refused(400, "user_id with project_id"),
        report(bucket({"line_item": "a"}), more=True, token="b"),
        report(),
    )
    assert len(fetch(OPENAI, "costs", vendor_server.url)) == 2
    assert [groups(asked) for asked in vendor_server.asked] == [
        ["project_id", "line_item", "api_key_id", "user_id"],
        ["project_id", "line_item", "api_key_id"],
        ["project_id", "line_item", "api_key_id"],
    ]


@pytest.mark.parametrize(
    ("bodies", "status", "requests"),
    [
        # Wrong in another way: refused with the other grouping too.
        ((refused(400), refused(400)), 400, 2),
        # A project's key, which may not read this.
        ((refused(403),), 403, 1),
        ((refused(401),), 401, 1),
        # In mid-list the grouping is not changed: the pages would not fit together.
        ((report(bucket(), more=True, token="b"), refused(400)), 400, 2),
    ],
)
def test_a_refusal_that_another_grouping_does_not_mend_fails(
    vendor_server: ScriptedVendor, bodies: tuple[Any, ...], status: int, requests: int
) -> None:
    vendor_server.answers(*bodies)
    with pytest.raises(VendorError, match=f"answered {status}"):
        fetch(OPENAI, "costs", vendor_server.url, Window(DAY, DAY + timedelta(days=2)))
    assert len(vendor_server.asked) == requests


def test_the_days_that_have_not_settled_may_lack_their_bucket(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers(report())
    assert len(fetch(OPENAI, "costs", vendor_server.url, Window.day(NOW.date()))) == 1


# --- Usage -----------------------------------------------------------------------------------


def test_cached_and_written_input_is_taken_off_the_whole_input() -> None:
    event = usage(
        "completions",
        input_tokens=9120,
        input_cached_tokens=4000,
        input_cache_write_tokens=1000,
        input_cache_write_30m_tokens=900,
        input_cache_write_12h_tokens=100,
        input_uncached_tokens=4120,
        input_text_tokens=9000,
        input_audio_tokens=120,
        output_tokens=1310,
        num_model_requests=12,
        **WHO,
        model="gpt-x-2026-05-01",
        batch=False,
        service_tier="default",
        api_source="unlabeled",
    )
    assert filled(event) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "openai_api",
        "api_key_id": "key_x1",
        "workspace_id": "proj_x1",
        "vendor_user_id": "user-x1",
        "model": "gpt-x-2026-05-01",
        "service_tier": "default",
        "input_tokens": 4120,
        "cache_read_tokens": 4000,
        "cached_input_tokens": 1000,
        "output_tokens": 1310,
        "request_count": 12,
        "price_tier": "standard",
        "is_committed": False,
        "attribution_method": "api_key_mapping",
    }


def test_what_a_result_leaves_out_or_says_is_null_is_unknown() -> None:
    event = usage("completions", input_tokens=7, output_tokens=0, num_model_requests=1, model=None)
    assert (event.input_tokens, event.output_tokens, event.request_count) == (7, 0, 1)
    assert event.cache_read_tokens is event.cached_input_tokens is None
    assert event.api_key_id is event.workspace_id is event.vendor_user_id is event.model is None
    assert event.attribution_method == "unknown"
    assert event.validation_errors == []
    split = usage("completions", input_tokens=70, input_cache_write_30m_tokens=8)
    assert (split.input_tokens, split.cached_input_tokens) == (62, 8)


def test_a_batch_is_told_from_what_is_not_by_its_tier() -> None:
    """The vendor gives both one tier; what splits costs joins usage by tier."""
    both = [usage("completions", batch=batch, service_tier="default") for batch in (True, False)]
    assert [(e.price_tier, e.service_tier) for e in both] == [
        ("batch", "batch"),
        ("standard", "default"),
    ]
    assert both[0].identity != both[1].identity


def test_more_cached_input_than_input_is_a_record_that_cannot_be_read() -> None:
    event = usage("completions", input_tokens=5, input_cached_tokens=6)
    assert event.validation_errors == ["undecodable_record"]
    assert event.input_tokens is None
    assert event.event_date == DAY


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("decisions", {"input_tokens": 5, "output_tokens": 2}, {"output_tokens": 2}),
        ("embeddings", {"input_tokens": 5, "num_model_requests": 2}, {"request_count": 2}),
        ("moderations", {"input_tokens": 5, "num_model_requests": 2}, {"input_tokens": 5}),
        (
            "images",
            {"images": 3, "num_model_requests": 2, "source": "image.edit", "size": "256x256"},
            {"quantity": Decimal(3), "quantity_unit": "images", "request_count": 2},
        ),
        (
            "audio_speeches",
            {"characters": 400, "num_model_requests": 1},
            {"quantity": Decimal(400), "quantity_unit": "characters"},
        ),
        (
            "audio_transcriptions",
            {"seconds": 90, "num_model_requests": 1},
            {"quantity": Decimal(90), "quantity_unit": "seconds"},
        ),
        (
            "vector_stores",
            {"usage_bytes": 1024},
            {"quantity": Decimal(1024), "quantity_unit": "bytes"},
        ),
        (
            "code_interpreter_sessions",
            {"num_sessions": 4},
            {"quantity": Decimal(4), "quantity_unit": "sessions", "session_count": None},
        ),
        # These two are called otherwise than their path.
        (
            "file_searches",
            {"num_requests": 6, "vector_store_id": "vs_1"},
            {"quantity": Decimal(6), "quantity_unit": "searches", "request_count": None},
        ),
        (
            "web_searches",
            {"num_requests": 8, "num_model_requests": 5, "context_level": "low"},
            # The model's requests are in the report of its tokens.
            {"web_search_requests": 8, "request_count": None, "quantity": None},
        ),
    ],
)
def test_each_kind_fills_its_own_measures(
    kind: str, fields: dict[str, Any], says: dict[str, Any]
) -> None:
    event = usage(kind, **fields, **WHO)
    assert {name: getattr(event, name) for name in says} == says
    assert event.validation_errors == []
    assert event.api_key_id == "key_x1"


def test_kinds_are_told_apart_by_their_events_ids_and_an_unknown_one_is_flagged() -> None:
    same: dict[str, Any] = {"input_tokens": 5, **WHO}
    assert usage("embeddings", **same).identity != usage("moderations", **same).identity
    assert usage("dreams", **same).validation_errors == ["unknown_enum:object"]
    assert len(KINDS) == 11


def test_who_acts_without_a_key_is_named_by_the_accounts_id() -> None:
    event = usage("completions", input_tokens=5, user_id="user-x1")
    assert (event.api_key_id, event.vendor_user_id) == ("user-x1", "user-x1")
    line = cost("1.5", line_item="gpt-x, output", user_id="user-x1", project_id="proj_x1")
    assert (line.api_key_id, line.attribution_method) == ("user-x1", "api_key_mapping")


def test_an_empty_day_has_no_events_and_an_odd_bucket_is_kept_on_its_day() -> None:
    assert read(OPENAI, "usage", msgspec.json.encode(report(bucket()))) == []
    odd = {"start_time": START + 86400, "results": "none"}
    (event,) = read(OPENAI, "usage", msgspec.json.encode(report(odd)))
    assert (event.validation_errors, event.event_date) == (
        ["undecodable_record"],
        date(2026, 11, 4),
    )
    (event,) = read(OPENAI, "usage", msgspec.json.encode(report({"start_time": "soon"})))
    assert event.event_date == DAY


# --- Costs -----------------------------------------------------------------------------------


def test_a_cost_is_dollars_of_a_project_and_a_line() -> None:
    event = cost(
        "1.27",
        line_item="gpt-x-2026-05-01, input_tokens",
        project_id="proj_x1",
        api_key_id=None,
        user_id=None,
        api_source=None,
        quantity=508000,
        quantity_unit="tokens",
    )
    assert filled(event) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "cost",
        "platform_subtype": "openai_api",
        "workspace_id": "proj_x1",
        "model": "gpt-x-2026-05-01",
        "token_type": "input_tokens",
        "weight_class": "input_tokens",
        "is_committed": False,
        "cost_usd": Decimal("1.27"),
        "cost_currency": "USD",
        "cost_type": "input_tokens",
        "billing_period": "daily",
        # Neither a key nor a person: split by usage.
        "attribution_method": "unknown",
    }


@pytest.mark.parametrize(
    ("value", "dollars", "flags"),
    [
        ("1.27", "1.27", []),
        ('"1.27"', "1.27", []),
        ("0", "0", []),
        ("5e-7", "0.0000005", []),
        ("0.30000000000000004", "0.3", ["truncated_amount"]),
        # A credit keeps its sign.
        ("-2.5", "-2.5", []),
        ('"NaN"', None, ["unreadable_amount"]),
        ('"Infinity"', None, ["unreadable_amount"]),
        ("null", None, ["unreadable_amount"]),
        ('""', None, ["unreadable_amount"]),
        ("{}", None, ["unreadable_amount"]),
    ],
)
def test_an_amount_is_dollars_as_a_number_or_a_text(
    value: str, dollars: str | None, flags: list[str]
) -> None:
    event = cost(value, line_item="gpt-x, output")
    assert event.cost_usd == (None if dollars is None else Decimal(dollars))
    assert event.validation_errors == flags


@pytest.mark.parametrize("amount", [None, {}, {"value": 3, "currency": "eur"}])
def test_an_amount_that_is_not_there_or_no_dollars_is_a_charge_unknown(amount: Any) -> None:
    """All its fields are optional in the vendor's SDK."""
    body = report(bucket({"amount": amount, "line_item": "x"}, {"line_item": "y"}))
    events = read(OPENAI, "costs", msgspec.json.encode(body))
    assert [(e.cost_usd, e.validation_errors) for e in events] == [
        (None, ["unreadable_amount"])
    ] * 2


@pytest.mark.parametrize(
    ("line_item", "unit", "model", "weight_class", "cost_type", "flags"),
    [
        ("gpt-x, output_tokens", "tokens", "gpt-x", "output_tokens", "output_tokens", []),
        ("gpt-x, input", "1000_tokens", "gpt-x", "input_tokens", "input", []),
        ("gpt-x, cached input", None, "gpt-x", "cache_read_tokens", "cached_input", []),
        ("gpt-x, input_cached_tokens", "tokens", "gpt-x", "cache_read_tokens", None, []),
        ("gpt-x, input_cache_write_30m_tokens", "tokens", "gpt-x", None, None, []),
        ("a, b, output", "tokens", "a, b", "output_tokens", "output", []),
        # Tokens of a class that nobody here has heard of: split by all that was spent.
        ("gpt-x, dream_tokens", "tokens", "gpt-x", None, None, ["unknown_enum:line_item"]),
        # Categories, and what comes next.
        ("Web search tool calls", "", None, "web_search_requests", "web_search_tool_calls", []),
        ("File storage", "gibibyte_hours", None, None, "file_storage", []),
        ("img-x, images", "images", "img-x", None, "images", []),
        ("tts-x, speech", "duration_seconds", "tts-x", None, "speech", []),
        ("", "moons", None, None, None, []),
        (None, None, None, None, None, []),
    ],
)
def test_a_line_item_is_a_model_and_a_token_class_or_a_category(
    line_item: str | None,
    unit: str | None,
    model: str | None,
    weight_class: str | None,
    cost_type: str | None,
    flags: list[str],
) -> None:
    event = cost("1", line_item=line_item, quantity_unit=unit, quantity=3)
    assert (event.model, event.weight_class) == (model, weight_class)
    assert event.validation_errors == flags
    if cost_type is not None or not line_item:
        assert event.cost_type == cost_type
    # Named without a column that counts it, a class would be split by no usage at all.
    assert (event.token_type is not None) is ((weight_class or "").endswith("tokens"))
    # What was used is told by usage; it would count twice.
    assert event.quantity is None


# --- Directory -------------------------------------------------------------------------------

KEY = {
    "object": "organization.project.api_key",
    "id": "key_x1",
    "name": "ci",
    "redacted_value": "sk-...abc",
    "created_at": START,
    "expires_at": None,
    "owner": {"type": "user", "user": {"id": "user-x1", "email": "Ann@acme.test", "name": "Ann"}},
    "owner_project_access": "active",
}
MEMBER = {"id": "user-x1", "email": "Ann@acme.test ", "name": "Ann", "role": "owner", "added_at": 1}
ROBOT = {"id": "user-sa9", "name": "robot", "role": "member", "created_at": START}


def listed(*records: Any, more: bool = False) -> dict[str, Any]:
    last = records[-1]["id"] if records else None
    return {"object": "list", "data": list(records), "has_more": more, "last_id": last}


def test_keys_are_asked_of_every_project_with_those_whose_owner_has_left(
    vendor_server: ScriptedVendor,
) -> None:
    def script(asked: Asked) -> Response:
        path = asked.path.removeprefix("/v1/organization/")
        if path == "projects" and asked.first("after") is None:
            return as_json(listed({"id": "proj_a"}, more=True))
        answers = {
            "projects": listed({"id": "proj_b", "archived_at": START}),
            "users": listed(MEMBER),
            "projects/proj_a/api_keys": listed(KEY),
            "projects/proj_b/service_accounts": listed(ROBOT),
        }
        return as_json(answers.get(path, listed()))

    vendor_server.script = script
    pages = fetch(OPENAI, "api_keys", vendor_server.url)
    asked = [(a.path.removeprefix("/v1/organization/"), a.query) for a in vendor_server.asked]
    limit, every = ("limit", "100"), ("include_archived", "true")
    any_owner = ("owner_project_access", "any")
    assert asked == [
        ("users", [limit]),
        ("projects", [limit, every]),
        ("projects", [limit, every, ("after", "proj_a")]),
        ("projects/proj_a/api_keys", [limit, any_owner]),
        ("projects/proj_a/service_accounts", [limit]),
        ("projects/proj_b/api_keys", [limit, any_owner]),
        ("projects/proj_b/service_accounts", [limit]),
    ]
    # The projects are another endpoint's answer.
    found = [msgspec.json.decode(page.body)["data"] for page in pages]
    assert found == [[MEMBER], [KEY], [], [], [ROBOT]]


def test_a_key_is_its_owners_and_a_member_acts_without_one() -> None:
    of_robot = {"id": "key_2", "owner": {"type": "service_account", "service_account": ROBOT}}
    gone = {**KEY, "id": "key_3", "owner_project_access": "inactive", "expires_at": START}
    pages = msgspec.json.encode(listed(KEY, of_robot, gone, MEMBER, ROBOT))
    assert read(OPENAI, "api_keys", pages) == [
        ApiKey(
            api_key_id="key_x1",
            api_key_name="ci",
            status="active",
            created_at=MIDNIGHT,
            created_by_id="user-x1",
        ),
        # A service account is no person: a register says whose it is.
        ApiKey(api_key_id="key_2", status="active", created_by_id="user-sa9"),
        ApiKey(
            api_key_id="key_3",
            api_key_name="ci",
            status="inactive",
            created_at=MIDNIGHT,
            expires_at=MIDNIGHT,
            created_by_id="user-x1",
        ),
        ApiKey(api_key_id="user-x1", status="active", created_by_id="user-x1"),
        ApiKey(api_key_id="user-sa9", api_key_name="robot", status="active", created_at=MIDNIGHT),
    ]


def test_members_and_projects_are_read_and_an_odd_record_is_left_out() -> None:
    odd = {"id": "user-2", "email": 7}
    ann, robot, left = read(OPENAI, "users", msgspec.json.encode(listed(MEMBER, ROBOT, odd)))
    assert ann == Person(
        vendor_user_id="user-x1", user_email="ann@acme.test", full_name="Ann", role="owner"
    )
    assert (robot.vendor_user_id, robot.user_email) == ("user-sa9", None)
    assert isinstance(left, LeftOut)
    assert left.ids == ("user-2",)
    projects = listed({"id": "proj_a", "name": "A"}, {"id": "proj_b", "archived_at": START})
    assert read(OPENAI, "projects", msgspec.json.encode(projects)) == [
        Workspace(workspace_id="proj_a", workspace_name="A"),
        Workspace(workspace_id="proj_b", archived_at=MIDNIGHT),
    ]


@pytest.mark.parametrize(
    ("endpoint", "body", "says"),
    [
        ("users", listed(), "it lists nobody"),
        ("users", {"object": "list"}, "another shape than documented"),
        ("users", {"data": [MEMBER], "has_more": True}, "but not where"),
        ("projects", {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}, "repeats an"),
        ("costs", {"object": "page", "data": None}, "another shape than documented"),
    ],
)
def test_a_list_that_is_not_whole_is_a_failure(
    vendor_server: ScriptedVendor, endpoint: str, body: Any, says: str
) -> None:
    vendor_server.answers(body)
    with pytest.raises(VendorError, match=says):
        fetch(OPENAI, endpoint, vendor_server.url)


def test_a_project_without_an_id_hides_no_keys(vendor_server: ScriptedVendor) -> None:
    def script(asked: Asked) -> Response:
        data = [MEMBER] if asked.path.endswith("/users") else [{"name": "A"}]
        return as_json({"data": data, "has_more": False})

    vendor_server.script = script
    with pytest.raises(VendorError, match="a project has no id"):
        fetch(OPENAI, "api_keys", vendor_server.url)
