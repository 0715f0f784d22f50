"""Rows of the table `allocation_rules` from `allocation_rules.csv`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ai_usage.days.spans import span_of
from ai_usage.identity.aliases import Aliases
from ai_usage.reference.column import Row
from ai_usage.reference.files.allocation_rules import DEFAULT_WORKSPACE

MILLIONTHS = Decimal(1_000_000)
"""Weights are percentages in millionths of a percent: whole numbers, so that SQL splits exactly."""


def allocation_rules(rows: Iterable[Row], aliases: Aliases | None = None) -> list[dict[str, Any]]:
    """One row per rule, period and bearer; the weights of a manual rule sum to 100,000,000.

    The default workspace's scope_value is NULL, as its id is in the vendors' reports. Who is named
    under two addresses bears both weights.
    """
    resolve = (aliases or Aliases()).resolve
    found: list[dict[str, Any]] = []
    named: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        span = span_of(row["valid_from"], row["valid_to"])
        default = row["scope_type"] == "workspace" and row["scope_value"] == DEFAULT_WORKSPACE
        percentage = row["percentage"]
        rule = {
            "rule_id": row["rule_id"],
            "platform": row["platform"],
            "scope_type": row["scope_type"],
            "scope_value": None if default else row["scope_value"],
            "method": row["method"],
            "team": row["team"],
            "user_email": resolve(row["user_email"]) if row["user_email"] else None,
            "weight": None if percentage is None else int(percentage * MILLIONTHS),
            "cost_center": row["cost_center"],
            "project_codes": list(row["project_codes"] or ()),
            "valid_from": span.first,
            "valid_to": span.last,
        }
        bearer = tuple(rule[name] for name in ("platform", "rule_id", "user_email", "valid_from"))
        before = named.setdefault(bearer, rule) if rule["user_email"] else rule
        if before is rule:
            found.append(rule)
        else:
            before["weight"] += rule["weight"]
    return found
