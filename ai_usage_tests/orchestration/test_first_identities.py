"""People and keys of a warehouse that a version without `identity_days` filled."""

from __future__ import annotations

from pathlib import Path

from ai_usage.archive.archive import Archive
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.settings import Settings
from ai_usage_tests.support.pipeline import warehouse_of
from ai_usage_tests.warehouse.rows import DAY, arrow, days, raw


def test_who_was_seen_is_known_before_the_first_run_has_built_the_table(tmp_path: Path) -> None:
    """Reference files are read first in a run, and must find everybody whom they name."""
    settings = Settings.load({"AI_USAGE_HOME": str(tmp_path), "AI_USAGE_AS_OF": "2026-03-20"})
    directory = Directory(Declared.of(settings, ()), Archive(settings.archive_root), settings)
    warehouse = warehouse_of(settings)
    assert directory.identity(warehouse).inputs.activity == {}
    assert not warehouse.exists("identity_days")
    events = [raw(DAY, "one", user_email="ann@acme.test")]
    warehouse.replace("raw_ai_events", days(DAY, 1), arrow("raw_ai_events", events))
    seen = {("cursor", "email", "ann@acme.test"): (DAY, DAY)}
    assert directory.identity(warehouse).inputs.activity == seen
    assert warehouse.exists("identity_days")
