"""What people and vendors get wrong: one clear line each, exit code 1, nothing lost."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ai_usage_tests.cli.support import CONTENTS, FROM, TO, Place
from ai_usage_tests.support.loopback import served

pytestmark = pytest.mark.slow

HALF = b'{"data": [{"date": 1773878400000, "email": "some'
PAGE = b"<!doctype html><title>Sign in</title>"


class _Vendor(BaseHTTPRequestHandler):
    """Answers every question with the body that its path begins with."""

    def do_POST(self) -> None:
        body = PAGE if self.path.startswith("/html") else HALF
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if body is PAGE else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def strange_vendor() -> Iterator[str]:
    """A server that is no vendor's."""
    with served(_Vendor) as url:
        yield url


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CURSOR_API_KEY": "key_wrong"}, ["answered 401", "Check CURSOR_API_KEY."]),
        (
            {"CURSOR_BASE_URL": "http://127.0.0.1:{closed}"},
            ["cannot be reached", "Check the network and CURSOR_BASE_URL."],
        ),
        ({"CURSOR_BASE_URL": "{strange}/half"}, ["cursor daily_usage 2026-03-15..2026-03-18"]),
        ({"CURSOR_BASE_URL": "{strange}/html"}, ["web page (text/html) instead of JSON"]),
    ],
    ids=["wrong key", "unreachable host", "half a page", "HTML instead of JSON"],
)
def test_a_vendor_that_does_not_answer_fails_the_run_and_loses_nothing(
    place: Place, tmp_path: Path, strange_vendor: str, settings: dict[str, str], says: list[str]
) -> None:
    filled = {
        k: v.format(closed=closed_port(), strange=strange_vendor) for k, v in settings.items()
    }
    mine = place.copied(tmp_path / "copy", **filled, AI_USAGE_HTTP_ATTEMPTS="2")
    done = mine.run(
        "backfill", "--from", FROM, "--to", TO, "--refetch", "--select", "source_cursor_daily_usage"
    )
    assert done.code == 1, done.out
    assert not done.err
    errors = [line for line in done.out.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.out
    for words in says:
        assert words in errors[0]
    assert "key_wrong" not in done.out
    assert "Not built, because of the above: source_cursor_daily_usage." in done.out
    assert mine.rows(CONTENTS) == place.rows(CONTENTS)


BACKFILL = ["backfill", "--from", FROM, "--to", TO]

BAD_SETTINGS = [
    (
        "an unknown setting",
        {"AI_USAGE_HOMME": "x"},
        ["doctor"],
        "AI_USAGE_HOMME is not a setting: did you mean AI_USAGE_HOME?",
    ),
    (
        "a date before the start",
        {},
        ["backfill", "--from", "2020-01-01"],
        "--from 2020-01-01 is before the first partition 2025-03-01: set AI_USAGE_START_DATE to "
        "an earlier day to reach further back.",
    ),
    (
        "a date in the future",
        {},
        ["backfill", "--from", FROM, "--to", "2026-03-19"],
        "--to 2026-03-19 is in the future: today (UTC) is 2026-03-18.",
    ),
    (
        "the later day first",
        {},
        ["backfill", "--from", "2026-03-18", "--to", "2026-03-17"],
        "--from 2026-03-18 is after --to 2026-03-17: give the earlier day first.",
    ),
    (
        "a start in the future",
        {"AI_USAGE_START_DATE": "2026-04-01"},
        ["run"],
        "the first partition 2026-04-01 is after today (UTC), 2026-03-18: set "
        "AI_USAGE_START_DATE to an earlier day.",
    ),
    ("a number that is none", {"AI_USAGE_HTTP_ATTEMPTS": "many"}, ["doctor"], None),
    (
        "a selection of nothing",
        {},
        [*BACKFILL, "--select", "fact_ai_cost"],
        "--select 'fact_ai_cost' names no asset: did you mean fact_ai_costs? Examples: "
        "raw_ai_events, group:views, *fact_ai_costs (with all that it needs).",
    ),
    ("a selection that cannot be read", {}, [*BACKFILL, "--select", "+++("], None),
    ("a folder in the place of the warehouse", {"AI_USAGE_DUCKDB_PATH": "."}, ["doctor"], None),
    (
        "a port that is taken",
        {},
        ["dev", "--port", "{taken}"],
        "port {taken}: Address already in use; choose another with --port.",
    ),
    (
        "a simulator's port that is taken",
        {},
        ["simulate", "--port", "{taken}"],
        "port {taken}: Address already in use; choose another with --port.",
    ),
    ("a demo in a folder that is not its own", {}, ["demo", "--home", "."], None),
    (
        "a demo's UI before the demo",
        {},
        ["dev", "--demo"],
        "there is no demo in .demo yet: run `ai-usage demo` first.",
    ),
    (
        "a file that is not there",
        {},
        ["import", "nope.json"],
        "nope.json cannot be read: No such file or directory.",
    ),
    (
        "a question before there is a warehouse",
        {"AI_USAGE_HOME": "new"},
        ["query", "SELECT 1"],
        None,
    ),
]


@pytest.mark.parametrize(
    ("settings", "command", "says"),
    [case[1:] for case in BAD_SETTINGS],
    ids=[case[0] for case in BAD_SETTINGS],
)
def test_a_mistake_is_one_line_and_exit_code_1(
    place: Place, settings: dict[str, str], command: list[str], says: str | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = str(listener.getsockname()[1])
        done = place.call(*(word.format(taken=taken) for word in command), **settings)
    assert done.code == 1, done.out + done.err
    assert "Traceback" not in done.err
    if command == ["doctor"] and not done.err:
        assert len([line for line in done.out.splitlines() if line.startswith("fix")]) == 1
        return
    assert not done.out
    if says is not None:
        assert done.error == says.format(taken=taken)
    else:
        assert len(done.error) > 20


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"AI_USAGE_LOOKBACK_COST_DAYS=seven\n", "AI_USAGE_LOOKBACK_COST_DAYS='seven'"),
        (b"AI_USAGE_LOKBACK_COST_DAYS=7\n", "in .env is not a setting"),
        (b"CURSOR_API_KEY=\xff\xfe\n", ".env"),
        (None, ".env"),
    ],
    ids=["a value of the wrong type", "an unknown setting", "not text", "a folder"],
)
def test_a_bad_env_file_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is None:
        (tmp_path / ".env").mkdir()
    else:
        (tmp_path / ".env").write_bytes(content)
    done = Place(tmp_path).call("doctor")
    assert done.code == 1, done.out
    assert says in done.error


def test_a_reference_file_without_a_column_is_refused_and_the_last_good_state_stays(
    place: Place, tmp_path: Path
) -> None:
    mine = place.copied(tmp_path / "copy")
    users = mine.folder / ".ai_usage" / "reference" / "users.csv"
    header, *rest = users.read_text().splitlines()
    assert "user_email" in header
    users.write_text("\n".join([header.replace("user_email", "mail"), *rest]) + "\n")

    checked = mine.call("reference", "check")
    assert checked.code == 1
    assert "refused users.csv" in checked.out
    assert "users.csv:1" in checked.out
    assert "user_email" in checked.out

    done = mine.call(*BACKFILL, "--select", "reference_users")
    assert done.code == 1, done.out
    (error,) = [line for line in done.out.splitlines() if line.startswith("error: ")]
    assert "users.csv:1" in error
    assert "user_email" in error
    assert mine.rows(CONTENTS) == place.rows(CONTENTS)


def test_a_warehouse_that_another_process_holds_is_waited_for_then_named(
    place: Place, tmp_path: Path
) -> None:
    mine = place.copied(tmp_path / "copy", AI_USAGE_LOCK_TIMEOUT_SECONDS="1")
    file = mine.folder / ".ai_usage" / "warehouse.duckdb"
    holding = (
        f"import duckdb, sys; c = duckdb.connect({str(file)!r}); print('held', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        asked = mine.call("query", "SELECT 1 AS one")
        ran = mine.call(*BACKFILL, "--select", "dim_dates")
        holder.communicate()
    assert asked.code == 1
    assert asked.error == (
        f"{file} is held by another process (process {holder.pid}): waited 1 s; close it there "
        "and try again."
    )
    assert ran.code == 1, ran.out
    (error,) = [line for line in ran.out.splitlines() if line.startswith("error: ")]
    assert "is held by another process" in error
    assert mine.rows(CONTENTS) == place.rows(CONTENTS)


@pytest.mark.parametrize("name", ["archive", "dagster", "warehouse"])
def test_a_folder_that_cannot_be_written_is_named(place: Place, tmp_path: Path, name: str) -> None:
    """A file stands where the folder must be: this holds for the superuser too."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    setting = {
        "archive": {"AI_USAGE_ARCHIVE": str(blocked)},
        "dagster": {"DAGSTER_HOME": str(blocked)},
        "warehouse": {"AI_USAGE_DUCKDB_PATH": str(blocked / "warehouse.duckdb")},
    }[name]
    mine = place.copied(tmp_path / "copy", **setting)
    select = "source_cursor_members" if name == "archive" else "dim_dates"
    done = mine.call(*BACKFILL, "--refetch", "--select", select)
    assert done.code == 1, done.out + done.err
    lines = (done.out + done.err).splitlines()
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert str(blocked) in error
    assert "Traceback" not in done.out + done.err
    kept = Place(mine.folder, {k: v for k, v in mine.environment.items() if k not in setting})
    assert kept.rows(CONTENTS) == place.rows(CONTENTS)


def test_debug_shows_where_an_error_came_from(tmp_path: Path) -> None:
    done = Place(tmp_path).run("--debug", "query", "SELECT 1")
    assert done.code == 1
    assert "Traceback" in done.err
    assert "WarehouseError" in done.err
    shutil.rmtree(tmp_path)
