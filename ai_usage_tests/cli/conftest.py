"""A simulated company on loopback, and a warehouse that the command line has filled once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ai_usage.simulator.company import Company
from ai_usage.simulator.reference import write_reference_files
from ai_usage.simulator.server import serve
from ai_usage_tests.cli.support import FROM, TO, TODAY, Done, Place, files_below, vendors


@pytest.fixture(scope="session")
def company() -> Company:
    """Thirty people seen on `TODAY`."""
    return Company(today=TODAY, people=30)


@pytest.fixture(scope="session")
def vendors_url(company: Company) -> Iterator[str]:
    """The base URL of the simulated vendors."""
    with serve(company) as url:
        yield url


@dataclass(frozen=True)
class Filled:
    """What `ai-usage backfill` made of an empty folder, and what else it wrote anywhere."""

    place: Place
    done: Done
    strays: set[Path]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, company: Company, vendors_url: str) -> Filled:
    """Four days fetched and materialised, with a home and a folder for temporary files of its own.

    The state is in the default place, below the folder in which the command was called.
    """
    root = tmp_path_factory.mktemp("filled")
    work, user, temporary = (root / name for name in ("work", "user", "tmp"))
    for folder in (work, user, temporary):
        folder.mkdir()
    (work / ".env").write_text("AI_USAGE_HTTP_ATTEMPTS=2\n")
    write_reference_files(company, work / ".ai_usage" / "reference")
    before = files_below(root)
    place = Place(work, vendors(vendors_url))
    done = place.run("backfill", "--from", FROM, "--to", TO, HOME=str(user), TMPDIR=str(temporary))
    place.run("doctor", HOME=str(user), TMPDIR=str(temporary))
    place.run("query", "SELECT 1 AS one", HOME=str(user), TMPDIR=str(temporary))
    after = files_below(root)
    changed = {path for path, at in after.items() if before.get(path) != at}
    return Filled(place, done, {p for p in changed if not p.is_relative_to(work / ".ai_usage")})


@pytest.fixture(scope="session")
def place(filled: Filled) -> Place:
    """The filled folder. Read only: copy it to change it."""
    return filled.place


@pytest.fixture
def empty(tmp_path: Path, vendors_url: str) -> Place:
    """A new folder with the vendors' keys in its environment."""
    return Place(tmp_path / "empty", vendors(vendors_url))
