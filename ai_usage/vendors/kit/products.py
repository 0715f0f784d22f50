"""A vendor's products as typed data; the columns of `dim_platforms` stand in its DDL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from ai_usage.vendors.base import PlatformRow


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product: a row of `dim_platforms`. None is NULL, not known or not said."""

    platform_subtype: str
    platform_name: str
    vendor: str
    category: Literal["coding_assistant", "llm_api", "chat_interface"]
    primary_use_case: str
    cost_model: Literal["subscription", "usage_based", "hybrid"]
    supports_token_tracking: bool
    supports_session_tracking: bool
    supports_productivity_metrics: bool
    supports_real_time_cost: bool = False
    unit_type: Literal["tokens", "requests", "lines"] | None = None
    billing_cycle: str = "monthly"
    api_endpoint: str | None = None
    rate_limit_per_minute: int | None = None
    max_batch_size: int | None = None
    is_active: bool = True


def platform_rows(platform: str, products: Iterable[Product]) -> tuple[PlatformRow, ...]:
    """The rows of a vendor's products; `platform` is the vendor's name."""
    found = []
    for product in products:
        values = {name: value for name, value in asdict(product).items() if value is not None}
        subtype, name = values.pop("platform_subtype"), values.pop("platform_name")
        found.append(PlatformRow(platform, subtype, name, values))
    return tuple(found)
