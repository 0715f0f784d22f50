"""What it costs to know who is who, where many people change on many days.

Run: `python -m benchmarks.bench_identities [people] [days] [users.csv|scim]`. A directory is
archived every day, and one person in a hundred is in another team than the day before. Then all
four tables of identities are made, each time in a process of its own: from the archive alone, and
again with each of three more days, with what the times before have kept. CPU-seconds are of the
work, not of its imports; the peak is of the process, told beside what the imports alone take.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.cli.app import OBJECTS_BETWEEN_COLLECTIONS
from ai_usage.days.clock import SystemClock
from ai_usage.days.windows import Window
from ai_usage.directories.scim import AI_USAGE, ENTERPRISE
from ai_usage.identity import Identity, IdentityInputs
from ai_usage.normalised.lists import KeptLists
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.reference import VENDOR, encode, reference_file
from ai_usage.settings import Settings
from ai_usage.warehouse.schema import table_schema

START = date(2025, 1, 1)
MORE_DAYS = 3
CHANGED = 100
"""One in so many changes a day."""
USERS_A_PAGE = 100
TABLES = ("dim_users", "api_key_mappings", "bridge_user_identity", "dim_cost_centers")


def moves(person: int, at: int) -> int:
    """How often the person has changed by that day: one in `CHANGED` does each day."""
    return (at + CHANGED - person % CHANGED) // CHANGED


def line(person: int, at: int) -> dict[str, Any]:
    """The person's line of users.csv."""
    team = (person + moves(person, at)) % 200
    return {
        "user_email": f"first{person}.last{person}@example.com",
        "user_id": f"00u{person:09d}",
        "employee_id": f"E{person:06d}",
        "first_name": f"First{person}",
        "last_name": f"Last{person}",
        "full_name": f"First{person} Last{person}",
        "department": f"Department {team // 20}",
        "team": f"Team {team}",
        "manager_email": f"first{person // 10}.last{person // 10}@example.com",
        "cost_center": f"CC-{team // 2:03d}",
        "job_title": "Engineer",
        "timezone": "Europe/Berlin",
        "is_active": True,
    }


def account(person: int, at: int) -> dict[str, Any]:
    """The person's account of a SCIM directory."""
    said = line(person, at)
    return {
        "id": said["user_id"],
        "userName": said["user_email"],
        "name": {
            "formatted": said["full_name"],
            "givenName": said["first_name"],
            "familyName": said["last_name"],
        },
        "title": said["job_title"],
        "timezone": said["timezone"],
        "active": True,
        "emails": [{"value": said["user_email"], "type": "work", "primary": True}],
        "meta": {"resourceType": "User", "created": "2024-01-01T00:00:00Z"},
        ENTERPRISE: {
            "employeeNumber": said["employee_id"],
            "costCenter": said["cost_center"],
            "department": said["department"],
            "manager": {"value": f"00u{person // 10:09d}"},
        },
        AI_USAGE: {"team": said["team"]},
    }


def pages_of_file(people: int, at: int) -> Iterator[Page]:
    """What is archived of users.csv."""
    file = reference_file("users.csv")
    empty = {column.name: column.default for column in file.columns}
    yield Page(encode(file, [{**empty, **line(n, at)} for n in range(people)]), file.name)


def pages_of_scim(people: int, at: int) -> Iterator[Page]:
    """What is archived of a SCIM directory."""
    for first in range(0, people, USERS_A_PAGE):
        users = [account(n, at) for n in range(first, min(first + USERS_A_PAGE, people))]
        yield Page(msgspec.json.encode({"totalResults": people, "Resources": users}), "GET /Users")


DIRECTORIES: dict[str, tuple[tuple[str, str], Callable[[int, int], Iterator[Page]]]] = {
    "users.csv": ((VENDOR, "users"), pages_of_file),
    "scim": (("scim", "users"), pages_of_scim),
}


def archive_day(archive: Archive, name: str, people: int, at: int) -> None:
    """Keep what the directory says on that day."""
    endpoint, pages = DIRECTORIES[name]
    day = START + timedelta(days=at)
    now = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    with archive.recording(*endpoint, Window.day(day), fetched_at=now) as recorder:
        for page in pages(people, at):
            recorder.add(page)


def fold(home: Path, today: date) -> None:
    """Make all tables of identities, and print what it took."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    settings, schemas = Settings(home=home), {name: table_schema(name) for name in TABLES}
    nobody = Identity(IdentityInputs([], settings.now))
    for name, of in schemas.items():
        of.to_arrow(getattr(nobody, name)())
    imported, began = _peak(), time.process_time()
    directory = Directory(
        Declared.of(settings, []),
        Archive.of(settings),
        SystemClock(today),
        KeptLists(home / "cache" / "lists"),
    )
    identity = Identity(IdentityInputs(list(directory.snapshots()), directory.clock.now))
    tables = [of.to_arrow(getattr(identity, name)()) for name, of in schemas.items()]
    taken = {"cpu": time.process_time() - began, "peak": _peak(), "imported": imported}
    print(json.dumps({**taken, "rows": sum(table.num_rows for table in tables)}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6


def folded(home: Path, at: int) -> dict[str, float]:
    """What `fold` takes in a process of its own."""
    day = START + timedelta(days=at)
    command = [sys.executable, "-m", "benchmarks.bench_identities", "--fold", str(home), str(day)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(people: int, days: int, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        archive = Archive.of(Settings(home=home))
        for at in range(days):
            archive_day(archive, name, people, at)
        print(f"{name}: {people:,} people, {days:,} days, one in {CHANGED} changes a day")
        first = folded(home, days - 1)
        more = []
        for at in range(days, days + MORE_DAYS):
            archive_day(archive, name, people, at)
            more.append(folded(home, at))
        for title, taken in (("first", [first]), ("one more day", more)):
            cpu, peak, imported, rows = (
                median(one[key] for one in taken) for key in ("cpu", "peak", "imported", "rows")
            )
            print(
                f"{title:14}{cpu:7.1f} CPU-s, peak {peak:,.0f} MB "
                f"(imports {imported:,.0f} MB), {rows:,.0f} rows"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fold"]:
        fold(Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
    else:
        given = sys.argv[1:]
        main(
            int(given[0]) if given else 10_000,
            int(given[1]) if given[1:] else 365,
            given[2] if given[2:] else "users.csv",
        )
