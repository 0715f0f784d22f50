"""Anthropic's products."""

from ai_usage.vendors.anthropic import api
from ai_usage.vendors.kit.products import Product

PRODUCTS = (
    Product(
        platform_subtype=api.API,
        platform_name="Claude API",
        vendor="Anthropic",
        category="llm_api",
        primary_use_case="Models called by programs",
        cost_model="usage_based",
        supports_token_tracking=True,
        supports_session_tracking=False,
        supports_productivity_metrics=False,
        unit_type="tokens",
        api_endpoint="https://api.anthropic.com",
        max_batch_size=api.MOST_BUCKETS,
    ),
    Product(
        platform_subtype=api.CODE,
        platform_name="Claude Code",
        vendor="Anthropic",
        category="coding_assistant",
        primary_use_case="Writing code in the terminal",
        cost_model="hybrid",
        supports_token_tracking=True,
        supports_session_tracking=True,
        supports_productivity_metrics=True,
        unit_type="tokens",
        api_endpoint="https://api.anthropic.com",
        max_batch_size=api.MOST_RECORDS,
    ),
    # No endpoint of this API reports claude.ai: its cost comes from seats and invoices.
    Product(
        platform_subtype="claude_web",
        platform_name="Claude",
        vendor="Anthropic",
        category="chat_interface",
        primary_use_case="Chat in the browser and on the desktop",
        cost_model="subscription",
        supports_token_tracking=False,
        supports_session_tracking=False,
        supports_productivity_metrics=False,
    ),
)
