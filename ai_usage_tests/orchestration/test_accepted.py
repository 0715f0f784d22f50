"""A file is judged anew when anything is otherwise that it was accepted from, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
import msgspec
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.directories.scim import CORE
from ai_usage.instance.partitions import daily_partitions
from ai_usage.orchestration.assets import reference
from ai_usage.orchestration.assets.dimensions import Declared
from ai_usage.orchestration.assets.finance import known_people
from ai_usage.orchestration.resources import resources_of
from ai_usage.reference import VENDOR, Reading, ReferenceFile, read_checked
from ai_usage.settings import Settings

TODAY = date(2026, 3, 18)
USERS = "user_email,team,manager_email\nann@acme.test,Search,boss@acme.test\n"
BUDGETS = "scope_type,scope_value,amount,valid_from\nperson,ann@acme.test,100,2026-03-01\n"


@dataclass
class Desk:
    """The reference files of a company, and whoever takes them in."""

    home: Path
    instance: dg.DagsterInstance
    today: date = TODAY
    judged: list[str] = field(default_factory=list)
    """The files that were read and judged by the last `take`."""

    def write(self, name: str, text: str) -> None:
        folder = self.home / "reference"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    @property
    def settings(self) -> Settings:
        named = {"AI_USAGE_HOME": str(self.home), "AI_USAGE_AS_OF": self.today.isoformat()}
        scim = {"AI_USAGE_SCIM_URL": "http://127.0.0.1:9", "AI_USAGE_SCIM_TOKEN": "t"}
        return Settings.load({**named, **scim, "AI_USAGE_REFERENCE_DIR": f"{self.home}/reference"})

    @property
    def archive(self) -> Archive:
        return Archive(self.settings.archive_root)

    def directory_lists(self, *emails: str) -> None:
        users = [
            {"schemas": [CORE], "id": email, "userName": email, "active": True} for email in emails
        ]
        body = msgspec.json.encode({"totalResults": len(users), "Resources": users})
        at = datetime(self.today.year, self.today.month, self.today.day, 5, tzinfo=UTC)
        day = Window.day(self.today)
        with self.archive.recording("scim", "users", day, fetched_at=at) as recorder:
            recorder.add(Page(body, "GET /Users"))

    def take(self) -> dg.ExecuteInProcessResult:
        settings = self.settings
        declared = Declared.of(settings, [])
        partitions = daily_partitions(settings)
        own = [
            asset
            for asset in reference.reference_assets(settings, known_people(declared), partitions)
            if asset.key.path[-1] in ("reference_users", "reference_budgets")
        ]
        self.judged = []

        def judge(file: ReferenceFile, *rest: Any) -> Reading:
            self.judged.append(file.name)
            return read_checked(file, *rest)

        with mock.patch.object(reference, "read_checked", judge):
            return dg.materialize(
                own,
                partition_key=self.today.isoformat(),
                resources=resources_of(settings),
                instance=self.instance,
                raise_on_error=False,
            )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with dg.DagsterInstance.ephemeral() as instance:
        desk = Desk(tmp_path, instance)
        desk.write("users.csv", USERS)
        desk.write("budgets.csv", BUDGETS)
        desk.directory_lists("bob@acme.test")
        # Until users.csv was accepted once, there is nothing that it could repeat.
        assert desk.take().success
        assert desk.take().success
        yield desk


def told(done: dg.ExecuteInProcessResult, name: str) -> dict[str, object]:
    (event,) = done.asset_materializations_for_node(f"reference_{name}")
    return {key: value.value for key, value in event.metadata.items()}


def test_what_was_accepted_from_the_same_is_kept_again_and_told_again(desk: Desk) -> None:
    before = len(desk.archive.fetches(VENDOR, "users"))
    desk.directory_lists("bob@acme.test")
    done = desk.take()
    assert done.success
    assert desk.judged == []
    fetches = desk.archive.fetches(VENDOR, "users")
    assert len(fetches) == before + 1
    pages = [list(desk.archive.pages(fetch)) for fetch in fetches]
    assert pages == [pages[0]] * len(pages)
    assert told(done, "users")["dagster/row_count"] == 1
    # That the manager has no line of their own.
    assert told(done, "users")["warnings"] == 1
    assert told(done, "users")["changed"] is False


def test_a_file_is_judged_anew_when_another_is_edited(desk: Desk) -> None:
    desk.write("users.csv", USERS.replace("ann@", "dan@"))
    # Budgets come first: they know the state of users.csv before.
    assert desk.take().success
    assert desk.judged == ["budgets.csv", "users.csv"]
    assert not desk.take().success
    assert desk.judged == ["budgets.csv"]
    desk.write("budgets.csv", BUDGETS.replace("ann@", "dan@"))
    assert desk.take().success


def test_a_file_is_judged_anew_when_a_directory_lists_others_and_on_another_day(
    desk: Desk,
) -> None:
    desk.directory_lists("bob@acme.test", "cy@acme.test")
    assert desk.take().success
    assert desk.judged == ["budgets.csv"]
    desk.today = date(2026, 3, 19)
    assert desk.take().success
    assert sorted(desk.judged) == ["budgets.csv", "users.csv"]


def test_a_refused_file_is_refused_again(desk: Desk) -> None:
    desk.write("budgets.csv", BUDGETS.replace("ann@", "nobody@"))
    for _ in range(2):
        assert not desk.take().success
        assert "budgets.csv" in desk.judged
