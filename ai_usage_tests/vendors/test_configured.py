"""A run that asks nobody is no success, and says what it looked for and what it saw instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_usage.settings import Settings
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.configured import near_misses, not_asked

CURSOR = {"CURSOR_API_KEY": "key_of_a_test"}
ADMIN, ORDINARY = "sk-ant-admin01-of-a-test", "sk-ant-api03-of-a-test"


def said(folder: Path, file: str | None = None, **environment: str) -> str | None:
    path = folder / "my.env"
    if file is not None:
        path.write_text(file)
    settings = Settings.load({"AI_USAGE_ENV_FILE": str(path), **environment})
    return not_asked(settings, discovered_vendors())


def test_without_any_vendor_it_says_what_it_looked_for_and_where(tmp_path: Path) -> None:
    assert said(tmp_path) == (
        "no vendor is configured, so none was asked: ANTHROPIC_ADMIN_KEY, "
        "CLAUDE_ENTERPRISE_KEY, CURSOR_API_KEY, COPILOT_TOKEN and OPENAI_ADMIN_KEY are neither in "
        f"the environment nor in {tmp_path}/my.env, which is not there. "
        "`ai-usage doctor` says more."
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ANTHROPIC_API_KEY", "ANTHROPIC_ADMIN_KEY"),
        ("ANTROPIC_ADMIN_KEY", "ANTHROPIC_ADMIN_KEY"),
        ("anthropic_admin_key", "ANTHROPIC_ADMIN_KEY"),
        ("CLAUDE_BILLING", "ANTHROPIC_ADMIN_KEY"),
        ("CURSOR_ADMIN_KEY", "CURSOR_API_KEY"),
        ("CURSOR_TOKEN", "CURSOR_API_KEY"),
        ("CURSER_API_KEY", "CURSOR_API_KEY"),
        ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"),
        ("CLAUDE_ANALYTICS_KEY", "CLAUDE_ENTERPRISE_KEY"),
    ],
)
def test_a_key_under_another_name_is_named_with_the_right_one(
    tmp_path: Path, name: str, meant: str
) -> None:
    where = tmp_path / "my.env"
    value = ADMIN if meant.startswith("ANTHROPIC") else "key_of_a_test"
    line = said(tmp_path, f"{name}={value}\n")
    assert line is not None
    assert line.endswith(f"nor in {where}; {name} is set in {where}: rename it to {meant}.")
    assert value not in line


def test_a_slip_beside_a_configured_vendor_is_no_success_either(tmp_path: Path) -> None:
    expected = (
        "Anthropic was not asked: ANTHROPIC_API_KEY is set in {}: rename it to "
        "ANTHROPIC_ADMIN_KEY, or take it out."
    )
    in_file = said(tmp_path, f"ANTHROPIC_API_KEY={ORDINARY}\n", **CURSOR)
    assert in_file == expected.format(tmp_path / "my.env")
    in_environment = said(tmp_path, "", **CURSOR, ANTHROPIC_API_KEY=ADMIN)
    assert in_environment == expected.format("the environment")


def test_a_key_of_another_kind_in_a_persons_environment_is_for_something_else(
    tmp_path: Path,
) -> None:
    assert said(tmp_path, **CURSOR, ANTHROPIC_API_KEY=ORDINARY) is None
    assert said(tmp_path, **CURSOR) is None


def test_other_variables_are_no_keys_of_a_vendor(tmp_path: Path) -> None:
    settings = Settings.load(
        {
            "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
            "MISTRAL_API_KEY": "x",
            "CURSOR_TRACE_ID": "x",
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
            "ANTHROPIC_API_KEY": "",
            "AI_USAGE_SCIM_TOKEN": "x",
        }
    )
    assert near_misses(settings, discovered_vendors()) == []
