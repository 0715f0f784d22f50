"""The SCIM directory, held to RFC 7643 and RFC 7644 by another implementation of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import URN, EnterpriseUser, Error, Extension, ListResponse, User
from scim2_models import ComplexAttribute as Complex

from ai_usage.simulator import SCIM_TOKEN, Company, serve
from ai_usage.simulator.roster import (
    ALIAS,
    CODE_KEY_PATTERN_ONLY,
    EARLIER_LEAVER,
    MOVER,
    UNREGISTERED_KEY,
)
from ai_usage.simulator.scim_api import AI_USAGE, ENTERPRISE, MOST_RESULTS


class ListedKey(Complex):
    """A key of the extension."""

    platform: str | None = None
    value: str | None = None
    display: str | None = None


class Login(Complex):
    """What a vendor calls the person, of the extension."""

    platform: str | None = None
    value: str | None = None


class AiUsage(Extension):
    """The extension that names teams and keys."""

    __schema__ = URN(AI_USAGE)

    team: str | None = None
    sub_team: str | None = None
    api_keys: list[ListedKey] | None = None
    vendor_logins: list[Login] | None = None


Listing = ListResponse[User[EnterpriseUser | AiUsage]]


@pytest.fixture(scope="module")
def scim(base_url: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {SCIM_TOKEN}"}
    with httpx.Client(base_url=f"{base_url}/scim/v2", headers=headers) as client:
        yield client


def everyone(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        body = client.get("Users", params={"startIndex": len(found) + 1}).json()
        found += body["Resources"]
        if len(found) >= body["totalResults"]:
            return found


def person(client: httpx.Client, company: Company, number: int) -> dict[str, Any]:
    email = company.people[number].email
    return next(user for user in everyone(client) if user["userName"] == email)


def test_every_page_is_to_the_letter_of_the_rfc(scim: httpx.Client, company: Company) -> None:
    seen: list[str | None] = []
    while True:
        answer = scim.get("Users", params={"startIndex": len(seen) + 1, "count": 10})
        assert answer.headers["content-type"] == "application/scim+json"
        page = Listing.model_validate(answer.json())
        assert page.start_index == len(seen) + 1
        assert page.items_per_page == len(page.resources or [])
        seen += [user.user_name for user in page.resources or []]
        if len(seen) == page.total_results:
            break
    begun = [p.email for p in company.people if p.start_date <= company.today]
    assert seen == begun


def test_leavers_are_inactive_and_movers_are_where_they_are_today(
    scim: httpx.Client, company: Company
) -> None:
    assert person(scim, company, EARLIER_LEAVER)["active"] is False
    mover = person(scim, company, MOVER)
    assert mover["active"] is True
    assert mover[AI_USAGE]["team"] == "Machine Learning"
    assert mover[ENTERPRISE]["department"] == "Data"
    before = company.on(company.people[MOVER].teams[1][0].replace(day=1))
    with serve(before) as url:
        headers = {"Authorization": f"Bearer {SCIM_TOKEN}"}
        with httpx.Client(base_url=f"{url}/scim/v2", headers=headers) as earlier:
            assert person(earlier, before, MOVER)[ENTERPRISE]["department"] == "Engineering"


def test_a_further_address_is_no_primary_one_and_a_manager_is_a_user(
    scim: httpx.Client, company: Company
) -> None:
    with_alias = person(scim, company, ALIAS)
    assert [email.get("primary") for email in with_alias["emails"]] == [True, None]
    assert with_alias["emails"][1]["value"] == company.people[ALIAS].aliases[0]
    manager = with_alias[ENTERPRISE]["manager"]
    boss = scim.get(f"Users/{manager['value']}").json()
    assert boss["displayName"] == manager["displayName"]
    assert boss["userName"] == company.people[ALIAS].team(company.today).manager_email


def test_only_keys_that_the_register_lacks_are_listed(scim: httpx.Client, company: Company) -> None:
    listed = {
        key["value"]: user["userName"]
        for user in everyone(scim)
        for key in user[AI_USAGE].get("apiKeys", ())
    }
    lacking = [key for key in company.keys if not key.registered and key.person is not None]
    assert listed == {key.id: company.people[key.person or 0].email for key in lacking}
    emails = {company.people[n].email for n in (UNREGISTERED_KEY, CODE_KEY_PATTERN_ONLY)}
    assert emails <= set(listed.values())


@given(start=st.integers(-3, 60), count=st.integers(-3, 60))
@settings(max_examples=40, deadline=None)
def test_any_page_is_that_part_of_the_whole(scim: httpx.Client, start: int, count: int) -> None:
    whole = everyone(scim)
    body = scim.get("Users", params={"startIndex": start, "count": count}).json()
    first = max(start, 1) - 1
    assert body["Resources"] == whole[first : first + min(max(count, 0), MOST_RESULTS)]
    assert body["totalResults"] == len(whole)


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("Users", "wrong", 401),
        ("Users?count=many", SCIM_TOKEN, 400),
        ("Users?filter=active eq true", SCIM_TOKEN, 400),
        ("Users/nobody", SCIM_TOKEN, 404),
        ("Groups", SCIM_TOKEN, 404),
    ],
)
def test_refusals_have_the_rfcs_shape(base_url: str, path: str, token: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{base_url}/scim/v2/{path}", headers=headers)
    assert answer.status_code == status
    error = Error.model_validate(answer.json())
    assert error.status == status
    assert error.detail
    assert SCIM_TOKEN not in answer.text
