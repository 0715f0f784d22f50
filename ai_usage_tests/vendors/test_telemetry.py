"""Claude Code's telemetry: what its points mean, by values worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.vendors.anthropic.telemetry import ENDPOINT
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.vendors.otlp import ADA, Point, line, metric, point, tokens
from ai_usage_tests.vendors.support import filled

DAY = date(2026, 11, 3)
AT = "2026-11-03T09:30"


def read(*lines: str, hour: str = "2026-11-03T09") -> list[RawEvent]:
    page = f'{{"hour":"{hour}","part":1,"parts":1,"lines":[{",".join(lines)}]}}'
    rows = ENDPOINT.read([page.encode()], ReadContext(Window.day(DAY)))
    return [row for row in rows if isinstance(row, RawEvent)]


def test_a_session_and_its_models_by_hand() -> None:
    def opus(value: float, at: str = AT, **more: str) -> Point:
        return point(at, value, None, model="claude-opus-x[1m]", **more)

    events = read(
        line(
            metric(
                "token.usage",
                opus(100, type="input"),
                opus(20, type="output"),
                opus(3000, type="cacheRead"),
                opus(400, type="cacheCreation"),
                opus(1, type="input", query_source="subagent"),
            ),
            metric("cost.usage", opus(0.1), opus(0.2, at="2026-11-03T09:31")),
            metric(
                "lines_of_code.count",
                opus(30, type="added"),
                opus(9, type="removed"),
            ),
        ),
        line(
            metric("session.count", point(AT, 1, start_type="fresh")),
            metric("commit.count", point(AT, 2)),
            metric("pull_request.count", point(AT, 1)),
            metric(
                "code_edit_tool.decision",
                point(AT, 7, decision="accept", tool_name="Edit"),
                point(AT, 2, decision="reject", tool_name="Write"),
            ),
            metric("active_time.total", point(AT, 99.5, type="user")),
            metric("something.new", point(AT, 5)),
        ),
    )
    common = {
        "event_timestamp": datetime(2026, 11, 3, 9, tzinfo=UTC),
        "event_date": DAY,
        "event_type": "session",
        "platform_subtype": "claude_code",
        "user_email": "ada@example.com",
        "vendor_user_id": "user_01ada",
        "session_id": "s-1",
        "attribution_method": "direct_email",
        "price_tier": "standard",
        "is_committed": False,
    }
    assert [filled(event) for event in events] == [
        {
            **common,
            "model": "claude-opus-x",
            "input_tokens": 101,
            "output_tokens": 20,
            "cache_read_tokens": 3000,
            "cached_input_tokens": 400,
            "lines_accepted": 30,
            "estimated_cost_usd": Decimal("0.3"),
        },
        {
            **common,
            "session_count": 1,
            "commits": 2,
            "pull_requests": 1,
            "suggestions_accepted": 7,
            "suggestions_shown": 9,
        },
    ]


def test_its_dollars_are_an_estimate_and_never_a_cost() -> None:
    (event,) = read(line(metric("cost.usage", point(AT, 1.5, model="claude-x"))))
    assert (event.cost_usd, event.included_value_usd) == (None, None)
    assert event.estimated_cost_usd == Decimal("1.5")
    assert ENDPOINT.lookback == "usage"


def test_an_event_keeps_what_was_added_up() -> None:
    (event,) = read(tokens(AT, 5), tokens("2026-11-03T09:31", 0.5))
    assert json.loads(event.raw_response or "") == {
        "hour": "2026-11-03T09",
        "points": 2,
        "attributes": {**ADA, "model": "claude-x"},
        "added_up": [{"metric": "claude_code.token.usage", "type": "input", "sum": 5.5}],
    }


def test_a_point_that_was_sent_again_is_one_point() -> None:
    """In another line, with others: a collector that got no answer sends its batch again."""
    one = point(AT, 5, type="input", model="claude-x")
    other = point(AT, 6, type="output", model="claude-x")
    (event,) = read(line(metric("token.usage", one)), line(metric("token.usage", one, other)))
    assert (event.input_tokens, event.output_tokens) == (5, 6)


def test_people_and_sessions_are_told_apart() -> None:
    bo = {"user.email": " Bo@Example.com "}
    events = read(
        tokens(AT, 1),
        tokens(AT, 2, **{"session.id": "s-2"}),
        tokens(AT, 4, **bo),
        tokens(AT, 8, model="claude-y"),
    )
    assert [(e.user_email, e.session_id, e.model, e.input_tokens) for e in events] == [
        ("ada@example.com", "s-1", "claude-x", 1),
        ("ada@example.com", "s-2", "claude-x", 2),
        ("bo@example.com", "s-1", "claude-x", 4),
        ("ada@example.com", "s-1", "claude-y", 8),
    ]


def test_whoever_the_company_names_itself_is_named() -> None:
    """On Bedrock and Vertex nobody logs in: OTEL_RESOURCE_ATTRIBUTES says whose machine it is."""
    usage = metric("token.usage", point(AT, 1, {"session.id": "s"}, type="input", model="m"))
    (named,) = read(line(usage, resource={"user.email": "cy@example.com"}))
    (nobody,) = read(line(usage))
    assert named.user_email == "cy@example.com"
    assert (nobody.user_email, nobody.vendor_user_id, nobody.attribution_method) == (
        None,
        None,
        "unknown",
    )


def test_an_account_without_an_address_keeps_its_id() -> None:
    who = {"user.account_uuid": "u-1", "user.id": "install"}
    (event,) = read(line(metric("commit.count", point(AT, 1, who))))
    assert (event.user_email, event.vendor_user_id) == (None, "u-1")


def test_numbers_come_in_several_forms() -> None:
    def told(value: dict[str, Any], at: int | str) -> str:
        one = point(AT, 0, type="input", model="m")
        del one["asDouble"]
        return line(metric("token.usage", {**one, "timeUnixNano": at, **value}))

    at = int(point(AT, 0)["timeUnixNano"])
    (event,) = read(
        told({"asInt": "7"}, at), told({"asInt": 30}, str(at + 1)), told({"asDouble": 1e3}, at + 2)
    )
    assert event.input_tokens == 1037


@pytest.mark.parametrize(
    "value", ['"NaN"', '"1_0"', '"٣"', "1e999999999999999999", "1e-99999", "2e18", '"7e-99999"']
)
def test_a_value_that_cannot_be_read_is_flagged_and_the_others_count(value: str) -> None:
    good = line(metric("token.usage", point(AT, 0, type="output", model="claude-x")))
    odd = good.replace('"asDouble": 0', f'"asDouble": {value}')
    (event,) = read(tokens(AT, 5), odd)
    assert (event.input_tokens, event.output_tokens) == (5, None)
    assert event.validation_errors == ["unreadable_value"]


def test_a_kind_of_tokens_that_nobody_has_heard_of_is_flagged() -> None:
    (event,) = read(tokens(AT, 5), tokens(AT, 6, kind="cacheThought"))
    assert (event.input_tokens, event.validation_errors) == (5, ["unknown_enum:type"])


def test_a_point_that_cannot_be_read_is_an_event_of_its_own() -> None:
    odd = point(AT, 1) | {"timeUnixNano": "yesterday"}
    good = point(AT, 5, type="input", model="claude-x")
    counted, flagged = read(line(metric("token.usage", odd, good)))
    assert (counted.input_tokens, counted.validation_errors) == (5, [])
    assert (flagged.event_date, flagged.validation_errors) == (DAY, ["undecodable_record"])
    assert json.loads(flagged.raw_response or "")["timeUnixNano"] == "yesterday"


def test_fields_and_kinds_that_are_new_are_tolerated() -> None:
    told = json.loads(tokens(AT, 5))
    told["new"] = told["resourceMetrics"][0]["schemaUrl"] = "x"
    metrics = told["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    metrics[0]["sum"]["dataPoints"][0] |= {"flags": 1, "exemplars": []}
    metrics[0]["sum"]["dataPoints"][0]["attributes"] += [
        {"key": "vcs.dirty", "value": {"boolValue": True}},
        {"key": "many", "value": {"arrayValue": {"values": []}}},
        {"key": "none"},
    ]
    metrics.append({"name": "claude_code.token.usage", "histogram": {"dataPoints": [{}]}})
    (event,) = read(json.dumps(told))
    assert (event.input_tokens, event.validation_errors) == (5, [])
