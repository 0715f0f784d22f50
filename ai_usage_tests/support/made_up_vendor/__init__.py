"""A vendor that nobody sells, as a new one would come: this folder, and nothing outside names it.

`Acme Pilot` says what people did, a page per day by number, and what it costs, a list that its
`Link` header leads through.
"""

from ai_usage.vendors.base import Vendor
from ai_usage.vendors.kit.products import Product, platform_rows

from . import api, bills, uses

VENDOR = Vendor(
    name=api.NAME,
    title="Acme Pilot",
    key_setting="ACME_KEY",
    base_url_setting="ACME_BASE_URL",
    base_url="https://acme.example",
    headers=lambda key: {"X-Acme": key},
    endpoints=(uses.ENDPOINT, bills.ENDPOINT),
    platforms=platform_rows(
        api.NAME,
        [
            Product(
                platform_subtype=api.PILOT,
                platform_name="Acme Pilot",
                vendor="Acme",
                category="coding_assistant",
                primary_use_case="Writing code by voice",
                cost_model="usage_based",
                supports_token_tracking=True,
                supports_session_tracking=False,
                supports_productivity_metrics=True,
            )
        ],
    ),
)
