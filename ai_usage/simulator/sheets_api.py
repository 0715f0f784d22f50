"""The company's key sheet: Google's token endpoint and the values of a range, as they answer.

The service account is made once a process: its key opens this simulator and nothing else. The
sheet lists the keys of one workspace, as a team would keep them beside the register.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.company import Company
from ai_usage.simulator.http import CompanySource, RefusedError, answer, company_of
from ai_usage.simulator.reference import API_KEYS_COLUMNS, api_key_rows, cell_text

SHEET_ID: Final = "1simulatedSheetOfKeys"
TAB: Final = "Keys"
WORKSPACE: Final = "Data Science"
CLIENT_EMAIL: Final = "ai-usage@simulated.iam.example.com"
AUDIENCE: Final = "https://oauth2.googleapis.com/token"
SCOPES: Final = frozenset(
    {
        "https://www.googleapis.com/auth/spreadsheets.readonly",
        "https://www.googleapis.com/auth/spreadsheets",
    }
)
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_SECONDS: Final = 3600

_RANGE = re.compile(
    r"(?:(?P<tab>'(?:[^']|'')+'|[^!:]+)!)?"
    r"(?P<left>[A-Za-z]{1,3})(?P<top>\d+)?(?::(?P<right>[A-Za-z]{1,3})(?P<bottom>\d+)?)?"
)
_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
}


@dataclass
class _Tokens:
    """Access tokens given out, and when each ends."""

    ends: dict[str, float] = field(default_factory=dict)

    def give(self) -> str:
        token = f"ya29.simulated-{secrets.token_urlsafe(24)}"
        self.ends[token] = time.time() + TOKEN_SECONDS
        return token

    def accepts(self, header: str) -> bool:
        return self.ends.get(header.removeprefix("Bearer "), 0.0) > time.time()


@cache
def _private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(base_url: str) -> dict[str, str]:
    """The key file of the one service account, for the simulator at `base_url`."""
    pem = _private_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "simulated",
        "private_key_id": "simulated-1",
        "private_key": pem.decode(),
        "client_email": CLIENT_EMAIL,
        "client_id": "100000000000000000001",
        "token_uri": f"{base_url}/sheets/token",
    }


def write_service_account(path: Path, base_url: str) -> Path:
    """Write the key file for the simulator at `base_url`, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(service_account(base_url), out, indent=1)
    return path


def create_sheets_app(company: CompanySource) -> Starlette:
    """`/token`, `/service-account.json` and the Sheets API below its own prefix."""
    app = Starlette(
        routes=[
            Route("/token", token, methods=["POST"]),
            Route("/service-account.json", key_file),
            Route("/v4/spreadsheets/{sheet}/values/{range:path}", values),
        ],
        exception_handlers={RefusedError: _refused},
    )
    app.state.company = company
    app.state.tokens = _Tokens()
    return app


async def key_file(request: Request) -> Response:
    """GET service-account.json: what an administrator would download."""
    base_url = str(request.base_url).removesuffix("/").removesuffix("/sheets")
    return answer(service_account(base_url))


async def token(request: Request) -> Response:
    """POST token: an access token for an assertion that the service account signed (RFC 7523)."""
    form = {name: got[0] for name, got in parse_qs((await request.body()).decode()).items()}
    if form.get("grant_type") != GRANT:
        return _denied("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
    public = _private_key().public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        claims = jwt.decode(form.get("assertion", ""), certs=pem, audience=AUDIENCE)
    except ValueError:
        return _denied("invalid_grant", "Invalid JWT Signature.")
    if claims.get("iss") != CLIENT_EMAIL:
        return _denied("invalid_grant", "Invalid grant: account not found")
    if not SCOPES & set(str(claims.get("scope", "")).split()):
        return _denied("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    given: _Tokens = request.app.state.tokens
    return answer(
        {"access_token": given.give(), "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}
    )


async def values(request: Request) -> Response:
    """GET values/{range}: rows as the sheet shows them, empty ends left out."""
    tokens: _Tokens = request.app.state.tokens
    if not tokens.accepts(request.headers.get("authorization", "")):
        raise RefusedError(401, "", "Request had invalid authentication credentials.")
    if request.path_params["sheet"] != SHEET_ID:
        raise RefusedError(404, "", "Requested entity was not found.")
    asked = request.path_params["range"]
    rows = sheet_rows(company_of(request))
    found = _RANGE.fullmatch(asked if asked.strip("'") != TAB else "A:ZZ")
    if found is None or (found["tab"] or TAB).strip("'") != TAB:
        raise RefusedError(400, "", f"Unable to parse range: {asked}")
    left = found["left"].upper()
    right = (found["right"] or left).upper()
    top = int(found["top"] or 1)
    last = found["bottom"] or (top if found["top"] and not found["right"] else len(rows))
    bottom = min(int(last), max(len(rows), top))
    cut = [_trimmed(row[_column(left) : _column(right) + 1]) for row in rows[top - 1 : bottom]]
    while cut and not cut[-1]:
        cut.pop()
    body: dict[str, Any] = {
        "range": f"{TAB}!{left}{top}:{right}{bottom}",
        "majorDimension": "ROWS",
    }
    if cut:
        body["values"] = cut
    return answer(body)


def sheet_rows(company: Company) -> list[list[str]]:
    """The sheet's rows: the header, then the registered keys of one workspace."""
    workspace = next(w.id for w in company.workspaces if w.name == WORKSPACE)
    kept = [row for row in api_key_rows(company) if row["workspace_id"] == workspace]
    # A sheet shows truth values in capitals.
    shown = {"true": "TRUE", "false": "FALSE"}
    cells = [[cell_text(row[name]) for name in API_KEYS_COLUMNS] for row in kept]
    return [list(API_KEYS_COLUMNS), *([shown.get(text, text) for text in row] for row in cells)]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    return row


def _denied(error: str, description: str) -> Response:
    return answer({"error": error, "error_description": description}, 400)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    body = {"code": error.status, "message": error.message, "status": _STATUS[error.status]}
    return answer({"error": body}, error.status)
