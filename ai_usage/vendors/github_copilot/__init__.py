"""GitHub Copilot of an enterprise or organisation: one module per endpoint."""

from ai_usage.vendors.base import Option, Vendor
from ai_usage.vendors.github_copilot import api, billing, reports, seats
from ai_usage.vendors.kit.products import Product, platform_rows

PRODUCTS = (
    Product(
        platform_subtype=api.NAME,
        platform_name="GitHub Copilot",
        vendor="GitHub",
        category="coding_assistant",
        primary_use_case="Writing code in the editor and on GitHub",
        cost_model="hybrid",
        supports_token_tracking=True,
        supports_session_tracking=False,
        supports_productivity_metrics=True,
        unit_type="requests",
        api_endpoint="https://api.github.com",
        max_batch_size=seats.MOST_SEATS,
    ),
)

VENDOR = Vendor(
    name=api.NAME,
    title="GitHub Copilot",
    key_setting=api.KEY_SETTING,
    base_url_setting="COPILOT_BASE_URL",
    base_url="https://api.github.com",
    options=(
        Option(
            api.ACCOUNT_SETTING,
            "The one account that GitHub Copilot is asked about.",
            "enterprises/<name> or orgs/<name>",
            api.account,
            is_required=True,
        ),
    ),
    headers=api.headers,
    # The primary limit is 5000 an hour.
    requests_per_minute=80,
    members_consume_seats=True,
    logins_ignore_case=True,
    remedies={
        403: f"Check what {api.KEY_SETTING} may read (an enterprise takes classic tokens alone, "
        'with manage_billing:copilot), and that the policy "Copilot usage metrics" is Enabled '
        "everywhere.",
        404: f"Check {api.ACCOUNT_SETTING}, and that {api.KEY_SETTING} may read it.",
    },
    endpoints=(reports.ENDPOINT, billing.ENDPOINT, seats.ENDPOINT),
    platforms=platform_rows(api.NAME, PRODUCTS),
)

__all__ = ["VENDOR"]
