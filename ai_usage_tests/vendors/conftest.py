"""One scripted vendor and one simulated company for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from ai_usage.simulator.company import Company
from ai_usage.simulator.server import serve
from ai_usage_tests.vendors.support import ScriptedVendor, scripted_vendor


@pytest.fixture(scope="session")
def running_vendor() -> Iterator[ScriptedVendor]:
    with scripted_vendor() as vendor:
        yield vendor


@pytest.fixture
def vendor_server(running_vendor: ScriptedVendor) -> ScriptedVendor:
    running_vendor.asked.clear()
    return running_vendor


@pytest.fixture(scope="session")
def company() -> Company:
    return Company(today=date(2026, 11, 23), people=30)


@pytest.fixture(scope="session")
def simulator(company: Company) -> Iterator[str]:
    with serve(company) as url:
        yield url
