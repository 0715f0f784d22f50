"""What the tests of the migration share."""

from __future__ import annotations

import pytest

from ai_usage_tests.migration.guide import Walk, validated


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A company that has followed the guide up to the gate. Read only: copy it to go on."""
    return validated(tmp_path_factory)
