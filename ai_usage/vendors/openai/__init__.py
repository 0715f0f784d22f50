"""OpenAI's organization API: usage, costs and directory; what they share in `api`."""

from ai_usage.vendors.base import Vendor
from ai_usage.vendors.kit.products import Product, platform_rows
from ai_usage.vendors.openai import api, directory, reports

PRODUCTS = (
    Product(
        platform_subtype=api.API,
        platform_name="OpenAI API",
        vendor="OpenAI",
        category="llm_api",
        primary_use_case="Models called by programs",
        cost_model="usage_based",
        supports_token_tracking=True,
        supports_session_tracking=False,
        supports_productivity_metrics=False,
        unit_type="tokens",
        api_endpoint="https://api.openai.com",
        max_batch_size=api.MOST_BUCKETS,
    ),
    # No endpoint of this API reports ChatGPT: its cost comes from seats and invoices.
    Product(
        platform_subtype="chatgpt",
        platform_name="ChatGPT",
        vendor="OpenAI",
        category="chat_interface",
        primary_use_case="Chat in the browser and on the desktop",
        cost_model="subscription",
        supports_token_tracking=False,
        supports_session_tracking=False,
        supports_productivity_metrics=False,
    ),
)

VENDOR = Vendor(
    name=api.NAME,
    title="OpenAI",
    key_setting=api.KEY_SETTING,
    # Keys of projects, of ChatGPT workspaces and of SCIM are others, and are refused.
    key_begins="sk-admin-",
    base_url_setting="OPENAI_BASE_URL",
    base_url="https://api.openai.com",
    headers=api.headers,
    # A limit is documented, its number is not. One a second, as for others of that kind.
    requests_per_minute=60,
    endpoints=(reports.USAGE, reports.COSTS, *directory.ENDPOINTS),
    platforms=platform_rows(api.NAME, PRODUCTS),
)

__all__ = ["VENDOR"]
