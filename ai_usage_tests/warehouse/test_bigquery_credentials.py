"""Whose credentials BigQuery and buckets are asked with, and what is said where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.oauth2.service_account import Credentials

import ai_usage
from ai_usage.archive.archive import Archive
from ai_usage.errors import SettingsError
from ai_usage.focus.folder import Folder
from ai_usage.orchestration.bigquery_resource import SCOPES, bigquery_resource
from ai_usage.orchestration.resources import resources_of
from ai_usage.settings import Settings
from ai_usage.vendors.anthropic import telemetry
from ai_usage.vendors.line_files import LineFolder

ACCOUNT = "ai-usage@my-project.iam.gserviceaccount.com"


def settings(**values: str) -> Settings:
    chosen = {"AI_USAGE_WAREHOUSE": "bigquery", "AI_USAGE_BIGQUERY_PROJECT": "my-project"}
    more = {f"AI_USAGE_BIGQUERY_{name.upper()}": value for name, value in values.items()}
    return Settings.load({"AI_USAGE_ENV_FILE": "no.env", **chosen, **more})


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A service account's key, as Google hands it out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "key.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "my-project",
                "private_key": key.decode(),
                "client_email": ACCOUNT,
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        )
    )
    return file


def test_a_key_files_account_is_who_asks(key_file: Path) -> None:
    """Without a copy of the key anywhere: not in a temporary file, not in the environment."""
    named = settings(credentials=str(key_file), endpoint="https://bigquery.example.com")
    with bigquery_resource(named).client.get_client() as client:
        credentials = client._credentials
        assert client._connection.API_BASE_URL == "https://bigquery.example.com"
    assert isinstance(credentials, Credentials)
    assert credentials.service_account_email == ACCOUNT
    assert credentials.scopes == SCOPES


def test_buckets_are_asked_by_the_same_account(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive's, also as Dagster's resource, and those of folders that are watched."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    folders = {"AI_USAGE_ARCHIVE": "gs://a/b", "AI_USAGE_CLAUDE_CODE_OTEL_PATH": "gs://c/d"}
    given = {"AI_USAGE_ENV_FILE": "no.env", "AI_USAGE_BIGQUERY_CREDENTIALS": str(key_file)}
    named = Settings.load({**given, **folders})
    files = telemetry.ENDPOINT.files
    assert files is not None
    for store in (
        Archive.of(named)._store._fs,
        resources_of(named)["archive"].archive()._store._fs,
        LineFolder.from_settings(files, named)._watched.store,
        Folder("gs://e/f", key_file=named.bigquery_credentials)._watched.store,
    ):
        credentials = store.credentials.credentials
        assert credentials.service_account_email == ACCOUNT


def test_nothing_opens_an_archive_or_a_url_without_the_accounts_key() -> None:
    """But for the one door that knows it."""
    package = Path(ai_usage.__file__).parent
    texts = {p.relative_to(package): p.read_text("utf-8") for p in package.rglob("*.py")}
    assert [str(p) for p, text in texts.items() if "url_to_fs" in text] == ["archive/opening.py"]
    assert not [p for p, text in texts.items() if "Archive(settings" in text]


def test_an_address_with_http_gets_nobodys_credentials(key_file: Path) -> None:
    named = settings(credentials=str(key_file), endpoint="http://127.0.0.1:9")
    with bigquery_resource(named).client.get_client() as client:
        assert isinstance(client._credentials, AnonymousCredentials)


@pytest.mark.parametrize("content", [None, "{}", "no json", '{"type": "service_account"}'])
def test_a_key_that_cannot_be_read_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    resource = bigquery_resource(settings(credentials=str(file)))
    with (
        pytest.raises(SettingsError, match=r"key\.json: no readable key of a service account"),
        resource.client.get_client(),
    ):
        pass
