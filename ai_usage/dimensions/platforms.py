"""`dim_platforms`: what the vendors' modules bring, overridden and completed by `platforms.csv`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ai_usage.dimensions.surrogate_keys import UNKNOWN_SK, surrogate_key
from ai_usage.vendors.base import WHOLE_PLATFORM, PlatformRow

UNKNOWN_CODE = "unknown"


def dim_platforms(
    vendors: Iterable[PlatformRow],
    maintained: Iterable[Mapping[str, Any]],
    prices: Mapping[tuple[str, str], Mapping[str, Any]],
    now: datetime,
    titles: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Rows of `dim_platforms`: the products, each platform as a whole, and Unknown (0).

    Unknown is for products that nobody described.

    `maintained` are the rows of `platforms.csv`: a filled cell wins over the vendor's value.
    `prices` are what the contracts say of a (platform, product): they are typed nowhere else, and
    name the products on which seats were ever bought. `titles` are the vendors' names by platform.
    """
    titles = titles or {}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for vendor in vendors:
        key = (vendor.platform_code, vendor.platform_subtype)
        rows[key] = {**vendor.values, "platform_name": vendor.platform_name}
    for line in maintained:
        key = (line["platform_code"], line["platform_subtype"])
        filled = {name: value for name, value in line.items() if value is not None}
        rows[key] = {**rows.get(key, {}), **filled}
    for key, columns in prices.items():
        rows[key] = {**rows.get(key, {}), **columns}
    for code in sorted({code for code, _subtype in rows}):
        name = f"{titles.get(code, code)} (whole platform)"
        rows[code, WHOLE_PLATFORM] = {"platform_name": name, **rows.get((code, WHOLE_PLATFORM), {})}
    times = {"created_timestamp": now, "updated_timestamp": now}
    found = [
        {
            "is_active": True,
            "platform_name": subtype,
            **values,
            "platform_sk": surrogate_key(code, subtype),
            "platform_code": code,
            "platform_subtype": subtype,
            **times,
        }
        for (code, subtype), values in sorted(rows.items())
    ]
    unknown = {
        "platform_sk": UNKNOWN_SK,
        "platform_code": UNKNOWN_CODE,
        "platform_subtype": UNKNOWN_CODE,
        "platform_name": "Unknown",
        "is_active": True,
    }
    return [{**unknown, **times}, *found]
