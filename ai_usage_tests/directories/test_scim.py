"""SCIM: what is asked, what an answer must keep, and what becomes of a user."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.directories.scim import AI_USAGE, ENTERPRISE, VENDOR, read_listing
from ai_usage.errors import VendorError
from ai_usage.vendors.fetching import fetch_window, read_fetch
from ai_usage.vendors.rows import DirectoryRow
from ai_usage_tests.vendors.support import SECRET, Asked, ScriptedVendor, as_json, client

NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
DAY = Window.day(NOW.date())
USERS = VENDOR.endpoint("users")


def user(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"u{number}", "userName": f"p{number}@x.io", **more}


def listing(*users: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    return {"totalResults": len(users) if total is None else total, "Resources": list(users)}


def people(*users: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The filled cells of everyone's line, by address."""
    found = read_listing([bytes(as_json(listing(*users)).body)])
    return {
        row["user_email"]: {n: v for n, v in row.items() if v is not None and n != "user_email"}
        for row in found.people
    }


def fetch(server: ScriptedVendor, **options: Any) -> list[bytes]:
    with client(VENDOR, server.url, **options) as asking:
        return [page.body for page in USERS.fetch(asking, DAY, NOW)]


def refusal(server: ScriptedVendor, **options: Any) -> str:
    with pytest.raises(VendorError) as caught:
        fetch(server, **options)
    return str(caught.value)


# --- What becomes of a user --------------------------------------------------------------------


def test_a_user_fills_a_line_of_users_csv() -> None:
    boss = user(1, emails=[{"value": "Grace@X.io", "primary": True}])
    ada = user(
        2,
        name={"givenName": "Ada", "familyName": "Byron", "formatted": "Ada Byron"},
        displayName="Ada B.",
        nickName="Ada",
        title="Engineer",
        userType="Contractor",
        timezone="Europe/London",
        locale="en-GB",
        active=True,
        emails=[
            {"value": "ada.home@y.org", "type": "home"},
            {"value": "ada@x.io", "type": "work", "primary": True},
        ],
        **{
            ENTERPRISE: {
                "employeeNumber": "701984",
                "costCenter": "CC-100",
                "organization": "X",
                "division": "Technology",
                "department": "Engineering",
                "manager": {"value": "u1", "displayName": "Grace"},
            },
            AI_USAGE: {"team": "Search", "subTeam": "Index"},
        },
    )
    assert people(boss, ada)["ada@x.io"] == {
        "user_id": "u2",
        "employee_id": "701984",
        "first_name": "Ada",
        "last_name": "Byron",
        "full_name": "Ada Byron",
        "display_name": "Ada B.",
        "preferred_name": "Ada",
        "department": "Engineering",
        "team": "Search",
        "sub_team": "Index",
        "manager_email": "grace@x.io",
        "cost_center": "CC-100",
        "job_title": "Engineer",
        "employment_type": "contractor",
        "timezone": "Europe/London",
        "is_active": True,
        "aliases": ("ada.home@y.org", "p2@x.io"),
    }


def test_a_user_who_says_little_leaves_cells_empty() -> None:
    assert people(user(1)) == {"p1@x.io": {"user_id": "u1", "is_active": True}}


@pytest.mark.parametrize(
    ("emails", "own"),
    [
        ([{"value": "a@x.io", "type": "home"}, {"value": "b@x.io", "type": "work"}], "b@x.io"),
        ([{"value": "a@x.io"}, {"value": "b@x.io"}], "a@x.io"),
        (["A@x.io"], "a@x.io"),
        ([{"value": "no address", "primary": True}, {"value": "b@x.io"}], "b@x.io"),
        ([{"value": "a@x.io", "type": "work"}, {"value": "b@x.io", "primary": "true"}], "b@x.io"),
        ([], "p1@x.io"),
    ],
)
def test_the_own_address_is_the_primary_one_then_work_then_the_first(
    emails: list[Any], own: str
) -> None:
    assert list(people(user(1, emails=emails))) == [own]


def test_servers_that_are_less_than_exact_are_taken_as_they_are() -> None:
    """Entra sends booleans as texts and a manager as a bare id; names know no case (RFC 7643)."""
    enterprise = {"EmployeeNumber": 17, "manager": "u1"}
    leaver = {"ID": "u2", "USERNAME": "b@x.io", "Active": "False", "photos": "?", "urn:other": {}}
    found = people(user(1), {**leaver, ENTERPRISE.upper(): enterprise})
    assert found["b@x.io"] == {
        "user_id": "u2",
        "employee_id": "17",
        "manager_email": "p1@x.io",
        "is_active": False,
    }


def test_a_cell_that_users_csv_would_refuse_is_left_empty() -> None:
    odd = user(1, displayName="=HYPERLINK(1)", nickName="a\u202eb", userType="Robot", title="Dev")
    assert people(odd)["p1@x.io"] == {"user_id": "u1", "job_title": "Dev", "is_active": True}


def test_a_manager_may_be_an_address_a_reference_or_unknown() -> None:
    def bossed(number: int, manager: Any) -> dict[str, Any]:
        return user(number, **{ENTERPRISE: {"manager": manager}})

    found = people(
        user(1),
        bossed(2, {"value": "boss@x.io"}),
        bossed(3, {"$ref": "https://x.io/scim/v2/Users/u1"}),
        bossed(4, {"value": "u99"}),
        bossed(5, {"value": "u5"}),
    )
    assert [found[f"p{n}@x.io"].get("manager_email") for n in (2, 3, 4, 5)] == [
        "boss@x.io",
        "p1@x.io",
        None,
        None,
    ]


def test_of_two_accounts_with_one_address_the_active_one_counts() -> None:
    mail = [{"value": "a@x.io"}]
    old = user(1, emails=mail, active=False, title="Old")
    new = user(2, emails=mail, title="New", meta={"lastModified": "2025-01-01T00:00:00Z"})
    newer = user(3, emails=mail, title="Newer", meta={"lastModified": "2026-01-01T00:00:00Z"})
    for users in ((old, new, newer), (newer, new, old)):
        found = people(*users)
        assert list(found) == ["a@x.io"]
        assert found["a@x.io"]["job_title"] == "Newer"
        assert found["a@x.io"]["aliases"] == ("p1@x.io", "p2@x.io", "p3@x.io")


def test_an_address_that_two_people_name_is_nobodys() -> None:
    shared = {"value": "team@x.io"}
    found = people(
        user(1, emails=[{"value": "p1@x.io", "primary": True}, shared, {"value": "p2@x.io"}]),
        user(2, emails=[{"value": "p2@x.io", "primary": True}, shared]),
    )
    assert [row.get("aliases") for row in found.values()] == [None, None]


def test_keys_of_the_extension_become_lines_of_the_register() -> None:
    keys = [
        {"platform": "Anthropic", "value": "apikey_1", "display": "laptop", "expires": "soon"},
        {"platform": "anthropic", "value": "apikey_2", "intendedUse": "team", "costCenter": "C1"},
        {"value": "apikey_3"},
        {"platform": "anthropic"},
    ]
    pages = [bytes(as_json(listing(user(1, **{AI_USAGE: {"apiKeys": keys}}))).body)]
    found = read_listing(pages)
    filled = [
        {n: row[n] for n in ("platform", "api_key_id", "api_key_name", "user_email")}
        | {n: row[n] for n in ("intended_use", "cost_center", "expires_date")}
        for row in found.keys
    ]
    assert filled == [
        {
            "platform": "anthropic",
            "api_key_id": "apikey_1",
            "api_key_name": "laptop",
            "user_email": "p1@x.io",
            "intended_use": "personal",
            "cost_center": None,
            "expires_date": None,
        },
        {
            "platform": "anthropic",
            "api_key_id": "apikey_2",
            "api_key_name": None,
            "user_email": "p1@x.io",
            "intended_use": "team",
            "cost_center": "C1",
            "expires_date": None,
        },
    ]
    remedy = (
        "mend it in the directory: the next run reads it again; a line in api_keys.csv wins "
        "meanwhile"
    )
    assert [(left.who, left.what, left.remedy) for left in found.left_out] == [
        ("p1@x.io (id u1)", what, remedy)
        for what in (
            "entry 1 of its apiKeys: expires_date 'soon' is not a date",
            "entry 3 of its apiKeys names no platform and key",
            "entry 4 of its apiKeys names no platform and key",
        )
    ]


def test_an_account_without_an_address_is_left_out() -> None:
    pages = [bytes(as_json(listing(user(1), {"id": "u2", "userName": "robot"})).body)]
    found = read_listing(pages)
    assert [row["user_email"] for row in found.people] == ["p1@x.io"]
    assert [left.who for left in found.left_out] == ["robot (id u2)"]


# --- Paging ------------------------------------------------------------------------------------


def directory(count: int, most: int) -> Any:
    """A server's script: `count` users, at most `most` a page, `startIndex` from 1."""

    def script(asked: Asked) -> Response:
        start = int(asked.first("startIndex") or 1)
        size = min(most, int(asked.first("count") or most))
        page = [user(n) for n in range(start, min(start + size, count + 1))]
        return as_json(listing(*page, total=count))

    return script


@given(count=st.integers(1, 230), most=st.integers(1, 120))
@settings(max_examples=40, deadline=None)
def test_everyone_comes_once_whatever_the_servers_page_is(
    running_server: ScriptedVendor, count: int, most: int
) -> None:
    most = max(most, count // 20)
    running_server.asked.clear()
    running_server.script = directory(count, most)
    pages = fetch(running_server)
    emails = [row["user_email"] for row in read_listing(pages).people]
    assert sorted(emails) == sorted(f"p{n}@x.io" for n in range(1, count + 1))
    size = min(most, 100)
    starts = [int(asked.first("startIndex") or 0) for asked in running_server.asked]
    needed = list(range(1, count + 1, size))
    # Where the last page is full, or its total is no more than its own count, the next place too.
    assert starts in (needed, [*needed, count + 1])
    assert len(starts) == len(needed) or count % size == 0 or len(needed) == 1


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([listing(user(1), total=2), listing(total=2)], "1 records came of 2 announced"),
        ([listing(user(1), user(2), total=1)], "2 records came of 1 announced"),
        (
            [listing(user(1), total=2), listing(user(2), total=3)],
            "the total went from 2 to 3 while paging",
        ),
        (
            [listing(user(1), total=2), listing(user(1, title="x"), total=2)],
            "page 2 repeats a record of an earlier page",
        ),
        ([listing(user(1), user(1))], "user u1 came twice"),
    ],
)
def test_a_count_that_does_not_match_fails(
    server: ScriptedVendor, answers: list[Any], said: str
) -> None:
    server.answers(*answers)
    assert refusal(server) == f"scim users 2026-03-18: {said}. Try again later."


def test_a_directory_that_lists_nobody_is_not_believed(server: ScriptedVendor) -> None:
    server.answers({"totalResults": 0})
    said = refusal(server)
    assert "it lists nobody: everybody would count as having left" in said
    assert "check what AI_USAGE_SCIM_TOKEN may read" in said


@pytest.mark.parametrize(
    "body",
    [{"Resources": []}, {"totalResults": "many"}, {"totalResults": 1, "Resources": {"id": 1}}],
)
def test_another_shape_fails(server: ScriptedVendor, body: Any) -> None:
    server.answers(body)
    assert "the answer has another shape than documented" in refusal(server)


# --- Asking ------------------------------------------------------------------------------------


def test_it_is_asked_with_the_bearer_token(server: ScriptedVendor) -> None:
    server.answers(listing(user(1)))
    fetch(server)
    asked, beyond = server.asked
    assert beyond.first("startIndex") == "2"
    assert (asked.method, asked.path) == ("GET", "/Users")
    assert asked.query == [("startIndex", "1"), ("count", "100")]
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.headers["accept"] == "application/scim+json, application/json"


def test_a_refusal_repeats_the_servers_words_but_not_the_token(server: ScriptedVendor) -> None:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
    body = {"schemas": schemas, "status": "401", "detail": f"token {SECRET}\nis unknown"}
    server.answers(as_json(body, 401))
    assert refusal(server) == (
        "scim users 2026-03-18 page 1: answered 401 (token *** is unknown). "
        "Check AI_USAGE_SCIM_TOKEN."
    )


def test_a_busy_server_is_asked_again_when_it_says(server: ScriptedVendor) -> None:
    busy = Response(status_code=429, headers={"Retry-After": "0.2"})
    server.answers(busy, listing(user(1)))
    assert [row["user_email"] for row in read_listing(fetch(server)).people] == ["p1@x.io"]
    first, second, _beyond = server.asked
    assert second.at - first.at >= 0.2


# --- The archive -------------------------------------------------------------------------------


def archived(folder: Path) -> str:
    """Everything under the folder, unpacked."""
    texts = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        texts.append((gzip.decompress(content) if path.suffix == ".gz" else content).decode())
    return "\n".join(texts)


def keep(server: ScriptedVendor, folder: Path) -> Archive:
    archive = Archive(str(folder))
    with client(VENDOR, server.url) as asking:
        fetch_window(VENDOR, USERS, DAY, client=asking, archive=archive, now=NOW)
    return archive


def test_the_answer_is_kept_as_the_days_snapshot(server: ScriptedVendor, tmp_path: Path) -> None:
    server.script = directory(3, 2)
    archive = keep(server, tmp_path)
    (kept,) = archive.coverage("scim", "users", DAY)
    assert kept[1] == DAY.days()
    assert len(list(archive.pages(kept[0]))) == 2
    assert SECRET not in archived(tmp_path)


def test_text_that_nothing_decodes_costs_no_directory(
    server: ScriptedVendor, tmp_path: Path
) -> None:
    """Half of an emoji that somebody cut: the whole answer was refused for it."""
    page = json.dumps(listing(user(1, displayName="Ann \ud83d"), user(2)))
    server.script = lambda asked: Response(page, media_type="application/scim+json")
    archive = keep(server, tmp_path)
    ((kept, _days),) = archive.coverage("scim", "users", DAY)
    rows = list(read_fetch(VENDOR, USERS, archive, kept))
    assert [isinstance(row, DirectoryRow) and row.values["display_name"] for row in rows] == [
        "Ann \ufffd",
        None,
    ]


def test_pages_that_shift_are_read_again_from_the_start(
    server: ScriptedVendor, tmp_path: Path
) -> None:
    server.answers(
        listing(user(1), total=2),
        listing(user(2), total=3),
        listing(user(1), user(2), user(3)),
    )
    archive = keep(server, tmp_path)
    (kept,) = archive.coverage("scim", "users", DAY)
    assert len(read_listing(archive.pages(kept[0])).people) == 3


def test_a_secret_in_the_directory_is_refused_and_never_archived(
    server: ScriptedVendor, tmp_path: Path
) -> None:
    leaked = "sk-ant-api03-leaked"
    keys = [{"platform": "anthropic", "value": leaked}]
    server.answers(listing(user(1, **{AI_USAGE: {"apiKeys": keys}})))
    with pytest.raises(VendorError, match=r"apiKeys of p1@x\.io holds a secret key") as caught:
        keep(server, tmp_path)
    assert leaked not in str(caught.value)
    text = archived(tmp_path)
    assert '"complete": false' in text
    assert leaked not in text
