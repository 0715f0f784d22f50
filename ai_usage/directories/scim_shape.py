"""What a SCIM directory answers, as it is decoded: the list as a whole, each account by itself."""

from __future__ import annotations

from typing import Any

import msgspec

from ai_usage.vendors.kit.values import text_if_any

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
AI_USAGE = "urn:ietf:params:scim:schemas:extension:aiusage:2.0:User"

Text = str | int | None
"""Servers send numbers for ids and employee numbers too."""


def _lower(name: str) -> str:
    return name.replace("_", "")


class Email(msgspec.Struct, rename=_lower):
    """An address; some servers send a bare text."""

    value: Text = None
    type: Text = None
    primary: bool | None = None


class Name(msgspec.Struct, rename=_lower):
    """The parts of a name."""

    formatted: Text = None
    given_name: Text = None
    family_name: Text = None


class Manager(msgspec.Struct, rename=_lower):
    """Who a user reports to."""

    value: Text = None
    ref: Text = msgspec.field(name="$ref", default=None)


class Enterprise(msgspec.Struct, rename=_lower):
    """The enterprise extension (RFC 7643, 4.3)."""

    employee_number: Text = None
    cost_center: Text = None
    department: Text = None
    division: Text = None
    manager: Manager | str | None = None


class Key(msgspec.Struct, rename=_lower):
    """A key of the ai-usage extension."""

    platform: Text = None
    value: Text = None
    display: Text = None
    workspace_id: Text = None
    intended_use: Text = None
    cost_center: Text = None
    expires: Text = None


class Login(msgspec.Struct, rename=_lower):
    """A login at a vendor, of the ai-usage extension."""

    platform: Text = None
    value: Text = None


class AiUsage(msgspec.Struct, rename=_lower):
    """The ai-usage extension."""

    team: Text = None
    sub_team: Text = None
    api_keys: list[Key] | None = None
    vendor_logins: list[Login] | None = None


class Meta(msgspec.Struct, rename=_lower):
    """What the server says of the record."""

    last_modified: Text = None


class User(msgspec.Struct, rename=_lower):
    """An account."""

    id: Text = None
    user_name: Text = None
    name: Name | None = None
    display_name: Text = None
    nick_name: Text = None
    title: Text = None
    user_type: Text = None
    timezone: Text = None
    active: bool | None = None
    emails: list[Email | str] | None = None
    meta: Meta | None = None
    enterprise: Enterprise | None = msgspec.field(name=ENTERPRISE.lower(), default=None)
    ai_usage: AiUsage | None = msgspec.field(name=AI_USAGE.lower(), default=None)


class Answer(msgspec.Struct):
    """`Resources` may be missing where `totalResults` is 0 (RFC 7644, 3.4.2)."""

    total: int = msgspec.field(name="totalresults")
    resources: list[Any] = msgspec.field(name="resources", default_factory=list)
    """Users, each to be read by itself: see `_user`."""


def _folded(value: Any) -> Any:
    """Attribute names in lower case: they and schema URIs know no case (RFC 7643, 2.1)."""
    if isinstance(value, dict):
        return {key.lower(): _folded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_folded(item) for item in value]
    return value


def decode(body: bytes) -> Answer:
    """A page, its attribute names in lower case. Raises `msgspec.ValidationError`."""
    # Not strict: some servers send booleans as texts.
    return msgspec.convert(_folded(msgspec.json.decode(body)), Answer, strict=False)


def user_of(record: Any) -> User:
    """One account. Raises `msgspec.ValidationError`."""
    return msgspec.convert(record, User, strict=False)


def field(record: Any, name: str) -> str | None:
    """A text field of an account that may be odd."""
    return text_if_any(record.get(name)) if isinstance(record, dict) else None
