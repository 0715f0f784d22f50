"""Anthropic's Admin API: one module per endpoint, what they share in `api`."""

from datetime import date

from ai_usage.vendors.anthropic import (
    api,
    api_keys,
    claude_code,
    cost_report,
    telemetry,
    usage_report,
    users,
    workspaces,
)
from ai_usage.vendors.anthropic.products import PRODUCTS
from ai_usage.vendors.base import Option, Vendor
from ai_usage.vendors.kit.products import platform_rows

VENDOR = Vendor(
    name=api.NAME,
    title="Anthropic",
    key_setting=api.KEY_SETTING,
    key_begins="sk-ant-admin",
    base_url_setting="ANTHROPIC_BASE_URL",
    base_url="https://api.anthropic.com",
    headers=api.headers,
    # The limit is one for all endpoints and not published: polling once a minute is supported,
    # bursts for paging are tolerated. One a second keeps a backfill well below what was refused.
    requests_per_minute=60,
    # Claude Code names the keys it makes itself after their owner's mailbox.
    key_name_patterns={
        r"^claude_code_key_(?P<owner>[A-Za-z0-9][\w.+'-]*)_[A-Za-z0-9]+$": "claude_code"
    },
    options=(
        Option(
            cost_report.SINCE_SETTING,
            "First day whose costs are asked by person and key, from the cost analytics (beta), "
            "instead of the cost report; by default none is.",
            "a date YYYY-MM-DD",
            date.fromisoformat,
        ),
    ),
    endpoints=(
        usage_report.ENDPOINT,
        cost_report.ENDPOINT,
        claude_code.ENDPOINT,
        api_keys.ENDPOINT,
        users.ENDPOINT,
        workspaces.ENDPOINT,
    ),
    from_files=(telemetry.ENDPOINT,),
    platforms=platform_rows(api.NAME, PRODUCTS),
)

__all__ = ["VENDOR"]
