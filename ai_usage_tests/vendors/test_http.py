"""What the client does when a vendor refuses, stumbles or lies; over real connections."""

from __future__ import annotations

import base64
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from ai_usage.errors import SettingsError, VendorError
from ai_usage.settings import Settings
from ai_usage.vendors.http import VendorClient
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    SECRET,
    ScriptedVendor,
    as_json,
    client,
)


def ask(vendor_server: ScriptedVendor, **options: object) -> bytes:
    with client(ANTHROPIC, vendor_server.url, **options) as asking:
        page = asking.get("users", "/v1/organizations/users", [("limit", "5")], where="2026-11-03")
    return page.body


def refusal(vendor_server: ScriptedVendor, **options: object) -> str:
    with pytest.raises(VendorError) as caught:
        ask(vendor_server, **options)
    return str(caught.value)


def test_the_body_is_given_as_it_came_with_its_request(vendor_server: ScriptedVendor) -> None:
    raw = b'{ "data": [],\n  "has_more": false }\n'
    vendor_server.answers(Response(raw))
    with client(ANTHROPIC, f"{vendor_server.url}/anthropic/") as asking:
        page = asking.get("users", "/v1/users", [("group_by[]", "a"), ("group_by[]", "b")])
    assert page.body == raw
    assert page.request == "GET /v1/users?group_by%5B%5D=a&group_by%5B%5D=b"
    (asked,) = vendor_server.asked
    assert asked.path == "/anthropic/v1/users"
    assert asked.query == [("group_by[]", "a"), ("group_by[]", "b")]
    assert asked.headers["x-api-key"] == SECRET
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert asked.headers["user-agent"].startswith("ai-usage/")


def test_cursor_is_asked_with_basic_authentication(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers({})
    with client(CURSOR, vendor_server.url) as asking:
        page = asking.post("spend", "/teams/spend", {"page": 1})
    (asked,) = vendor_server.asked
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == (
        f"{SECRET}:".encode()
    )
    assert (asked.method, asked.body) == ("POST", {"page": 1})
    assert page.request == 'POST /teams/spend {"page":1}'


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_passing_refusal_is_asked_again(vendor_server: ScriptedVendor, status: int) -> None:
    error = {"type": "error", "error": {"type": "x", "message": "later"}}
    vendor_server.answers(as_json(error, status), as_json(error, status), {"ok": 1})
    assert ask(vendor_server) == b'{"ok": 1}'
    assert len(vendor_server.asked) == 3


def test_a_lasting_refusal_ends_after_the_attempts(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(as_json({"error": "Too Many Requests", "message": "slow down"}, 429))
    assert refusal(vendor_server, attempts=3) == (
        "anthropic users 2026-11-03: answered 429 (slow down) after 3 attempts. Try again later."
    )
    assert len(vendor_server.asked) == 3


def test_retry_after_seconds_are_obeyed(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(as_json({}, 429, **{"Retry-After": "1"}), {"ok": 1})
    ask(vendor_server)
    first, second = vendor_server.asked
    assert 1.0 <= second.at - first.at < 2.5


def test_a_retry_after_date_is_obeyed(vendor_server: ScriptedVendor) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    header = {"Retry-After": format_datetime(until, usegmt=True)}
    vendor_server.answers(as_json({}, 503, **header), {"ok": 1})
    ask(vendor_server)
    assert datetime.now(UTC) >= until
    assert len(vendor_server.asked) == 2


def test_a_retry_after_date_is_by_the_vendors_clock(vendor_server: ScriptedVendor) -> None:
    """By ours, which is an hour ahead of it, the wait would be over before it began."""
    theirs = datetime.now(UTC) - timedelta(hours=1)
    header = {
        "Date": format_datetime(theirs, usegmt=True),
        "Retry-After": format_datetime(theirs + timedelta(seconds=1), usegmt=True),
    }
    vendor_server.answers(as_json({}, 429, **header), {"ok": 1})
    ask(vendor_server)
    first, second = vendor_server.asked
    assert second.at - first.at >= 0.9


@pytest.mark.parametrize("age", ["9" * 20, "9" * 5000, "٣", "-1", "soon"])
def test_an_age_that_is_none_is_passed_over(vendor_server: ScriptedVendor, age: str) -> None:
    now = format_datetime(datetime.now(UTC))
    vendor_server.answers(as_json({"ok": 1}, Date=now, Age=age.encode().decode("latin-1")))
    ask(vendor_server)
    assert len(vendor_server.asked) == 1


@pytest.mark.parametrize(
    ("ours_ahead", "says"),
    [
        (timedelta(hours=26), "this machine's clock is 1560 minutes ahead of that of 127.0.0.1"),
        (timedelta(minutes=-20), "this machine's clock is 20 minutes behind that of 127.0.0.1"),
    ],
)
def test_a_clock_that_is_far_off_is_refused_for_it_tells_which_days_have_ended(
    vendor_server: ScriptedVendor, ours_ahead: timedelta, says: str
) -> None:
    date = format_datetime(datetime.now(UTC) - ours_ahead, usegmt=True)
    vendor_server.answers(as_json({"data": []}, Date=date))
    message = refusal(vendor_server)
    assert says in message
    assert message.endswith("Set the clock: it decides which days have ended.")
    assert len(vendor_server.asked) == 1


@pytest.mark.parametrize(
    ("ours_ahead", "more"),
    [
        (timedelta(minutes=10), {}),
        (timedelta(hours=9), {"Age": "32400"}),
        (timedelta(0), {"Date": "yesterday"}),
    ],
    ids=["a little off", "out of a cache", "no date"],
)
def test_a_clock_that_is_a_little_off_or_not_told_is_none_of_our_business(
    vendor_server: ScriptedVendor, ours_ahead: timedelta, more: dict[str, str]
) -> None:
    date = format_datetime(datetime.now(UTC) - ours_ahead, usegmt=True)
    vendor_server.answers(as_json({"ok": 1}, 200, **{"Date": date, **more}))
    assert ask(vendor_server) == b'{"ok": 1}'


@pytest.mark.parametrize("value", ["soon", "", "-5", "Wed, 99 Nov 2026 00:00:00 GMT"])
def test_an_unreadable_retry_after_counts_as_none(
    vendor_server: ScriptedVendor, value: str
) -> None:
    vendor_server.answers(as_json({}, 429, **{"Retry-After": value}), {"ok": 1})
    started = time.monotonic()
    ask(vendor_server)
    assert time.monotonic() - started < 1


def test_a_pause_that_is_too_long_fails_at_once_and_says_how_long(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers(as_json({}, 429, **{"Retry-After": "86400"}))
    assert "asks to wait 86400 s" in refusal(vendor_server)
    assert len(vendor_server.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_names_the_setting_and_is_not_tried_again(
    vendor_server: ScriptedVendor, status: int
) -> None:
    vendor_server.answers(as_json({"error": {"message": "invalid x-api-key"}}, status))
    message = refusal(vendor_server)
    assert f"answered {status} (invalid x-api-key). Check ANTHROPIC_ADMIN_KEY" in message
    assert len(vendor_server.asked) == 1


def test_a_bad_request_repeats_the_vendors_words(vendor_server: ScriptedVendor) -> None:
    said = "Invalid date range:\x1b[31m ending date\r\n must\x00 be after\u202e starting date"
    vendor_server.answers(as_json({"type": "error", "error": {"message": said}}, 400))
    assert "(Invalid date range: [31m ending date must be after starting date)" in refusal(
        vendor_server
    )


def test_a_long_message_is_shortened(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(as_json({"error": "x" * 100_000}, 400))
    assert len(refusal(vendor_server)) < 400


@pytest.mark.parametrize("status", [302, 404])
def test_a_wrong_address_names_the_setting(vendor_server: ScriptedVendor, status: int) -> None:
    vendor_server.answers(Response(status_code=status, headers={"Location": "/login"}))
    assert "Check ANTHROPIC_BASE_URL" in refusal(vendor_server)
    assert len(vendor_server.asked) == 1


def test_a_web_page_instead_of_json_says_so(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(Response("<!doctype html><p>Sign in", media_type="text/html"))
    message = refusal(vendor_server)
    assert "a web page (text/html; charset=utf-8) instead of JSON" in message
    assert "ANTHROPIC_BASE_URL" in message
    assert len(vendor_server.asked) == 1


@pytest.mark.parametrize("body", [b"", b"  \n", b'{"data": [1, 2', b'{"a": 1} {', b'{"a": "\xff"}'])
def test_an_answer_that_stops_short_is_asked_again_and_never_used(
    vendor_server: ScriptedVendor, body: bytes
) -> None:
    vendor_server.answers(Response(body), {"ok": 1})
    assert ask(vendor_server) == b'{"ok": 1}'
    vendor_server.answers(Response(body))
    message = refusal(vendor_server, attempts=2)
    assert "answered 200 with" in message
    assert "after 2 attempts" in message


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"12"])
def test_json_that_is_no_object_is_refused(vendor_server: ScriptedVendor, body: bytes) -> None:
    vendor_server.answers(Response(body))
    assert "JSON that is not an object" in refusal(vendor_server)


def test_a_connection_cut_in_the_middle_is_asked_again(vendor_server: ScriptedVendor) -> None:
    cut = Response(b'{"data": [')
    cut.headers["content-length"] = "5000"
    vendor_server.answers(cut, {"ok": 1})
    assert ask(vendor_server) == b'{"ok": 1}'


def test_a_host_that_is_not_there_is_told_within_seconds() -> None:
    started = time.monotonic()
    with (
        client(CURSOR, "http://127.0.0.1:9", attempts=2) as asking,
        pytest.raises(VendorError, match=r"127\.0\.0\.1:9 cannot be reached .* CURSOR_BASE_URL"),
    ):
        asking.get("members", "/teams/members")
    assert time.monotonic() - started < 3


def test_a_vendor_that_does_not_answer_in_time_is_told(vendor_server: ScriptedVendor) -> None:
    def slow(asked: object) -> Response:
        time.sleep(0.3)
        return as_json({})

    vendor_server.script = slow
    message = refusal(vendor_server, timeout_seconds=0.05, attempts=2)
    assert "no answer from 127.0.0.1" in message
    assert "AI_USAGE_HTTP_TIMEOUT_SECONDS" in message
    time.sleep(0.7)  # the server is shared: let it finish


def test_no_error_log_or_repr_holds_the_key(
    vendor_server: ScriptedVendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    basic = base64.b64encode(f"{SECRET}:".encode()).decode()
    texts = []
    for said in (SECRET, f"Basic {basic}", "x" * 190 + SECRET):
        for vendor in (ANTHROPIC, CURSOR):
            vendor_server.answers(as_json({"error": f"bad key {said}", "message": said}, 401))
            with client(vendor, vendor_server.url) as asking:
                texts.append(repr(asking))
                with pytest.raises(VendorError) as caught:
                    asking.get("users", "/users")
            texts += [str(caught.value), repr(caught.value.__cause__)]
    text = "\n".join([*texts, caplog.text])
    assert SECRET not in text
    assert basic not in text
    assert SECRET[:16] not in text


@pytest.mark.parametrize("form", [SECRET, base64.b64encode(f"{SECRET}:".encode()).decode()])
def test_an_answer_that_holds_the_key_is_refused_so_that_no_archive_keeps_it(
    vendor_server: ScriptedVendor, form: str
) -> None:
    vendor_server.answers({"data": [], "has_more": False, "echo": {"authorization": form}})
    error = refusal(vendor_server)
    assert "ANTHROPIC_ADMIN_KEY itself in the answer, which is not kept" in error
    assert form not in error
    assert len(vendor_server.asked) == 1


@pytest.mark.parametrize("key", ["with space", "line\nbreak", "", "schlüssel", "tab\t"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        VendorClient(ANTHROPIC, SecretStr(key))
    assert "ANTHROPIC_ADMIN_KEY" in str(caught.value)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com",
        "ftp://example.com",
        "https://",
        "https://me:pw@example.com",
        "https://a.b:port",
    ],
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        VendorClient(ANTHROPIC, SecretStr(SECRET), base_url=url)
    assert "ANTHROPIC_BASE_URL" in str(caught.value)
    assert "pw" not in str(caught.value)


def test_settings_configure_the_client(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers({"ok": 1})
    values = {"ANTHROPIC_ADMIN_KEY": f"{SECRET}\n", "ANTHROPIC_BASE_URL": vendor_server.url}
    settings = Settings.load({**values, "AI_USAGE_ENV_FILE": "/nowhere/.env"})
    with VendorClient.from_settings(ANTHROPIC, settings) as asking:
        asking.get("users", "/users")
    assert vendor_server.asked[0].headers["x-api-key"] == SECRET
    with pytest.raises(SettingsError, match="CURSOR_API_KEY"):
        VendorClient.from_settings(CURSOR, settings)
