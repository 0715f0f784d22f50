"""Claude Enterprise (claude.ai): usage, cost and people's days, by its Analytics key.

Its endpoints are those of Anthropic's analytics, whose module is shared. The plan's seats are not
in them: they cost what `seats.csv` and invoices say, and these reports show what comes on top.
"""

from functools import partial

from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import Vendor
from ai_usage.vendors.claude_enterprise import reports, users
from ai_usage.vendors.kit.products import Product, platform_rows

_PRODUCT = partial(
    Product,
    vendor="Anthropic",
    cost_model="hybrid",
    supports_token_tracking=True,
    unit_type="tokens",
    api_endpoint="https://api.anthropic.com",
    rate_limit_per_minute=60,
    max_batch_size=api.MOST_RECORDS,
)
PRODUCTS = (
    _PRODUCT(
        platform_subtype=reports.WEB,
        platform_name="Claude Enterprise",
        category="chat_interface",
        primary_use_case="Chat and agents in the browser and on the desktop",
        supports_session_tracking=False,
        supports_productivity_metrics=False,
    ),
    _PRODUCT(
        platform_subtype=api.CODE,
        platform_name="Claude Code (Enterprise)",
        category="coding_assistant",
        primary_use_case="Writing code in the terminal",
        supports_session_tracking=True,
        supports_productivity_metrics=True,
    ),
)

VENDOR = Vendor(
    name=reports.NAME,
    title="Claude Enterprise",
    key_setting="CLAUDE_ENTERPRISE_KEY",
    # The primary owner makes it in claude.ai, with the scope read:analytics. An Admin key is
    # refused here, as this one is there.
    key_begins="sk-ant-api01-",
    base_url_setting="CLAUDE_ENTERPRISE_BASE_URL",
    base_url="https://api.anthropic.com",
    headers=api.headers,
    # Of the organisation, whatever keys it has.
    requests_per_minute=60,
    endpoints=(reports.USAGE, reports.COST, users.ENDPOINT),
    platforms=platform_rows(reports.NAME, PRODUCTS),
)

__all__ = ["VENDOR"]
