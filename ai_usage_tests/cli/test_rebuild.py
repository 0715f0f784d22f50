"""A run says that a rebuild is needed; the archive's own faults are found and fixed.

That a rebuild brings all back shows `test_backup_page`.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ai_usage_tests.cli.support import FROM, TO, Done, Place
from ai_usage_tests.support.pipeline import NO_SERVER

pytestmark = pytest.mark.slow

NOBODY = {"CURSOR_BASE_URL": NO_SERVER, "ANTHROPIC_BASE_URL": NO_SERVER}

A_RUN = ("run", "--select", "dim_dates")
APRIL = {"AI_USAGE_AS_OF": "2026-04-20"}
"""The next month, whose seats a run builds from its first day on, and not from one in March."""


def lose_the_warehouse(place: Place) -> None:
    for file in (place.folder / ".ai_usage").glob("warehouse.duckdb*"):
        file.unlink()


def test_a_run_beside_a_full_archive_says_which_history_is_missing_and_what_brings_it(
    place: Place, tmp_path: Path
) -> None:
    here = place.copied(tmp_path / "emptied", **NOBODY, **APRIL)
    assert "History is missing" not in here.call(*A_RUN).out
    lose_the_warehouse(here)
    said = here.call(*A_RUN).out
    assert (
        f"History is missing: the archive holds 4 days ({FROM}..{TO}) that the warehouse "
        f"does not: `ai-usage rebuild --from {FROM} --to {TO}` brings them back; no vendor "
        "is asked."
    ) in said
    # A new state folder two years later does not know that there were earlier partitions.
    new = {
        "AI_USAGE_HOME": str(tmp_path / "new"),
        "AI_USAGE_ARCHIVE": str(here.folder / ".ai_usage" / "archive"),
        "AI_USAGE_AS_OF": "2028-03-18",
    }
    forgotten = here.call(*A_RUN, **new).out
    assert "set AI_USAGE_START_DATE to 2026-03-01, then `ai-usage rebuild --from" in forgotten


def test_without_an_archive_there_is_nothing_to_rebuild_from(tmp_path: Path) -> None:
    done = Place(tmp_path).call("rebuild")
    assert done.code == 1
    assert "holds no vendor's answer" in done.error
    assert "AI_USAGE_ARCHIVE" in done.error


def test_lost_and_damaged_pages_are_named_and_what_is_said_fixes_them(
    place: Place, tmp_path: Path
) -> None:
    here = place.copied(tmp_path / "damaged")
    sound = here.call("archive", "verify", **NOBODY)
    assert sound.code == 0, sound.out + sound.err
    assert "all sound" in sound.out
    archive = here.folder / ".ai_usage" / "archive"
    lost = sorted((archive / "cursor" / "usage_events" / "pages").rglob("*.gz"))[0]
    damaged = sorted((archive / "anthropic" / "cost_report" / "pages").rglob("*.gz"))[0]
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"\0" * 9)

    found = here.call("archive", "verify", **NOBODY)

    assert found.code == 1
    assert f"page lost: {lost}" in found.out
    assert f"page damaged: {damaged}" in found.out
    assert "2 faults" in found.out
    for command in commands_of(found):
        done = here.call(*command)
        assert done.code == 0, done.out + done.err
    assert here.call("archive", "verify", **NOBODY).code == 0


def test_answers_that_the_warehouse_was_built_from_and_that_are_gone_are_told(
    place: Place, tmp_path: Path
) -> None:
    here = place.copied(tmp_path / "gone")
    manifests = here.folder / ".ai_usage" / "archive" / "cursor" / "usage_events" / "fetches"
    for file in manifests.rglob("*.json"):
        file.unlink()
    found = here.call("archive", "verify", **NOBODY)
    assert found.code == 1
    assert f"answers lost: cursor usage_events, 4 days ({FROM}..{TO})" in found.out
    assert "that no fetch names" in found.out


def commands_of(done: Done) -> list[list[str]]:
    """The calls of `ai-usage` that the output names, but for the rebuild that follows them."""
    found = re.findall(r"`ai-usage (backfill [^`]+)`", done.out)
    assert found
    return [shlex.split(command) for command in dict.fromkeys(found)]
