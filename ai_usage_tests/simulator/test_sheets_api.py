"""The key sheet and the token endpoint: what opens them, and what a range answers."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from ai_usage.simulator import SHEET_ID, Company, write_service_account
from ai_usage.simulator.reference import API_KEYS_COLUMNS
from ai_usage.simulator.sheets_api import AUDIENCE, CLIENT_EMAIL, GRANT

READONLY = "https://www.googleapis.com/auth/spreadsheets.readonly"


@pytest.fixture(scope="module")
def account(base_url: str) -> dict[str, str]:
    found: dict[str, str] = httpx.get(f"{base_url}/sheets/service-account.json").json()
    return found


def claims(**more: object) -> dict[str, object]:
    now = int(time.time())
    own = {"iss": CLIENT_EMAIL, "scope": READONLY, "aud": AUDIENCE, "iat": now, "exp": now + 600}
    return own | more


def ask(account: dict[str, str], pem: str = "", **more: object) -> httpx.Response:
    signer = crypt.RSASigner.from_string(pem or account["private_key"])
    assertion = jwt.encode(signer, claims(**more)).decode()
    form = {"grant_type": GRANT, "assertion": assertion}
    return httpx.post(account["token_uri"], data=form)


@pytest.fixture(scope="module")
def values(base_url: str, account: dict[str, str]) -> Iterator[Callable[[str], Any]]:
    token = ask(account).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{base_url}/sheets/v4/spreadsheets/{SHEET_ID}/values/"
    with httpx.Client(headers=headers) as client:
        yield lambda range_: client.get(f"{url}{range_}")


def test_the_key_file_is_the_owners_alone(
    base_url: str, account: dict[str, str], tmp_path: Path
) -> None:
    path = write_service_account(tmp_path / "new" / "key.json", base_url)
    assert json.loads(path.read_text()) == account
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert write_service_account(path, base_url) == path


def test_a_key_of_someone_else_gets_no_token(account: dict[str, str]) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    answer = ask(account, other.decode())
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Invalid JWT Signature.",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "other@example.com"},
        {"scope": "https://www.googleapis.com/auth/drive"},
        {"aud": "https://elsewhere.example.com"},
        {"iat": 1_600_000_000, "exp": 1_600_003_600},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_assertion_must_be_right_in_every_claim(
    account: dict[str, str], wrong: dict[str, Any]
) -> None:
    assert ask(account, **wrong).status_code == 400


def test_the_sheet_lists_one_workspaces_keys_as_text(
    values: Callable[[str], Any], company: Company
) -> None:
    body = values("Keys!A:Q").json()
    header, *rows = body["values"]
    assert header == list(API_KEYS_COLUMNS)
    workspace = next(w.id for w in company.workspaces if w.name == "Data Science")
    keys = {
        k.id
        for k in company.keys
        if k.registered and k.workspace_id == workspace and k.created <= company.today
    }
    assert {row[1] for row in rows} == keys
    assert {row[10] for row in rows} <= {"TRUE", "FALSE"}
    assert body["range"] == f"Keys!A1:Q{len(rows) + 1}"


def test_a_range_is_cut_out_and_empty_ends_are_left_out(values: Callable[[str], Any]) -> None:
    whole = values("A:Z").json()["values"]
    assert values("Keys").json()["values"] == whole
    assert values("Keys!B2:D3").json() == {
        "range": "Keys!B2:D3",
        "majorDimension": "ROWS",
        "values": [row[1:4] for row in whole[1:3]],
    }
    assert values("Keys!A500:C600").json() == {
        "range": "Keys!A500:C500",
        "majorDimension": "ROWS",
    }


def test_refusals_have_googles_shape(base_url: str, values: Callable[[str], Any]) -> None:
    unknown = values("Elsewhere!A:Q")
    assert unknown.status_code == 400
    assert unknown.json()["error"] == {
        "code": 400,
        "message": "Unable to parse range: Elsewhere!A:Q",
        "status": "INVALID_ARGUMENT",
    }
    url = f"{base_url}/sheets/v4/spreadsheets/{SHEET_ID}/values/A:Q"
    assert httpx.get(url).status_code == 401
    headers = {"Authorization": "Bearer ya29.forged"}
    assert httpx.get(url, headers=headers).json()["error"]["status"] == "UNAUTHENTICATED"
