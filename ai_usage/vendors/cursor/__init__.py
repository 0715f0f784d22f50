"""Cursor's Admin APIs, a team's or an organisation's: one module per endpoint, beside `api`."""

from ai_usage.vendors.base import Option, Vendor
from ai_usage.vendors.cursor import api, daily_usage, groups, members, spend, usage_events
from ai_usage.vendors.kit.products import Product, platform_rows

PRODUCTS = (
    Product(
        platform_subtype=api.NAME,
        platform_name="Cursor",
        vendor="Anysphere",
        category="coding_assistant",
        primary_use_case="Writing code in the editor",
        cost_model="hybrid",
        supports_token_tracking=True,
        supports_session_tracking=False,
        supports_productivity_metrics=True,
        supports_real_time_cost=True,
        unit_type="requests",
        api_endpoint="https://api.cursor.com",
        rate_limit_per_minute=20,
        max_batch_size=usage_events.EVENTS_PER_PAGE,
    ),
)

VENDOR = Vendor(
    name=api.NAME,
    title="Cursor",
    key_setting=api.KEY_SETTING,
    base_url_setting="CURSOR_BASE_URL",
    base_url="https://api.cursor.com",
    headers=api.headers,
    options=(
        Option(
            api.ORGANIZATION_SETTING,
            f"The organisation whose API key {api.KEY_SETTING} is, with the scope admin:*: all its "
            "teams are asked at once. Unset, the key is one team's.",
            "the organisation's id org_…",
            api.organization,
        ),
    ),
    requests_per_minute=20,
    members_consume_seats=True,
    endpoints=(
        daily_usage.ENDPOINT,
        usage_events.ENDPOINT,
        members.ENDPOINT,
        spend.ENDPOINT,
        groups.ENDPOINT,
    ),
    platforms=platform_rows(api.NAME, PRODUCTS),
)

__all__ = ["VENDOR"]
