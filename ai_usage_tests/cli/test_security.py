"""A life among enemies: secrets in every place, and vendors that answer with all that could harm.

One company whose vendors put hostile text into every name and, later, echo the credentials that
they are asked with. What runs, commands, alerts and storages make of it is looked at afterwards.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import dagster as dg
import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ai_usage.cli.demo import directory_environment, vendor_environment
from ai_usage.simulator import SCIM_TOKEN
from ai_usage.simulator.company import Company
from ai_usage.simulator.http import Guard
from ai_usage.simulator.reference import write_reference_files
from ai_usage.simulator.server import serve
from ai_usage.simulator.sheets_api import write_service_account
from ai_usage_tests.alerts.receivers import (
    Receiver,
    free_port,
    http_receiver,
    mail_server,
)
from ai_usage_tests.cli.conftest import Filled
from ai_usage_tests.cli.support import CONTENTS, FROM, TO, TODAY, Done, Place
from ai_usage_tests.support.dagster_private import StepFailureData
from ai_usage_tests.support.hostile import HostileAnswers
from ai_usage_tests.support.secrets import found, texts_below

pytestmark = pytest.mark.slow

CURSOR = "key_plantedCursorSecret0123456789"
ANTHROPIC = "sk-ant-admin01-plantedAnthropicSecret"
CHANNEL = ("plantedUser", "plantedPassword", "plantedHookToken")
DEAD = ("plantedDeadUser", "plantedDeadPassword")
COMMANDS = "".join(map(chr, [*range(9), *range(11, 32), *range(127, 160)])) + "\u2028\u202e"
"""What no terminal may get, but for the line break and the tab."""
DEPARTMENT = 'R&D\'); DROP TABLE dim_users; -- <b>"x"</b> [red]{{1}} %s $(id)'
"""What a person may write into a file, and the pipeline must take for a name."""


@dataclass
class Echoing:
    """Puts what it was asked with into its answers, as a careless proxy does."""

    on: bool = False
    heard: set[str] = field(default_factory=set)
    """Every credential that reached the vendors."""

    def __call__(self, request: Request) -> Response | None:
        """The middleware's answer; None passes the request on."""
        headers = {n: request.headers.get(n, "") for n in ("authorization", "x-api-key")}
        self.heard |= {value.rpartition(" ")[2] for value in headers.values() if value}
        said = f"invalid credentials {headers}"
        if not self.on:
            return None
        if "/cursor" in request.url.path:
            return JSONResponse({"error": {"message": f"\x1b[2J\n{said}"}, "message": said}, 401)
        if "/anthropic" in request.url.path:
            return JSONResponse({"data": [], "has_more": False, "request": headers})
        return JSONResponse({"detail": said, "error_description": said}, 403)


@dataclass
class Life:
    """Everything that was printed, sent and kept."""

    place: Place
    secrets: set[str]
    sent: dict[str, set[str]]
    """The hostile values that the vendors answered, by field."""
    done: dict[str, Done]
    receiver: Receiver
    mails: list[EmailMessage]

    @property
    def home(self) -> Path:
        """The state folder."""
        return self.place.folder / ".ai_usage"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A good run, then refused keys, echoes, broken files and a dead channel."""
    folder = tmp_path_factory.mktemp("life")
    company, echo = Company(today=TODAY, people=30), Echoing()
    sent: defaultdict[str, set[str]] = defaultdict(set)
    write_reference_files(company, folder / ".ai_usage" / "reference")
    _rename_departments(folder / ".ai_usage" / "reference" / "users.csv")
    middleware = [Middleware(Guard, check=echo), Middleware(HostileAnswers, sent=sent)]
    with (
        http_receiver() as receiver,
        mail_server() as box,
        serve(
            company, cursor_key=CURSOR, anthropic_key=ANTHROPIC, middleware=middleware
        ) as base_url,
    ):
        user, password, token = CHANNEL
        urls = (
            f"json://{user}:{password}@127.0.0.1:{receiver.port}/{token}?+X-Token={token}Header "
            f"error=json://{DEAD[0]}:{DEAD[1]}@127.0.0.1:{free_port()}/gone {box.url}"
        )
        key_file = write_service_account(folder / "elsewhere" / "service-account.json", base_url)
        pem = json.loads(key_file.read_text())["private_key"].splitlines()[1:-1]
        environment = {
            **vendor_environment(base_url),
            **directory_environment(base_url, key_file),
            "CURSOR_API_KEY": CURSOR,
            "ANTHROPIC_ADMIN_KEY": ANTHROPIC,
            "AI_USAGE_AS_OF": TODAY.isoformat(),
            "AI_USAGE_HTTP_ATTEMPTS": "1",
            "AI_USAGE_NOTIFY_URLS": urls,
        }
        place = Place(folder, environment)
        done = {"backfill": place.run("backfill", "--from", FROM, "--to", TO)}
        done["channels"] = place.call("notify", "test")
        done["well"] = place.call("--debug", "doctor")
        done |= _looked_at(place)
        echo.on = True
        done["run"] = place.call("run", "--select", 'key:"source_*"')
        key_file.write_text(key_file.read_text()[:-3])
        done["doctor"] = place.call("--debug", "doctor")
        done |= _bad_input(place)
        done["open"] = place.call("notify", "open")
        secrets = {
            *echo.heard, CURSOR, ANTHROPIC, SCIM_TOKEN, *CHANNEL, *DEAD, *pem, "plantedUrlSecret",
            "ya29.simulated",
        }  # fmt: skip
        yield Life(place, secrets, sent, done, receiver, box.mails)


def _rename_departments(users: Path) -> None:
    """Give everybody of the file a department whose name is an attack."""
    rows = list(csv.DictReader(io.StringIO(users.read_text())))
    with users.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "department": DEPARTMENT} for row in rows)


def _looked_at(place: Place) -> dict[str, Done]:
    """What a person looks at afterwards."""
    # A table on screen is cut after twenty rows: it gets few.
    wanted = {"table": "model"} | dict.fromkeys(("csv", "json"), "model, actor_name, raw_response")
    done = {}
    for format_, names in wanted.items():
        asked = f"SELECT DISTINCT {names} FROM raw_ai_events WHERE event_date >= DATE '{FROM}'"
        done[format_] = place.call("query", asked, "--format", format_)
        done[f"gaps {format_}"] = place.call("keys", "gaps", "--format", format_)
    keys = "SELECT DISTINCT api_key_name FROM api_key_mappings"
    done["keys csv"] = place.call("query", keys, "--format", "csv")
    done["written"] = place.call("keys", "gaps", "--write", "--format", "json")
    return done


def _bad_input(place: Place) -> dict[str, Done]:
    """Mistakes with secrets and hostile text in them."""
    (place.folder / "bad.env").write_text(f"CURSOR_API_KEY={CURSOR}\n{ANTHROPIC} {SCIM_TOKEN}\n")
    done = {
        "bad .env": place.call("--debug", "doctor", AI_USAGE_ENV_FILE="bad.env"),
        "bad number": place.call("--debug", "doctor", AI_USAGE_HTTP_ATTEMPTS="\x1b[2Jmany"),
        "bad SQL": place.call("query", "SELECT '\x1b[2J' AS a, \x1b[31m"),
        "bad select": place.call("run", "--select", "\x1b[2J\nerror: forged"),
    }
    for setting in ("AI_USAGE_UI_URL", "AI_USAGE_BIGQUERY_ENDPOINT", "AI_USAGE_ARCHIVE"):
        url = "https://somebody:plantedUrlSecret@host.example.com/x"
        done[f"bad {setting}"] = place.call("--debug", "doctor", **{setting: url})
    reference = place.folder / "bad reference"
    reference.mkdir()
    (reference / "users.csv").write_text(
        'user_email,team\n\x1b[2Ja@example.com,x\na@example.com,=1+1\n"a\nerror: forged",x\n'
    )
    done["bad file"] = place.call("reference", "check", AI_USAGE_REFERENCE_DIR=str(reference))
    saved = place.folder / "saved.json"
    saved.write_text(json.dumps({"data": [{"name": "\x1b[2J\nerror: forged"}], "\x1b[2J": 1}))
    done["bad import"] = place.call("import", str(saved))
    return done


# -- secrets ------------------------------------------------------------------------------------


def test_the_secrets_were_really_used(life: Life) -> None:
    """Else nothing below could fail."""
    assert life.done["backfill"].code == 0, life.done["backfill"].out + life.done["backfill"].err
    assert {CURSOR, ANTHROPIC, SCIM_TOKEN} <= {*life.secrets}
    assert any(secret.startswith("ya29.") and len(secret) > 20 for secret in life.secrets)
    assert {post["path"] for post in life.receiver.posts} == {f"/{CHANNEL[2]}"}
    for name in [name for name in life.done if name.startswith(("run", "doctor", "bad"))]:
        assert life.done[name].code == 1, f"{name}: {life.done[name]}"
    said = life.done["run"].out
    assert re.search(r"cursor: answered 401 \(\[2J invalid credentials .*\*\*\*", said)
    assert re.search(r"anthropic: answered 200 with ANTHROPIC_ADMIN_KEY itself in the answer", said)
    assert re.search(r"scim .* answered 403 \(invalid credentials .*\*\*\*", said)
    assert "not the key file of a service account" in life.done["doctor"].out


def test_no_command_prints_one_not_even_when_it_fails_or_debugs(life: Life) -> None:
    for name, done in life.done.items():
        assert not found(life.secrets, done.out + done.err), name


def test_no_alert_tells_one(life: Life) -> None:
    assert any("invalid credentials" in body for body in life.receiver.bodies)
    posts = json.dumps([{**post, "path": ""} for post in life.receiver.posts])
    mails = "\n".join(mail.as_string() for mail in life.mails)
    assert life.mails
    assert not found(life.secrets, posts + mails)


def test_neither_archive_nor_warehouse_nor_dagsters_storage_holds_one(life: Life) -> None:
    kinds = set()
    for name, text in texts_below(life.home):
        kinds.add(name.partition(":")[0])
        assert not found(life.secrets, text), name
    assert kinds == {"file", "gzip", "sqlite", "duckdb"}


# -- hostile values -----------------------------------------------------------------------------


def test_figures_are_those_of_honest_vendors_whatever_the_names(life: Life, filled: Filled) -> None:
    """Nothing of a name was run as SQL, nothing was left out because of it."""
    ours, honest = ({row["t"]: row for row in p.rows(CONTENTS)} for p in (life.place, filled.place))
    assert ours["raw"] == honest["raw"]
    assert ours["usage"]["usd"] == honest["usage"]["usd"]
    assert ours["costs"]["usd"] == honest["costs"]["usd"]


def test_names_stand_in_the_warehouse_to_the_letter(life: Life) -> None:
    models = life.place.rows(
        f"SELECT DISTINCT model FROM raw_ai_events WHERE event_date >= DATE '{FROM}' "
        # A bill's line items name models within other words.
        "AND model IS NOT NULL AND source_endpoint != 'costs'"
    )
    assert {row["model"] for row in models} == life.sent["model"]
    names = life.place.rows("SELECT DISTINCT api_key_name AS n FROM api_key_mappings")
    kept = {row["n"] for row in names} & life.sent["name"]
    assert len(kept) > 5
    departments = life.place.rows("SELECT DISTINCT department FROM dim_users")
    assert DEPARTMENT in {row["department"] for row in departments}


def test_nothing_printed_is_a_terminal_command_or_a_forged_line(life: Life) -> None:
    for name, done in life.done.items():
        for line in (done.out + done.err).split("\n"):
            if name.endswith(("csv", "json")):
                # A line break within quotes is a part of a cell; an emoji needs its joiner.
                assert not set(COMMANDS) & set(line), f"{name}: {line!r}"
            else:
                assert line.replace("\t", " ").isprintable(), f"{name}: {line!r}"
                assert not line.startswith(("error: forged", "2026-03-18 00:00:00")), name
    assert "�]0;title" in life.done["table"].out


def test_csv_has_no_formula_and_as_many_cells_in_every_row(life: Life) -> None:
    for name in ("csv", "gaps csv", "keys csv"):
        header, *rows = csv.reader(io.StringIO(life.done[name].out))
        assert rows
        for row in rows:
            assert len(row) == len(header)
            for cell in row:
                assert not re.match(r"[ \n]*[=+@\t\r-](?![\d.]+$)", cell), cell
    assert re.search(r"^[\"]?'[=+@-]", life.done["keys csv"].out, re.MULTILINE)


def test_json_has_every_text_to_the_letter(life: Life) -> None:
    said = {row["model"] for row in json.loads(life.done["json"].out)}
    assert life.sent["model"] <= said


def test_mails_are_plain_text_and_hold_no_markup(life: Life) -> None:
    for mail in life.mails:
        parts = [part for part in mail.walk() if not part.is_multipart()]
        assert {part.get_content_type() for part in parts} == {"text/plain"}
        assert not set("<>") & set(parts[0].get_content())
    for body in life.receiver.bodies:
        assert not set("<>\x1b") & set(body)


def test_dagster_is_given_no_markup_to_render_and_no_line_of_log_is_forged(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its UI draws Markdown metadata; texts and JSON it shows as they are."""
    monkeypatch.setenv("DAGSTER_HOME", str(life.home / "dagster"))
    described = []
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs():
            for entry in instance.all_logs(run.run_id):
                if entry.dagster_event is None:
                    assert entry.user_message.isprintable(), entry.user_message
                    continue
                kinds = {type(value) for value in _metadata(entry.dagster_event)}
                assert not kinds & {dg.MarkdownMetadataValue, dg.UrlMetadataValue}
                failure = entry.dagster_event.event_specific_data
                if isinstance(failure, StepFailureData) and failure.user_failure_data:
                    described.append(failure.user_failure_data.description or "")
    assert len(described) > 5
    assert all(line.isprintable() for line in described)


def _metadata(event: dg.DagsterEvent) -> list[dg.MetadataValue]:
    data = event.event_specific_data
    holders = [data, *(getattr(data, n, None) for n in ("materialization", "asset_observation"))]
    return [v for holder in holders for v in (getattr(holder, "metadata", None) or {}).values()]
