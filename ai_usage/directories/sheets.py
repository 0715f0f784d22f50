"""The key register that a team keeps in a Google Sheet, read through the Sheets REST API.

A service account reads it: share the sheet with the account's address, as a viewer. The sheet is
read like `api_keys.csv`: the range's first row is the header, and a bad row refuses the whole
sheet, so that the last good state stays.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
from pydantic import SecretStr

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.directories.base import DirectorySource
from ai_usage.errors import SettingsError, VendorError
from ai_usage.reference import IN_SHEET, Row, decode, encode, read_records, reference_file
from ai_usage.settings import Settings
from ai_usage.vendors.base import Client, Endpoint, ReadContext, Vendor
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.paginate import Listing, Place, Says, paginate
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.rows import DirectoryRow

NAME, KEYS = "google_sheets", "api_keys"
SOURCE = "google_sheets"
"""The snapshot source."""

SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""Google's token endpoint answers only assertions made for it by this name."""
ASSERTION_SECONDS = 3600

_FIRST_ROW = re.compile(r"\$?[A-Za-z]*\$?(\d+)")


# --- Asking ------------------------------------------------------------------------------------


def fetch_values(
    settings: Settings,
) -> Callable[[Client, Window, datetime], Iterator[Page]]:
    """The endpoint's `fetch` for the sheet and range that the settings name.

    The answer is read before it is given: what is refused is not archived, so that neither a bad
    state nor a secret that someone pasted stays. The second page are the rows that were accepted;
    folding takes those, whatever a later version of the reader would say of the first.
    """
    sheet, wanted = settings.sheets_id or "", settings.sheets_range
    path = f"/v4/spreadsheets/{quote(sheet, safe='')}/values/{quote(wanted, safe='')}"
    # As the sheet shows them: a person fixes what a person sees.
    asked = [("majorDimension", "ROWS"), ("valueRenderOption", "FORMATTED_VALUE")]

    def fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
        def ask(place: Place, where: str) -> Page:
            return client.get(KEYS, path, asked, where=f"{window}")

        for page in paginate(_LISTING, ask, vendor=NAME, endpoint=KEYS, where=f"{window}"):
            rows = read_values(page.body)
            yield page
            yield Page(encode(reference_file("api_keys.csv"), rows), f"accepted rows of {wanted}")

    return fetch


class _Values(msgspec.Struct):
    """A range's values: empty rows and cells at its end are left out, an empty range wholly."""

    range: str = ""
    values: list[list[str | int | float | bool | None]] = []


class _Rows(msgspec.Struct):
    values: list[msgspec.Raw] = []


_ROWS = msgspec.json.Decoder(_Rows)


def _says(paging: Paging, page: Page, number: int) -> Says:
    """The whole range on one page."""
    return Says(paging.decode(page, _ROWS).values, more=False)


_LISTING = Listing("number", _says)


def read_values(body: bytes) -> list[Row]:
    """The rows of an answer, by the rules of `api_keys.csv`.

    Raises `RefusedFileError` naming the tab, the row as the sheet numbers it, and the column.
    """
    try:
        answer = msgspec.json.decode(body, type=_Values)
    except msgspec.ValidationError as error:
        raise VendorError(
            f"{NAME} {KEYS}: the answer has another shape than documented ({error}). "
            "Try again later."
        ) from None
    tab, _, cells = answer.range.rpartition("!")
    first = _FIRST_ROW.match(cells)
    start = int(first[1]) if first else 1
    where = f"Google Sheet {tab.strip(chr(39))}".strip()
    rows = (
        (number, ["" if value is None else str(value) for value in row])
        for number, row in enumerate(answer.values, start)
    )
    return read_records(reference_file("api_keys.csv"), rows, where, IN_SHEET).rows


# --- Reading -----------------------------------------------------------------------------------


def _read_keys(pages: Iterable[bytes], context: ReadContext) -> Iterator[DirectoryRow]:
    *_answer, accepted = pages
    for row in decode(reference_file("api_keys.csv"), accepted):
        yield DirectoryRow(source=SOURCE, values=row)


# --- Declaration -------------------------------------------------------------------------------

VENDOR = Vendor(
    name=NAME,
    title="Google Sheet",
    key_setting="AI_USAGE_SHEETS_CREDENTIALS",
    base_url_setting="AI_USAGE_SHEETS_URL",
    base_url="https://sheets.googleapis.com",
    headers=lambda token: {"Authorization": f"Bearer {token}"},
    platforms=(),
    endpoints=(),
    remedies={
        400: "Check AI_USAGE_SHEETS_RANGE.",
        403: "Share the sheet with the service account in AI_USAGE_SHEETS_CREDENTIALS.",
        404: "Check AI_USAGE_SHEETS_ID.",
    },
)

_TOKEN = Vendor(
    name=NAME,
    title="Google's token endpoint",
    key_setting="AI_USAGE_SHEETS_CREDENTIALS",
    base_url_setting="token_uri in AI_USAGE_SHEETS_CREDENTIALS",
    base_url=AUDIENCE,
    headers=lambda assertion: {},
    platforms=(),
    endpoints=(),
    remedies=dict.fromkeys(
        (400, 401, 403),
        "Check this machine's clock, and that the key in AI_USAGE_SHEETS_CREDENTIALS still stands.",
    ),
)


def declare(settings: Settings) -> Vendor:
    """The sheet's API with the range that the settings name as its one endpoint."""
    endpoint = Endpoint(
        name=KEYS,
        description="The key register in a Google Sheet.",
        api_path="GET /v4/spreadsheets/{id}/values/{range}",
        yields=DirectoryRow,
        fetch=fetch_values(settings),
        read=_read_keys,
        kind="snapshot",
    )
    return replace(VENDOR, endpoints=(endpoint,))


def connect(settings: Settings) -> VendorClient:
    """A client with a fresh access token. Raises `SettingsError`, `VendorError`."""
    if settings.sheets_credentials is None:
        raise SettingsError("set AI_USAGE_SHEETS_CREDENTIALS to the service account's key file.")
    token = _access_token(_service_account(settings.sheets_credentials), settings)
    return VendorClient(
        VENDOR,
        SecretStr(token),
        base_url=settings.sheets_url,
        timeout_seconds=settings.http_timeout_seconds,
        attempts=settings.http_attempts,
    )


class _ServiceAccount(msgspec.Struct):
    """The file that Google gives out for a service account's key."""

    client_email: str
    private_key: str
    private_key_id: str | None = None
    token_uri: str = AUDIENCE

    def __repr__(self) -> str:
        return f"_ServiceAccount({self.client_email!r})"


def _service_account(path: Path) -> _ServiceAccount:
    place = f"AI_USAGE_SHEETS_CREDENTIALS={path}"
    try:
        return msgspec.json.decode(path.read_bytes(), type=_ServiceAccount)
    except OSError as error:
        raise SettingsError(
            f"{place} cannot be read ({error.strerror}): name the key file of a service account."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SettingsError(
            f"{place} is not the key file of a service account: download it as JSON again."
        ) from None


def _access_token(account: _ServiceAccount, settings: Settings) -> str:
    """An access token for a signed assertion (RFC 7523), good for an hour."""
    # Only a company with a sheet waits for cryptography to be imported.
    from google.auth import crypt, jwt

    now = int(time.time())
    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    }
    try:
        signer = crypt.RSASigner.from_string(account.private_key, account.private_key_id)
        assertion: str = jwt.encode(signer, claims).decode()
    except (ValueError, TypeError):
        # The library's own words may quote the key.
        raise SettingsError(
            "AI_USAGE_SHEETS_CREDENTIALS holds a private key that cannot be read: download the "
            "service account's key file again."
        ) from None
    try:
        url = httpx.URL(account.token_uri)
    except httpx.InvalidURL:
        url = httpx.URL("")
    origin = str(url.copy_with(raw_path=b"/")) if url.host else account.token_uri
    with VendorClient(
        _TOKEN,
        SecretStr(assertion),
        base_url=origin,
        timeout_seconds=settings.http_timeout_seconds,
        attempts=settings.http_attempts,
    ) as client:
        page = client.post_form("token", url.path, {"grant_type": GRANT, "assertion": assertion})
    token = json.loads(page.body).get("access_token")
    if not isinstance(token, str) or not token:
        raise VendorError(f"{NAME} token: the answer holds no access token. Try again later.")
    return token


SHEET = DirectorySource(
    name=f"{NAME}_{KEYS}",
    title=VENDOR.title,
    needs=("AI_USAGE_SHEETS_ID", "AI_USAGE_SHEETS_CREDENTIALS"),
    sources=(SOURCE,),
    declare=declare,
    connect=connect,
)
