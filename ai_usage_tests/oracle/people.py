"""The people of a company, what they are called at the vendors, and their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ai_usage_tests.oracle.draw import Draw
from ai_usage_tests.sql.company import FIRST_DAY, LAST_DAY, PLATFORMS, complete

Row = dict[str, Any]
ONE_DAY = timedelta(days=1)

NAMES = (
    "ann.lee", "bob", "dora.kim", "cy", "eve.moss", "finn-ray", "gustav", "hana.ito",
    "ivan.petrov", "jo", "kai.stone", "lena",
)  # fmt: skip
TEAMS = ("Core", "Core", "Web", "Data", None)
EMPTY_TEAM = "Ghost"
"""A team that rules and budgets name and nobody is in."""
CENTERS = ("CC-1", "CC-2", "CC-3", None)
WORKSPACES = (None, "w1", "w2", "w3")
PROJECTS = ("apollo", "borealis", "cirrus")


PRODUCTS: dict[str, tuple[int, str, str]] = {
    **PLATFORMS,
    "claude_web": (23, "anthropic", "Claude"),
    "cursor_all": (10, "cursor", "Cursor (all)"),
    "anthropic_all": (20, "anthropic", "Anthropic"),
    "github_all": (30, "github", "GitHub"),
    "unknown": (0, "unknown", "Unknown"),
}
"""Product: its surrogate key, its vendor's code, its name; `<vendor>_all` as a whole."""


@dataclass(frozen=True)
class Key:
    """A key as a vendor knows it; `key_id` None where events carry its name alone."""

    key_id: str | None
    name: str | None
    platform: str


@dataclass
class Staff:
    """The tables about people, and what events can say of them."""

    users: list[Row]
    bridge: list[Row] = field(default_factory=list)
    mappings: list[Row] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    """Addresses that events carry: people's own, aliases, strangers'."""

    @property
    def people(self) -> list[str]:
        """Everybody's own address."""
        return sorted({row["user_email"] for row in self.users if row["user_sk"] > 0})

    def versions(self, email: str) -> list[Row]:
        """A person's versions, the oldest first."""
        own = [row for row in self.users if row["user_email"] == email and row["user_sk"] > 0]
        return sorted(own, key=lambda row: row["effective_date"])


def staff(draw: Draw, first: date, today: date) -> Staff:
    """Six to twelve people: movers, joiners, leavers; their addresses and keys."""
    found = Staff(_users(draw, first, today))
    _addresses(draw, found)
    _keys(draw, found, first, today)
    return found


def projects(draw: Draw) -> list[str]:
    """A list of projects as files have them: none, some, one twice."""
    return [draw.pick(PROJECTS) for _ in range(draw.pick([0, 0, 1, 2, 3]))]


def _users(draw: Draw, first: date, today: date) -> list[Row]:
    emails = [f"{name}@x.io" for name in draw.some(NAMES, 6, 12)]
    if draw.chance(0.4):
        # The same mailbox at another domain: an address without a domain fits two people.
        emails.append(emails[0].replace("x.io", "y.io"))
    sks = iter(draw.shuffled(range(1001, 1001 + 4 * len(emails))))
    rows: list[Row] = [
        {"user_sk": 0, "user_email": "unknown", "is_current": True},
        {"user_sk": -1, "user_email": "shared", "is_current": True},
    ]
    for row in rows:
        row |= {"effective_date": FIRST_DAY, "expiration_date": LAST_DAY, "is_active": True}
    move_days = [first.replace(day=1) + timedelta(days=n) for n in (31, 45, 60, 61, 74)]
    for email in emails:
        moves = sorted(set(draw.some(move_days, 0, draw.pick([0, 0, 1, 2]))))
        starts = [FIRST_DAY, *moves]
        joined = draw.pick([None, None, None, draw.day(first, today)])
        left = bool(moves) and draw.chance(0.35)
        name = None if draw.chance(0.15) else email.split("@")[0].title()
        for n, start in enumerate(starts):
            is_last = n == len(starts) - 1
            has_left = is_last and left
            rows.append(
                {
                    "user_sk": next(sks),
                    "user_email": email,
                    "full_name": f"{name} {n}" if name and draw.chance(0.1) else name,
                    "department": draw.pick(["Eng", "Eng", "Ops", None]),
                    "team": draw.pick(TEAMS),
                    "manager_email": draw.pick([None, emails[0]]),
                    "cost_center": draw.pick(CENTERS),
                    "ai_budget_monthly_usd": draw.pick(
                        [None, None, Decimal(0), Decimal(50), draw.cents(2000)]
                    ),
                    "approved_platforms": draw.pick([[], [], ["cursor"], ["claude_api"]]),
                    "is_active": not has_left,
                    "start_date": joined,
                    "end_date": start - ONE_DAY if has_left else None,
                    "effective_date": start,
                    "expiration_date": LAST_DAY if is_last else starts[n + 1] - ONE_DAY,
                    "is_current": is_last,
                }
            )
    return [complete("dim_users", row) for row in rows]


def _addresses(draw: Draw, staff: Staff) -> None:
    people = staff.people
    aliases = {f"{email.split('@')[0]}@alias.io": email for email in draw.some(people, 0, 2)}
    for value, email in {**{email: email for email in people}, **aliases}.items():
        for version in staff.versions(email):
            staff.bridge.append(
                _bridge(
                    version, "email", value, "*", version["effective_date"],
                    version["expiration_date"],
                    cost_center=version["cost_center"],
                    attribution_source="directory" if value == email else "alias",
                )
            )  # fmt: skip
    strangers = ["nobody@else.org", "max@x.io"]
    for email in draw.some(people, 2, 4):
        mailbox, domain = email.split("@")
        strangers.append(
            draw.pick(
                [
                    f"{mailbox}+dev@{domain}",
                    f"{mailbox.replace('.', '')}.@{domain}",
                    f"{mailbox}@old.io",
                ]
            )
        )
    staff.emails = [*people, *people, *aliases, *strangers]


def _bridge(
    version: Row, kind: str, value: str, platform: str, begun: date, ended: date, **cells: Any
) -> Row:
    sk = version["user_sk"]
    return complete(
        "bridge_user_identity",
        {
            "identity_type": kind,
            "identity_value": value,
            "platform": platform,
            "valid_from": begun,
            "valid_to": ended,
            "user_sk": sk,
            "user_email": version["user_email"] if sk > 0 else None,
            "confidence_score": 1.0,
            "project_codes": [],
            **cells,
        },
    )


def _keys(draw: Draw, staff: Staff, first: date, today: date) -> None:
    kinds = ["personal"] * 4 + ["team", "service", "lapsed", "unlisted", "contested", "unknown"]
    for n, kind in enumerate([*kinds, draw.pick(kinds), "personal", "by_name", "named"]):
        owner = draw.pick(staff.people)
        platform = draw.pick(["anthropic"] * 6 + ["cursor"])
        plain = owner.split("@")[0]
        name = draw.pick([None, f"key {n}", f"Prod {plain} key", f"ci-{plain.replace('.', '-')}"])
        if kind in ("by_name", "named"):
            # The vendor names the key, not its id; `named`: nobody has mapped it.
            name = f"{n}-{plain}" if draw.chance(0.7) else f"only name {n}"
            staff.keys.append(Key(None, name, platform))
        else:
            staff.keys.append(Key(draw.identifier("key_"), name, platform))
        if kind not in ("unknown", "named"):
            _claim(draw, staff, staff.keys[-1], kind, owner, first, today)


def _claim(
    draw: Draw, staff: Staff, key: Key, kind: str, owner: str, first: date, today: date
) -> None:
    middle = draw.day(first, today)
    begun, ended = draw.pick([None, None, middle]), None
    if kind == "lapsed":
        begun, ended = draw.pick(
            [(None, first - ONE_DAY), (today + ONE_DAY, None), (None, middle), (middle, None)]
        )
    use = {"team": "team", "service": "service"}.get(kind, draw.pick(["personal", None]))
    entry: Row = {
        "api_key_id": key.key_id or f"name:{key.name}",
        "api_key_name": key.name,
        "user_email": "gone@x.io" if kind == "unlisted" else owner,
        "platform": key.platform,
        "platform_subtype": draw.pick(
            [None, "claude_code", "claude_api"] if key.platform == "anthropic" else [None, "cursor"]
        ),
        "intended_use": use,
        "cost_center": draw.pick([None, None, *CENTERS[:3], "CC-key"]),
        "project_codes": projects(draw),
        "created_date": begun,
        "expires_date": ended,
        "last_verified_date": draw.pick(
            [None, first, middle, first - timedelta(days=draw.number(1, 400))]
        ),
        "auto_deactivate_after_days": draw.pick([None, 5, 30]),
        "confidence_score": draw.pick([1.0, 0.95, 0.9, 0.7]),
        "attribution_source": "manual_entry",
        "source_rank": 1,
        "is_winner": True,
        "is_active": True,
    }
    others = []
    if kind == "contested":
        others.append(entry | {"user_email": draw.pick([*staff.people, "gone@x.io"])})
    elif draw.chance(0.3):
        others.append(
            entry
            | {"user_email": draw.pick(staff.people), "attribution_source": "key_name_pattern"}
            | {"source_rank": 5, "is_winner": False, "confidence_score": 0.5}
        )
    for row in [entry, *others]:
        row["mapping_id"] = draw.identifier()
        staff.mappings.append(complete("api_key_mappings", row))
    if kind in ("unlisted", "contested"):
        return
    if key.key_id:
        _bridge_key(staff, entry, "api_key_id", key.key_id)
    if key.name and key.name not in {
        row["identity_value"] for row in staff.bridge if row["identity_type"] == "api_key_name"
    }:
        _bridge_key(staff, entry, "api_key_name", key.name)


def _bridge_key(staff: Staff, entry: Row, kind: str, value: str) -> None:
    begun, ended = entry["created_date"] or FIRST_DAY, entry["expires_date"] or LAST_DAY
    is_shared = entry["intended_use"] in ("team", "service")
    members = [row for row in staff.users if row["user_sk"] == -1]
    for version in members if is_shared else staff.versions(entry["user_email"]):
        start = max(begun, version["effective_date"])
        end = min(ended, version["expiration_date"])
        if start > end:
            continue
        own = entry["cost_center"]
        staff.bridge.append(
            _bridge(
                version, kind, value, entry["platform"], start, end,
                mapping_id=entry["mapping_id"],
                platform_subtype=entry["platform_subtype"],
                cost_center=own or version["cost_center"],
                is_owners_cost_center=own is None,
                project_codes=entry["project_codes"],
                confidence_score=entry["confidence_score"],
                last_verified_date=entry["last_verified_date"],
                attribution_source=entry["attribution_source"],
            )
        )  # fmt: skip


def cost_centers(found: Iterable[str | None]) -> list[Row]:
    """The dimension of the cost centres that anything names, but for one that it lacks."""
    names = sorted({name for name in found if name} - {"CC-key"})
    rows = [{"cost_center_sk": 0, "cost_center": "Unknown"}]
    rows += [{"cost_center_sk": 500 + n, "cost_center": name} for n, name in enumerate(names)]
    return [complete("dim_cost_centers", row) for row in rows]


def platforms() -> list[Row]:
    """Every product, each vendor as a whole, and the unknown one."""
    return [
        complete(
            "dim_platforms",
            {
                "platform_sk": sk,
                "platform_code": code,
                "platform_name": name,
                "platform_subtype": "all" if product == f"{code}_all" else product,
            },
        )
        for product, (sk, code, name) in PRODUCTS.items()
    ]


def product_name(code: str, subtype: str | None) -> str:
    """The one of `PRODUCTS` that an event of the platform belongs to."""
    product = f"{code}_all" if subtype in (None, "all") else subtype
    return product if product in PRODUCTS and PRODUCTS[product][1] == code else "unknown"


def active_in(staff: Staff, teams: Sequence[str], day: date) -> list[str]:
    """Addresses of the active members of the teams on a day."""
    return [
        row["user_email"]
        for row in staff.users
        if row["team"] in teams
        and row["is_active"]
        and row["effective_date"] <= day <= row["expiration_date"]
    ]
