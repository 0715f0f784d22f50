"""Whose settings a command of a test must not find in the environment of who runs the tests."""

from ai_usage.vendors.base import discovered_vendors

VENDORS = discovered_vendors()
OURS = (
    "AI_USAGE_",
    "DAGSTER_",
    *(f"{vendor.key_setting.partition('_')[0]}_" for vendor in VENDORS),
)
"""How the product's settings begin, each vendor's by its first word."""
VENDOR_KEYS = {vendor.key_setting: f"{vendor.key_begins}test" for vendor in VENDORS}
"""A key for every vendor there is."""
