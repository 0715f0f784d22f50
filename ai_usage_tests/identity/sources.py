"""Builders of snapshots with as few words as a test can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from unittest import mock

from ai_usage.days.spans import EVER
from ai_usage.identity import Identity, IdentityInputs, Snapshot, api_keys_of, members_of
from ai_usage.identity.keys import Activity
from ai_usage.identity.persons import Holder
from ai_usage.identity.sightings import Account
from ai_usage.reference import reference_file
from ai_usage.vendors.rows import ApiKey, LeftOut, Person

FIRST = date(1900, 1, 1)
LAST = date(9999, 12, 31)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PATTERNS = {"anthropic": {r"^claude_code_key_(?P<owner>[a-z0-9.+'-]+)_[a-z0-9]+$": "claude_code"}}


def nov(day: int) -> date:
    """A day of November 2026."""
    return date(2026, 11, day)


def user(email: str, **cells: Any) -> dict[str, Any]:
    """A row of users.csv."""
    return _row("users.csv", {"user_email": email, **cells})


def users(day: date, *rows: dict[str, Any]) -> Snapshot:
    """The state of users.csv on a day."""
    return Snapshot(day, "users.csv", list(rows))


def scim(day: date, *rows: dict[str, Any] | LeftOut) -> Snapshot:
    """The people of the SCIM directory on a day."""
    return Snapshot(day, "scim", list(rows))


def member(user_id: str, email: str | None, name: str | None = None, **cells: Any) -> Person:
    """A person in a vendor's member list."""
    return Person(vendor_user_id=user_id, user_email=email, full_name=name, **cells)


def members(day: date, *rows: Person | LeftOut, vendor: str = "anthropic") -> Snapshot:
    """A vendor's member list on a day."""
    return Snapshot(day, members_of(vendor), list(rows))


def entry(email: str, key_id: str | None = None, name: str | None = None, **cells: Any) -> Any:
    """A row of api_keys.csv."""
    key = {"platform": "anthropic", "api_key_id": key_id, "api_key_name": name}
    return _row("api_keys.csv", {**key, "user_email": email, **cells})


def register(day: date, *rows: dict[str, Any] | LeftOut, source: str = "api_keys.csv") -> Snapshot:
    """The state of a key register on a day."""
    return Snapshot(day, source, list(rows))


def key(key_id: str, name: str | None = None, by: str | None = None, **cells: Any) -> ApiKey:
    """A key in the vendor's directory."""
    return ApiKey(
        api_key_id=key_id,
        api_key_name=name,
        created_by_id=by,
        **{"status": "active", **cells},
    )


def directory(day: date, *rows: ApiKey) -> Snapshot:
    """The vendor's list of keys on a day."""
    return Snapshot(day, api_keys_of("anthropic"), list(rows))


def identity(
    *snapshots: Snapshot,
    activity: Activity | None = None,
    now: datetime = NOW,
    cost_centers: tuple[str, ...] = (),
) -> Identity:
    """The identity tables of these snapshots."""
    return Identity(IdentityInputs(snapshots, now, activity or {}, PATTERNS, cost_centers))


def versions(found: Identity, email: str, *columns: str) -> list[tuple[Any, ...]]:
    """(first day, last day, columns…) of an address's versions, of those that have a day."""
    return [
        (row["effective_date"], row["expiration_date"], *(row[column] for column in columns))
        for row in found.dim_users()
        if row["user_email"] == email and row["effective_date"] >= FIRST
    ]


def owners(found: Identity, kind: str, value: str) -> list[tuple[date, date, str]]:
    """(first day, last day, who) of an identity in the bridge."""
    names = {0: "Unknown", -1: "Shared"}
    return [
        (r["valid_from"], r["valid_to"], r["user_email"] or names[r["user_sk"]])
        for r in found.bridge_user_identity()
        if r["identity_type"] == kind and r["identity_value"] == value
    ]


def mappings(found: Identity, key_id: str) -> list[tuple[Any, ...]]:
    """(owner, source, first day, last day, wins) of a key's mappings, strongest source first."""
    rows = [row for row in found.api_key_mappings() if row["api_key_id"] == key_id]
    rows.sort(key=lambda row: (row["source_rank"], row["created_date"] or FIRST))
    return [
        (
            row["user_email"],
            row["attribution_source"],
            row["created_date"],
            row["expires_date"],
            row["is_winner"],
        )
        for row in rows
    ]


@contextmanager
def every_address_a_person() -> Iterator[None]:
    """As it was before ids joined accounts: the versions of each address by itself."""

    def holders(borne: Iterable[str], _seen: Any) -> list[Holder]:
        accounts = [Account(email, EVER) for email in sorted(borne)]
        return [Holder(account.email, [account], [(EVER, account)]) for account in accounts]

    with mock.patch("ai_usage.identity.history.find_holders", holders):
        yield


def only(rows: Iterable[Any]) -> Any:
    """The one row; fails where there are none or several."""
    (row,) = rows
    return row


def _row(file: str, cells: dict[str, Any]) -> dict[str, Any]:
    declared = reference_file(file)
    unknown = cells.keys() - set(declared.column_names)
    assert not unknown, unknown
    return {column.name: cells.get(column.name, column.default) for column in declared.columns}
