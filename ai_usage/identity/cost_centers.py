"""`dim_cost_centers`: every cost centre that people, keys or finance's files name; Unknown (0)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ai_usage.dimensions.surrogate_keys import UNKNOWN_SK, surrogate_key
from ai_usage.identity.history import People

UNKNOWN_NAME = "Unknown"


def dim_cost_centers(
    people: People, mappings: Iterable[Mapping[str, Any]], named: Iterable[str], now: datetime
) -> list[dict[str, Any]]:
    """Rows of `dim_cost_centers`. `mappings` are rows of `api_key_mappings`; `now` is today.

    `named` are the cost centres that finance's files charge or budget: theirs may be nobody's, and
    cost on a cost centre that is not here would read as on none.
    """
    named = set(named)
    versions = [version for own in people.versions.values() for version in own]
    mappings = list(mappings)
    today = now.date()
    current = [v for v in versions if v["is_active"] and v.span.first <= today <= v.span.last]
    codes = {version["cost_center"] for version in versions}
    codes |= {mapping["cost_center"] for mapping in mappings} | named
    active = {version["cost_center"] for version in current}
    active |= {m["cost_center"] for m in mappings if m["is_active"] and m["is_winner"]} | named
    departments: dict[str, set[str]] = {}
    for version in current:
        if version["cost_center"] and version["department"]:
            departments.setdefault(version["cost_center"], set()).add(version["department"])
    rows = [
        {
            "cost_center_sk": surrogate_key(code),
            "cost_center": code,
            "departments": sorted(departments.get(code, ())),
            "is_active": code in active,
        }
        for code in sorted(codes - {None, ""})
    ]
    unknown = {"cost_center_sk": UNKNOWN_SK, "cost_center": UNKNOWN_NAME, "departments": []}
    times = {"created_timestamp": now, "updated_timestamp": now}
    return [{**row, **times} for row in [{**unknown, "is_active": True}, *rows]]
