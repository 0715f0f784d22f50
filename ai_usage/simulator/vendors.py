"""Which vendors the company buys from: each is one declaration here.

Servers, keys, faults and tests follow from it: nothing else of the simulator lists the vendors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp

from ai_usage.simulator import (
    anthropic_wire,
    billed,
    cursor_api,
    cursor_organization_api,
    github_copilot_api,
    openai_api,
)
from ai_usage.simulator.analytics_api import FIRST_DAY
from ai_usage.simulator.anthropic_api import create_anthropic_app
from ai_usage.simulator.cursor_api import create_cursor_app
from ai_usage.simulator.enterprise_api import create_enterprise_app
from ai_usage.simulator.github_copilot_api import create_github_copilot_app
from ai_usage.simulator.http import CompanySource
from ai_usage.simulator.openai_api import create_openai_app

CURSOR_KEY: Final = "key_simulated"
ANTHROPIC_KEY: Final = "sk-ant-admin01-simulated"
OPENAI_KEY: Final = "sk-admin-simulated"
ENTERPRISE_KEY: Final = "sk-ant-api01-simulated"


@dataclass(frozen=True)
class SimulatedVendor:
    """A vendor's API: its name, below which it stands, and the one key that it accepts."""

    name: str
    key: str
    app: Callable[[CompanySource, str], ASGIApp]
    refusal: Callable[[int, str], Response]
    """The vendor's own form of an error: status and message."""
    billed: billed.Billed
    """What its books say that it bills for a day's use."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What it must be told besides the key, by setting."""
    otherwise: Mapping[str, str] = field(default_factory=dict)
    """Options by which the same company is asked for other reports."""
    otherwise_key: str = ""
    """The key that these take, where it is another."""


VENDORS: Final = (
    SimulatedVendor(
        "cursor",
        CURSOR_KEY,
        create_cursor_app,
        cursor_api.refusal,
        billed.by_cursor,
        otherwise={"CURSOR_ORGANIZATION_ID": cursor_organization_api.ORGANIZATION},
        otherwise_key=cursor_organization_api.KEY,
    ),
    SimulatedVendor(
        "anthropic",
        ANTHROPIC_KEY,
        create_anthropic_app,
        anthropic_wire.refusal,
        billed.by_anthropic,
        otherwise={"ANTHROPIC_ANALYTICS_COST_FROM": FIRST_DAY.isoformat()},
    ),
    SimulatedVendor(
        "github_copilot",
        github_copilot_api.TOKEN,
        create_github_copilot_app,
        github_copilot_api.refusal,
        billed.by_github_copilot,
        options={"COPILOT_ACCOUNT": github_copilot_api.ACCOUNT},
        otherwise={"COPILOT_ACCOUNT": github_copilot_api.ORGANISATION_ACCOUNT},
    ),
    SimulatedVendor("openai", OPENAI_KEY, create_openai_app, openai_api.refusal, billed.by_openai),
    SimulatedVendor(
        "claude_enterprise",
        ENTERPRISE_KEY,
        create_enterprise_app,
        anthropic_wire.refusal,
        billed.by_claude_enterprise,
    ),
)
VENDOR_KEYS: Final = {vendor.name: vendor.key for vendor in VENDORS}
"""The key of each vendor."""
VENDOR_OPTIONS: Final = {vendor.name: vendor.options for vendor in VENDORS if vendor.options}
"""What a vendor must be told besides its key."""
