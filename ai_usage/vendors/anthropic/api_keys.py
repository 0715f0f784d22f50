"""The organisation's API keys and who made them, as either version of the API writes them."""

from __future__ import annotations

import msgspec

from ai_usage.vendors.anthropic import api
from ai_usage.vendors.kit.reading import IN_REGISTER, rows
from ai_usage.vendors.rows import ApiKey


class _Actor(msgspec.Struct):
    id: str | None = None


class _Scope(msgspec.Struct):
    """Where version 2026-10-21 has the workspace; of an organisation's key there is none."""

    workspace_id: str | None = None


class _Key(msgspec.Struct):
    """A key. Who made it may be unknown; newer records then name who it acts for."""

    id: str
    name: str | None = None
    status: str | None = None
    workspace_id: str | None = None
    scope: _Scope | None = None
    created_at: str | None = None
    expires_at: str | None = None
    created_by: _Actor | None = None
    principal: _Actor | None = None


def _row(key: _Key) -> ApiKey:
    """One row per key; no workspace means the default one, which only a scope has an id of.

    A service account that made a key is no member: it is found among no people.
    """
    owner, scope = key.created_by or key.principal, key.scope or _Scope()
    return ApiKey(
        api_key_id=key.id,
        api_key_name=key.name,
        status=key.status,
        workspace_id=key.workspace_id or scope.workspace_id,
        created_at=api.instant(key.created_at),
        expires_at=api.instant(key.expires_at),
        created_by_id=None if owner is None else owner.id,
    )


ENDPOINT = api.directory(
    "api_keys",
    "The organisation's API keys and who made them.",
    ApiKey,
    rows(api.entries, msgspec.json.Decoder(_Key), _row, remedy=IN_REGISTER),
)
