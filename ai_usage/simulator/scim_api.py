"""The company's SCIM 2.0 directory (RFC 7643, RFC 7644): everyone, as of the company's today.

Only the wire belongs here. People come from the roster; keys that the register lacks are listed
with their owners, so that the directory knows something that no other source does.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.company import Company
from ai_usage.simulator.github_copilot_books import is_in_directory, login
from ai_usage.simulator.http import CompanySource, Guard, RefusedError, company_of, encode
from ai_usage.simulator.roster import Person

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
AI_USAGE: Final = "urn:ietf:params:scim:schemas:extension:aiusage:2.0:User"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"

MOST_RESULTS: Final = 25
"""Resources in a page, however many are asked for: a server may give fewer (RFC 7644, 3.4.2.4)."""

_USER_TYPES: Final = {"full_time": "Employee", "contractor": "Contractor", "intern": "Intern"}


def create_scim_app(company: CompanySource, token: str) -> Starlette:
    """`/v2/Users` below its own prefix; `token` is the only bearer token that it accepts."""
    app = Starlette(
        routes=[Route("/v2/Users", users), Route("/v2/Users/{user_id}", user)],
        exception_handlers={RefusedError: _refused, HTTPException: _http_error},
        middleware=[Middleware(Guard, check=lambda request: _check_token(request, token))],
    )
    app.state.company = company
    return app


async def users(request: Request) -> Response:
    """GET /Users: a page of everyone, by `startIndex` (from 1) and `count`."""
    if "filter" in request.query_params:
        raise RefusedError(400, "invalidFilter", "This server filters nothing.")
    # Below 1 is 1, below 0 is 0 (RFC 7644, 3.4.2.4).
    start = max(1, _number(request, "startIndex", 1))
    count = min(MOST_RESULTS, max(0, _number(request, "count", MOST_RESULTS)))
    resources = _resources(company_of(request), str(request.url_for("users").path))
    page = resources[start - 1 : start - 1 + count]
    return _answer(
        {
            "schemas": [LIST],
            "totalResults": len(resources),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": page,
        }
    )


async def user(request: Request) -> Response:
    """GET /Users/{id}: one of them."""
    company = company_of(request)
    location = str(request.url_for("users").path)
    for person in _listed(company):
        if person.user_id == request.path_params["user_id"]:
            return _answer(_resource(company, person, location))
    raise RefusedError(404, "", f"Resource {request.path_params['user_id']} not found.")


def _listed(company: Company) -> list[Person]:
    """Who has begun by today; leavers stay, inactive."""
    return [person for person in company.people if person.start_date <= company.today]


def _resources(company: Company, location: str) -> list[msgspec.Raw]:
    def make() -> list[msgspec.Raw]:
        return [encode(_resource(company, person, location)) for person in _listed(company)]

    return company.cache.get(f"wire scim {location}", company.today, make)


def _resource(company: Company, person: Person, location: str) -> dict[str, Any]:
    team = person.team(company.today)
    left = person.end_date is not None and person.end_date < company.today
    resource: dict[str, Any] = {
        "schemas": [CORE, ENTERPRISE, AI_USAGE],
        "id": person.user_id,
        "externalId": person.employee_id,
        "meta": {
            "resourceType": "User",
            "created": f"{person.start_date.isoformat()}T09:00:00Z",
            "lastModified": f"{company.anchor.isoformat()}T09:00:00Z",
            "location": f"{location}/{person.user_id}",
        },
        "userName": person.email,
        "name": {
            "formatted": person.full_name,
            "givenName": person.first_name,
            "familyName": person.last_name,
        },
        "displayName": person.full_name,
        "nickName": person.first_name,
        "title": person.job_title,
        "userType": _USER_TYPES[person.employment_type],
        "locale": "en-GB",
        "timezone": person.place.timezone,
        "active": not left,
        "emails": [
            {"value": person.email, "type": "work", "primary": True},
            *({"value": alias, "type": "other"} for alias in person.aliases),
        ],
        ENTERPRISE: {
            "employeeNumber": person.employee_id,
            "costCenter": team.cost_center,
            "organization": "Example Company",
            "division": "Technology",
            "department": team.department,
        },
        AI_USAGE: {"team": team.name},
    }
    boss = _manager(company, person)
    if boss is not None:
        resource[ENTERPRISE]["manager"] = {
            "value": boss.user_id,
            "$ref": f"{location}/{boss.user_id}",
            "displayName": boss.full_name,
        }
    if team.sub_team:
        resource[AI_USAGE]["subTeam"] = team.sub_team
    if is_in_directory(person):
        resource[AI_USAGE]["vendorLogins"] = [
            {"platform": "github_copilot", "value": login(person)}
        ]
    if keys := _keys(company)[person.number]:
        resource[AI_USAGE]["apiKeys"] = keys
    return resource


def _manager(company: Company, person: Person) -> Person | None:
    team = person.team(company.today)
    email = team.manager_email if team.manager_email != person.email else team.director_email
    if email == person.email:
        return None
    return next(other for other in company.people if other.email == email)


def _keys(company: Company) -> dict[int, list[dict[str, str]]]:
    """Personal keys that are not in the register, by their owner's number."""
    found: dict[int, list[dict[str, str]]] = defaultdict(list)
    for key in company.keys:
        if key.person is not None and not key.registered and key.created <= company.today:
            found[key.person].append(
                {"platform": "anthropic", "value": key.id, "display": key.name}
            )
    return found


# --- The wire ----------------------------------------------------------------------------------


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise RefusedError(400, "invalidValue", f"{name} must be an integer.") from None


def _answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = msgspec.json.encode(body)
    return Response(content, status, headers, media_type="application/scim+json")


def _error(status: int, kind: str, message: str) -> Response:
    body = {"schemas": [ERROR], "status": str(status), "detail": message}
    if kind:
        body["scimType"] = kind
    return _answer(body, status, {"WWW-Authenticate": "Bearer"} if status == 401 else None)


def _check_token(request: Request, token: str) -> Response | None:
    if request.headers.get("authorization") == f"Bearer {token}":
        return None
    return _error(401, "", "Authorization failure. The bearer token is invalid or missing.")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return _error(error.status, error.kind, error.message)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, "", error.detail)
