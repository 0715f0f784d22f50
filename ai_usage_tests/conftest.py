"""Companies loaded once for all tests, and figures that tests measure, printed at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date

import hypothesis
import pytest

from ai_usage.simulator import Company
from ai_usage_tests.support.pipeline import Loaded, load_once, window

# A loaded machine is no failure: how long an example takes says nothing about what it shows. The
# same examples each time: what has passed passes again. AI_USAGE_EXPLORE=1 looks for new ones.
hypothesis.settings.register_profile(
    "ai-usage", deadline=None, derandomize=not os.environ.get("AI_USAGE_EXPLORE")
)
hypothesis.settings.load_profile("ai-usage")

TODAY = date(2026, 3, 18)
"""The day on which the simulated company is seen; the day is provisional."""
ANCHOR = date(2026, 4, 1)
"""Puts the mover, the joiner, the leaver and a change of prices inside the quarter."""

_figures = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is long, unless it is asked for."""
    if "long" not in config.option.markexpr:
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """89 days of the default company, December to today, in one run. Read only."""
    days = window(date(2025, 12, 20), TODAY)
    return load_once(tmp_path_factory, "quarter", Company(today=TODAY, anchor=ANCHOR), days)


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Five days of the default company up to today, in one run. Read only: copy it to change it."""
    days = window(date(2026, 3, 14), TODAY)
    return load_once(tmp_path_factory, "week", Company(today=TODAY, anchor=ANCHOR), days)


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Say a measured figure: it is printed below the test results, passing or not."""
    return pytestconfig.stash.setdefault(_figures, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the figures that tests have measured."""
    figures = config.stash.get(_figures, [])
    if figures:
        terminalreporter.section("figures measured")
        for line in figures:
            terminalreporter.line(line)
