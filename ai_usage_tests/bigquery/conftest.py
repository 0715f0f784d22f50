"""A place to run, datasets that are deleted afterwards, and one month loaded for all tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from ai_usage.cli.demo import vendor_environment
from ai_usage.settings import Settings
from ai_usage.simulator import Company, serve, write_reference_files
from ai_usage.warehouse import bigquery_few
from ai_usage.warehouse.bigquery import BigQueryWarehouse
from ai_usage_tests.bigquery.place import MISSING, Place, is_there, opened
from ai_usage_tests.support.pipeline import (
    Loaded,
    run_window,
    simulated_settings,
    warehouse_of,
    window,
)

TODAY = date(2026, 11, 5)
DAYS = window(date(2026, 10, 27), TODAY)
"""Ten days over the end of a month: month-to-date columns begin anew in them. Every vendor
bills."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the emulator or a real project; without it nothing here runs."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.emulator)
            if not is_there():
                item.add_marker(pytest.mark.skip(reason=MISSING))


def in_bigquery(settings: Settings) -> BigQueryWarehouse:
    """The warehouse that the settings name, which is BigQuery's."""
    warehouse = warehouse_of(settings)
    assert isinstance(warehouse, BigQueryWarehouse)
    return warehouse


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The emulator, or the project that AI_USAGE_TEST_PROJECT names."""
    with opened(tmp_path_factory.mktemp("emulator")) as place:
        yield place


@pytest.fixture(scope="session")
def new_dataset(place: Place) -> Iterator[Callable[[], dict[str, str]]]:
    """Makes a dataset, one for its views and an internal one; gives the settings that name them."""
    made: list[Settings] = []

    def make() -> dict[str, str]:
        environment = place.environment(f"ai_usage_test_{uuid.uuid4().hex[:12]}")
        settings = Settings.load({"AI_USAGE_ENV_FILE": "no.env", **environment})
        warehouse = in_bigquery(settings)
        with warehouse.client() as client:
            for name in warehouse.datasets:
                client.create_dataset(f"{place.project}.{name}")
        made.append(settings)
        return environment

    yield make
    for settings in made:
        warehouse = in_bigquery(settings)
        with warehouse.client() as client:
            for name in warehouse.datasets:
                client.delete_dataset(
                    f"{place.project}.{name}", delete_contents=True, not_found_ok=True
                )


@pytest.fixture(scope="session")
def company() -> Company:
    """A small company: results over REST are slow.

    From thirty days before the anchor on OpenAI's costs come by person: on all of the days, so that
    days that are asked again read as before.
    """
    return Company(today=TODAY, anchor=date(2026, 11, 15), people=30, scale=0.2)


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are loaded, however few they are."""
    monkeypatch.setattr(bigquery_few, "FEW_BYTES", -1)


@pytest.fixture(params=["parameter", "load"])
def either_way(request: pytest.FixtureRequest) -> None:
    """Rows come in as few do, and as many do."""
    if request.param == "load":
        request.getfixturevalue("loading")


def load_into(
    home: Path, company: Company, environment: dict[str, str], *, checks: bool = True
) -> Loaded:
    """Run everything of every vendor over the days into the warehouse of the environment."""
    with serve(company) as base_url:
        more = {**vendor_environment(base_url), **environment}
        settings = simulated_settings(home, base_url, company.today, DAYS.start, **more)
        write_reference_files(company, settings.reference_path)
        result = run_window(settings, DAYS, checks=checks)
    assert result.success, result.errors
    return Loaded(company, settings, DAYS, result)
