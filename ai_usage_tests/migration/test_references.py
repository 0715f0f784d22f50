"""Old sheets of keys and people as files that the next run takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_usage.errors import AiUsageError
from ai_usage.migration.description import ReferenceMapping
from ai_usage.migration.opening import open_source
from ai_usage.migration.references import sheet_of
from ai_usage.migration.sources import MigrationError

READ = {"platform": "'anthropic'", "api_key_id": "key", "user_email": "mail"}


def sheet(tmp_path: Path, *lines: str, **read: str) -> str:
    file = tmp_path / "keys.csv"
    file.write_text("\n".join(["key,mail", *lines]) + "\n")
    mapping = ReferenceMapping(into="api_keys.csv", read={**READ, **read})
    return sheet_of(open_source(f"files:{file}"), "keys", mapping).text


def test_a_line_a_key_each_once_addresses_in_lower_case(tmp_path: Path) -> None:
    text = sheet(tmp_path, "apikey_2,Bob@X.io", "apikey_1,ann@x.io", "apikey_2,bob@x.io")
    assert text.splitlines() == [
        "platform,api_key_id,user_email",
        "anthropic,apikey_1,ann@x.io",
        "anthropic,apikey_2,bob@x.io",
    ]


def test_what_the_next_run_would_refuse_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(AiUsageError, match=r"api_keys\.csv"):
        sheet(tmp_path, "apikey_1,nobody")


def test_a_column_that_the_file_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        MigrationError, match=r"api_keys\.csv has no column colour; it has platform"
    ):
        sheet(tmp_path, "apikey_1,ann@x.io", colour="'red'")
