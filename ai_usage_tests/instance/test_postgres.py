"""Dagster's storage in a real Postgres, set up as `docs/operations.md` says."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ai_usage_tests.alerts.receivers import Receiver, free_port, http_receiver
from ai_usage_tests.cli.support import Place, files_below

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PASSWORD = "plantedPostgresPassword"
RUN = ("backfill", "--from", "2026-03-18", "--select", "raw_ai_events")
"""Nothing was fetched: completeness warns."""


@dataclass(frozen=True)
class Installation:
    """Commands whose Dagster storage is the database."""

    place: Place
    receiver: Receiver
    dagster: Path
    url: str


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that another user can reach, as no folder of pytest's is."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[str]:
    """A new database cluster on loopback; the URL as the document writes it."""
    found = shutil.which("postgres")
    if found is None:
        pytest.skip("there is no Postgres server here")
    port = free_port()
    (folder / "password").write_text(PASSWORD)
    programs = Path(found).resolve().parent
    who = _nobody(folder)

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603
            [programs / program, "-D", folder / "data", *arguments],
            user=who,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    call("initdb", "-U", "dagster", "-A", "password", "--pwfile", str(folder / "password"))
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    call("pg_ctl", "start", "-w", "-o", options, "-l", str(folder / "log"))
    try:
        yield (
            _documented()
            .replace("dagster:password@db.example.com:5432/dagster", "{}")
            .format(f"dagster:{PASSWORD}@127.0.0.1:{port}/postgres")
        )
    finally:
        call("pg_ctl", "stop", "-m", "immediate")


def _nobody(folder: Path) -> int | None:
    """Postgres refuses to run as root: another user then, whose folder it is."""
    if os.getuid() != 0:
        return None
    who = pwd.getpwnam("nobody").pw_uid
    for path in (folder, folder / "password"):
        os.chown(path, who, -1)
    return who


def _documented() -> str:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (url,) = re.findall(r"^export DAGSTER_POSTGRES_URL=(\S+)$", text, re.MULTILINE)
    return str(url)


@pytest.fixture(scope="module")
def installed(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installed")
    dagster = folder / "dagster"
    dagster.mkdir()
    shutil.copy(ROOT / "deploy" / "postgres" / "dagster.yaml", dagster)
    with http_receiver() as receiver:
        place = Place(
            folder,
            {
                "DAGSTER_HOME": str(dagster),
                "DAGSTER_POSTGRES_URL": database,
                "AI_USAGE_HOME": str(folder / "state"),
                "AI_USAGE_AS_OF": "2026-03-18",
                "AI_USAGE_START_DATE": "2026-03-01",
                "AI_USAGE_NOTIFY_URLS": receiver.url(),
                "CURSOR_API_KEY": "key_of_a_test",
            },
        )
        yield Installation(place, receiver, dagster, database)


def test_runs_and_what_was_told_are_in_the_database_for_every_process(
    installed: Installation,
) -> None:
    first = installed.place.run(*RUN)
    assert first.code == 0, first.out + first.err
    (post,) = installed.receiver.taken()
    assert post["title"] == "ai-usage warning: raw_ai_events: completeness failed"
    assert installed.place.call(*RUN).code == 0
    assert installed.receiver.taken() == [], "another process knows that it was told"
    told = installed.place.call("notify", "open").out
    assert "raw_ai_events.completeness: cursor.usage_events on 2026-03-18" in told
    assert not [p for p in files_below(installed.place.folder) if p.suffix == ".db"]
    kept = (ROOT / "deploy" / "postgres" / "dagster.yaml").read_bytes()
    assert (installed.dagster / "dagster.yaml").read_bytes() == kept


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((PASSWORD, "a-wrong-password"), "password authentication failed"),
        (("postgresql+psycopg2://", "postgresql+nothing://"), "nothing"),
    ],
    ids=["wrong password", "wrong driver"],
)
def test_a_storage_that_cannot_be_opened_is_one_line_without_the_password(
    installed: Installation, change: tuple[str, str], says: str
) -> None:
    wrong = installed.url.replace(*change)
    done = installed.place.call("notify", "open", DAGSTER_POSTGRES_URL=wrong)
    assert done.code == 1
    assert done.error.startswith("Dagster's storage cannot be opened: ")
    assert says in done.error
    assert str(installed.dagster / "dagster.yaml") in done.error
    assert PASSWORD not in done.err
    assert "a-wrong-password" not in done.err
