"""The column of users.csv that says what vendors call a person."""

from __future__ import annotations

from datetime import date

import pytest

from ai_usage.days.spans import FIRST_DAY
from ai_usage.errors import ReferenceFileError
from ai_usage.reference import reference_file
from ai_usage.reference.reading import read_text

USERS = reference_file("users.csv")


def read(cells: str) -> object:
    return read_text(USERS, f"user_email,vendor_logins\nada@x.com,{cells}\n").rows[0][
        "vendor_logins"
    ]


def test_logins_that_know_no_case_are_read_in_lower_case_each_once() -> None:
    assert read("GitHub_Copilot:Ada-B; github_copilot:ada-b") == ("github_copilot:ada-b",)
    assert read("") is None


def test_ids_are_opaque_and_keep_their_case() -> None:
    """Two that differ by case alone are two; only the platform's code knows none."""
    assert read("OpenAI:user-Ab1;openai:user-ab1;hub:Ada") == (
        "openai:user-Ab1",
        "openai:user-ab1",
        "hub:Ada",
    )


@pytest.mark.parametrize("cell", ["ada-b", "hub:", ":ada-b", "hub:ada b", "hub:a:b"])
def test_a_login_without_its_platform_is_refused(cell: str) -> None:
    with pytest.raises(ReferenceFileError, match="is not a vendor's login; write platform:login"):
        read(cell)


def test_a_login_of_two_people_is_refused() -> None:
    body = "user_email,vendor_logins\na@x.com,github_copilot:ada\nb@x.com,GITHUB_copilot:Ada\n"
    with pytest.raises(ReferenceFileError, match=r"pilot:ada is a login of a@x\.com already"):
        read_text(USERS, body)
    ids = "user_email,vendor_logins\na@x.com,hub:u1a\nb@x.com,hub:U1a\n"
    assert len(read_text(USERS, ids).rows) == 2


def test_another_login_matters_since_ever() -> None:
    before = read_text(USERS, "user_email,vendor_logins\nada@x.com,\n").rows
    after = read_text(USERS, "user_email,vendor_logins\nada@x.com,hub:ada\n").rows
    assert USERS.changed_from is not None
    assert USERS.changed_from(before, after, date(2026, 11, 5)) == FIRST_DAY
    # Accepted before the column existed.
    old = [{name: cell for name, cell in row.items() if name != "vendor_logins"} for row in before]
    assert USERS.changed_from(old, after, date(2026, 11, 5)) == FIRST_DAY
