"""What `docs/backup.md` tells a person to type keeps an installation, and brings it back."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ai_usage.settings import Settings
from ai_usage_tests.cli.support import CONTENTS, FROM, ROOT, TO, Place, clean_environment
from ai_usage_tests.cli.test_rebuild import A_RUN, APRIL, NOBODY
from ai_usage_tests.support.pipeline import assert_equal_tables, tables, warehouse_of

PAGE = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")


def commands(heading: str) -> str:
    """The shell block below a heading of the page."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (own,) = [text for text in section if text.startswith(f"{heading}\n")]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", own, re.DOTALL | re.MULTILINE)
    return str(block)


def pasted(block: str, place: Place) -> str:
    """What the block prints, pasted into a shell in the person's folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603
        ["bash", "-euo", "pipefail", "-c", block],  # noqa: S607
        cwd=place.folder,
        env={**clean_environment(), **place.environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def settings_of(place: Place) -> Settings:
    home = {"AI_USAGE_HOME": str(place.folder / ".ai_usage"), "AI_USAGE_ENV_FILE": "no.env"}
    return Settings.load({**place.environment, **home})


def names_in_the_run_list(place: Place) -> list[str]:
    """What Dagster's UI calls the runs, oldest first."""
    (file,) = (place.folder / ".ai_usage" / "dagster").rglob("runs.db")
    with closing(sqlite3.connect(file)) as connection:
        return [
            name for (name,) in connection.execute("SELECT pipeline_name FROM runs ORDER BY id")
        ]


def test_the_page_has_a_block_for_each() -> None:
    assert commands("Backup").startswith("tar ")
    assert commands("Restore").splitlines()[-2:] == ["ai-usage archive verify", "ai-usage rebuild"]


@pytest.mark.slow
def test_what_was_backed_up_is_restored_on_a_new_machine_to_the_last_value(
    place: Place, tmp_path: Path
) -> None:
    old = place.copied(tmp_path / "old", **NOBODY)
    pasted(commands("Backup"), old)
    wanted, counted = tables(warehouse_of(settings_of(old))), old.rows(CONTENTS)
    new = Place(tmp_path / "new", old.environment)
    new.folder.mkdir()
    shutil.move(old.folder / "ai-usage-backup.tar.gz", new.folder)
    shutil.rmtree(old.folder)

    said = pasted(commands("Restore"), new)

    assert "all sound" in said
    assert f"Rebuilding 4 days ({FROM}..{TO}) from the archive." in said
    assert "source_" not in said, "nobody is asked"
    assert names_in_the_run_list(new) == ["ai_usage_rebuild"]
    assert new.rows(CONTENTS) == counted
    assert_equal_tables(wanted, warehouse_of(settings_of(new)))
    assert (new.folder / ".ai_usage" / "reference" / "users.csv").is_file()
    assert "History is missing" not in new.call(*A_RUN, **APRIL).out
