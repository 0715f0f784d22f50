"""One compiled analyzer for all tests of the SQL."""

from __future__ import annotations

import pytest
from filelock import FileLock

from ai_usage_tests.sql.google_sql import GoogleSql


@pytest.fixture(scope="session")
def google(pytestconfig: pytest.Config) -> GoogleSql:
    """Google's analyzer and executor; compiled once, kept in pytest's cache folder."""
    assert pytestconfig.cache is not None
    cache = pytestconfig.cache.mkdir("zetasql")
    # Compiling takes every core: a second worker waits for what the first has compiled.
    with FileLock(cache / "compiling.lock"):
        return GoogleSql(cache)
