"""The command line alerts by itself, without a daemon; `ai-usage notify` says where alerts go."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.alerts.alerts import COMMAND_GRACE, Alerts
from ai_usage.cli.doctor import examined_ui
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.run_history import DagsterRunHistory, catalogue_of
from ai_usage.settings import Settings
from ai_usage_tests.alerts.receivers import (
    Receiver,
    free_port,
    http_receiver,
    mail_server,
)

pytestmark = pytest.mark.slow

DAYS = ("2026-03-16", "2026-03-18")
RUN = ("backfill", "--from", DAYS[0], "--to", DAYS[1], "--select", "raw_ai_events")
"""Nothing was fetched: the day's completeness warns for every endpoint of the one vendor."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as made:
        yield made


def environment(home: Path, urls: str, **more: str) -> dict[str, str]:
    return {
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_ENV_FILE": str(home / "no.env"),
        "AI_USAGE_AS_OF": DAYS[1],
        "AI_USAGE_START_DATE": "2026-03-01",
        "AI_USAGE_NOTIFY_URLS": urls,
        "CURSOR_API_KEY": "key_of_a_test",
        **more,
    }


def ai_usage(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("ai-usage")), *arguments]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, env=kept | env, capture_output=True, text=True, check=False)  # noqa: S603


def shown_in_the_guide() -> str:
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    found: list[str] = re.findall(
        r"^```\n(ai-usage warning: .*?)\n```$", text, re.DOTALL | re.MULTILINE
    )
    return found[0]


def with_the_guides_run(told: str) -> str:
    """An alert with the run's id that the guide has."""
    run_id = re.findall(r"/runs/([0-9a-f-]{36})", told)[0]
    return told.replace(run_id, "1b2c3d4e-…").replace(run_id[:8], "1b2c3d4e")


def test_a_run_of_the_command_line_alerts_as_the_guide_shows_and_no_daemon_repeats_it(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environment(tmp_path, receiver.url())
    done = ai_usage(*RUN, env=env)
    assert done.returncode == 0, done.stderr
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage warning: raw_ai_events: completeness failed"
    assert shown_in_the_guide() == with_the_guides_run(f"{post['title']}\n\n{post['message']}")

    assert ai_usage(*RUN, env=env).returncode == 0
    assert receiver.taken() == [], "the same failure, by another command"

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    settings = Settings.load(env)
    graph = build_defs(settings).resolve_asset_graph()
    later = (datetime.now(UTC) + COMMAND_GRACE + timedelta(seconds=5)).timestamp()
    with dg.DagsterInstance.get() as instance:
        daemon = Alerts(settings, [], catalogue_of(graph), lambda: later)
        history = DagsterRunHistory(instance, daemon.catalogue)
        daemon.settle(history)
        assert daemon.deliver(history).sent == 0
    assert receiver.taken() == []

    listed = ai_usage("notify", "open", env=env)
    assert "raw_ai_events.completeness: cursor.usage_events on 2026-03-16..2026-03-18" in (
        listed.stdout
    )


def test_a_failed_run_of_the_command_line_alerts_and_a_dead_channel_changes_nothing(
    tmp_path: Path, receiver: Receiver
) -> None:
    dead = f"json://127.0.0.1:{free_port()}/gone"
    env = environment(tmp_path, f"{dead} error={receiver.url()}")
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "users.csv").write_text("email\n=cmd()\n")
    done = ai_usage(*RUN[:-1], "reference_users", env=env)
    assert done.returncode == 1
    assert "error:" in done.stdout + done.stderr
    (post,) = receiver.taken()
    assert post["title"] == "ai-usage error: reference_users: was not built"
    assert "users.csv" in post["message"]
    listed = ai_usage("notify", "open", env=env)
    assert "1 message not delivered yet" in listed.stdout


def test_notify_test_sends_one_to_every_channel_and_says_where(
    tmp_path: Path, receiver: Receiver
) -> None:
    with mail_server() as box:
        secret = receiver.url("token-of-mine").replace("json://", "json://me:hunter22@")
        done = ai_usage("notify", "test", env=environment(tmp_path, f"error={box.url} {secret}"))
        assert [mail["Subject"] for mail in box.mails] == ["ai-usage: a test"]
    assert receiver.titles == ["ai-usage: a test"]
    assert done.returncode == 0, done.stdout
    assert "sent  mailto://127.0.0.1:" in done.stdout
    assert "(error)" in done.stdout
    assert f"sent  json://127.0.0.1:{receiver.port} (everything)" in done.stdout
    assert "hunter22" not in done.stdout
    assert "token-of-mine" not in done.stdout


def test_notify_test_says_what_to_mend(tmp_path: Path) -> None:
    unset = ai_usage("notify", "test", env=environment(tmp_path, ""))
    assert unset.returncode == 1
    assert unset.stderr.startswith("error: AI_USAGE_NOTIFY_URLS is not set")
    dead = f"urgent=json://h/x json://127.0.0.1:{free_port()}/gone"
    done = ai_usage("notify", "test", env=environment(tmp_path, dead))
    assert done.returncode == 1
    assert "fix   AI_USAGE_NOTIFY_URLS, entry 1: 'urgent' is no condition" in done.stdout
    assert "fix   json://127.0.0.1:" in done.stdout
    assert "onnection error" in done.stdout


@pytest.mark.parametrize(
    ("urls", "line"),
    [
        ("", "note  alerts: nobody is told of failures; set AI_USAGE_NOTIFY_URLS"),
        ("json://h/x error=json://h/y", "ok    alerts: 2 channels; `ai-usage notify test` sends"),
        ("urgent=json://h/x", "fix   alerts: AI_USAGE_NOTIFY_URLS, entry 1: 'urgent' is no"),
        (
            "owner:nobody=json://h/x owner:finance=json://h/y",
            "fix   alerts: AI_USAGE_NOTIFY_URLS: no asset has owner:nobody, so nothing would ever "
            "go there; there are data-platform, engineering, finance",
        ),
    ],
)
def test_doctor_says_who_is_told(tmp_path: Path, urls: str, line: str) -> None:
    done = ai_usage("doctor", env=environment(tmp_path, urls, CURSOR_API_KEY=""))
    assert line in done.stdout


@pytest.mark.parametrize("address", ["dagster", "htp://ui", "http://", "http://u i:3000"])
def test_doctor_refuses_an_address_of_the_ui_that_cannot_be(address: str) -> None:
    finding = examined_ui(
        Settings.load({"AI_USAGE_ENV_FILE": "no.env", "AI_USAGE_UI_URL": address})
    )
    assert not finding.ok
    assert finding.detail.startswith(f"AI_USAGE_UI_URL={address} is no address of a web page")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:3000", "https://d.example.com/x", "http://[::1]:3000"]
)
def test_doctor_takes_an_address_of_the_ui(address: str) -> None:
    settings = Settings.load({"AI_USAGE_ENV_FILE": "no.env", "AI_USAGE_UI_URL": address})
    assert examined_ui(settings).ok
