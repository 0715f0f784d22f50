"""What Anthropic's APIs share on the wire: versions, queries, pages by token, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ai_usage.simulator import seeding
from ai_usage.simulator.http import RefusedError, answer, page_offset

VERSIONS: Final = ("2023-06-01", "2026-10-21")
MAX_GROUPS: Final = 5
_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
}


# --- Requests --------------------------------------------------------------------------------


@dataclass(init=False)
class Query:
    """The query string, taken apart the way the vendor does."""

    scalars: dict[str, str]
    arrays: dict[str, tuple[str, ...]]
    fingerprint: str
    """What a page token is bound to: the request without `page` and `limit`."""

    def __init__(self, request: Request, arrays: tuple[str, ...] = ()) -> None:
        self.scalars = {}
        gathered: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            if name in arrays:
                raise invalid(f"{name}: arrays must be given as {name}[]")
            if name.endswith("[]") and name[:-2] in arrays:
                gathered.setdefault(name[:-2], []).append(value)
            else:
                self.scalars[name] = value
        self.arrays = {name: tuple(values) for name, values in gathered.items()}
        bound = {k: v for k, v in self.scalars.items() if k not in ("page", "limit")}
        self.fingerprint = f"{request.url.path} {sorted(bound.items())} {sorted(gathered.items())}"

    def groups(self, allowed: tuple[str, ...], free: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The group_by[] dimensions, each allowed, at most five besides those that are `free`."""
        asked = tuple(dict.fromkeys(self.arrays.get("group_by", ())))
        for name in asked:
            if name not in (*allowed, *free):
                raise invalid(f"group_by[]: {name!r} is not one of {', '.join(allowed)}")
        if len([name for name in asked if name not in free]) > MAX_GROUPS:
            raise invalid(f"Cannot specify more than {MAX_GROUPS} group_by[] dimensions.")
        return tuple(sorted(asked))

    def required(self, name: str) -> str:
        """A parameter that must be there."""
        if not self.scalars.get(name):
            raise invalid(f"{name}: Field required")
        return self.scalars[name]

    def instant(self, name: str) -> datetime:
        """A required RFC 3339 instant, in UTC."""
        text = self.required(name)
        try:
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is not None:
                return instant.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise invalid(f"{name}: Input should be a valid RFC 3339 datetime")

    def optional_instant(self, name: str) -> datetime | None:
        """An RFC 3339 instant in UTC, or None where it is not given."""
        return self.instant(name) if name in self.scalars else None

    def limit(self, default: int, most: int) -> int:
        """`limit`, from 1 to `most`."""
        text = self.scalars.get("limit", str(default))
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise invalid(f"limit: must be an integer between 1 and {most}")
        return int(text)

    def offset(self) -> int:
        """Where the asked page begins: 0 without a page token."""
        token = self.scalars.get("page")
        if token is None:
            return 0
        offset = page_offset(self.fingerprint, token)
        if offset is None:
            raise invalid("page: invalid page token for this query")
        return offset


def midnight(day: date) -> datetime:
    """A day's first instant."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def moment(day: date, name: str) -> datetime:
    """Some second of a day that depends on the name alone."""
    return midnight(day) + timedelta(seconds=seeding.number("moment", name) % 86_400)


def text_of(instant: datetime) -> str:
    """An instant as the vendor writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def version_of(request: Request) -> str:
    """The version of the API that a request asks."""
    return request.headers.get("anthropic-version", "")


# --- Refusals --------------------------------------------------------------------------------


def check_headers(request: Request, key: str) -> Response | None:
    """What is wrong with the key or version of a request; None where nothing is."""
    if request.headers.get("x-api-key") != key:
        return refusal(401, "invalid x-api-key")
    if not version_of(request):
        return refusal(400, "anthropic-version: header is required")
    if version_of(request) not in VERSIONS:
        return refusal(400, f"anthropic-version: {version_of(request)!r} is not a valid version")
    return None


def invalid(message: str) -> RefusedError:
    """A refusal of a request that is wrong."""
    return RefusedError(400, _KINDS[400], message)


def refusal(status: int, message: str) -> Response:
    """An error in the vendor's own form."""
    kind = _KINDS.get(status, "api_error")
    return answer({"type": "error", "error": {"type": kind, "message": message}}, status)
