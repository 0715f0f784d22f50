"""What a person sees of failing rows names nobody and shows no secret."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ai_usage.text.masking import mask_text, masked


def test_an_address_keeps_its_first_letter_and_domain() -> None:
    assert mask_text("ada.lovelace@example.com") == "a***@example.com"
    assert mask_text("['ada@x.org', \"bob@y.org\"]") == "['a***@x.org', \"b***@y.org\"]"
    assert mask_text("'sean.o'brien@acme.test' left") == "'s***@acme.test' left"
    assert mask_text("a@b.c") == "a***@b.c"
    assert mask_text("nobody here") == "nobody here"


def test_what_looks_like_a_secret_is_gone() -> None:
    assert (
        mask_text("key sk-ant-admin01-AbC_d-9 and key_0123") == "key sk-ant-admin01-*** and key_***"
    )


def test_a_row_loses_nulls_and_payloads_and_long_values_are_cut() -> None:
    row = {
        "user_email": "ada@example.com",
        "model": None,
        "raw_response": '{"email": "ada@example.com"}',
        "change_history": "[]",
        "n": 3,
        "note": "x" * 500,
    }
    assert masked(row) == {"user_email": "a***@example.com", "n": "3", "note": "x" * 120}


@given(
    st.from_regex(r"\A[a-z](['.+_-]?[a-z0-9]){1,12}\Z"),
    st.from_regex(r"\A[a-z]{1,10}\.[a-z]{2,4}\Z"),
    st.sampled_from(["{}", "<{}>", "['{}']", "x,{};y", "mailto {} now"]),
)
def test_no_addresss_name_is_left_wherever_it_stands(name: str, domain: str, around: str) -> None:
    shown = mask_text(around.format(f"{name}@{domain}"))
    assert f"{name}@" not in shown
    assert re.search(rf"{re.escape(name[0])}\*\*\*@{re.escape(domain)}", shown)
