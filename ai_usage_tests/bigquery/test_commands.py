"""The command line on BigQuery: what `doctor` sees, and comparing with another warehouse."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from ai_usage.cli.compare import compare_installations
from ai_usage.cli.doctor_bigquery import findings, human
from ai_usage.settings import Settings
from ai_usage_tests.support.pipeline import warehouse_of, window
from ai_usage_tests.warehouse.rows import DAY, arrow, days, raw


def settings_in(file: Path, environment: dict[str, str]) -> Settings:
    """The settings of an installation whose file is given, which is written."""
    lines = {**environment, "AI_USAGE_HOME": str(file.parent), "AI_USAGE_START_DATE": "2026-01-01"}
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items() if value))
    return Settings.load({"AI_USAGE_ENV_FILE": str(file)})


@pytest.fixture(scope="module")
def two(
    new_dataset: Callable[[], dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Settings, Path]:
    """An installation on BigQuery, one on DuckDB with the same event, and the latter's file."""
    folder = tmp_path_factory.mktemp("two")
    here = settings_in(folder / "here.env", new_dataset())
    file = folder / "there.env"
    there = settings_in(file, {"AI_USAGE_WAREHOUSE": "duckdb"})
    for settings in (here, there):
        warehouse_of(settings).replace(
            "raw_ai_events", days(DAY, 1), arrow("raw_ai_events", [raw(DAY, "same")])
        )
    return here, there, file


def compared(settings: Settings, other: Path, **options: object) -> tuple[bool, str]:
    text = io.StringIO()
    given = {"window": None, "limit": 5, **options}
    equal = compare_installations(Console(file=text, width=500), settings, other, **given)  # type: ignore[arg-type]
    return equal, text.getvalue()


def test_two_engines_with_the_same_rows_do_not_differ(two: tuple[Settings, Settings, Path]) -> None:
    here, _, file = two
    equal, said = compared(here, file)
    assert equal, said
    assert "no difference in every table and view" in said


def test_a_row_more_is_named_and_days_outside_the_window_do_not_count(
    two: tuple[Settings, Settings, Path],
) -> None:
    here, there, file = two
    rows = arrow("raw_ai_events", [raw(DAY, "same"), raw(DAY, "more")])
    warehouse_of(there).replace("raw_ai_events", days(DAY, 1), rows)
    equal, said = compared(here, file)
    assert not equal
    assert "raw_ai_events (event_id=" in said
    assert "1 differences" in said
    before = window(DAY.replace(day=1), DAY.replace(day=DAY.day - 1))
    assert compared(here, file, window=before)[0]


def test_doctor_sees_datasets_permissions_and_the_bytes_of_the_views(
    new_dataset: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    settings = settings_in(tmp_path / "here.env", new_dataset())
    warehouse = warehouse_of(settings)
    first = [finding.what for finding in findings(settings, warehouse)]
    datasets = [settings.dataset, f"{settings.dataset}_internal", settings.views_dataset]
    assert first == [
        *(f"dataset {name}" for name in datasets),
        "permissions",
        *(f"trial in {name}" for name in datasets),
    ]
    from ai_usage.orchestration.assets.sql_views import view_literals
    from ai_usage.warehouse.views import view_schema

    view = view_schema("vw_member_spend")
    warehouse.create_view(view, view_literals(settings.as_of, view))
    found = list(findings(settings, warehouse))
    assert all(finding.ok for finding in found), found
    assert found[-1].what == view.name
    assert "reading it all processes" in found[-1].detail


def test_doctor_says_how_to_make_a_dataset_that_is_not_there(
    new_dataset: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    environment = {**new_dataset(), "AI_USAGE_DATASET": "ai_usage_not_there"}
    settings = settings_in(tmp_path / "here.env", environment)
    found = {finding.what: finding for finding in findings(settings, warehouse_of(settings))}
    missing = ["ai_usage_not_there", "ai_usage_not_there_internal"]
    assert [name for name in missing if not found[f"dataset {name}"].ok] == missing
    for name in missing:
        assert "bq mk --default_table_expiration=0" in found[f"dataset {name}"].detail
        assert f"--dataset {settings.bigquery_project}:{name}`" in found[f"dataset {name}"].detail
    assert found[f"dataset {settings.views_dataset}"].ok


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (3 * 10**12, "3 TB")]
)
def test_bytes_are_told_for_a_person(size: int, text: str) -> None:
    assert human(size) == text
