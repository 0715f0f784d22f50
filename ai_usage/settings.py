"""Every setting, read from the environment and an optional `.env`, in one typed class.

Secrets are `SecretStr`: they print as stars. What a vendor needs (its key and base URL) is named
by the vendor's own module and looked up here through `Settings.vendor_value`.
"""

from __future__ import annotations

import difflib
import getpass
import io
import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import (
    ByteSize,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ai_usage.days.clock import SystemClock
from ai_usage.errors import SettingsError
from ai_usage.text.printable import one_line

PREFIX = "AI_USAGE_"
ENV_FILE_SETTING = "AI_USAGE_ENV_FILE"
"""Names another file than `.env` to read; it is read before the settings, so it is none itself."""

LEAST_DUCKDB_MEMORY = 384 * 10**6
"""Bytes; below them a month of a thousand developers does not fit, spilled or not."""

HISTORY_DAYS = 365
"""How far back the first partition reaches when AI_USAGE_START_DATE is not set."""


class Settings(BaseSettings):
    """All settings. Units stand in the name or the description; days are UTC days."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Field(
        Path(".ai_usage"),
        description="Folder for all state: warehouse, archive, Dagster's storage.",
    )
    warehouse: Literal["duckdb", "bigquery"] = Field(
        "duckdb", description="Which warehouse holds the tables: `duckdb` or `bigquery`."
    )
    duckdb_path: Path | None = Field(
        None, description="The DuckDB file. Default: `<home>/warehouse.duckdb`."
    )
    dashboard_path: Path | None = Field(
        None,
        description="The copy that the dashboard reads, written after each run. Default: "
        "`<home>/dashboard.duckdb`.",
    )
    dashboard_hours: int | None = Field(
        None,
        ge=0,
        description="Hours for which that copy may stand before a run makes it anew, on the same "
        "day. Default: 0, and 12 on BigQuery, where each copy evaluates every view.",
    )
    dashboard_sign_in: Literal["none", "proxy"] = Field(
        "none",
        description="How people sign in to the dashboard: `none`, on this machine alone, or "
        "`proxy`, by a header of a proxy that has asked them.",
    )
    dashboard_header: str = Field(
        "X-Auth-Request-Email",
        pattern=r"^[A-Za-z0-9-]+$",
        description="Header in which the proxy names the person's e-mail address.",
    )
    dashboard_peers: str = Field(
        "127.0.0.1",
        description="Addresses of the proxies whose header is believed, separated by commas. "
        "Everything else is refused.",
    )
    dashboard_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Where people open the dashboard, as their browser shows it: requests under "
        "another name are refused. Needed with `proxy`.",
    )
    dashboard_host: str = Field(
        "127.0.0.1",
        description="Address on which the dashboard listens. Without sign-in it is this machine's.",
    )
    dashboard_mode: Literal["open", "team"] | None = Field(
        None,
        description="How open the company is with what single people spend and do: `open` or "
        "`team`. Default: `open` without sign-in, `team` with it.",
    )
    dashboard_smallest_group: int = Field(
        5,
        ge=5,
        description="Fewer people than this are never told apart from others, by who may not see "
        "single people.",
    )
    duckdb_memory: ByteSize | None = Field(
        None,
        description="Memory that DuckDB may take before it spills to disk, at least 384MB: `1GB`. "
        "Default: a 64th of the machine's (or container's) memory, at least 384MB.",
    )
    duckdb_spill_dir: Path | None = Field(
        None,
        description="Folder that DuckDB spills to, emptied by itself. Default: `<file>.tmp` beside "
        "the DuckDB file.",
    )
    dataset: str = Field(
        "ai_usage",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The DuckDB schema or BigQuery dataset that holds tables and views.",
    )
    bigquery_project: str | None = Field(
        None, description="Google Cloud project that holds the dataset and runs the jobs."
    )
    bigquery_location: str | None = Field(
        None, description="Location of the datasets, like `EU`. Default: where the dataset lies."
    )
    bigquery_credentials: Path | None = Field(
        None,
        description="File with a service account's key (JSON). Default: application default "
        "credentials. Secret.",
    )
    bigquery_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="BigQuery's API, where it is not the public one: a private endpoint, or "
        "`http://…` for an emulator, to which no credentials are sent.",
    )
    bigquery_job_minutes: int = Field(
        15,
        ge=1,
        description="Minutes that one BigQuery job may take, waiting included; one that needs more "
        "is ended by Google.",
    )
    maximum_bytes_billed: int = Field(
        1_000_000_000_000,
        ge=10_485_760,
        description="Bytes that one BigQuery query may bill; one that would need more fails.",
    )
    views_dataset: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="BigQuery dataset that holds the views. Default: that of the tables.",
    )
    internal_dataset: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The DuckDB schema or BigQuery dataset that holds what the pipeline works out "
        "between the raw events and the facts, and its daily sums; for the pipeline and "
        "administrators. Default: that of the tables with `_internal`.",
    )
    archive: str | None = Field(
        None,
        description="Folder or `gs://` path of the source archive. Default: `<home>/archive`.",
    )
    reference_dir: Path | None = Field(
        None,
        description="Folder of the files a person maintains. Default: `<home>/reference`.",
    )
    claude_code_otel_path: str | None = Field(
        None,
        description="Folder or `gs://` prefix with Claude Code's telemetry: the files of OTLP JSON "
        "lines that a collector writes.",
    )
    focus_path: str | None = Field(
        None,
        description="Folder or `gs://` prefix that is watched for FOCUS files of other vendors' "
        "bills.",
    )
    start_date: date | None = Field(
        None,
        description="The first partition, YYYY-MM-DD. Default: the first of the month, "
        f"{HISTORY_DAYS} days before the state folder was made.",
    )
    lookback_usage_days: int = Field(
        3, ge=0, le=365, description="Days of usage that every scheduled run reads again."
    )
    lookback_cost_days: int = Field(
        7, ge=0, le=365, description="Days of cost that every scheduled run reads again."
    )
    http_timeout_seconds: float = Field(
        60.0, gt=0, description="Time-out of one request to a vendor."
    )
    http_attempts: int = Field(
        6, ge=1, le=20, description="Attempts for a request that a vendor refuses or drops."
    )
    lock_timeout_seconds: float = Field(
        60.0, ge=0, description="How long to wait for a DuckDB file that another process holds."
    )
    coverage_threshold: float = Field(
        0.95,
        ge=0,
        le=1,
        description="Smallest share of records and dollars that must be attributed to a person.",
    )
    nightly_lookback_days: int = Field(
        35, ge=0, le=365, description="Days that the nightly run reads again, usage and cost."
    )
    freshness_hours: float = Field(
        2.0, gt=0, description="Oldest that the data in a view may be, hours since their fetch."
    )
    view_latency_seconds: float = Field(
        3.0, gt=0, description="Longest that reading a view may take, seconds."
    )
    volume_tolerance: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="How far a day's events may lie from the median of the last eight same "
        "weekdays: 0.5 warns below half of it and above twice it.",
    )
    spend_anomaly_score: float = Field(
        6.0,
        gt=0,
        description="Robust z-score from which a day's spend is unusual for a person, key or "
        "platform.",
    )
    spend_anomaly_minimum_usd: float = Field(
        25.0,
        ge=0,
        description="Least US dollars above the usual from which a day's spend is unusual.",
    )
    notify_urls: SecretStr | None = Field(
        None,
        description="Where alerts go: Apprise URLs, separated by commas or spaces. A prefix routes "
        "one by severity, group and owner: `error+owner:finance=mailto://…`. Secret.",
    )
    notify_digest_above: int = Field(
        5, ge=1, description="A run with alerts on more assets than this sends one digest."
    )
    heartbeat_hours: float = Field(
        26.0,
        ge=0,
        description="Hours without the end of any run after which people are told; 0 is never.",
    )
    ui_url: str = Field(
        "http://127.0.0.1:3000", description="Where people open Dagster's UI: links in alerts."
    )
    scim_url: str | None = Field(
        None,
        description="Base URL of the SCIM 2.0 directory, the part before `/Users`: "
        "`https://idp.example.com/scim/v2`.",
    )
    scim_token: SecretStr | None = Field(
        None, description="Bearer token of the SCIM directory. Secret."
    )
    sheets_id: str | None = Field(
        None,
        description="Id of the Google Sheet with the key register: the part after `/d/` of its "
        "address.",
    )
    sheets_range: str = Field(
        "A:Z",
        description="Range of the sheet in A1 notation, like `Keys!A:Q`. Its first row is the "
        "header. Without a tab's name it is the first tab.",
    )
    sheets_credentials: Path | None = Field(
        None,
        description="File with the key of the service account that the sheet is shared with "
        "(JSON). Secret.",
    )
    sheets_url: str = Field(
        "https://sheets.googleapis.com", description="Base URL of the Google Sheets API."
    )
    event_days: int = Field(
        90,
        ge=7,
        description="Days that Dagster keeps events and runs; of a day the newest materialisation "
        "and the newest result of each check stay for ever.",
    )
    user: str | None = Field(
        None,
        max_length=200,
        description="Who you are where that is recorded, as by `close`: an e-mail address. "
        "Default: the operating system's user.",
    )
    as_of: date | None = Field(
        None,
        description="Pretend that today is this UTC date: for the demo and for tests.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only explicit values: `load` merges the environment and `.env` itself."""
        return (init_settings,)

    _environment: Mapping[str, str] = {}
    _of_file: frozenset[str] = frozenset()
    _env_file: Path = Path(".env")

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (default: the process's) over `.env`.

        Raises `SettingsError` on an unknown or unreadable `AI_USAGE_…` setting, and on a line of
        `.env` that says nothing.
        """
        process = dict(os.environ if environment is None else environment)
        env_file = Path(process.get(ENV_FILE_SETTING) or ".env")
        from_file = _read_env_file(env_file)
        merged = {**from_file, **process}
        values: dict[str, str] = {}
        for name, value in merged.items():
            if not name.startswith(PREFIX) or name == ENV_FILE_SETTING:
                continue
            field = name.removeprefix(PREFIX).lower()
            if field not in cls.model_fields:
                known = [f"{PREFIX}{f.upper()}" for f in cls.model_fields]
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
                hint = f"did you mean {close[0]}?" if close else "docs/settings.md lists them."
                where = f" in {env_file}" if name in from_file and name not in process else ""
                raise SettingsError(f"{name}{where} is not a setting: {hint}")
            if value != "":
                values[field] = value
        try:
            settings = cls(**values)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = f"{PREFIX}{str(first['loc'][0]).upper()}"
            raise SettingsError(
                f"{name}={first['input']!r} cannot be read: {first['msg']}."
            ) from error
        if settings.warehouse == "bigquery" and settings.bigquery_project is None:
            raise SettingsError(
                f"{PREFIX}WAREHOUSE=bigquery needs a project: set {PREFIX}BIGQUERY_PROJECT to the "
                "Google Cloud project that holds the dataset."
            )
        settings._environment = merged
        settings._of_file = frozenset(from_file) - frozenset(process)
        settings._env_file = env_file.absolute()
        return settings

    @classmethod
    def for_alerts(cls, environment: Mapping[str, str] | None = None) -> Settings | None:
        """What of the settings says who is told, where others cannot be read; None if that neither.

        A mistake in a setting stops every command, and somebody must hear of it.
        """
        process = dict(os.environ if environment is None else environment)
        try:
            path = Path(process.get(ENV_FILE_SETTING) or ".env")
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        except OSError:
            text = ""
        bindings = parse_stream(io.StringIO(text))
        from_file = {b.key: b.value for b in bindings if b.key and b.value and not b.error}
        merged = {**from_file, **process}
        wanted = ("home", "notify_urls", "notify_digest_above", "ui_url")
        given = {name: merged.get(f"{PREFIX}{name.upper()}") for name in wanted}
        try:
            return cls(**{name: value for name, value in given.items() if value})  # type: ignore[arg-type]
        except (ValidationError, SettingsError):
            return None

    @field_validator("duckdb_memory")
    @classmethod
    def _enough(cls, value: ByteSize | None) -> ByteSize | None:
        if value is not None and value < LEAST_DUCKDB_MEMORY:
            raise ValueError("DuckDB needs at least 384MB")
        return value

    @field_validator(
        "home",
        "duckdb_path",
        "dashboard_path",
        "duckdb_spill_dir",
        "reference_dir",
        "sheets_credentials",
        "bigquery_credentials",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator(
        "archive",
        "claude_code_otel_path",
        "focus_path",
        "ui_url",
        "dashboard_url",
        "bigquery_endpoint",
    )
    @classmethod
    def _without_credential(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Addresses are shown to people and stand in messages: none may hold a password."""
        if value is not None and "@" in urlsplit(value).netloc:
            name = f"{PREFIX}{str(info.field_name).upper()}"
            raise SettingsError(f"{name} holds a credential: take what is before the @ out of it.")
        return value

    @property
    def today(self) -> date:
        """The current UTC date, or the date that `AI_USAGE_AS_OF` pretends."""
        return SystemClock(self.as_of).today

    @property
    def now(self) -> datetime:
        """The current UTC instant; under `AI_USAGE_AS_OF` that date's noon."""
        return SystemClock(self.as_of).now

    @property
    def warehouse_path(self) -> Path:
        """The embedded warehouse's file."""
        return self.duckdb_path or self.home / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """The file of the copy that the dashboard reads."""
        return self.dashboard_path or self.home / "dashboard.duckdb"

    @property
    def copy_stands_for(self) -> timedelta:
        """How long the copy that the dashboard reads may stand before a run makes it anew."""
        on_bigquery = 12 if self.warehouse == "bigquery" else 0
        return timedelta(
            hours=on_bigquery if self.dashboard_hours is None else self.dashboard_hours
        )

    @property
    def archive_root(self) -> str:
        """Where the vendors' answers are kept: a folder or an fsspec URL."""
        return self.archive or str(self.home / "archive")

    @property
    def reference_path(self) -> Path:
        """The folder of reference files."""
        return self.reference_dir or self.home / "reference"

    @cached_property
    def first_day(self) -> date:
        """The first partition.

        Without the setting it is remembered in the state folder, so that yesterday's partitions
        do not vanish because a day has passed. Raises `SettingsError` if it lies after today, or
        cannot be remembered.
        """
        first = self.start_date or self._remembered_start()
        if first > self.today:
            raise SettingsError(
                f"the first partition {first} is after today (UTC), {self.today}: set "
                "AI_USAGE_START_DATE to an earlier day."
            )
        return first

    def _remembered_start(self) -> date:
        remembered = self.home / "start_date"
        try:
            if remembered.is_file():
                return date.fromisoformat(remembered.read_text(encoding="utf-8").strip())
            first = (self.today - timedelta(days=HISTORY_DAYS)).replace(day=1)
            self.home.mkdir(parents=True, exist_ok=True)
            remembered.write_text(f"{first.isoformat()}\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"{remembered} cannot be kept: {error.strerror}; set AI_USAGE_HOME to a folder "
                "that can be written."
            ) from error
        except ValueError as error:
            raise SettingsError(
                f"{remembered} holds no date YYYY-MM-DD: write the first partition there, or set "
                "AI_USAGE_START_DATE."
            ) from error
        return first

    @property
    def env_file(self) -> Path:
        """The file that was looked for beside the environment, there or not."""
        return self._env_file

    def variables(self) -> Mapping[str, bool]:
        """The names of all variables that hold something, and whether the file has set them."""
        return {name: name in self._of_file for name, value in self._environment.items() if value}

    def vendor_value(self, name: str) -> str | None:
        """A vendor's own variable (a base URL), or None where it is unset or empty."""
        return self._environment.get(name) or None

    def vendor_secret(self, name: str) -> SecretStr | None:
        """A vendor's key, or None where it is unset or empty: that vendor is not configured."""
        value = self.vendor_value(name)
        return None if value is None else SecretStr(value.strip())


def acting_user(settings: Settings) -> str:
    """Who runs the command: the setting, else the operating system's user.

    Raises `SettingsError` where there is neither, as in a container without a user list.
    """
    try:
        found = one_line(settings.user or getpass.getuser())
    except (OSError, KeyError, ImportError):
        found = ""
    if not found:
        raise SettingsError(
            "who does this is recorded, and this machine has no name for its user: set "
            f"{PREFIX}USER to yours."
        )
    return found


def _read_env_file(path: Path) -> dict[str, str]:
    """The settings of a `.env`; none where there is no file.

    Raises `SettingsError` for the first line that cannot be read; its text may be a secret and is
    not shown.
    """
    try:
        if not path.exists():
            return {}
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} cannot be read: it is not UTF-8 text.") from error
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            # A statement carries the blank lines before it.
            before = len(binding.original.string) - len(binding.original.string.lstrip("\n"))
            line = binding.original.line + before
            raise SettingsError(f"{path} line {line} cannot be read: write NAME=value.")
    values = dotenv_values(stream=io.StringIO(text))
    return {name: value for name, value in values.items() if value is not None}
