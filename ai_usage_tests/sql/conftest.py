"""One compiled analyzer for all tests of the SQL."""

from __future__ import annotations

import pytest

from ai_usage_tests.sql.google_sql import GoogleSql


@pytest.fixture(scope="session")
def google(pytestconfig: pytest.Config) -> GoogleSql:
    """Google's analyzer and executor; compiled once, kept in pytest's cache folder."""
    assert pytestconfig.cache is not None
    return GoogleSql(pytestconfig.cache.mkdir("zetasql"))
