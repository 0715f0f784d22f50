"""The organisation's API keys and who made them."""

from __future__ import annotations

import msgspec

from ai_usage.vendors.anthropic import api
from ai_usage.vendors.kit.reading import IN_REGISTER, rows
from ai_usage.vendors.rows import ApiKey


class _CreatedBy(msgspec.Struct):
    id: str | None = None


class _Key(msgspec.Struct):
    id: str
    name: str | None = None
    status: str | None = None
    workspace_id: str | None = None
    created_at: str | None = None
    expires_at: str | None = None
    created_by: _CreatedBy | None = None


def _row(key: _Key) -> ApiKey:
    """One row per key; no workspace means the default one."""
    return ApiKey(
        api_key_id=key.id,
        api_key_name=key.name,
        status=key.status,
        workspace_id=key.workspace_id,
        created_at=api.instant(key.created_at),
        expires_at=api.instant(key.expires_at),
        created_by_id=None if key.created_by is None else key.created_by.id,
    )


ENDPOINT = api.directory(
    "api_keys",
    "The organisation's API keys and who made them.",
    ApiKey,
    rows(api.entries, msgspec.json.Decoder(_Key), _row, remedy=IN_REGISTER),
)
