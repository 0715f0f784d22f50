"""`ai-usage keys gaps`: what it prints, and what it appends to the register."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ai_usage.cli.app import app
from ai_usage.cli.keys import DOUBTFUL, MARK, VIEW, suggestions
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.assets.sql_views import view_literals
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.reference import RefusedFileError, read_bytes, reference_file
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import view_schema
from ai_usage_tests.sql.company import tables
from ai_usage_tests.support.check_runs import build_rollups

FILE = reference_file("api_keys.csv")
TODAY = date(2025, 8, 31)
Row = dict[str, Any]


def gap(**more: Any) -> dict[str, Any]:
    return {
        "platform": "anthropic",
        "identity_type": "api_key_id",
        "identity_value": "apikey_1",
        "records": 2,
        "cost_usd": Decimal("1234.5"),
        "first_day": date(2025, 8, 4),
        "last_day": date(2025, 8, 6),
        "suggested_owner": "ann@x.io",
        "suggestion_evidence": "manual_entry names them until 2025-06-30",
        "suggestion_confidence": 0.8,
        "reason": "lapsed",
        "key_name": "old laptop",
        "suggested_use": "personal",
        **more,
    }


def uncommented(content: bytes) -> list[dict[str, Any]]:
    """The register's rows once a person has taken the comment sign off every ready line."""
    lines = content.decode("utf-8-sig").splitlines()
    ready = [
        line.removeprefix("# ") if before.startswith(MARK) else line
        for before, line in zip(["", *lines], lines, strict=False)
    ]
    return read_bytes(FILE, "\n".join(ready).encode()).rows


# --- The addition ------------------------------------------------------------------------------


def test_a_suggestion_is_a_reason_and_a_line_both_commented_out() -> None:
    register = b"user_email,platform,api_key_id,created_date,intended_use\n"
    found = suggestions(register, [gap()])
    assert found.addition.decode() == (
        "# suggested: anthropic apikey_1 -> ann@x.io (manual_entry names them until 2025-06-30; "
        "confidence 0.80; $1,234.50 and 2 records from 2025-08-04 to 2025-08-06)\n"
        "# ann@x.io,anthropic,apikey_1,,personal\n"
    )
    assert read_bytes(FILE, register + found.addition).rows == []
    (row,) = uncommented(register + found.addition)
    assert (row["api_key_id"], row["user_email"]) == ("apikey_1", "ann@x.io")


def test_a_register_with_semicolons_gets_its_lines_with_semicolons() -> None:
    register = b"sep=;\n# ours\nplatform;api_key_id;user_email;created_date\n"
    found = suggestions(register, [gap()])
    assert found.addition.decode().splitlines()[1] == "# anthropic;apikey_1;ann@x.io;"
    assert read_bytes(FILE, register + found.addition).rows == []
    (row,) = uncommented(register + found.addition)
    assert (row["api_key_id"], row["user_email"]) == ("apikey_1", "ann@x.io")


def test_a_register_in_which_a_comment_could_be_a_key_gets_no_suggestion() -> None:
    found = suggestions(b"api_key_id,platform,user_email\n", [gap()])
    assert (found.addition, found.written) == (b"", 0)
    assert "may be a comment, or data" in found.notes[0]


def test_a_suggestion_that_a_spreadsheet_has_quoted_is_not_made_again() -> None:
    register = b"platform,api_key_id,user_email\n"
    reason, line = suggestions(register, [gap()]).addition.decode().splitlines()
    saved = register + f'"{reason}",,\r\n{line}\r\n'.encode()
    assert read_bytes(FILE, saved).rows == []
    assert suggestions(saved, [gap()]).known == 1


def test_a_key_that_has_a_line_begins_with_the_gap() -> None:
    register = (
        b"platform,api_key_id,user_email,created_date,expires_date\n"
        b"anthropic,apikey_1,bob@x.io,,2025-06-30\n"
    )
    found = suggestions(register, [gap()])
    assert found.addition.decode().splitlines()[1] == "# anthropic,apikey_1,ann@x.io,2025-08-04,"
    assert [row["created_date"] for row in uncommented(register + found.addition)] == [
        None,
        date(2025, 8, 4),
    ]


def test_a_name_is_suggested_by_its_column() -> None:
    register = b"platform,api_key_id,api_key_name,user_email\n"
    named = gap(identity_type="api_key_name", identity_value='ann, "dev"', key_name='ann, "dev"')
    (row,) = uncommented(register + suggestions(register, [named]).addition)
    assert (row["api_key_id"], row["api_key_name"]) == (None, 'ann, "dev"')


@pytest.mark.parametrize(
    "register",
    [
        b"platform,api_key_id,user_email\nanthropic,apikey_9,bob@x.io",
        b"\xef\xbb\xbfplatform,api_key_id,user_email\r\nanthropic,apikey_9,bob@x.io\r\n",
        b"# ours\n\nplatform,api_key_id,user_email\n# anthropic,apikey_1,bob@x.io\n\n\n",
    ],
)
def test_what_stands_in_the_register_stays_byte_for_byte(register: bytes) -> None:
    found = suggestions(register, [gap()])
    after = register + found.addition
    assert read_bytes(FILE, after).rows == read_bytes(FILE, register).rows
    assert len(uncommented(after)) == len(read_bytes(FILE, register).rows) + 1
    ending = b"\r\n" if b"\r\n" in register else b"\n"
    assert after.count(b"\n") == after.count(ending)


def test_a_suggestion_is_made_once_whatever_its_figures_are() -> None:
    register = b"platform,api_key_id,user_email\n"
    after = register + suggestions(register, [gap()]).addition
    again = suggestions(after, [gap(cost_usd=Decimal(9), last_day=date(2025, 8, 30))])
    assert (again.addition, again.written, again.known) == (b"", 0, 1)
    other = suggestions(after, [gap(suggested_owner="bob@x.io")])
    assert (other.written, other.known) == (1, 0)


def test_without_a_register_its_sample_comes_first() -> None:
    found = suggestions(b"", [gap()])
    assert found.addition.startswith(b"# api_keys.csv: ")
    (row,) = uncommented(found.addition)
    assert (row["api_key_name"], row["intended_use"]) == ("old laptop", "personal")
    assert suggestions(b"", []).addition == b""


@pytest.mark.parametrize(
    ("more", "note"),
    [
        (
            {"identity_type": "email", "identity_value": "a.nn@x.io"},
            "a.nn@x.io: if it is ann@x.io's, add it to their aliases in users.csv.",
        ),
        (
            {
                "identity_type": "workspace",
                "identity_value": "wrkspc_1",
                "suggestion_evidence": "has 60 % of the tokens of the workspace",
            },
            "workspace wrkspc_1: ask ann@x.io, who has 60 % of the tokens of the workspace.",
        ),
        (
            {"reason": "unlisted_owner", "suggestion_evidence": "sso_sync names them"},
            "apikey_1: sso_sync names them: add ann@x.io to users.csv.",
        ),
        (
            {"identity_value": "=cmd()"},
            "=cmd(): not suggested, the register would be refused ('=cmd()' is a formula, "
            "not its value)",
        ),
        (
            {"identity_value": "sk-ant-api03-x"},
            "sk-ant-api03-x: not suggested, the register would be refused (holds a secret key, "
            "not the key's id or name)",
        ),
    ],
)
def test_what_no_line_can_say_is_told_instead(more: dict[str, Any], note: str) -> None:
    found = suggestions(b"platform,api_key_id,user_email\n", [gap(**more)])
    assert (found.addition, found.notes) == (b"", [note])


def test_a_gap_without_an_owner_is_not_suggested() -> None:
    nobody = gap(suggested_owner=None, suggestion_evidence=None, suggestion_confidence=None)
    found = suggestions(b"platform,api_key_id,user_email\n", [nobody])
    assert (found.addition, found.notes) == (b"", [])


def test_a_register_that_is_refused_is_left_alone() -> None:
    with pytest.raises(RefusedFileError, match=r"api_keys\.csv:2: user_email"):
        suggestions(b"platform,api_key_id,user_email\nanthropic,apikey_1,nobody\n", [gap()])


@given(name=st.text(min_size=1, max_size=30))
def test_no_name_breaks_out_of_its_comment(name: str) -> None:
    register = b"platform,api_key_id,api_key_name,user_email\n"
    named = gap(identity_type="api_key_name", identity_value=name, key_name=name)
    found = suggestions(register, [named])
    assert read_bytes(FILE, register + found.addition).rows == []
    if found.written:
        (row,) = uncommented(register + found.addition)
        assert row["api_key_name"] == name.strip()


@pytest.mark.parametrize("name", ["x,=1", "x;+1", "x\t@1", "=1", 'x, "-1'])
def test_no_name_becomes_a_formula_in_a_spreadsheet_that_knows_no_comments(name: str) -> None:
    named = gap(identity_type="api_key_name", identity_value=name, key_name=name)
    found = suggestions(b"platform,api_key_id,api_key_name,user_email\n", [named])
    assert (found.addition, found.written) == (b"", 0)
    assert "not suggested" in found.notes[0]


# --- The command -------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty state folder."""
    monkeypatch.setenv("AI_USAGE_ENV_FILE", str(tmp_path / "no.env"))
    monkeypatch.setenv("AI_USAGE_HOME", str(tmp_path))
    monkeypatch.setenv("AI_USAGE_AS_OF", TODAY.isoformat())
    return Settings.load()


@pytest.fixture
def filled(settings: Settings) -> Settings:
    """A warehouse with two gaps: a key whose owner's entry has ended, and a stranger."""
    return fill(settings)


@pytest.fixture
def doubtful(settings: Settings) -> Settings:
    """The same, and two keys that Bob has made: of services, as their names look."""
    keys = [
        {
            "platform": "anthropic",
            "api_key_id": key,
            "api_key_name": name,
            "user_email": "bob@x.io",
            "attribution_source": "vendor_directory",
            "is_winner": True,
        }
        for key, name in (("apikey_2", "nightly-build"), ("apikey_3", "ci-bot"))
    ]
    bobs = {"person": "bob@x.io", "platform": "claude_api"}
    costs = [
        {"day": date(2025, 8, 5), "event_id": f"e{key}", **bobs}
        | {"api_key_id": f"apikey_{key}", "base_cost_usd": Decimal(usd)}
        for key, usd in ((2, 30), (3, 99))
    ]
    fill(settings, keys, costs)
    view = view_schema(DOUBTFUL)
    warehouse_resource(settings).warehouse().create_view(view, view_literals(settings.as_of, view))
    return settings


def fill(settings: Settings, keys: Sequence[Row] = (), costs: Sequence[Row] = ()) -> Settings:
    day, nobodys = date(2025, 8, 4), {"person": "Unattributed", "platform": "claude_api"}
    key, stranger = {"day": day, "event_id": "e1"}, {"day": day, "event_id": "e2"}
    rows = tables(
        [{"user_email": "ann@x.io"}, {"user_email": "bob@x.io"}],
        [{**key, **nobodys, "api_key_id": "apikey_1", "base_cost_usd": Decimal("12.5")}, *costs],
        [{**key, **nobodys}, {**stranger, **nobodys}],
        reports=[
            {**key, "platform": "claude_api", "api_key_id": "apikey_1"},
            {**stranger, "platform": "claude_api", "user_email": "stranger@z.io"},
        ],
        keys=[
            {
                "platform": "anthropic",
                "api_key_id": "apikey_1",
                "user_email": "ann@x.io",
                "attribution_source": "manual_entry",
                "expires_date": date(2025, 6, 30),
            },
            *keys,
        ],
        calendar=(date(2025, 8, 1), TODAY),
    )
    warehouse = warehouse_resource(settings).warehouse()
    for name in (
        "dim_users",
        "dim_dates",
        "dim_platforms",
        "raw_ai_events",
        "fact_ai_costs",
        "fact_ai_usage",
        "api_key_mappings",
    ):
        warehouse.ensure_table(name)
        warehouse.replace(name, None, table_schema(name).to_arrow(rows[name]))
    assert isinstance(warehouse, DuckDBWarehouse)
    days = Window(date(2025, 8, 1), TODAY)
    build_rollups(warehouse, ("agg_unattributed_daily", "agg_keys_daily"), days)
    view = view_schema(VIEW)
    warehouse.create_view(view, view_literals(settings.as_of, view))
    return settings


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["keys", "gaps", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout, result.stderr


def test_it_prints_the_gaps_by_dollars(filled: Settings) -> None:
    shown, _ = run()
    assert shown.index("apikey_1") < shown.index("stranger@z.io")
    assert "12.5" in shown
    (first, second) = list(csv.DictReader(io.StringIO(run("--format", "csv")[0])))
    assert list(first) == view_schema(VIEW).column_names
    assert (first["identity_value"], first["cost_usd"]) == ("apikey_1", "12.5")
    assert (first["suggested_owner"], first["reason"]) == ("ann@x.io", "lapsed")
    assert (second["identity_value"], second["records"]) == ("stranger@z.io", "1")
    assert [row["gap_rank"] for row in json.loads(run("--format", "json")[0])] == [1, 2]


def test_writing_appends_once_and_loads_nothing(filled: Settings) -> None:
    register = filled.reference_path / "api_keys.csv"
    register.parent.mkdir(parents=True)
    before = b"platform,api_key_id,user_email\nanthropic,apikey_9,ann@x.io"
    register.write_bytes(before)
    shown, said = run("--write", "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(shown)))) == 2
    assert said == (
        f"1 suggestion appended to {register}: review them, and take the `# ` off the lines that "
        "are right.\n"
    )
    after = register.read_bytes()
    assert after.startswith(before + b"\n" + MARK.encode())
    assert len(read_bytes(FILE, after).rows) == 1
    assert len(uncommented(after)) == 2
    shown, _ = run("--write")
    assert "0 suggestions appended" in shown
    assert "1 suggestion stood there already." in shown
    assert register.read_bytes() == after


def test_doubtful_owners_are_a_second_list_by_dollars(doubtful: Settings) -> None:
    shown, _ = run()
    assert shown.index("stranger@z.io") < shown.index("Doubtful owners") < shown.index("apikey_3")
    assert shown.index("apikey_3") < shown.index("apikey_2")
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv")[0])))
    assert [(r["reason"], r["gap_rank"], r["identity_value"]) for r in rows[1:]] == [
        ("unknown", "2", "stranger@z.io"),
        ("doubtful_owner", "1", "apikey_3"),
        ("doubtful_owner", "2", "apikey_2"),
    ]


def test_a_doubtful_owner_is_suggested_as_the_services_contact(doubtful: Settings) -> None:
    doubtful.reference_path.mkdir(parents=True)
    register = doubtful.reference_path / "api_keys.csv"
    register.write_bytes(b"platform,api_key_id,api_key_name,user_email,intended_use\n")
    _, said = run("--write", "--format", "csv")
    assert said.startswith("3 suggestions appended")
    written = register.read_bytes()
    assert written.decode().splitlines()[3:5] == [
        "# suggested: anthropic apikey_3 -> bob@x.io (bob@x.io made it and bears its cost; its "
        "name is a service's; confidence 0.50; $99.00 and 1 record from 2025-08-05 to 2025-08-05)",
        "# anthropic,apikey_3,ci-bot,bob@x.io,service",
    ]
    assert read_bytes(FILE, written).rows == []
    assert [row["intended_use"] for row in uncommented(written)] == [
        "personal",
        "service",
        "service",
    ]
    assert "0 suggestions appended" in run("--write")[0]


def test_a_warehouse_of_an_older_version_has_the_gaps_alone(filled: Settings) -> None:
    assert "Doubtful" not in run()[0]


def test_printing_writes_nothing(filled: Settings) -> None:
    run()
    assert not filled.reference_path.exists()


def test_without_the_view_it_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(AiUsageError, match="there is no vw_attribution_gaps yet"):
        run()
