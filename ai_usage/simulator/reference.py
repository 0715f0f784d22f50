"""The files that a person at the company maintains: users, key register, platforms, and money.

Written as on the company's `today`: nobody is in them who has not begun yet, no move that is
still to come. UTF-8 CSV with a header row, lists separated by `;`, ISO dates, true and false.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from ai_usage.simulator import seeding
from ai_usage.simulator.behaviour import service_accounts
from ai_usage.simulator.cloud_bills import (
    MAPPING_COLUMNS,
    cloud_platform,
    cloud_rules,
    mapping_rows,
)
from ai_usage.simulator.company import Company
from ai_usage.simulator.enterprise_books import member_id, members
from ai_usage.simulator.github_copilot_books import (
    has_seat,
    is_in_directory,
    is_in_register,
    login,
)
from ai_usage.simulator.money_files import COLUMNS as MONEY_COLUMNS
from ai_usage.simulator.money_files import money_rows
from ai_usage.simulator.roster import (
    ADMIN,
    BOTH_CUSTOMER_TYPES,
    CONTRACTOR,
    ApiKey,
    Person,
    Team,
)

USERS_COLUMNS: Final = (
    "user_email",
    "effective_date",
    "user_id",
    "employee_id",
    "first_name",
    "last_name",
    "full_name",
    "display_name",
    "preferred_name",
    "department",
    "department_code",
    "team",
    "sub_team",
    "manager_email",
    "director_email",
    "cost_center",
    "job_title",
    "seniority_level",
    "employment_type",
    "location",
    "timezone",
    "ai_budget_monthly_usd",
    "approved_platforms",
    "usage_restrictions",
    "is_active",
    "start_date",
    "end_date",
    "aliases",
    "vendor_logins",
)
VIEWERS_COLUMNS: Final = ("user_email", "role")
API_KEYS_COLUMNS: Final = (
    "platform",
    "api_key_id",
    "api_key_name",
    "user_email",
    "platform_subtype",
    "workspace_id",
    "environment",
    "intended_use",
    "cost_center",
    "project_codes",
    "is_active",
    "created_date",
    "last_verified_date",
    "expires_date",
    "auto_deactivate_after_days",
    "created_by",
    "updated_by",
)
PLATFORMS_COLUMNS: Final = (
    "platform_code",
    "platform_subtype",
    "platform_name",
    "vendor",
    "category",
    "primary_use_case",
    "cost_model",
    "unit_type",
    "billing_cycle",
    "contract_start_date",
    "contract_end_date",
    "is_active",
)
_VERIFIED_DAYS_AGO: Final = (3, 20, 75, 160, 320)
"""Registers age: some lines were checked lately, some not for most of a year."""

INVOICED_PERIODS: Final = 14
"""Closed billing periods of each vendor that the invoices reach back."""

Cell = str | int | bool | date | Decimal | tuple[str, ...] | None


def write_reference_files(
    company: Company,
    folder: str | Path,
    *,
    invoiced_periods: int = INVOICED_PERIODS,
    with_cloud: bool = False,
    of_all: bool = False,
) -> list[Path]:
    """Write every maintained file into the folder, which is made if needed.

    `with_cloud` where the cloud's bills are read too: then it is said what they are. The invoices
    are added up from the vendors' reports of their periods: for a huge company ask for few of them.
    `of_all` writes those of every vendor, not of the ones with contracts alone.
    """
    money = money_rows(company, invoiced_periods, of_all=of_all)
    target = Path(folder)
    written = write_directory_files(company, target, with_cloud=with_cloud)
    if with_cloud:
        money["allocation_rules.csv"] += cloud_rules(company)
        written.append(_write(target / "focus_mapping.csv", MAPPING_COLUMNS, mapping_rows()))
    return [
        *written,
        *(_write(target / name, MONEY_COLUMNS[name], rows) for name, rows in money.items()),
        _write(target / "viewers.csv", VIEWERS_COLUMNS, viewer_rows(company)),
    ]


def write_directory_files(
    company: Company, folder: str | Path, *, with_cloud: bool = False
) -> list[Path]:
    """Write users.csv, api_keys.csv and platforms.csv alone: no money but the vendors' own.

    `with_cloud` is that of `write_reference_files`.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    platforms = platform_rows(company)
    if with_cloud:
        platforms.append({**dict.fromkeys(PLATFORMS_COLUMNS), **cloud_platform()})
    return [
        _write(target / "users.csv", USERS_COLUMNS, user_rows(company)),
        _write(target / "api_keys.csv", API_KEYS_COLUMNS, api_key_rows(company)),
        _write(target / "platforms.csv", PLATFORMS_COLUMNS, platforms),
    ]


def viewer_rows(company: Company) -> list[dict[str, Cell]]:
    """Who looks at the company's costs beyond people's leads: one of each role."""
    domain = company.people[0].email.partition("@")[2]
    return [
        {"user_email": f"{name}@{domain}", "role": role}
        for name, role in (("cfo", "finance"), ("chief", "executive"), ("platform", "admin"))
    ]


def user_rows(company: Company) -> list[dict[str, Cell]]:
    """One row per person; a mover has one for each team, with the day it holds from."""
    rows: list[dict[str, Cell]] = []
    for person in company.people:
        if person.start_date > company.today:
            continue
        teams = [(since, team) for since, team in person.teams if since <= company.today]
        for since, team in teams:
            effective = max(since, person.start_date) if len(teams) > 1 else None
            rows.append(_user_row(company, person, team, effective))
    return rows


def _user_row(
    company: Company, person: Person, team: Team, effective: date | None
) -> dict[str, Cell]:
    manager = team.manager_email if team.manager_email != person.email else team.director_email
    left = person.end_date is not None and person.end_date < company.today
    restrictions = {"max_model": "sonnet"} if person.number == BOTH_CUSTOMER_TYPES else None
    return {
        "user_email": person.email,
        "effective_date": effective,
        "user_id": person.user_id,
        "employee_id": person.employee_id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "full_name": person.full_name,
        "display_name": person.full_name,
        "preferred_name": person.first_name,
        "department": team.department,
        "department_code": team.department_code,
        "team": team.name,
        "sub_team": team.sub_team,
        "manager_email": manager if manager != person.email else None,
        "director_email": team.director_email if team.director_email != person.email else None,
        "cost_center": team.cost_center,
        "job_title": person.job_title,
        "seniority_level": person.seniority_level,
        "employment_type": person.employment_type,
        "location": person.place.location,
        "timezone": person.place.timezone,
        "ai_budget_monthly_usd": person.budget_usd,
        "approved_platforms": _approved(company, person),
        "usage_restrictions": json.dumps(restrictions) if restrictions else None,
        "is_active": not left,
        "start_date": person.start_date,
        "end_date": person.end_date if left else None,
        "aliases": person.aliases,
        "vendor_logins": _logins(company, person),
    }


def _approved(company: Company, person: Person) -> tuple[str, ...]:
    """The contractor has API keys that nobody approved, in a tidy company one."""
    if person.number != CONTRACTOR:
        return ("anthropic", "claude_enterprise", "cursor", "github_copilot", "openai")
    return ("anthropic", "cursor", "github_copilot") if company.tidy else ("cursor",)


def _logins(company: Company, person: Person) -> tuple[str, ...] | None:
    """In a tidy company every login that the directory does not know, and a leaver's member id."""
    known = has_seat(person) and not is_in_directory(person)
    found = []
    if is_in_register(person) or (company.tidy and known):
        found.append(f"github_copilot:{login(person)}")
    if company.tidy and person in members(company) and not person.employed(company.today):
        found.append(f"claude_enterprise:{member_id(company, person)}")
    return tuple(found) or None


def api_key_rows(company: Company) -> list[dict[str, Cell]]:
    """The key register: most keys, not all, so that the vendor's directory has to speak too."""
    rows = [
        _key_row(company, key)
        for key in company.keys
        if key.registered and key.created <= company.today
    ]
    return [*rows, *_other_rows(company)] if company.tidy else rows


def _other_rows(company: Company) -> list[dict[str, Cell]]:
    """Other vendors' service accounts, and the keys of who has left: no list of theirs has them."""
    team = next(team for team in company.roster.teams if team.name == "Search")
    service: dict[str, Cell] = {
        "user_email": team.manager_email,
        "environment": "production",
        "intended_use": "service",
        "cost_center": team.cost_center,
        "is_active": True,
    }
    rows = [_other_row(company, "cursor", *own, service) for own in service_accounts(company.seed)]
    for key in company.openai.keys:
        owner = None if key.person is None else company.people[key.person]
        if owner is None:
            rows.append(_other_row(company, "openai", key.id, key.name, service))
        elif owner.end_date is not None and owner.end_date < company.today:
            left: dict[str, Cell] = {
                "user_email": owner.email,
                "environment": "development",
                "intended_use": "personal",
                "is_active": False,
                "expires_date": owner.end_date,
            }
            rows.append(_other_row(company, "openai", key.id, key.name, left))
    return rows


def _other_row(
    company: Company, platform: str, key_id: str, name: str, told: dict[str, Cell]
) -> dict[str, Cell]:
    admin = company.people[ADMIN].email
    last = told.get("expires_date")
    checked = min(company.today, company.anchor - timedelta(days=20))
    return {
        **dict.fromkeys(API_KEYS_COLUMNS),
        "platform": platform,
        "api_key_id": key_id,
        "api_key_name": name,
        "created_date": company.anchor - timedelta(days=700),
        "last_verified_date": min(checked, last) if isinstance(last, date) else checked,
        "created_by": admin,
        "updated_by": admin,
        **told,
    }


def _key_row(company: Company, key: ApiKey) -> dict[str, Cell]:
    admin = company.people[ADMIN].email
    age = _VERIFIED_DAYS_AGO[seeding.number("verified", key.id) % len(_VERIFIED_DAYS_AGO)]
    verified = min(company.today, company.anchor - timedelta(days=age))
    ended = key.last_day is not None and key.last_day < company.today
    if ended and key.last_day is not None:
        verified = min(verified, key.last_day)
    return {
        "platform": "anthropic",
        "api_key_id": key.id,
        "api_key_name": key.name,
        "user_email": key.contact_email,
        "platform_subtype": key.platform_subtype,
        "workspace_id": key.workspace_id,
        "environment": key.environment,
        "intended_use": key.intended_use,
        "cost_center": key.cost_center,
        "project_codes": key.project_codes,
        "is_active": not ended,
        "created_date": key.created,
        "last_verified_date": max(verified, key.created),
        "expires_date": key.last_day if ended else key.expires,
        "auto_deactivate_after_days": key.auto_deactivate_after_days,
        "created_by": admin,
        "updated_by": admin,
    }


def platform_rows(company: Company) -> list[dict[str, Cell]]:
    """One override: the dates of the Cursor contract. Empty cells leave what is known."""
    start = date(company.anchor.year - 2, 1, 1)
    return [
        {
            **dict.fromkeys(PLATFORMS_COLUMNS),
            "platform_code": "cursor",
            "platform_subtype": "cursor",
            "contract_start_date": start,
            "contract_end_date": date(company.anchor.year + 1, 12, 31),
            "is_active": True,
        }
    ]


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Cell]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: cell_text(value) for name, value in row.items()} for row in rows)
    return path


def cell_text(value: Cell) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ";".join(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)
