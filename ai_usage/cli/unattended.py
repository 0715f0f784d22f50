"""Commands that nobody watches: what stops one before or besides its runs is told, as runs are.

Where the state of alerts can be kept, it is told once and its end is told; where it cannot, as on
a full disk, it is sent at once, and a file among the temporary ones remembers that.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer

from ai_usage.alerts.alerts import Alerts
from ai_usage.alerts.findings import BUILT, COMMAND_LINE, Failure, Judged, Rule, RunFindings
from ai_usage.alerts.state import parts_of, read_alert_state
from ai_usage.cli.progress import STOPPED
from ai_usage.errors import AiUsageError, ArgumentError, SettingsError
from ai_usage.orchestration.run_history import DagsterRunHistory
from ai_usage.orchestration.runs import dagster_instance
from ai_usage.settings import Settings
from ai_usage.text.masking import mask_text
from ai_usage.vendors.base import discovered_vendors

_log = logging.getLogger(__name__)


@contextmanager
def unattended(command: str) -> Iterator[None]:
    """Tell if the command is stopped by anything but its arguments, and once it works again."""
    try:
        yield
    except typer.Exit as end:
        if end.exit_code != STOPPED:
            _tell(None)
        raise
    except ArgumentError:
        raise
    except Exception as error:
        _tell(error, command)
        raise
    _tell(None)


def _tell(error: Exception | None, command: str = "") -> None:
    """Tell of the error, or that the command line works again. Never fails the command."""
    try:
        settings = _settings()
        if settings is not None and settings.notify_urls is not None:
            memory = _Memory(settings)
            try:
                _by_the_state(settings, memory, error, command)
            except (AiUsageError, OSError):
                if error is not None:
                    _at_once(settings, memory, error, command)
    except Exception as trouble:
        _log.warning("alerts: %s: %s", type(trouble).__name__, mask_text(str(trouble))[:200])


def _settings() -> Settings | None:
    try:
        return Settings.load()
    except SettingsError:
        return Settings.for_alerts()


def _by_the_state(
    settings: Settings, memory: _Memory, error: Exception | None, command: str
) -> None:
    told = memory.read()
    with dagster_instance(settings) as instance:
        history = DagsterRunHistory(instance, {})
        known = {parts_of(key)[:2] for key in read_alert_state(history).open}
        if error is None and not told and (COMMAND_LINE, BUILT) not in known:
            return
        alerts = Alerts(settings, discovered_vendors(), {})
        alerts.take_in(history, _found(error, command), told)
        memory.forget()
        alerts.deliver(history)


def _at_once(settings: Settings, memory: _Memory, error: Exception, command: str) -> None:
    told = memory.read()
    if _rule(error) not in told:
        done = Alerts(settings, discovered_vendors(), {}).send_now(_found(error, command))
        for line in done.failed:
            _log.warning("alerts: %s", line)
        if done.sent:
            memory.keep({**told, _rule(error): datetime.now(UTC)})


def _found(error: Exception | None, command: str) -> RunFindings:
    judged = (Judged(COMMAND_LINE, BUILT),)
    if error is None:
        return RunFindings("", COMMAND_LINE, True, (), judged)
    said = str(error) if isinstance(error, AiUsageError) else f"{type(error).__name__}: {error}"
    detail = f"ai-usage {command}: {said}"
    failure = Failure(COMMAND_LINE, BUILT, "error", {_rule(error): Rule(1)}, detail)
    return RunFindings("", COMMAND_LINE, False, (failure,), judged)


def _rule(error: Exception) -> str:
    """The kind of an error: another kind is news, the same one an hour later is none."""
    return type(error).__name__


class _Memory:
    """What was told while the state could not be kept: the kinds of errors, and since when."""

    def __init__(self, settings: Settings) -> None:
        name = hashlib.sha256(str(settings.home).encode()).hexdigest()[:16]
        self._path = Path(tempfile.gettempdir()) / f"ai-usage-{os.getuid()}-{name}.json"

    def read(self) -> dict[str, datetime]:
        with suppress(OSError, msgspec.MsgspecError):
            if self._path.stat().st_uid == os.getuid():
                return msgspec.json.decode(self._path.read_bytes(), type=dict[str, datetime])
        return {}

    def keep(self, told: dict[str, datetime]) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            with self._path.open("xb") as file:
                file.write(msgspec.json.encode(told))

    def forget(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
