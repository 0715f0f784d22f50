"""Who is who from lists that are kept as they differ is who is who from the archive alone."""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.directories.scim import AI_USAGE
from ai_usage.errors import ArchiveError
from ai_usage.identity import Identity, IdentityInputs, Snapshot
from ai_usage.normalised import kept
from ai_usage.normalised import lists as module
from ai_usage.normalised.lists import NO_LISTS, KeptLists
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.reference import VENDOR, encode, reference_file
from ai_usage.settings import Settings
from ai_usage.vendors.anthropic import VENDOR as ANTHROPIC
from ai_usage.vendors.cursor import VENDOR as CURSOR

TODAY = date(2026, 11, 30)
TABLES = ("dim_users", "api_key_mappings", "bridge_user_identity", "dim_cost_centers")
Said = Mapping[int, int]
"""Who is listed, by number, and which of a few states they are in."""


def nov(day: int) -> date:
    return date(2026, 11, day)


def line(n: int, state: int) -> dict[str, Any]:
    """A line of users.csv. Whoever is in state 3 has another address as well, and an amount."""
    return {
        "user_email": f"p{n}@x.com",
        "user_id": str(n),
        "team": f"Team {state}",
        "effective_date": nov(state + 1) if state == 2 else None,
        "aliases": (f"q{n}@x.com",) if state == 3 else None,
        "ai_budget_monthly_usd": "100.50" if state == 3 else None,
        "is_active": state != 4,
    }


def users(said: Said) -> bytes:
    file = reference_file("users.csv")
    empty = {column.name: column.default for column in file.columns}
    return encode(file, [{**empty, **line(n, state)} for n, state in said.items()])


def accounts(said: Said) -> bytes:
    """A SCIM directory's page. Who is in state 3 has a key, in state 4 cannot be read; 9 can."""
    key = {"platform": "anthropic", "value": "apikey_1", "display": "ci"}
    records = [
        {
            "id": f"s{n}",
            "userName": f"p{n}@x.com",
            "active": {} if state == 4 else state != 1,
            AI_USAGE: {"team": f"T{state}", "apiKeys": [key] if state == 3 else []},
        }
        for n, state in {**said, 9: 0}.items()
    ]
    return json.dumps({"totalResults": len(records), "Resources": records}).encode()


def members(said: Said) -> bytes:
    """Cursor's page of members. Who is in state 3 is removed, in state 4 cannot be read; 9 can."""
    records: list[dict[str, Any]] = [
        {
            "id": n if state != 4 else {},
            "email": f"p{n}@x.com",
            "name": f"Name {state}",
            "isRemoved": state == 3,
        }
        for n, state in {**said, 9: 0}.items()
    ]
    return json.dumps({"teamMembers": records}).encode()


def keys(said: Said) -> bytes:
    """Anthropic's page of keys."""
    records = [
        {
            "id": f"apikey_{n}",
            "name": f"key {state}",
            "status": "inactive" if state == 3 else "active",
            "created_at": "2026-10-01T00:00:00Z",
            "created_by": {"id": f"user_{n}", "type": "user"},
        }
        for n, state in said.items()
    ]
    return json.dumps({"data": records, "has_more": False}).encode()


LISTS: Mapping[str, tuple[tuple[str, str], Callable[[Said], bytes]]] = {
    "users.csv": ((VENDOR, "users"), users),
    "scim": (("scim", "users"), accounts),
    "members": (("cursor", "members"), members),
    "keys": (("anthropic", "api_keys"), keys),
}


class House:
    """An archive, and a folder for what is kept of it."""

    def __init__(self, folder: Path, root: str | None = None) -> None:
        self.cache = folder / "cache" / "lists"
        self.settings = Settings(home=folder)
        self.archive = Archive(root or str(folder / "archive"))
        self._at = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def says(self, name: str, day: int, said: Said | bytes) -> None:
        """Archive an answer of that day, after all others."""
        self._at += timedelta(minutes=1)
        endpoint, body = LISTS[name]
        at = self._at
        with self.archive.recording(*endpoint, Window.day(nov(day)), fetched_at=at) as recorder:
            recorder.add(Page(said if isinstance(said, bytes) else body(said), "page"))

    def directory(self, kept: KeptLists) -> Directory:
        declared = Declared.of(self.settings, [CURSOR, ANTHROPIC])
        clock = mock.Mock(today=TODAY, now=datetime(2026, 11, 30, 20, tzinfo=UTC))
        return Directory(declared, self.archive, clock, kept)

    def snapshots(self, kept: KeptLists | None = None) -> list[Snapshot]:
        own = KeptLists(self.cache) if kept is None else kept
        return list(self.directory(own).snapshots())

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.cache.rglob("*") if path.is_file())


def told(snapshots: Sequence[Snapshot]) -> list[Any]:
    """Snapshots as they are for whoever does not ask how they follow one another."""
    return [(s.day, s.source, list(s.rows), [list(rows) for rows in s.earlier]) for s in snapshots]


def tables(snapshots: Sequence[Snapshot]) -> list[Any]:
    identity = Identity(IdentityInputs(snapshots, datetime(2026, 11, 30, 20, tzinfo=UTC)))
    return [getattr(identity, table)() for table in TABLES]


def check(house: House) -> None:
    """What is kept says what the archive says, and how it follows."""
    found, alone = house.snapshots(), house.snapshots(NO_LISTS)
    assert told(found) == told(alone)
    bare = [snapshot._replace(said=None) for snapshot in alone]
    assert tables(found) == tables(alone) == tables(bare)
    for snapshot in found:
        said = snapshot.said
        assert said is not None
        gone, new = ({id(row) for row in rows} for rows in (said.gone, said.new))
        before, rows = ({id(row) for row in rows} for rows in (said.before, said.rows))
        assert len(rows) == len(said.rows)
        assert (gone, new) == (before - rows, rows - before)


@contextmanager
def house(root: str | None = None) -> Iterator[House]:
    with tempfile.TemporaryDirectory() as folder:
        yield House(Path(folder), root)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The pages that are read of the archive."""
    read: list[str] = []
    page = Archive.page

    def noted(self: Archive, vendor: str, endpoint: str, sha256: str) -> bytes:
        read.append(endpoint)
        return page(self, vendor, endpoint, sha256)

    with mock.patch.object(Archive, "page", noted):
        yield read


# -- whatever happens to lists and to what is kept -------------------------------------------------

_said = st.dictionaries(st.integers(1, 6), st.integers(0, 4), max_size=6)
_says = st.tuples(st.just("says"), st.sampled_from(sorted(LISTS)), st.integers(1, 6), _said)
_spoils = st.tuples(
    st.sampled_from(["remove", "cut", "turn", "swap", "foreign", "all"]), st.integers(0, 10**6)
)


def spoil(house: House, how: str, number: int) -> None:
    """Do something to what is kept."""
    if how == "all":
        shutil.rmtree(house.cache, ignore_errors=True)
    files = house.files
    if not files:
        return
    path, other = files[number % len(files)], files[number // len(files) % len(files)]
    content = path.read_bytes()
    place = number % len(content)
    if how == "remove":
        path.unlink()
    elif how == "cut":
        path.write_bytes(content[:place])
    elif how == "turn":
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif how == "swap":
        path.write_bytes(other.read_bytes())
        other.write_bytes(content)
    elif how == "foreign":
        path.write_bytes(b"{}")


def run(house: House, steps: Sequence[tuple[Any, ...]]) -> None:
    for step in steps:
        if step[0] == "says":
            house.says(*step[1:])
        else:
            spoil(house, *step)
        check(house)


@pytest.mark.parametrize("of_a_bucket", [False, pytest.param(True, marks=pytest.mark.slow)])
@settings(max_examples=25)
@given(st.lists(_says | _says | _spoils, max_size=10))
@example([("says", "scim", 1, {1: 0, 2: 0}), ("says", "scim", 3, {1: 4}), ("says", "scim", 2, {})])
def test_whatever_lists_say_it_is_what_a_fold_of_the_archive_gives(
    of_a_bucket: bool, steps: list[tuple[Any, ...]]
) -> None:
    """Days come late and are restated; what is kept is removed, damaged and mistaken."""
    with house(f"memory://{uuid.uuid4().hex}" if of_a_bucket else None) as own:
        run(own, steps)


# -- what it saves ---------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> House:
    """Every list on four days, kept."""
    found = House(tmp_path)
    for name in LISTS:
        for day in (1, 2, 4, 5):
            found.says(name, day, {1: 0, 2: day % 3, 3: 0})
    found.snapshots()
    return found


def test_what_is_kept_is_not_read_again(own: House) -> None:
    with counted() as read:
        own.snapshots()
    assert read == []


@pytest.mark.parametrize("name", LISTS)
def test_one_more_day_reads_that_day(own: House, name: str) -> None:
    own.says(name, 6, {1: 0, 2: 0, 3: 1})
    with counted() as read:
        own.snapshots()
    assert read == [LISTS[name][0][1]]


def test_a_late_day_reads_that_one_and_the_next(own: House) -> None:
    own.says("users.csv", 3, {1: 0, 2: 2, 3: 0})
    with counted() as read:
        own.snapshots()
    assert read == ["users"] * 2


def test_only_lines_that_differ_are_kept(own: House) -> None:
    """2,000 lines once, and one that is another."""
    many = dict.fromkeys(range(2_000), 0)
    for day in (1, 2, 4, 5):
        own.says("users.csv", day, many | {7: day % 3})
    own.snapshots()
    sizes = sorted(path.stat().st_size for path in own.cache.rglob("users.csv/*"))
    assert sizes[-1] > 100 * sizes[-2]


def test_what_no_answer_needs_any_more_is_removed(own: House) -> None:
    held = own.files
    with mock.patch.object(module, "_LEFT_BEHIND", -1):
        own.says("users.csv", 5, {1: 1})
        own.snapshots()
    assert len(own.files) == len(held)
    assert len(set(held) - set(own.files)) == 1


def test_another_version_makes_it_anew_and_leaves_nothing_of_the_old(
    own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = own.files
    monkeypatch.setattr(kept, "readers_version", lambda: "f" * 64)
    with counted() as read:
        check(own)
    assert "users" in read
    assert len(own.files) == len(held)
    assert not set(own.files) & set(held)


# -- what it does not hide -------------------------------------------------------------------------


def test_an_answer_that_cannot_be_read_fails_as_often_as_it_is_asked(own: House) -> None:
    own.says("members", 6, b'{"teamMembers": [7]}')
    for _ in range(2):
        with pytest.raises(ArchiveError, match="has a shape that cannot be read"):
            own.snapshots()


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    found = House(tmp_path)
    found.says("users.csv", 1, {1: 0})
    (tmp_path / "cache").write_text("in the way")
    check(found)


def test_a_value_that_does_not_come_back_as_it_was_is_not_kept(tmp_path: Path) -> None:
    """A state of before the column was a text."""
    found = House(tmp_path)
    body = json.loads(users({1: 0, 2: 1}))
    body["rows"][0]["team"] = 7
    found.says("users.csv", 1, json.dumps(body).encode())
    found.says("users.csv", 2, {1: 0, 2: 1})
    check(found)
    assert len(found.files) == 1
