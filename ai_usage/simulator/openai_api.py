"""OpenAI's organization API: shapes, pages, limits and quirks as the vendor's sources tell them.

Only the wire belongs here; what happened comes from the company's books. No live call was ever
made: where sources disagree (arrays with or without brackets, amounts as numbers or texts) both
are served.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.company import Company
from ai_usage.simulator.http import (
    CompanySource,
    RefusedError,
    answer,
    company_of,
    encode,
    page_offset,
    page_token,
    vendor_app,
)
from ai_usage.simulator.openai_books import Line, OpenAiUsage, Project, ProjectKey
from ai_usage.simulator.roster import Person

_WHO: Final = ("project_id", "user_id", "api_key_id")
_MODEL: Final = (*_WHO, "model")
KINDS: Final = {
    "completions": (*_MODEL, "batch", "service_tier", "api_source"),
    "embeddings": _MODEL,
    "moderations": _MODEL,
    "images": (*_MODEL, "size", "source"),
    "audio_speeches": _MODEL,
    "audio_transcriptions": _MODEL,
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": (*_WHO, "vector_store_id"),
    "web_search_calls": (*_MODEL, "context_level"),
    "decisions": (*_MODEL, "batch", "service_tier", "api_source"),
}
"""What each kind of usage may be grouped by."""
COST_GROUPS: Final = ("project_id", "line_item", "api_key_id", "user_id", "api_source")
_OBJECTS: Final = {"file_search_calls": "file_searches", "web_search_calls": "web_searches"}
_AMOUNTS: Final = {
    "images": "images",
    "audio_speeches": "characters",
    "audio_transcriptions": "seconds",
    "vector_stores": "usage_bytes",
    "code_interpreter_sessions": "num_sessions",
    "file_search_calls": "num_requests",
    "web_search_calls": "num_requests",
}
_FILTERS: Final = {
    "project_ids": "project_id",
    "user_ids": "user_id",
    "api_key_ids": "api_key_id",
    "models": "model",
    "line_items": "line_item",
}
_KINDS_OF_ERROR: Final = {
    401: "invalid_request_error",
    403: "insufficient_permissions",
    429: "rate_limit_exceeded",
    500: "server_error",
}
BY_USER_SINCE_DAYS: Final = 30
"""Together with the project, costs can be grouped by person from so many days before the company's
anchor on only; before that it is a 400."""


def create_openai_app(company: CompanySource, key: str) -> Starlette:
    """The vendor's API below its own prefix; `key` is the only one it accepts."""
    base = "/v1/organization"
    return vendor_app(
        company,
        [
            Route(f"{base}/usage/{{kind}}", usage),
            Route(f"{base}/costs", costs),
            Route(f"{base}/projects", projects),
            Route(f"{base}/projects/{{project}}/api_keys", api_keys),
            Route(f"{base}/projects/{{project}}/service_accounts", service_accounts),
            Route(f"{base}/users", users),
        ],
        refusal,
        lambda request: _check_key(request, key),
    )


# --- Reports ---------------------------------------------------------------------------------


async def usage(request: Request) -> Response:
    """GET usage/{kind}: sums a day by what it is grouped by; other dimensions are null."""
    company, kind = company_of(request), request.path_params["kind"]
    if kind not in KINDS:
        raise RefusedError(404, "invalid_request_error", f"Unknown usage {kind}")
    query = _Query(request)
    groups = query.groups(KINDS[kind])
    filters = query.filters

    def rows(day: date) -> list[msgspec.Raw]:
        sums: dict[tuple[Any, ...], list[int]] = {}
        for used in company.openai_usage(day):
            dimensions = _dimensions(used)
            if used.kind != kind or not _passes(dimensions, filters):
                continue
            at = tuple(dimensions[name] if name in groups else None for name in KINDS[kind])
            counts = sums.setdefault(at, [0] * 6)
            for n, name in enumerate(
                ("uncached", "cached", "written", "output", "requests", "amount")
            ):
                counts[n] += getattr(used, name)
        ordered = sorted(sums.items(), key=_by_name)
        return [encode(_usage_row(kind, at, counts)) for at, counts in ordered]

    return _buckets(company, query, 31, rows)


async def costs(request: Request) -> Response:
    """GET costs: dollars a day."""
    company = company_of(request)
    query = _Query(request)
    groups = query.groups(COST_GROUPS)
    first_by_user = company.anchor - timedelta(days=BY_USER_SINCE_DAYS)
    by_project = "project_id" in groups or "project_id" in query.filters
    if "user_id" in groups and by_project and query.first < first_by_user:
        raise _invalid("user_id cannot be combined with project_id for this range", "group_by")
    filters = query.filters

    def rows(day: date) -> list[msgspec.Raw]:
        sums: dict[tuple[Any, ...], list[Line]] = {}
        for line in company.openai_lines(day):
            dimensions = _line_dimensions(line)
            if _passes(dimensions, filters):
                at = tuple(dimensions[name] if name in groups else None for name in COST_GROUPS)
                sums.setdefault(at, []).append(line)
        return [_cost_row(day, at, lines) for at, lines in sorted(sums.items(), key=_by_name)]

    return _buckets(company, query, 180, rows)


def _buckets(
    company: Company, query: _Query, most: int, rows: Callable[[date], list[msgspec.Raw]]
) -> Response:
    """The asked page of daily buckets; today's is there and partial, later days have none."""
    if query.scalars.get("bucket_width", "1d") != "1d":
        raise _invalid("Only 1d is available here", "bucket_width")
    limit, offset = query.limit(7, most), query.offset()
    last = min(company.today, query.last)
    count = max(0, (last - query.first).days + 1)
    days = [query.first + timedelta(days=n) for n in range(offset, min(count, offset + limit))]
    more = offset + limit < count
    return answer(
        {
            "object": "page",
            "data": [
                {
                    "object": "bucket",
                    "start_time": _seconds(day),
                    "end_time": _seconds(day + timedelta(days=1)),
                    "results": rows(day),
                }
                for day in days
            ],
            "has_more": more,
            "next_page": page_token(query.fingerprint, offset + limit) if more else None,
        }
    )


def _dimensions(used: OpenAiUsage) -> dict[str, Any]:
    by_model = used.kind in ("completions", "decisions")
    return {
        "project_id": used.project_id,
        "user_id": used.user_id,
        "api_key_id": used.key_id,
        "model": used.model,
        "batch": used.batch if by_model else None,
        "service_tier": "default" if by_model else None,
        "api_source": "unlabeled" if by_model else None,
        "size": "1024x1024",
        "source": "image.generation",
        "vector_store_id": "vs_1",
        "context_level": "medium",
    }


def _line_dimensions(line: Line) -> dict[str, Any]:
    return {
        "project_id": line.project_id,
        "line_item": line.line_item,
        "api_key_id": line.key_id,
        "user_id": line.user_id,
        "api_source": "unlabeled",
    }


def _by_name(item: tuple[tuple[Any, ...], Any]) -> str:
    return str(item[0])


def _passes(dimensions: dict[str, Any], filters: dict[str, tuple[str, ...]]) -> bool:
    return all(dimensions.get(name) in values for name, values in filters.items())


def _usage_row(kind: str, at: tuple[Any, ...], counts: list[int]) -> dict[str, Any]:
    """A result. What is optional is left out of some rows of zeros, which depends on the row."""
    uncached, cached, written, output, requests, amount = counts
    row: dict[str, Any] = {"object": f"organization.usage.{_OBJECTS.get(kind, kind)}.result"}
    if kind in ("completions", "decisions"):
        row |= {"input_tokens": uncached + cached + written, "output_tokens": output}
        if cached or written or zlib.crc32(str(at).encode()) % 2:
            row |= {
                "input_cached_tokens": cached,
                "input_cache_write_tokens": written,
                "input_cache_write_30m_tokens": written - written // 10,
                "input_cache_write_12h_tokens": written // 10,
                "input_uncached_tokens": uncached,
                "input_audio_tokens": 0,
                "output_audio_tokens": 0,
            }
    elif kind in ("embeddings", "moderations"):
        row["input_tokens"] = uncached
    if kind in _AMOUNTS:
        row[_AMOUNTS[kind]] = amount
    if kind not in ("vector_stores", "code_interpreter_sessions", "file_search_calls"):
        row["num_model_requests"] = requests
    return row | dict(zip(KINDS[kind], at, strict=True))


def _cost_row(day: date, at: tuple[Any, ...], lines: list[Line]) -> msgspec.Raw:
    """A line; its amount is a number on one day and a text on another."""
    dollars = f"{sum(line.dollars for line in lines):f}"
    value = msgspec.Raw((f'"{dollars}"' if day.toordinal() % 2 else dollars).encode())
    units = {line.unit for line in lines}
    is_line = at[COST_GROUPS.index("line_item")] is not None
    return encode(
        {
            "object": "organization.costs.result",
            "amount": {"value": value, "currency": "usd"},
            **dict(zip(COST_GROUPS, at, strict=True)),
            "quantity": sum(line.quantity for line in lines) if is_line else None,
            "quantity_unit": units.pop() if is_line else None,
        }
    )


# --- Directory -------------------------------------------------------------------------------


async def projects(request: Request) -> Response:
    """GET projects: archived ones only where asked for."""
    company, query = company_of(request), _Query(request)
    found = []
    for project in company.openai.projects:
        archived = _archived(company, project)
        if archived is None or query.scalars.get("include_archived") == "true":
            found.append(
                {
                    "id": project.id,
                    "object": "organization.project",
                    "name": project.name,
                    "created_at": _seconds(project.created),
                    "archived_at": None if archived is None else _seconds(archived),
                    "status": "active" if archived is None else "archived",
                }
            )
    return _listed(query, found)


async def api_keys(request: Request) -> Response:
    """GET projects/{id}/api_keys: who has left is hidden unless `owner_project_access` is any."""
    company, query = company_of(request), _Query(request)
    project = _project(request, company)
    asked = query.scalars.get("owner_project_access")
    if asked not in (None, "active", "inactive", "any"):
        raise _invalid("must be active, inactive or any", "owner_project_access")
    found = []
    for key in company.openai.keys:
        if key.project_id != project.id or key.created > company.today:
            continue
        row = _key_object(company, key)
        # Without the parameter some live keys are hidden too: here, those of every third person.
        is_hidden = asked is None and key.person is not None and key.person % 3 == 0
        if not is_hidden and asked in (row["owner_project_access"], "any", None):
            if asked is None and row["owner_project_access"] == "inactive":
                continue
            found.append(row)
    return _listed(query, found)


def _key_object(company: Company, key: ProjectKey) -> dict[str, Any]:
    person = None if key.person is None else company.people[key.person]
    if person is None:
        owner: dict[str, Any] = {"type": "service_account", "service_account": _robot(company)}
    else:
        owner = {"type": "user", "user": _member(company, person)}
    employed = person is None or person.employed(company.today)
    return {
        "object": "organization.project.api_key",
        "id": key.id,
        "name": key.name,
        "redacted_value": f"sk-...{key.id[-3:]}",
        "created_at": _seconds(key.created),
        "last_used_at": None,
        "expires_at": None,
        "owner": owner,
        "owner_project_access": "active" if employed else "inactive",
    }


async def service_accounts(request: Request) -> Response:
    """GET projects/{id}/service_accounts."""
    company, query = company_of(request), _Query(request)
    project = _project(request, company)
    robots = [key for key in company.openai.keys if key.person is None]
    has_one = any(key.project_id == project.id for key in robots)
    return _listed(query, [_robot(company)] if has_one else [])


async def users(request: Request) -> Response:
    """GET users: who left is gone from the list."""
    company, query = company_of(request), _Query(request)
    found = [
        {"object": "organization.user", **_member(company, person)}
        for person in company.openai.members
        if person.employed(company.today)
    ]
    return _listed(query, found)


def _member(company: Company, person: Person) -> dict[str, Any]:
    return {
        "id": company.openai.user_id(person),
        "name": person.full_name,
        "email": person.email,
        "role": "owner" if person.number == 0 else "reader",
        "added_at": _seconds(person.start_date),
    }


def _robot(company: Company) -> dict[str, Any]:
    created = _seconds(company.openai.search.created)
    return {
        "id": company.openai.robot_id,
        "name": "production",
        "role": "member",
        "created_at": created,
    }


def _project(request: Request, company: Company) -> Project:
    asked = request.path_params["project"]
    for project in company.openai.projects:
        if project.id == asked:
            return project
    raise RefusedError(404, "invalid_request_error", f"No project {asked}")


def _archived(company: Company, project: Project) -> date | None:
    archived = project.archived
    return archived if archived is not None and archived <= company.today else None


def _listed(query: _Query, objects: list[dict[str, Any]]) -> Response:
    """A page by `after`, the id of the last record of the page before."""
    limit, after = query.limit(20, 100), query.scalars.get("after")
    ids = [item["id"] for item in objects]
    if after is not None and after not in ids:
        raise _invalid("no such object", "after")
    begin = 0 if after is None else ids.index(after) + 1
    page = objects[begin : begin + limit]
    return answer(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": begin + limit < len(ids),
        }
    )


# --- Requests --------------------------------------------------------------------------------


@dataclass(init=False)
class _Query:
    """The query string; arrays come with brackets or without."""

    scalars: dict[str, str]
    arrays: dict[str, tuple[str, ...]]
    fingerprint: str
    """What a page token is bound to: the request without `page` and `limit`."""

    def __init__(self, request: Request) -> None:
        self.scalars = {}
        gathered: dict[str, list[str]] = {}
        for given, value in request.query_params.multi_items():
            name = given.removesuffix("[]")
            if name == "group_by" or name in _FILTERS:
                gathered.setdefault(name, []).append(value)
            else:
                self.scalars[given] = value
        self.arrays = {name: tuple(values) for name, values in gathered.items()}
        bound = {k: v for k, v in self.scalars.items() if k not in ("page", "limit")}
        self.fingerprint = f"{request.url.path} {sorted(bound.items())} {sorted(gathered.items())}"

    def groups(self, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """The dimensions to group by, each allowed."""
        asked = tuple(dict.fromkeys(self.arrays.get("group_by", ())))
        for name in asked:
            if name not in allowed:
                raise _invalid(f"{name!r} is not one of {', '.join(allowed)}", "group_by")
        return asked

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """Dimension -> values that pass."""
        return {_FILTERS[n]: values for n, values in self.arrays.items() if n in _FILTERS}

    @property
    def first(self) -> date:
        """The first day asked for."""
        return self._instant("start_time").date()

    @property
    def last(self) -> date:
        """The last day asked for; `end_time` is exclusive, and everything follows without it."""
        if "end_time" not in self.scalars:
            return date.max
        start, end = self._instant("start_time"), self._instant("end_time")
        if end <= start:
            raise _invalid("must be after start_time", "end_time")
        return (end - timedelta(seconds=1)).date()

    def _instant(self, name: str) -> datetime:
        text = self.scalars.get(name, "")
        if not text.isdecimal() or len(text) > 11:
            raise _invalid("must be Unix seconds", name)
        return datetime.fromtimestamp(int(text), UTC)

    def limit(self, default: int, most: int) -> int:
        """`limit`, from 1 to `most`."""
        text = self.scalars.get("limit", str(default))
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise _invalid(f"must be an integer between 1 and {most}", "limit")
        return int(text)

    def offset(self) -> int:
        """Where the asked page begins: 0 without a page token."""
        token = self.scalars.get("page")
        offset = 0 if token is None else page_offset(self.fingerprint, token)
        if offset is None:
            raise _invalid("no page of this query", "page")
        return offset


def _seconds(day: date) -> int:
    """Unix seconds of the day's first instant."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


# --- Refusals --------------------------------------------------------------------------------


def _check_key(request: Request, key: str) -> Response | None:
    if request.headers.get("authorization") == f"Bearer {key}":
        return None
    return refusal(401, "Incorrect API key provided")


def _invalid(message: str, param: str) -> RefusedError:
    return RefusedError(400, "invalid_request_error", f"{param}: {message}")


def refusal(status: int, message: str) -> Response:
    """An error in the vendor's own form."""
    kind = _KINDS_OF_ERROR.get(status, "invalid_request_error")
    return answer(
        {"error": {"message": message, "type": kind, "param": None, "code": None}}, status
    )
