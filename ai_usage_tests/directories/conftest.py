"""One scripted server, one simulated company, and settings that point at either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from ai_usage.settings import Settings
from ai_usage.simulator import SCIM_TOKEN, SHEET_ID, Company, serve, write_service_account
from ai_usage_tests.vendors.support import ScriptedVendor, scripted_vendor

TODAY = date(2026, 3, 18)

Configured = Callable[..., Settings]


@pytest.fixture(scope="session")
def running_server() -> Iterator[ScriptedVendor]:
    with scripted_vendor() as vendor:
        yield vendor


@pytest.fixture
def server(running_server: ScriptedVendor) -> ScriptedVendor:
    running_server.asked.clear()
    return running_server


@pytest.fixture(scope="session")
def company() -> Company:
    return Company(today=TODAY)


@pytest.fixture(scope="session")
def simulator(company: Company) -> Iterator[str]:
    with serve(company) as url:
        yield url


@pytest.fixture
def configured(simulator: str, tmp_path: Path) -> Configured:
    """Settings with both directories at the simulator; arguments change single variables."""

    def make(**more: str) -> Settings:
        key_file = tmp_path / "service-account.json"
        if not key_file.exists():
            write_service_account(key_file, simulator)
        return Settings.load(
            {
                "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
                "AI_USAGE_HOME": str(tmp_path / "home"),
                "AI_USAGE_AS_OF": TODAY.isoformat(),
                "AI_USAGE_START_DATE": "2026-03-10",
                "AI_USAGE_HTTP_ATTEMPTS": "1",
                "AI_USAGE_SCIM_URL": f"{simulator}/scim/v2",
                "AI_USAGE_SCIM_TOKEN": SCIM_TOKEN,
                "AI_USAGE_SHEETS_ID": SHEET_ID,
                "AI_USAGE_SHEETS_CREDENTIALS": str(key_file),
                "AI_USAGE_SHEETS_URL": f"{simulator}/sheets",
                **more,
            }
        )

    return make
