"""The directories in the graph: their assets, the tables they fill, the doctor's lines."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.doctor import findings
from ai_usage.cli.reference import check_files
from ai_usage.days.windows import Window
from ai_usage.directories import DIRECTORIES
from ai_usage.instance.partitions import daily_partitions
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.orchestration.assets.directories import directory_assets, directory_key
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.resources import client_resources, configured_among, resources_of
from ai_usage.orchestration.runs import CheckResult, RunResult
from ai_usage.settings import Settings
from ai_usage.simulator import SCIM_TOKEN, Company, serve
from ai_usage.simulator.roster import ALIAS, EARLIER_LEAVER, MOVER
from ai_usage.warehouse.base import Query
from ai_usage_tests.directories.conftest import TODAY, Configured
from ai_usage_tests.support.pipeline import run_window, warehouse_of
from ai_usage_tests.vendors.support import ScriptedVendor

SELECTION = " or ".join(
    ["group:directories", "key:dim_users", "key:api_key_mappings", "key:bridge_user_identity"]
)
NONE = {
    "AI_USAGE_SCIM_URL": "",
    "AI_USAGE_SCIM_TOKEN": "",
    "AI_USAGE_SHEETS_ID": "",
    "AI_USAGE_SHEETS_CREDENTIALS": "",
}


def run(settings: Settings, selection: str = SELECTION) -> RunResult:
    days = Window(settings.today - timedelta(days=1), settings.today + timedelta(days=1))
    return run_window(settings, days, selection=selection, vendors=(), checks=False)


def test_both_are_upstream_of_people_and_keys(configured: Configured) -> None:
    graph = build_defs(configured()).resolve_asset_graph()
    for directory in DIRECTORIES:
        node = graph.get(directory_key(directory))
        assert node.group_name == "directories"
        assert node.owners == ["team:data-platform"]
        assert directory.needs[0] in (node.description or "")
        below = {key.path[-1] for key in node.child_keys}
        assert {"dim_users", "api_key_mappings"} <= below


def test_people_and_keys_come_from_the_directories_alone(
    configured: Configured, company: Company
) -> None:
    settings = configured()
    result = run(settings)
    assert result.success, result.errors
    warehouse = warehouse_of(settings)
    people = {
        row["user_email"]: row
        for row in warehouse.rows(Query("SELECT * FROM dim_users WHERE user_sk > 0"))
    }
    listed = [p for p in company.people if p.start_date <= TODAY]
    assert set(people) == {p.email for p in listed}
    for person in listed:
        row, team = people[person.email], person.team(TODAY)
        assert (row["user_id"], row["employee_id"]) == (person.user_id, person.employee_id)
        assert (row["department"], row["team"]) == (team.department, team.name)
        assert row["cost_center"] == team.cost_center
        assert row["employment_type"] == person.employment_type
        assert row["data_source"] == "scim"
    assert people[company.people[EARLIER_LEAVER].email]["is_active"] is False
    mover = company.people[MOVER]
    assert people[mover.email]["is_active"] is True
    assert people[mover.email]["manager_email"] == mover.team(TODAY).manager_email

    alias = company.people[ALIAS]
    (bridged,) = warehouse.rows(
        Query(
            "SELECT user_email FROM bridge_user_identity WHERE identity_value = @alias",
            {"alias": alias.aliases[0]},
        )
    )
    assert bridged["user_email"] == alias.email

    mapped = {
        (row["api_key_id"], row["attribution_source"]): row
        for row in warehouse.rows(Query("SELECT * FROM api_key_mappings"))
    }
    workspace = next(w.id for w in company.workspaces if w.name == "Data Science")
    expected = {
        **{
            (key.id, "sso_sync"): (key.contact_email, 0.95)
            for key in company.keys
            if not key.registered and key.person is not None
        },
        **{
            (key.id, "google_sheets"): (key.contact_email, 0.9)
            for key in company.keys
            if key.registered and key.workspace_id == workspace
        },
    }
    found = {
        key: (row["user_email"], row["confidence_score"])
        for key, row in mapped.items()
        if key[1] in ("sso_sync", "google_sheets")
    }
    assert found == expected
    assert all(row["is_winner"] for row in mapped.values())


def test_the_days_snapshots_make_a_history_that_the_directory_does_not_know(
    configured: Configured, company: Company
) -> None:
    mover = company.people[MOVER]
    moved = mover.teams[1][0]
    eve = moved - timedelta(days=1)
    seen = company.on(eve)
    with serve(lambda: seen) as url:
        for day in (eve, moved):
            seen = company.on(day)
            settings = configured(
                AI_USAGE_SCIM_URL=f"{url}/scim/v2",
                AI_USAGE_AS_OF=str(day),
                AI_USAGE_START_DATE=str(eve - timedelta(days=1)),
            )
            assert run(settings, "key:source_scim_users or key:dim_users").success
    rows = warehouse_of(settings).rows(
        Query(
            "SELECT team, effective_date FROM dim_users WHERE user_email = @email "
            "ORDER BY effective_date",
            {"email": mover.email},
        )
    )
    assert [(row["team"], row["effective_date"]) for row in rows] == [
        (mover.teams[0][1].name, date(1900, 1, 1)),
        (mover.teams[1][1].name, moved),
    ]


def unread(settings: Settings) -> list[str]:
    """The directories of people that the settings name and that were never read."""
    directory = Directory(Declared.of(settings, ()), Archive(settings.archive_root), settings)
    return directory.unread(configured_among(client_resources(settings, ())))


@pytest.mark.slow
def test_files_about_money_may_name_people_whom_only_the_directory_knows(
    configured: Configured, company: Company
) -> None:
    """No users.csv at all: seats, budgets, rules and costs of SCIM's people, at the first run."""
    settings = configured()
    assert unread(settings) == ["SCIM directory"]
    mover, alias = company.people[MOVER], company.people[ALIAS]
    folder = settings.reference_path
    folder.mkdir(parents=True)
    (folder / "budgets.csv").write_text(
        "scope_type,scope_value,amount,valid_from\n"
        f"person,{mover.email},300,2026-03-01\nperson,{alias.aliases[0]},200,2026-03-01\n"
    )
    (folder / "seats.csv").write_text(
        "contract_id,platform,platform_subtype,quantity,price,valid_from,cost_center\n"
        "c,acme,acme,2,31.00,2026-03-01,CC-NOBODYS\n"
    )
    (folder / "seat_assignments.csv").write_text(
        f"platform,user_email,valid_from\nacme,{mover.email},2026-03-01\n"
    )
    (folder / "allocation_rules.csv").write_text(
        "rule_id,platform,scope_type,scope_value,method,user_email,percentage\n"
        f"r,anthropic,api_key,k,manual,{mover.email},100\n"
    )
    (folder / "other_costs.csv").write_text(
        "cost_id,platform,line_kind,amount,date_from,user_email\n"
        f"c,acme,tax,5,2026-03-17,{mover.email}\n"
    )
    selection = "+key:fact_ai_costs and not group:sources"
    result = run(settings, selection)
    assert result.success, result.errors
    assert unread(settings) == []
    warehouse = warehouse_of(settings)
    borne = warehouse.rows(
        Query(
            "SELECT u.user_email, f.cost_type, cc.cost_center, f.total_cost_usd AS usd, "
            "f.budget_allocated_usd AS budget FROM fact_ai_costs AS f "
            "JOIN dim_users AS u ON u.user_sk = f.user_sk "
            "JOIN dim_cost_centers AS cc ON cc.cost_center_sk = f.cost_center_sk "
            "WHERE DATE(f.cost_timestamp) = DATE '2026-03-17'"
        )
    )
    own = mover.team(TODAY).cost_center
    assert {tuple(row.values()) for row in borne} == {
        (mover.email, "subscription", own, Decimal(1), Decimal(300)),
        (mover.email, "one_time", own, Decimal(5), Decimal(300)),
        # A seat that nobody holds stands on its contract's cost centre, though it is nobody's.
        ("shared", "subscription", "CC-NOBODYS", Decimal(1), None),
    }
    budgets = warehouse.rows(Query("SELECT scope_value FROM dim_budgets"))
    assert {row["scope_value"] for row in budgets} == {mover.email, alias.email}

    (folder / "budgets.csv").write_text(
        "scope_type,scope_value,amount,valid_from\nperson,ghost@x.com,300,2026-03-01\n"
    )
    again = run(settings, selection)
    assert again.errors == (
        "budgets.csv:2: scope_value: ghost@x.com is nobody in users.csv or a directory; fix the "
        "address, or add it to users.csv",
    )
    kept = warehouse.rows(Query("SELECT scope_value FROM dim_budgets"))
    assert {row["scope_value"] for row in kept} == {mover.email, alias.email}


def test_the_commands_judge_people_only_when_the_directory_was_read(
    configured: Configured, company: Company
) -> None:
    settings = configured()
    settings.reference_path.mkdir(parents=True)
    lines = f"person,{company.people[MOVER].email},3,2026-03-01\nperson,ghost@x.com,3,2026-03-01\n"
    (settings.reference_path / "budgets.csv").write_text(
        "scope_type,scope_value,amount,valid_from\n" + lines
    )
    ghost = "budgets.csv:3: scope_value: ghost@x.com is nobody in users.csv or a directory"

    def said() -> tuple[bool, str, bool, str]:
        out = io.StringIO()
        good = check_files(Console(file=out, width=200), settings)
        (finding,) = (f for f in findings(settings) if f.what == "budgets.csv")
        return good, out.getvalue(), finding.ok, finding.detail

    good, printed, ok, _ = said()
    assert (good, ok) == (True, True)
    assert "people are known is not checked: SCIM directory has not been read yet" in printed
    assert run(settings, "key:source_scim_users").success
    good, printed, ok, detail = said()
    assert (good, ok) == (False, False)
    assert printed.count("is nobody in") == 1
    assert ghost in printed
    assert ghost in detail

    half = configured(AI_USAGE_SCIM_URL="")
    out = io.StringIO()
    assert not check_files(Console(file=out, width=200), half)
    assert ghost in out.getvalue(), "what was last read of the directory tells who is known"


def test_without_settings_the_assets_say_so(configured: Configured) -> None:
    settings = configured(**NONE)
    assets = directory_assets(settings, daily_partitions(settings))
    result = dg.materialize(
        assets, partition_key=TODAY.isoformat(), resources=resources_of(settings)
    )
    for directory in DIRECTORIES:
        (said,) = result.asset_materializations_for_node(f"source_{directory.name}")
        assert said.metadata["status"].value == (
            f"{directory.title}: not configured; set {directory.needs[0]} and "
            f"{directory.needs[1]} to read it."
        )
    assert not Path(settings.archive_root).exists()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (
            {"AI_USAGE_SCIM_TOKEN": "wrong-token"},
            "scim users 2026-03-18 page 1: answered 401 (Authorization failure. The bearer token "
            "is invalid or missing.). Check AI_USAGE_SCIM_TOKEN.",
        ),
        (
            {"AI_USAGE_SCIM_URL": ""},
            "AI_USAGE_SCIM_TOKEN is set, AI_USAGE_SCIM_URL is not: SCIM directory needs both.",
        ),
    ],
)
def test_a_failure_is_one_line(configured: Configured, more: dict[str, str], error: str) -> None:
    result = run(configured(**more), "source_scim_users")
    assert not result.success
    assert result.errors == (error,)


def test_no_secret_is_left_anywhere(configured: Configured, tmp_path: Path) -> None:
    settings = configured()
    wrong = configured(AI_USAGE_SCIM_TOKEN="another-secret-token")
    assert run(settings, "group:directories").success
    assert not run(wrong, "group:directories").success
    key = (tmp_path / "service-account.json").read_text().split("\\n")[5].encode()
    secrets = (SCIM_TOKEN.encode(), b"another-secret-token", b"ya29.", key)
    for path in (p for p in settings.home.rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert not [s for s in secrets if s in content], path
    assert SCIM_TOKEN not in repr(settings)


def test_the_doctor_has_a_line_for_each(configured: Configured) -> None:
    def lines(**more: str) -> dict[str, tuple[bool, bool, str]]:
        found = {f.what: (f.ok, f.note, f.detail) for f in findings(configured(**more))}
        return {title: found[title] for title in ("SCIM directory", "Google Sheet")}

    good = lines()
    assert [(ok, note) for ok, note, _ in good.values()] == [(True, False)] * 2
    assert "AI_USAGE_SCIM_TOKEN is accepted by" in good["SCIM directory"][2]
    none = lines(**NONE)
    assert none["Google Sheet"] == (
        True,
        True,
        "not configured; set AI_USAGE_SHEETS_ID and AI_USAGE_SHEETS_CREDENTIALS to read it",
    )
    bad = lines(AI_USAGE_SCIM_TOKEN="wrong", AI_USAGE_SHEETS_ID="other")
    assert [ok for ok, _, _ in bad.values()] == [False, False]
    assert bad["Google Sheet"][2].endswith("Check AI_USAGE_SHEETS_ID.")


ODD = "odd.o'brien@acme.test"


def scim_of(*users: dict[str, Any]) -> dict[str, Any]:
    return {"totalResults": len(users), "Resources": list(users)}


def account(number: int, email: str, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "userName": email, "active": True, **more}


@pytest.mark.slow
def test_what_a_directory_leaves_out_stands_in_a_check_and_by_name_in_the_doctor(
    configured: Configured, server: ScriptedVendor
) -> None:
    """The account is read, then odd, then read: it stays as it was, and is named meanwhile.

    So does what one run of a day reads and the next one cannot.
    """
    first, second = TODAY - timedelta(days=1), TODAY
    ann, robot = account(1, "ann@acme.test"), account(3, "robot")
    odd, healthy = account(9, ODD, active="Inactive"), account(9, ODD, title="Dev")
    new = account(4, "new@acme.test", name="New")

    def seen(day: date, *users: dict[str, Any]) -> tuple[CheckResult, list[str], set[Any]]:
        server.answers(scim_of(*users))
        settings = configured(
            AI_USAGE_AS_OF=str(day),
            AI_USAGE_SCIM_URL=server.url,
            AI_USAGE_SHEETS_ID="",
            AI_USAGE_SHEETS_CREDENTIALS="",
        )
        days = Window(day, day + timedelta(days=1))
        result = run_window(
            settings, days, selection="key:source_scim_users or key:dim_users", vendors=()
        )
        assert result.success, result.errors
        (check,) = [c for c in result.checks if c.name == "directory_records"]
        lines = [f.detail for f in findings(settings) if f.what == "scim.users" and f.note]
        rows = warehouse_of(settings).rows(
            Query("SELECT user_email, job_title, is_active FROM dim_users WHERE user_sk > 0")
        )
        return check, lines, {tuple(row.values()) for row in rows}

    check, lines, people = seen(first, ann, healthy, robot)
    assert (check.passed, lines) == (True, [])
    both = {("ann@acme.test", None, True), (ODD, "Dev", True)}
    assert people == both

    check, lines, people = seen(second, ann, odd, robot, new)
    assert people == both
    remedy = "mend it in the directory: the next run reads it again; a line in users.csv wins"
    assert lines == [
        f"{ODD} (id 9): active is a text, not true or false; what was last read of it stands; "
        f"{remedy} meanwhile",
        "new@acme.test (id 4): name is a text, not an object; nothing of it is known; "
        f"{remedy} meanwhile",
    ]
    assert (check.passed, check.is_error) == (False, False)
    assert [name.partition(" #")[0] for name in check.failures] == [
        "scim.users o***@acme.test (id 9)",
        "scim.users n***@acme.test (id 4)",
    ]
    assert [row["odd"] for row in check.sample] == [
        "active is a text, not true or false",
        "name is a text, not an object",
    ]
    assert ODD not in str(check)
    assert "new@acme.test" not in str(check)

    check, lines, people = seen(second, ann, healthy, robot)
    assert (check.passed, lines, people) == (True, [], both)

    seen(second, ann, healthy, robot, {**new, "name": {}})
    check, (_, line), people = seen(second, ann, odd, robot, new)
    assert people == {*both, ("new@acme.test", None, True)}
    assert "what was last read of it stands" in line
