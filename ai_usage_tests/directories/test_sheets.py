"""The key sheet: how a range is read and refused, and who may read it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.directories.sheets import SHEET, read_values
from ai_usage.errors import AiUsageError, SettingsError, VendorError
from ai_usage.reference import RefusedFileError, read_path, reference_file
from ai_usage.settings import Settings
from ai_usage.simulator import Company
from ai_usage.simulator.reference import write_directory_files
from ai_usage.vendors.fetching import fetch_window, read_rows
from ai_usage_tests.directories.conftest import Configured
from ai_usage_tests.directories.test_scim import archived
from ai_usage_tests.vendors.support import Asked, ScriptedVendor, as_json

HEADER = ["platform", "api_key_id", "user_email", "is_active", "expires_date"]


def read(*rows: list[Any], range_: str = "Keys!A1:E9") -> list[dict[str, Any]]:
    """The rows of a range, the columns of `HEADER` alone."""
    body = json.dumps({"range": range_, "majorDimension": "ROWS", "values": [HEADER, *rows]})
    return [{name: row[name] for name in HEADER} for row in read_values(body.encode())]


def refused(*rows: list[Any], **more: str) -> list[str]:
    with pytest.raises(RefusedFileError) as caught:
        read(*rows, **more)
    return caught.value.lines()


# --- Reading -----------------------------------------------------------------------------------


def test_a_row_is_read_as_a_line_of_api_keys_csv() -> None:
    rows = read(
        ["Anthropic", "apikey_1", "Ada@X.io", "FALSE", "2026-06-30"],
        [],
        ["# last year's"],
        ["anthropic", "apikey_2", "ada@x.io"],
        ["anthropic", "apikey_3", "ada@x.io", "", "", "", ""],
    )
    assert rows == [
        {
            "platform": "anthropic",
            "api_key_id": "apikey_1",
            "user_email": "ada@x.io",
            "is_active": False,
            "expires_date": date(2026, 6, 30),
        },
        *(
            {
                "platform": "anthropic",
                "api_key_id": key,
                "user_email": "ada@x.io",
                "is_active": True,
                "expires_date": None,
            }
            for key in ("apikey_2", "apikey_3")
        ),
    ]


def test_a_refusal_names_the_row_as_the_sheet_counts_and_the_column() -> None:
    good = ["anthropic", "apikey_1", "ada@x.io"]
    assert refused(good, [], ["anthropic", "apikey_2", "ada", "", "30/06/2026"]) == [
        "Google Sheet Keys:4: expires_date: '30/06/2026' is not a date; write it as YYYY-MM-DD; "
        "in a spreadsheet, give the column that format or text",
        "Google Sheet Keys:4: user_email: 'ada' is not an e-mail address; write name@company.com",
    ]
    tab = "'My keys'!C10:G99"
    assert refused(good, ["anthropic", "", "ada@x.io"], range_=tab) == [
        "Google Sheet My keys:12: api_key_id: is empty, and so is api_key_name; name the key by "
        "its id or its name"
    ]
    assert refused([*good, "", "", "left over"]) == [
        "Google Sheet Keys:2: has 6 cells, the header has 5; empty the cells that no column is "
        "for, or name them in the header"
    ]


def test_a_refusal_says_how_many_more_there_are_and_no_command_that_cannot_help() -> None:
    with pytest.raises(RefusedFileError) as caught:
        read(["anthropic", "apikey_1", "ada"], ["anthropic", "apikey_2", "ada"])
    assert str(caught.value).endswith("(and 1 more)")


def test_rules_between_rows_hold_in_a_sheet_too() -> None:
    twice = ["anthropic", "apikey_1", "ada@x.io"]
    assert refused(twice, twice) == [
        "Google Sheet Keys:3: created_date: the key's days overlap those of row 2; end the "
        "earlier owner's row with expires_date"
    ]


def test_an_error_value_in_the_first_column_is_no_comment() -> None:
    good = ["anthropic", "apikey_1", "ada@x.io"]
    spoiled = ["#N/A", "apikey_2", "bob@x.io"], ["#REF!"], ["Loading...", "apikey_3", "eve@x.io"]
    told = "is an error of a spreadsheet, not a value; mend the cell's formula, or empty the cell"
    assert [line for line in refused(good, *spoiled) if ": platform: " in line] == [
        f"Google Sheet Keys:3: platform: '#N/A' {told}",
        f"Google Sheet Keys:4: platform: '#REF!' {told}",
        f"Google Sheet Keys:5: platform: 'Loading...' {told}",
    ]
    with pytest.raises(RefusedFileError, match="Keys:1: '#REF!' is an error of a spreadsheet"):
        read_values(b'{"range": "Keys!A1:Z9", "values": [["#REF!"]]}')


def test_a_comment_in_a_sheet_is_a_single_cell_or_stands_above_the_header() -> None:
    body = {
        "range": "Keys!A1:E9",
        "values": [
            ["# our keys", "asked of all teams"],
            HEADER,
            ["# Search", "", ""],
            ["anthropic", "apikey_1", "ada@x.io"],
            ["# gone", "see HR"],
        ],
    }
    assert [row["api_key_id"] for row in read_values(json.dumps(body).encode())] == ["apikey_1"]
    assert refused(["#anthropic", "apikey_1", "ada@x.io"]) == [
        "Google Sheet Keys:2: platform: '#anthropic' and 2 more cells may be a comment, or data; "
        "take the # off data; put a comment above the header or in one cell"
    ]


def test_an_id_or_a_day_that_the_sheet_shows_otherwise_is_refused() -> None:
    rounded = ["anthropic", "2.02609E+11", "ada@x.io", "", "46266"]
    assert refused(rounded) == [
        "Google Sheet Keys:2: api_key_id: '2.02609E+11' is what a spreadsheet leaves of a long "
        "number; format the column as text, and type the whole value again",
        "Google Sheet Keys:2: expires_date: '46266' is not a date (a spreadsheet's number for "
        "2026-09-01); write it as YYYY-MM-DD; in a spreadsheet, give the column that format "
        "or text",
    ]


def test_a_merged_cell_is_empty_below_its_first_row() -> None:
    assert refused(["anthropic", "apikey_1", "ada@x.io"], ["", "apikey_2", "ada@x.io"]) == [
        "Google Sheet Keys:3: platform: is empty; fill it in"
    ]


def test_a_sheet_without_a_header_is_refused() -> None:
    with pytest.raises(RefusedFileError, match="Keys:1: there is no header row; begin"):
        read_values(b'{"range": "Keys!A1:Z1000", "majorDimension": "ROWS"}')
    with pytest.raises(RefusedFileError, match="owner: unknown column"):
        read_values(b'{"range": "Keys!A1:Z9", "values": [["platform", "owner"]]}')


def test_another_shape_is_a_failure() -> None:
    with pytest.raises(VendorError, match="another shape than documented"):
        read_values(b'{"values": {"a": 1}}')


# --- Over HTTP ---------------------------------------------------------------------------------


def keep(settings: Settings, archive: Archive) -> None:
    vendor, endpoint = SHEET.endpoint(settings)
    with SHEET.connect(settings) as client:
        window = Window.day(settings.today)
        fetch_window(vendor, endpoint, window, client=client, archive=archive, now=settings.now)


def kept(settings: Settings, archive: Archive) -> list[dict[str, Any]]:
    vendor, endpoint = SHEET.endpoint(settings)
    window = Window(date(2026, 1, 1), date(2027, 1, 1))
    return [
        row
        for reading in read_rows(vendor, endpoint, window, archive)
        for snapshot in SHEET.snapshots(reading.days[0], reading.rows)
        for row in snapshot.rows
    ]


def test_the_sheets_rows_are_those_of_the_register(
    configured: Configured, company: Company, tmp_path: Path
) -> None:
    settings, archive = configured(), Archive(str(tmp_path / "archive"))
    keep(settings, archive)
    write_directory_files(company, tmp_path)
    register = read_path(reference_file("api_keys.csv"), tmp_path).rows
    workspace = next(w.id for w in company.workspaces if w.name == "Data Science")
    assert kept(settings, archive) == [r for r in register if r["workspace_id"] == workspace] != []
    text = archived(tmp_path / "archive")
    assert "/v4/spreadsheets/1simulatedSheetOfKeys/values/A%3AZ" in text
    assert "ya29." not in text
    assert "PRIVATE KEY" not in text


def test_a_sheet_that_is_refused_leaves_the_last_good_state(
    configured: Configured, server: ScriptedVendor, tmp_path: Path
) -> None:
    archive = Archive(str(tmp_path / "archive"))
    good = ["anthropic", "apikey_1", "ada@x.io"]
    secret = ["anthropic", "sk-ant-api03-pasted", "ada@x.io"]
    server.answers({"range": "Keys!A1:E9", "values": [HEADER, good]})
    monday = configured(AI_USAGE_SHEETS_URL=server.url)
    keep(monday, archive)
    server.answers({"range": "Keys!A1:E9", "values": [HEADER, secret]})
    tuesday = configured(AI_USAGE_SHEETS_URL=server.url, AI_USAGE_AS_OF="2026-03-19")
    with pytest.raises(RefusedFileError, match="Keys:2: api_key_id: holds a secret key"):
        keep(tuesday, archive)
    assert [row["api_key_id"] for row in kept(tuesday, archive)] == ["apikey_1"]
    assert "sk-ant-api03" not in archived(tmp_path / "archive")


def test_it_is_asked_for_what_the_sheet_shows(
    configured: Configured, server: ScriptedVendor, tmp_path: Path
) -> None:
    server.answers({"range": "'My keys'!A1:E9", "values": [HEADER]})
    settings = configured(AI_USAGE_SHEETS_URL=server.url, AI_USAGE_SHEETS_RANGE="'My keys'!A:E")
    keep(settings, Archive(str(tmp_path / "archive")))
    (asked,) = server.asked
    assert asked.path == "/v4/spreadsheets/1simulatedSheetOfKeys/values/'My keys'!A:E"
    assert asked.query == [("majorDimension", "ROWS"), ("valueRenderOption", "FORMATTED_VALUE")]
    assert asked.headers["authorization"].startswith("Bearer ya29.")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"AI_USAGE_SHEETS_ID": "other"}, "Check AI_USAGE_SHEETS_ID."),
        ({"AI_USAGE_SHEETS_RANGE": "Elsewhere!A:Q"}, "Check AI_USAGE_SHEETS_RANGE."),
        ({"AI_USAGE_SHEETS_URL": "http://127.0.0.1:9"}, "the network and AI_USAGE_SHEETS_URL."),
    ],
)
def test_a_wrong_setting_is_named(
    configured: Configured, tmp_path: Path, more: dict[str, str], said: str
) -> None:
    with pytest.raises(VendorError) as caught:
        keep(configured(**more), Archive(str(tmp_path / "archive")))
    assert str(caught.value).startswith("google_sheets api_keys 2026-03-18: ")
    assert str(caught.value).endswith(said)


def test_a_sheet_that_is_not_shared_says_with_whom_to_share_it(
    configured: Configured, server: ScriptedVendor, tmp_path: Path
) -> None:
    message = "The caller does not have permission"
    error = {"code": 403, "message": message, "status": "PERMISSION_DENIED"}
    server.answers(as_json({"error": error}, 403))
    with pytest.raises(VendorError, match=message) as caught:
        keep(configured(AI_USAGE_SHEETS_URL=server.url), Archive(str(tmp_path / "archive")))
    assert "Share the sheet with the service account" in str(caught.value)


# --- The service account -----------------------------------------------------------------------


def key_file(configured: Configured, tmp_path: Path, **changes: Any) -> Settings:
    """Settings with a key file that was tampered with."""
    settings = configured()
    path = tmp_path / "service-account.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return settings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("{", "is not the key file of a service account"),
        ('{"client_email": "a@b.c"}', "is not the key file of a service account"),
        (
            '{"client_email": "a@b.c", "private_key": "-----BEGIN PRIVATE KEY-----\\nQUJD"}',
            "holds a private key that cannot be read",
        ),
    ],
)
def test_a_key_file_that_is_none_is_refused_without_its_content(
    configured: Configured, tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        SHEET.connect(configured(AI_USAGE_SHEETS_CREDENTIALS=str(path)))
    assert said in str(caught.value)
    assert "QUJD" not in str(caught.value)


def test_a_revoked_key_says_what_the_token_endpoint_said(
    configured: Configured, tmp_path: Path
) -> None:
    settings = key_file(configured, tmp_path, client_email="gone@example.com")
    with pytest.raises(VendorError) as caught:
        SHEET.connect(settings)
    assert str(caught.value) == (
        "google_sheets token: answered 400 (Invalid grant: account not found). Check this "
        "machine's clock, and that the key in AI_USAGE_SHEETS_CREDENTIALS still stands."
    )


def test_an_assertion_that_is_echoed_is_hidden(
    configured: Configured, server: ScriptedVendor, tmp_path: Path
) -> None:
    def echo(asked: Asked) -> Response:
        assertion = asked.body.rpartition("assertion=")[2]
        return as_json({"error": "invalid_grant", "error_description": f"bad {assertion}"}, 400)

    server.script = echo
    settings = key_file(configured, tmp_path, token_uri=f"{server.url}/token")
    with pytest.raises(VendorError, match=r"answered 400 \(bad \*\*\*\)"):
        SHEET.connect(settings)


@pytest.mark.parametrize("token_uri", ["", "nonsense", "https://user:pw@example.com/token"])
def test_a_token_endpoint_that_is_no_url_is_refused(
    configured: Configured, tmp_path: Path, token_uri: str
) -> None:
    with pytest.raises(AiUsageError, match="token_uri in AI_USAGE_SHEETS_CREDENTIALS"):
        SHEET.connect(key_file(configured, tmp_path, token_uri=token_uri))


def test_an_answer_without_a_token_fails(
    configured: Configured, server: ScriptedVendor, tmp_path: Path
) -> None:
    server.answers({"token_type": "Bearer"})
    settings = key_file(configured, tmp_path, token_uri=f"{server.url}/token")
    with pytest.raises(VendorError, match="holds no access token"):
        SHEET.connect(settings)


def test_only_a_part_of_the_settings_is_a_mistake(configured: Configured) -> None:
    assert SHEET.is_configured(configured())
    none = {"AI_USAGE_SHEETS_ID": "", "AI_USAGE_SHEETS_CREDENTIALS": ""}
    assert not SHEET.is_configured(configured(**none))
    with pytest.raises(SettingsError, match=r"AI_USAGE_SHEETS_CREDENTIALS is set, AI_USAGE_SHEE"):
        SHEET.is_configured(configured(AI_USAGE_SHEETS_ID=""))
