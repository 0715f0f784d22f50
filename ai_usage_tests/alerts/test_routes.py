"""The one setting: Apprise URLs between commas or spaces, with prefixes; secrets never shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ai_usage.alerts.routes import Route, parse_routes


def urls(text: str) -> list[str]:
    found = parse_routes(text)
    assert found.problems == ()
    return [route.url for route in found.routes]


@pytest.mark.parametrize(
    "text",
    [
        "json://one/a json://two/b",
        "json://one/a, json://two/b",
        " json://one/a,\n\tjson://two/b, ",
    ],
)
def test_entries_stand_between_commas_or_spaces(text: str) -> None:
    assert urls(text) == ["json://one/a", "json://two/b"]


def test_a_comma_within_a_url_stays_in_it() -> None:
    mail = "mailto://u:p@mail.example.com?to=a@example.com,b@example.com"
    assert urls(f"{mail}, error=json://one/a") == [mail, "json://one/a"]


def test_nothing_is_no_route() -> None:
    assert parse_routes("") == parse_routes(" , ")


def test_a_prefix_names_severities_groups_and_owners() -> None:
    (route,) = parse_routes("error+group:facts+group:views+owner:team:finance=json://h/x").routes
    assert route.severities == {"error"}
    assert route.groups == {"facts", "views"}
    assert route.owners == {"finance"}
    assert route.wants("error")
    assert not route.wants("warning")
    assert route.concerns({"views"}, ["team:finance"])
    assert not route.concerns({"raw"}, ["team:finance"])
    assert not route.concerns({"facts"}, ["team:engineering"])


def test_a_route_without_a_prefix_wants_everything() -> None:
    (route,) = parse_routes("json://h/x").routes
    assert route.wants("error")
    assert route.wants("warning")
    assert route.concerns({"any"}, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("urgent=json://h/x", "'urgent' is no condition"),
        ("error+groups:x=json://h/x", "'groups:x' is no condition"),
        ("nonsense://token-of-mine", "cannot read this nonsense:// URL"),
    ],
)
def test_a_bad_entry_is_one_line_and_the_others_still_work(text: str, told: str) -> None:
    found = parse_routes(f"json://good/a {text}")
    assert [route.url for route in found.routes] == ["json://good/a"]
    (problem,) = found.problems
    assert told in problem
    assert problem.startswith("AI_USAGE_NOTIFY_URLS, entry ")
    assert "token-of-mine" not in problem


@pytest.mark.parametrize("text", ["some words", "mailto://h?to=a@example.com, b@example.com"])
def test_what_is_no_url_is_said_without_repeating_it(text: str) -> None:
    (problem,) = parse_routes(text).problems
    assert "this is no Apprise URL" in problem
    assert "example.com" not in problem


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("json://me:hunter22@hooks.example.com/s3cr3t-path", "json://hooks.example.com"),
        ("mailtos://me:hunter22@mail.example.com?to=x@example.com", "mailtos://mail.example.com"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops", "slack://T...2"),
    ],
)
def test_a_route_is_shown_without_its_secrets(url: str, place: str) -> None:
    route = Route(url, frozenset({"error"}))
    assert route.shown == f"{place} (error)"
    for secret in ("hunter22", "s3cr3t-path", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"):
        assert secret not in route.shown + repr(route)


def test_every_channel_that_the_documentation_shows_can_be_read() -> None:
    operations = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    setting = re.findall(r'AI_USAGE_NOTIFY_URLS="(.*?)"', operations, re.DOTALL)
    urls = re.findall(r"\| `([a-z]+://[^`]+)`", operations)
    assert len(setting) == 1
    assert len(urls) >= 5
    for shown in (*setting, *urls):
        found = parse_routes(shown)
        assert found.problems == ()
        assert len(found.routes) == shown.count("://")
