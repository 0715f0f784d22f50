"""The organisation's workspaces; the default one is not listed."""

from __future__ import annotations

import msgspec

from ai_usage.vendors.anthropic import api
from ai_usage.vendors.kit.reading import rows
from ai_usage.vendors.rows import Workspace


class _Workspace(msgspec.Struct):
    id: str
    name: str | None = None
    archived_at: str | None = None


def _row(workspace: _Workspace) -> Workspace:
    return Workspace(
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        archived_at=api.instant(workspace.archived_at),
    )


ENDPOINT = api.directory(
    "workspaces",
    "The organisation's workspaces, archived ones included.",
    Workspace,
    rows(api.entries, msgspec.json.Decoder(_Workspace), _row),
    # What was spent in archived ones still has to be named.
    params=[("include_archived", "true")],
)
