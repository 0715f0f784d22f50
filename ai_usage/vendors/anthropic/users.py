"""The organisation's members; who was removed is not listed any more."""

from __future__ import annotations

import msgspec

from ai_usage.vendors.anthropic import api
from ai_usage.vendors.kit.reading import IN_USERS, rows
from ai_usage.vendors.kit.values import email_of, text_of
from ai_usage.vendors.rows import Person


class _User(msgspec.Struct):
    id: str
    name: str | None = None
    email: str | None = None
    role: str | None = None


def _row(user: _User) -> Person:
    return Person(
        vendor_user_id=user.id,
        user_email=email_of(user.email),
        full_name=text_of(user.name),
        role=user.role,
    )


ENDPOINT = api.directory(
    "users",
    "The organisation's members.",
    Person,
    rows(api.entries, msgspec.json.Decoder(_User), _row, remedy=IN_USERS),
    nobody=api.KEY_SETTING,
)
