"""A folder, or any URL that fsspec knows, that a setting names and others write files to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ai_usage.archive.opening import opened
from ai_usage.errors import AiUsageError, SettingsError


class Entry(NamedTuple):
    """A file: its path within the folder and as the store knows it, and what the store tells."""

    name: str
    path: str
    told: Mapping[str, Any]

    @property
    def changed(self) -> datetime | None:
        """When it changed last, UTC; None where the store does not say."""
        names = ("mtime", "LastModified", "last_modified", "updated", "created")
        at = next((self.told[name] for name in names if self.told.get(name)), None)
        if isinstance(at, str):
            at = datetime.fromisoformat(at)
        if isinstance(at, datetime):
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        return None if at is None else datetime.fromtimestamp(float(at), UTC)


class WatchedFolder:
    """The folder. Raises `SettingsError` where it cannot be one, `failure` where reading fails.

    `setting` names it in messages, `remedy` says what to do where it is none. `key_file` is the
    account's, where it is in a bucket of Google's.
    """

    def __init__(
        self,
        setting: str,
        root: str,
        *,
        remedy: str,
        failure: type[AiUsageError] = AiUsageError,
        key_file: Path | None = None,
    ) -> None:
        self.root = root.rstrip("/")
        self._setting, self._remedy, self._failure = setting, remedy, failure
        try:
            self.store, path = opened(self.root, key_file)
        except (ImportError, ValueError) as error:
            raise SettingsError(
                f"{setting}={root} cannot be opened ({error}): it is a folder or a URL like "
                "gs://bucket/prefix, which needs `pip install 'ai-usage[bigquery]'`."
            ) from error
        self._base = str(path).rstrip("/")

    def entries(self) -> list[Entry]:
        """Its files, at any depth, as they are now."""
        with self.reading():
            self.store.invalidate_cache()
            if not self.store.isdir(self._base):
                raise SettingsError(f"{self._setting}={self.root} is no folder: {self._remedy}.")
            found: Mapping[str, Any] = self.store.find(self._base, detail=True)
        return [
            Entry(str(path).removeprefix(f"{self._base}/"), str(path), told)
            for path, told in found.items()
        ]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Tell what a store refuses in one line that names the setting."""
        try:
            yield
        except AiUsageError:
            raise
        except Exception as error:
            # A cloud store's client raises errors of its own, of many types.
            why = f"{type(error).__name__}: {str(error)[:200]}"
            raise self._failure(f"{self._setting}={self.root} cannot be read ({why}).") from error
