"""One company, one running server and a client a vendor, for all tests of the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from ai_usage.simulator import ANTHROPIC_KEY, CURSOR_KEY, Company, Truth, serve

TODAY = date(2026, 3, 18)


@pytest.fixture(scope="session")
def company() -> Company:
    return Company(today=TODAY)


@pytest.fixture(scope="session")
def truth(company: Company) -> Truth:
    return Truth(company)


@pytest.fixture(scope="session")
def base_url(company: Company) -> Iterator[str]:
    with serve(company) as url:
        yield url


@pytest.fixture(scope="session")
def cursor(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{base_url}/cursor", auth=(CURSOR_KEY, "")) as client:
        yield client


@pytest.fixture(scope="session")
def anthropic(base_url: str) -> Iterator[httpx.Client]:
    headers = {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01"}
    with httpx.Client(base_url=f"{base_url}/anthropic/v1/organizations", headers=headers) as client:
        yield client
