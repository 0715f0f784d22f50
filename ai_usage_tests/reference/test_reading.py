"""A reference file is read whole or refused whole, and a refusal points at the line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.errors import ReferenceFileError
from ai_usage.reference import read_bytes, read_path, read_text, reference_file
from ai_usage.reference.reading import MAX_BYTES
from ai_usage_tests.reference.files import as_csv, refusal

USERS = reference_file("users.csv")
KEYS = reference_file("api_keys.csv")
PLATFORMS = reference_file("platforms.csv")


def test_cells_become_typed_values_and_absent_columns_their_defaults() -> None:
    text = as_csv(
        [
            {
                "user_email": "Ada@Example.com",
                "effective_date": "2026-01-31",
                "ai_budget_monthly_usd": "250.10",
                "approved_platforms": "Cursor; anthropic;",
                "usage_restrictions": '{"b": 1, "a": [1.50]}',
                "aliases": "A@example.com;b@example.com",
                "is_active": "",
            }
        ]
    )
    row = read_text(USERS, text).rows[0]
    assert row["user_email"] == "ada@example.com"
    assert row["effective_date"] == date(2026, 1, 31)
    assert row["ai_budget_monthly_usd"] == Decimal("250.10")
    assert row["approved_platforms"] == ("cursor", "anthropic")
    assert row["usage_restrictions"] == '{"a":[1.5],"b":1}'
    assert row["aliases"] == ("a@example.com", "b@example.com")
    assert row["is_active"] is True
    assert row["team"] is None
    assert list(row) == USERS.column_names


def test_comments_blank_lines_a_byte_order_mark_and_any_order_of_columns_are_accepted() -> None:
    text = (
        '# quotes in a "comment, swallow nothing\r\n'
        'team,user_email\r\n\r\n# between\r\n"Search, ""one""",ada@example.com\r\n,,\r\n'
    ).replace(",,\r\n", ",\r\n")
    reading = read_bytes(USERS, b"\xef\xbb\xbf" + text.encode())
    assert [(row["team"], row["user_email"]) for row in reading.rows] == [
        ('Search, "one"', "ada@example.com")
    ]


def test_an_absent_file_says_nothing_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    assert not read_path(USERS, tmp_path).present
    (tmp_path / "users.csv").write_text("")
    with pytest.raises(ReferenceFileError, match=r"users\.csv:1: there is no header line"):
        read_path(USERS, tmp_path)
    (tmp_path / "users.csv").write_text("user_email\n")
    reading = read_path(USERS, tmp_path)
    assert reading.present
    assert reading.rows == []


def test_lines_are_counted_as_an_editor_does_over_quoted_line_breaks_and_comments() -> None:
    text = (
        "user_email,job_title,start_date\n"
        'a@example.com,"Engineer\nof things\n# not a comment",2026-01-01\n'
        "# a comment\n"
        "\n"
        "b@example.com,Engineer,1.2.2026\n"
    )
    assert str(refusal(USERS, text)) == (
        "users.csv:7: start_date: '1.2.2026' is not a date; write it as YYYY-MM-DD; in a "
        "spreadsheet, give the column that format or text"
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"user_email": "ada"}, "user_email: 'ada' is not an e-mail address"),
        ({"user_email": "", "team": "Search"}, "user_email: is empty"),
        ({"start_date": "01/02/2026"}, "start_date: '01/02/2026' is not a date; write it as YYYY"),
        ({"start_date": "2026-02-30"}, "start_date: '2026-02-30' is no day of the calendar"),
        ({"start_date": "1899-12-31"}, "start_date: 1899-12-31 lies before 1900-01-01"),
        ({"start_date": "2026-2-3"}, "start_date: '2026-2-3' is not a date"),
        ({"ai_budget_monthly_usd": "-1.00"}, "ai_budget_monthly_usd: '-1.00' is negative"),
        ({"ai_budget_monthly_usd": "1,000"}, "ai_budget_monthly_usd: '1,000' is 1000 to some and"),
        ({"ai_budget_monthly_usd": "1,000.00"}, "'1,000.00' is not a number; write digits and"),
        ({"ai_budget_monthly_usd": "-1,50"}, "ai_budget_monthly_usd: '-1,50' is negative"),
        ({"ai_budget_monthly_usd": "$5"}, "ai_budget_monthly_usd: '$5' is not a number"),
        ({"ai_budget_monthly_usd": "NaN"}, "ai_budget_monthly_usd: 'NaN' is not a number"),
        ({"ai_budget_monthly_usd": "1e3"}, "ai_budget_monthly_usd: '1e3' is not a number"),
        ({"ai_budget_monthly_usd": "٣"}, "ai_budget_monthly_usd: '٣' is not a number"),
        ({"is_active": "maybe"}, "is_active: 'maybe' is neither true nor false"),
        ({"employment_type": "temp"}, "employment_type: 'temp' is not known; one of full_time"),
        ({"usage_restrictions": "{x}"}, "usage_restrictions: '{x}' is not a JSON object"),
        ({"usage_restrictions": '{"a": NaN}'}, "is not a JSON object"),
        ({"usage_restrictions": "[" * 5000}, "is not a JSON object"),
        ({"full_name": "=VLOOKUP(A2;B:C;2)"}, "full_name: '=VLOOKUP(A2;B:C;2)' is a formula, not"),
        ({"full_name": "\tAda"}, "full_name: holds the invisible character U+0009"),
        ({"full_name": "A\x00da"}, "full_name: holds the invisible character U+0000"),
        ({"full_name": "Ada\u202egnp"}, "full_name: holds the invisible character U+202E"),
        (
            {"user_email": "ada\u200b@example.com"},
            "user_email: holds the invisible character U+200B",
        ),
        ({"aliases": "ada@example.com"}, "aliases: names the line's own user_email"),
        (
            {"start_date": "2026-02-02", "end_date": "2026-02-01"},
            "end_date: 2026-02-01 lies before",
        ),
    ],
)
def test_a_cell_that_cannot_be_accepted_is_refused_with_its_column(
    cells: dict[str, str], expected: str
) -> None:
    text = as_csv([{"user_email": "x@example.com"}, {"user_email": "ada@example.com"} | cells])
    error = refusal(USERS, text)
    assert str(error).startswith("users.csv:3: ")
    assert expected in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text", ["-5", "+49", "@Platform", "+1 Team", "=CC-4", "-100", "#1 Team", "O'Brien", "1E5"]
)
def test_a_text_is_taken_as_it_is_and_neutralised_by_exports_alone(text: str) -> None:
    body = as_csv([{"user_email": "a@example.com", "department": text}])
    assert read_text(USERS, body).rows[0]["department"] == text


def test_an_address_may_hold_an_apostrophe() -> None:
    body = "user_email,aliases\nSean.O'Brien@acme.test,o'b@acme.test\n"
    (row,) = read_text(USERS, body).rows
    assert (row["user_email"], row["aliases"]) == ("sean.o'brien@acme.test", ("o'b@acme.test",))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("email\na@example.com\n", "users.csv:1: email: unknown column; did you mean user_email?"),
        ("team\nSearch\n", "users.csv:1: user_email: the column is missing; add user_email"),
        ("user_email,team,team\n", "users.csv:1: team: stands twice in the header"),
        ("user_email\tteam\n", "users.csv:1: columns are separated by '\\t', not by commas; save"),
        ("user_email,team\na@example.com\n", "users.csv:2: has 1 cells, the header has 2"),
        ("user_email,team\na@example.com,Search, and more\n", "users.csv:2: has 3 cells"),
        (
            'user_email\na@example.com\n"b@example.com\nc@example.com\n',
            "users.csv:3: cannot be read",
        ),
        ('user_email,team\na@example.com,"x"y\n', "users.csv:2: cannot be read as CSV"),
        (b"user_email\na@example.com\nb\xe9@example.com\n", "users.csv:3: is not UTF-8 text"),
        ("user_email\n".encode("utf-16"), "users.csv:1: is not UTF-8 text"),
        (
            "user_email\na@example.com\nb@example.com\na@example.com\n",
            "users.csv:4: user_email: a@example.com without an effective_date stands in line 2 too",
        ),
        (
            "user_email,effective_date\na@x.com,2026-01-01\nA@x.com,2026-01-01\n",
            "users.csv:3: effective_date: a@x.com from 2026-01-01 on stands in line 2 too",
        ),
        (
            "user_email,aliases\na@x.com,c@x.com\nb@x.com,c@x.com\n",
            "users.csv:3: aliases: c@x.com is an alias of a@x.com already",
        ),
        (
            "user_email,aliases\na@x.com,b@x.com\nb@x.com,\n",
            "users.csv:2: aliases: b@x.com is a person of its own in line 3",
        ),
    ],
)
def test_a_file_that_cannot_be_accepted_is_refused_with_its_line(
    content: str | bytes, expected: str
) -> None:
    assert str(refusal(USERS, content)).startswith(expected)


def test_a_file_beyond_20_mb_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "users.csv").open("wb") as out:
        out.truncate(MAX_BYTES + 1)
    with pytest.raises(ReferenceFileError, match=r"users.csv:1: holds 20\.0 MB, more than 20 MB"):
        read_path(USERS, tmp_path)


def test_a_folder_in_the_place_of_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "users.csv").mkdir()
    with pytest.raises(ReferenceFileError, match="cannot be read"):
        read_path(USERS, tmp_path)


def test_a_refusal_lists_twenty_problems_by_line_and_counts_the_rest() -> None:
    text = as_csv([{"user_email": f"user{n}"} for n in range(25)])
    error = refusal(USERS, text)
    assert error.total == 25
    assert [problem.line for problem in error.problems] == list(range(2, 22))
    assert str(error).endswith("(and 24 more; see: ai-usage reference check)")
    assert error.lines()[-1] == "users.csv: and 5 more problems"


def test_an_unknown_manager_is_only_a_warning() -> None:
    text = as_csv(
        [
            {"user_email": "a@x.com", "manager_email": "boss@x.com"},
            {"user_email": "b@x.com", "manager_email": "a@x.com"},
        ]
    )
    reading = read_text(USERS, text)
    assert [(w.line, w.column) for w in reading.warnings] == [(2, "manager_email")]


KEY = {"platform": "Anthropic", "api_key_id": "apikey_1", "user_email": "a@x.com"}


def test_a_key_handed_on_has_a_line_for_each_owner() -> None:
    lines = [
        KEY | {"expires_date": "2026-03-31"},
        KEY | {"user_email": "b@x.com", "created_date": "2026-04-01"},
    ]
    rows = read_text(KEYS, as_csv(lines)).rows
    assert [row["platform"] for row in rows] == ["anthropic", "anthropic"]
    assert rows[0]["intended_use"] == "personal"


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        ({}, {"user_email": "b@x.com"}, 3),
        ({"expires_date": "2026-04-01"}, {"created_date": "2026-04-01"}, 3),
        ({"created_date": "2026-01-01"}, {"expires_date": "2026-01-01"}, 3),
        ({"api_key_id": "", "api_key_name": "ci"}, {"api_key_id": "", "api_key_name": "ci"}, 3),
    ],
)
def test_overlapping_days_of_one_key_are_refused(
    first: dict[str, str], second: dict[str, str], line: int
) -> None:
    error = refusal(KEYS, as_csv([KEY | first, KEY | second]))
    assert str(error).startswith(f"api_keys.csv:{line}: created_date: the key's days overlap")


def test_a_long_line_overlaps_every_line_within_it() -> None:
    lines = [
        KEY | {"created_date": "2026-01-01", "expires_date": "2026-12-31"},
        KEY | {"created_date": "2026-02-01", "expires_date": "2026-02-28"},
        KEY | {"created_date": "2026-05-01", "expires_date": "2026-05-31"},
    ]
    assert [p.line for p in refusal(KEYS, as_csv(lines)).problems] == [3, 4]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"api_key_id": ""}, "api_key_id: is empty, and so is api_key_name"),
        ({"intended_use": "fun"}, "intended_use: 'fun' is not known; one of personal"),
        ({"auto_deactivate_after_days": "0"}, "auto_deactivate_after_days: 0 is too small"),
        ({"auto_deactivate_after_days": "1.5"}, "'1.5' is not a whole number"),
        (
            {"created_date": "2026-02-01", "expires_date": "2026-01-01"},
            "expires_date: 2026-01-01 lies before created_date",
        ),
    ],
)
def test_a_key_line_that_cannot_be_accepted_is_refused(
    cells: dict[str, str], expected: str
) -> None:
    assert expected in str(refusal(KEYS, as_csv([KEY | cells])))


def test_a_secret_in_the_register_is_refused_and_not_repeated() -> None:
    error = refusal(KEYS, as_csv([KEY | {"api_key_id": "sk-ant-api03-SECRET"}]))
    assert "holds a secret key" in str(error)
    assert "SECRET" not in str(error)


def test_a_platform_stands_once_and_derived_columns_are_not_for_a_person_to_set() -> None:
    line = {"platform_code": "cursor", "platform_subtype": "cursor"}
    assert "stands in line 2 too" in str(refusal(PLATFORMS, as_csv([line, line])))
    error = refusal(PLATFORMS, as_csv([line | {"platform_sk": "1"}]))
    assert str(error).startswith("platforms.csv:1: platform_sk: unknown column")
