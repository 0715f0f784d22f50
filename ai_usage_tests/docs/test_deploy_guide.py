"""The deploy guide names settings, commands and datasets that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ai_usage.settings import Settings
from ai_usage.warehouse.files import sql_root

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of the guide, as a `.env`."""
    (block,) = re.findall(r"```sh\n(AI_USAGE_WAREHOUSE=.*?)```", GUIDE, re.S)
    (tmp_path / ".env").write_text(block, encoding="utf-8")
    return Settings.load({"AI_USAGE_ENV_FILE": str(tmp_path / ".env")})


def test_the_guides_settings_name_the_datasets_that_it_makes(settings: Settings) -> None:
    """And nothing in them expires."""
    never = "--default_table_expiration=0 --default_partition_expiration=0"
    made = re.findall(rf"bq mk --location=(\S+) {never} --dataset (\S+):(\S+)", GUIDE)
    datasets = (settings.dataset, settings.internal_dataset, settings.views_dataset)
    assert made == [
        (settings.bigquery_location, settings.bigquery_project, dataset) for dataset in datasets
    ]


def test_the_guide_authorises_views_on_what_lies_below_them(settings: Settings) -> None:
    authorised = re.findall(r'"datasetId": "(\w+)"\}, "targetTypes": \["VIEWS"\]', GUIDE)
    assert authorised == [settings.views_dataset, settings.internal_dataset]


def test_the_guides_datasets_and_account_are_those_of_the_access_scripts(
    settings: Settings,
) -> None:
    grants = (sql_root() / "access" / "1_grants.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"ON SCHEMA (\w+)", grants)) == {
        settings.dataset,
        settings.internal_dataset,
        settings.views_dataset,
    }
    (account,) = re.findall(r"SA=(\S+)", GUIDE)
    assert account in grants
    for script in sorted((sql_root() / "access").glob("*.sql")):
        assert f"`{script.name}`" in GUIDE
