"""An accepted state comes back from the archive as it was, and a change tells what it affects."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ai_usage.reference import States, decode, earliest_change, encode, read_text, reference_file
from ai_usage.reference.column import FIRST_DAY, Row
from ai_usage_tests.reference.files import as_csv

USERS = reference_file("users.csv")
KEYS = reference_file("api_keys.csv")
NOV = date(2026, 11, 20)

_rows = st.fixed_dictionaries(
    {name: st.none() for name in USERS.column_names}
    | {
        "user_email": st.text(),
        "effective_date": st.dates(min_value=FIRST_DAY),
        "full_name": st.text(),
        "ai_budget_monthly_usd": st.decimals(0, 10**9, places=9),
        "approved_platforms": st.lists(st.text()).map(tuple),
        "is_active": st.booleans(),
    },
)


@given(st.lists(_rows, max_size=3))
def test_encode_and_decode_are_a_round_trip(rows: list[Row]) -> None:
    body = encode(USERS, rows)
    assert b"\n" not in body
    assert decode(USERS, body) == rows


@given(st.lists(st.lists(_rows, max_size=3), max_size=4))
def test_states_read_one_after_another_are_what_each_of_them_says(states: list[list[Row]]) -> None:
    bodies = [encode(USERS, rows) for state in states for rows in (state, state[:1] + state)]
    read = States(USERS)
    assert [read.read([body]) for body in bodies] == [decode(USERS, body) for body in bodies]


def test_a_row_that_stays_is_one_object_and_two_alike_are_two() -> None:
    (ann, bob), (other,) = (
        _users({"user_email": "ann@x.com"}, {"user_email": "bob@x.com"}),
        _users({"user_email": "bob@x.com", "team": "B"}),
    )
    read = States(USERS)
    first = read.read([encode(USERS, [ann, bob])])
    second = read.read([encode(USERS, [bob, ann, other, bob])])
    assert second[0] is first[1]
    assert second[1] is first[0]
    assert second[3] == first[1]
    assert second[3] is not first[1]


def test_an_older_state_is_read_by_a_newer_declaration() -> None:
    body = json.dumps({"file": "api_keys.csv", "rows": [{"platform": "x", "gone": 1}]}).encode()
    row = decode(KEYS, body)[0]
    assert list(row) == KEYS.column_names
    assert (row["platform"], row["intended_use"], row["created_date"]) == ("x", "personal", None)


def test_amounts_keep_their_digits() -> None:
    rows = read_text(
        USERS, as_csv([{"user_email": "a@x.com", "ai_budget_monthly_usd": "0.100000001"}])
    ).rows
    assert decode(USERS, encode(USERS, rows))[0]["ai_budget_monthly_usd"] == Decimal("0.100000001")


def _users(*rows: dict[str, str]) -> list[Row]:
    return read_text(USERS, as_csv(rows, ["user_email", "effective_date", "team", "aliases"])).rows


def test_a_change_matters_from_the_day_its_line_holds() -> None:
    ann = {"user_email": "ann@x.com", "effective_date": "2026-01-01", "team": "A"}
    moved = {"user_email": "ann@x.com", "effective_date": "2026-06-01", "team": "B"}
    bob = {"user_email": "bob@x.com", "team": "A"}

    def change(before: list[Row], after: list[Row]) -> date | None:
        return earliest_change(USERS, before, after, NOV)

    assert change(_users(ann, bob), _users(bob, ann)) is None
    assert change(_users(ann), _users(ann, moved)) == date(2026, 6, 1)
    assert change(_users(ann), _users(ann | {"team": "Z"})) == FIRST_DAY
    assert change(_users(bob), _users(bob | {"team": "Z"})) == NOV
    assert change(_users(bob), _users(bob | {"aliases": "b@x.com"})) == FIRST_DAY
    assert change(_users(), _users(bob)) == FIRST_DAY
    assert change(_users(bob), _users()) == NOV


def test_a_key_line_matters_from_its_created_date() -> None:
    line = {"platform": "a", "api_key_id": "k", "user_email": "a@x.com"}
    before = read_text(KEYS, as_csv([line])).rows
    after = read_text(
        KEYS,
        as_csv([line, line | {"api_key_id": "l", "created_date": "2026-03-01"}]),
    ).rows
    assert earliest_change(KEYS, before, after, NOV) == date(2026, 3, 1)
    assert earliest_change(KEYS, after, after[1:], NOV) == FIRST_DAY
