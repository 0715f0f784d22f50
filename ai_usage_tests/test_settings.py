"""Settings: from the environment over `.env`, every mistake one line, no secret ever shown."""

from __future__ import annotations

import traceback
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ai_usage.errors import SettingsError
from ai_usage.settings import Settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` of the checkout is read."""
    monkeypatch.chdir(tmp_path)


def refused(environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as raised:
        Settings.load(environment)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_without_any_setting_all_state_is_under_one_folder(tmp_path: Path) -> None:
    settings = Settings.load({"PATH": "/bin", "UNRELATED": "x"})
    home = tmp_path / ".ai_usage"
    assert settings.home == home
    assert settings.warehouse_path == home / "warehouse.duckdb"
    assert settings.archive_root == str(home / "archive")
    assert settings.reference_path == home / "reference"
    assert (settings.warehouse, settings.dataset) == ("duckdb", "ai_usage")
    assert (settings.lookback_usage_days, settings.lookback_cost_days) == (3, 7)


def test_paths_are_absolute_whatever_folder_a_command_runs_in_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    settings = Settings.load(
        {"AI_USAGE_HOME": "state", "AI_USAGE_DUCKDB_PATH": "~/w.db", "AI_USAGE_REFERENCE_DIR": "r"}
    )
    monkeypatch.chdir("/")
    assert settings.home == tmp_path / "state"
    assert settings.warehouse_path == Path("/home/ada/w.db")
    assert settings.reference_path == tmp_path / "r"


def test_an_archive_in_a_bucket_keeps_its_address() -> None:
    settings = Settings.load({"AI_USAGE_ARCHIVE": "gs://bucket/archive"})
    assert settings.archive_root == "gs://bucket/archive"


# -- mistakes -----------------------------------------------------------------------------------


def test_an_unknown_setting_is_refused_with_the_nearest_name() -> None:
    assert refused({"AI_USAGE_DATASETT": "x"}) == (
        "AI_USAGE_DATASETT is not a setting: did you mean AI_USAGE_DATASET?"
    )


def test_an_unknown_setting_without_a_near_name_points_to_the_table() -> None:
    said = refused({"AI_USAGE_COFFEE": "strong"})
    assert said == "AI_USAGE_COFFEE is not a setting: docs/settings.md lists them."


def test_an_unknown_setting_in_the_env_file_says_where(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AI_USAGE_HOMES=x\n")
    assert refused({}) == "AI_USAGE_HOMES in .env is not a setting: did you mean AI_USAGE_HOME?"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("AI_USAGE_AS_OF", "2026-02-30", "valid date"),
        ("AI_USAGE_START_DATE", "yesterday", "valid date"),
        ("AI_USAGE_HTTP_ATTEMPTS", "many", "valid integer"),
        ("AI_USAGE_HTTP_ATTEMPTS", "0", "greater than or equal to 1"),
        ("AI_USAGE_LOOKBACK_COST_DAYS", "-1", "greater than or equal to 0"),
        ("AI_USAGE_COVERAGE_THRESHOLD", "95", "less than or equal to 1"),
        ("AI_USAGE_LOCK_TIMEOUT_SECONDS", "nan", "greater than or equal to 0"),
        ("AI_USAGE_DUCKDB_MEMORY", "100MB", "DuckDB needs at least 384MB"),
        ("AI_USAGE_DUCKDB_MEMORY", "plenty", "could not parse value and unit"),
        ("AI_USAGE_WAREHOUSE", "oracle", "'duckdb' or 'bigquery'"),
        ("AI_USAGE_DATASET", "my data; DROP", "match pattern"),
    ],
)
def test_an_unreadable_value_is_refused_by_name_value_and_reason(
    name: str, value: str, why: str
) -> None:
    said = refused({name: value})
    assert said.startswith(f"{name}={value!r} cannot be read: ")
    assert why in said


def test_an_empty_value_is_as_good_as_none() -> None:
    assert Settings.load({"AI_USAGE_AS_OF": "", "AI_USAGE_DATASET": ""}).dataset == "ai_usage"
    assert Settings.load({"CURSOR_API_KEY": ""}).vendor_secret("CURSOR_API_KEY") is None


# -- the env file -------------------------------------------------------------------------------


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# ours\nexport AI_USAGE_DATASET='from_file'\nAI_USAGE_HTTP_ATTEMPTS=3\n"
        'CURSOR_API_KEY="key_file"\nANTHROPIC_ADMIN_KEY=file # mine\n'
    )
    settings = Settings.load({"AI_USAGE_DATASET": "from_environment", "CURSOR_API_KEY": "key_env"})
    assert settings.dataset == "from_environment"
    assert settings.http_attempts == 3
    assert settings.vendor_value("CURSOR_API_KEY") == "key_env"
    assert settings.vendor_value("ANTHROPIC_ADMIN_KEY") == "file"


def test_an_empty_variable_switches_off_what_the_env_file_sets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CURSOR_API_KEY=key_file\n")
    assert Settings.load({"CURSOR_API_KEY": ""}).vendor_secret("CURSOR_API_KEY") is None


def test_another_env_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AI_USAGE_DATASET=usual\n")
    (tmp_path / "other.env").write_text("AI_USAGE_DATASET=other\n")
    named = {"AI_USAGE_ENV_FILE": str(tmp_path / "other.env")}
    assert Settings.load(named).dataset == "other"
    assert Settings.load({}).dataset == "usual"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("AI_USAGE_DATASET=a\n\nhunter2 is my password\n", 3),
        ("# a comment\nANTHROPIC_ADMIN_KEY\n", 2),
        ("AI_USAGE_DATASET=a\nCURSOR_API_KEY='hunter2\n", 2),
        ("=hunter2\n", 1),
    ],
)
def test_a_line_that_says_nothing_is_refused_by_number_and_not_shown(
    tmp_path: Path, text: str, line: int
) -> None:
    (tmp_path / ".env").write_text(text)
    said = refused({})
    assert said == f".env line {line} cannot be read: write NAME=value."


def test_an_env_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe\n")
    assert refused({}) == ".env cannot be read: it is not UTF-8 text."
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    assert refused({}) == ".env cannot be read: Is a directory."


# -- secrets ------------------------------------------------------------------------------------

SECRET = "sk-ant-admin01-hunter2"
SECRETS = {"ANTHROPIC_ADMIN_KEY": SECRET, "CURSOR_API_KEY": SECRET}


def test_secrets_are_given_to_who_asks_and_shown_to_nobody() -> None:
    settings = Settings.load(SECRETS)
    secret = settings.vendor_secret("ANTHROPIC_ADMIN_KEY")
    assert secret is not None
    assert secret.get_secret_value() == SECRET
    shown = [repr(settings), str(settings), f"{settings}", repr(secret), str(secret)]
    shown += [settings.model_dump_json(), repr(settings.model_dump()), repr(secret.__dict__.keys())]
    assert not any("hunter2" in text for text in shown)


def test_a_secret_is_not_part_of_any_error_or_its_traceback(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ANTHROPIC_ADMIN_KEY={SECRET}\n")
    for wrong in ({"AI_USAGE_AS_OF": "never"}, {"AI_USAGE_CURSOR_API_KEY": SECRET}):
        with pytest.raises(SettingsError) as raised:
            Settings.load(SECRETS | wrong)
        text = "".join(traceback.format_exception(raised.value))
        assert "hunter2" not in text


def test_a_pasted_secret_loses_the_spaces_around_it() -> None:
    secret = Settings.load({"CURSOR_API_KEY": f" {SECRET}\n"}).vendor_secret("CURSOR_API_KEY")
    assert secret is not None
    assert secret.get_secret_value() == SECRET


# -- days ---------------------------------------------------------------------------------------


def test_as_of_is_today_and_its_noon_is_now() -> None:
    settings = Settings.load({"AI_USAGE_AS_OF": "2026-02-28"})
    assert settings.today == date(2026, 2, 28)
    assert settings.now == datetime(2026, 2, 28, 12, tzinfo=UTC)


def test_without_as_of_today_is_the_utc_day() -> None:
    before = datetime.now(UTC)
    settings = Settings.load({})
    assert before.date() <= settings.today <= datetime.now(UTC).date()
    assert before <= settings.now <= datetime.now(UTC)


def test_the_first_partition_is_the_first_of_the_month_a_year_ago_and_stays(
    tmp_path: Path,
) -> None:
    home = {"AI_USAGE_HOME": str(tmp_path / "new" / "home")}
    first = Settings.load(home | {"AI_USAGE_AS_OF": "2026-03-15"})
    assert first.first_day == date(2025, 3, 1)
    later = Settings.load(home | {"AI_USAGE_AS_OF": "2026-08-15"})
    assert later.first_day == date(2025, 3, 1), "remembered: no partition vanishes as days pass"


def test_a_start_date_that_is_set_wins_and_is_not_remembered(tmp_path: Path) -> None:
    home = {"AI_USAGE_HOME": str(tmp_path / "home"), "AI_USAGE_AS_OF": "2026-03-15"}
    settings = Settings.load(home | {"AI_USAGE_START_DATE": "2024-05-06"})
    assert settings.first_day == date(2024, 5, 6)
    assert Settings.load(home).first_day == date(2025, 3, 1)


def test_loading_settings_makes_no_file(tmp_path: Path) -> None:
    Settings.load({"AI_USAGE_HOME": str(tmp_path / "home")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("remembered", [True, False])
def test_a_first_partition_after_today_is_one_line(tmp_path: Path, remembered: bool) -> None:
    environment = {"AI_USAGE_HOME": str(tmp_path), "AI_USAGE_AS_OF": "2026-03-15"}
    if remembered:
        (tmp_path / "start_date").write_text("2026-03-16\n")
    else:
        environment["AI_USAGE_START_DATE"] = "2026-03-16"
    with pytest.raises(SettingsError) as raised:
        _ = Settings.load(environment).first_day
    assert str(raised.value) == (
        "the first partition 2026-03-16 is after today (UTC), 2026-03-15: set AI_USAGE_START_DATE "
        "to an earlier day."
    )
    environment["AI_USAGE_START_DATE"] = "2026-03-15"
    assert Settings.load(environment).first_day == date(2026, 3, 15)


@pytest.mark.parametrize("text", [b"soon\n", b"", b"\xff"])
def test_a_damaged_remembered_day_is_one_line(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "start_date").write_bytes(text)
    with pytest.raises(SettingsError, match="start_date holds no date YYYY-MM-DD"):
        _ = Settings.load({"AI_USAGE_HOME": str(tmp_path)}).first_day


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="set AI_USAGE_HOME to a folder that can be written"):
        _ = Settings.load({"AI_USAGE_HOME": str(tmp_path / "file" / "home")}).first_day


def test_settings_do_not_change() -> None:
    settings = Settings.load({})
    with pytest.raises(ValueError, match="frozen"):
        settings.dataset = "other"  # type: ignore[misc]
