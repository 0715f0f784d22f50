"""The vendors that the simulated company buys from, as tests ask them: each by its declaration.

A vendor with a folder and a simulated API is in all of these by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.simulator.vendors import VENDORS as SIMULATED
from ai_usage.vendors.base import Client, Endpoint, Vendor, discovered_vendors
from ai_usage.vendors.http import VendorClient


@dataclass(frozen=True)
class Bought:
    """A vendor with the options by which it is asked."""

    vendor: Vendor
    key: str
    options: Mapping[str, str]
    endpoints: tuple[Endpoint, ...]
    label: str
    """The vendor's name, and that it is asked otherwise."""

    def client(self, base_url: str, **how: Any) -> VendorClient:
        """A client for the simulator at that address."""
        url = f"{base_url}/{self.vendor.name}"
        key = SecretStr(self.key)
        return VendorClient(self.vendor, key, base_url=url, options=self.options, **how)


def bought(now: datetime) -> tuple[Bought, ...]:
    """Every vendor, and once more with other options: the endpoints that these concern."""
    declared = {vendor.name: vendor for vendor in discovered_vendors()}
    found = []
    for simulated in SIMULATED:
        vendor = declared[simulated.name]
        usual = Bought(vendor, simulated.key, simulated.options, vendor.endpoints, vendor.name)
        found.append(usual)
        if simulated.otherwise:
            options = {**simulated.options, **simulated.otherwise}
            heeding = tuple(e for e in vendor.endpoints if _heeds(e, options, now))
            label = f"{vendor.name}-otherwise"
            key = simulated.otherwise_key or simulated.key
            found.append(Bought(vendor, key, options, heeding, label))
    return tuple(found)


def _heeds(endpoint: Endpoint, options: Mapping[str, str], now: datetime) -> bool:
    """Whether how it asks depends on an option."""
    client = _Noting(options)
    window = Window.day(now.date())
    try:
        for _ in endpoint.fetch(client, window, now):
            pass
    except VendorError:
        pass
    return bool(client.noted)


@dataclass
class _Noting(Client):
    """Notes which options an endpoint looks at, and answers nothing."""

    options: Mapping[str, str]
    noted: set[str] = field(default_factory=set)
    name = "nobody"

    def option(self, setting: str) -> str | None:
        self.noted.add(setting)
        return self.options.get(setting)

    def get(self, *asked: Any, **how: Any) -> Page:
        raise VendorError("nobody is asked")

    get_if_there = post = download = get

    def pause(self, seconds: float) -> None:
        return
