"""Which rows are those of an old table's vendor: the condition that every statement has."""

from __future__ import annotations

from collections.abc import Sequence

from ai_usage.warehouse.base import Parameters


def of_endpoints(platform: str, endpoints: Sequence[str]) -> tuple[str, Parameters]:
    """A condition on the platform's rows of the endpoints, and its parameters."""
    names = {f"endpoint{n}": name for n, name in enumerate(endpoints)}
    listed = ", ".join(f"@{name}" for name in names)
    condition = f"platform = @platform AND source_endpoint IN ({listed})"
    return condition, {"platform": platform, **names}
