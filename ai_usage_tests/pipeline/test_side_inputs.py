"""An input that fails stops only itself, by the command line and by the daemon alike.

Each fault goes through both: its last good state is used, all else is built from what came, one
line says it, and one alert.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage.settings import Settings
from ai_usage.simulator import SCIM_TOKEN, Company, FaultPlan, serve, write_directory_files
from ai_usage.vendors.anthropic import VENDOR as ANTHROPIC
from ai_usage_tests.alerts.receivers import http_receiver
from ai_usage_tests.cli.support import Place
from ai_usage_tests.support.pipeline import (
    assert_equal_tables,
    own_dagster_home,
    run_window,
    simulated_environment,
    warehouse_of,
    window,
)
from ai_usage_tests.support.ticks import tick

pytestmark = pytest.mark.slow

TODAY = date(2026, 3, 18)
EVE = TODAY - timedelta(days=1)
FIRST = EVE - timedelta(days=1)
BUDGETS = "scope_type,scope_value,amount,valid_from\nteam,Platform,{},2026-03-01\n"


@dataclass(frozen=True)
class Fault:
    """What goes wrong on the second day, and what is said of it."""

    stops: frozenset[str]
    says: str
    plan: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Lines that are appended to files."""


FAULTS = {
    "a vendor": Fault(
        frozenset(f"source_anthropic_{endpoint.name}" for endpoint in ANTHROPIC.endpoints),
        "anthropic: answered 503 (Service unavailable). Try again later. (6 assets)",
        plan=("503@/anthropic/",),
    ),
    "a directory": Fault(frozenset({"source_scim_users"}), "answered 503", plan=("503@/scim/",)),
    "half of a directory's settings": Fault(
        frozenset({"source_scim_users"}),
        "AI_USAGE_SCIM_TOKEN",
        settings={"AI_USAGE_SCIM_TOKEN": ""},
    ),
    "a line of a file": Fault(
        frozenset({"reference_budgets"}),
        "budgets.csv:4",
        files={"budgets.csv": "team,Platform,lots,2026-04-01\n"},
    ),
    "a line of the file of people, against which others are judged": Fault(
        frozenset({"reference_users"}), "users.csv:", files={"users.csv": "not an address\n"}
    ),
}


@dataclass(frozen=True)
class Yesterday:
    """An installation that has run once, yesterday, and its vendors as they are today."""

    home: Path
    plan: FaultPlan
    environment: Mapping[str, str]


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yesterday]:
    whole = Company(today=TODAY, people=30, scale=0.05)
    seen = whole.on(EVE)
    plan = FaultPlan()
    home = tmp_path_factory.mktemp("yesterday")
    with serve(lambda: seen, faults=plan) as url:
        more = {"AI_USAGE_SCIM_URL": f"{url}/scim/v2", "AI_USAGE_SCIM_TOKEN": SCIM_TOKEN}
        environment = simulated_environment(home, url, EVE, FIRST, **more)
        write_directory_files(whole, home / "reference")
        (home / "reference" / "budgets.csv").write_text(BUDGETS.format(100))

        result = run_window(Settings.load(environment), window(FIRST, EVE), checks=False)
        assert result.success, result.errors
        seen = whole
        yield Yesterday(home, plan, {**environment, "AI_USAGE_AS_OF": str(TODAY)})
    shutil.rmtree(home, ignore_errors=True)


def broken(yesterday: Yesterday, fault: Fault, home: Path, urls: str) -> dict[str, str]:
    """A copy of the installation with the fault in it: its environment."""
    shutil.copytree(yesterday.home, home, ignore=shutil.ignore_patterns("dagster"))
    # A good change besides: it must get through.
    (home / "reference" / "budgets.csv").write_text(
        BUDGETS.format(100) + "team,Growth,50,2026-03-01\n"
    )
    for name, line in fault.files.items():
        path = home / "reference" / name
        path.write_text(path.read_text() + line)
    return {
        **yesterday.environment,
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_NOTIFY_URLS": urls,
        **fault.settings,
    }


def not_built(posts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [post for post in posts if "not built" in post["title"]]


@pytest.mark.parametrize("name", FAULTS)
def test_an_input_that_fails_stops_only_itself_by_either_way(
    yesterday: Yesterday, tmp_path: Path, name: str
) -> None:

    fault = FAULTS[name]
    yesterday.plan.set(*fault.plan)
    with http_receiver() as receiver:
        by_hand = broken(yesterday, fault, tmp_path / "command", receiver.url())
        done = Place(tmp_path, by_hand).call("run")
        told = receiver.taken()
        unasked = Settings.load(broken(yesterday, fault, tmp_path / "daemon", receiver.url()))
        with own_dagster_home():
            ticked = tick(unasked)
        told_by_the_daemon = receiver.taken()

    assert done.code == 1, done.out + done.err
    errors = [line for line in done.out.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.out
    assert fault.says in errors[0]
    stopped = re.findall(
        r"^Not built, because of the above: (.*)\. Their last good", done.out, re.M
    )
    assert set(stopped[0].split(", ")) == fault.stops
    assert ticked.not_built == fault.stops
    assert len(not_built(told)) == 1, [post["title"] for post in told]
    assert len(not_built(told_by_the_daemon)) == 1

    commands = warehouse_of(Settings.load(by_hand))
    assert_equal_tables(commands, warehouse_of(unasked))
    (new,) = commands.rows(
        "SELECT COUNT(*) AS n FROM raw_ai_events WHERE platform = 'cursor' "
        f"AND event_date = DATE '{TODAY}'"
    )
    assert new["n"] > 0, "what the others answered today is there"
    kept = {row["scope_value"] for row in commands.rows("SELECT scope_value FROM dim_budgets")}
    assert kept == ({"Platform"} if "reference_budgets" in fault.stops else {"Platform", "Growth"})
    people = commands.rows("SELECT COUNT(*) AS n FROM dim_users WHERE user_sk > 0 AND is_current")
    assert next(iter(people))["n"] >= 25, "the last good state of the directories"
