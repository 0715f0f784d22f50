"""A simulated company's pages equal the warehouse, and name nobody who may not be seen."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.pages.routes import routes
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.queries import evidence
from ai_usage.dashboard.scope import spend
from ai_usage.dashboard.server import build_app
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage.warehouse.base import Warehouse
from ai_usage_tests.support.pipeline import Loaded, warehouse_of

FEBRUARY = date(2026, 2, 1)
MONTH = Filters(FEBRUARY, FEBRUARY)
ADMIN = Viewer("owner@example.com", Role.ADMIN, Mode.OPEN)
BLIND = [
    Viewer("chief@example.com", Role.EXECUTIVE, Mode.OPEN),
    Viewer("chief@example.com", Role.EXECUTIVE, Mode.TEAM),
    Viewer("cfo@example.com", Role.FINANCE, Mode.TEAM),
]
"""Who sees no single people."""


@pytest.fixture(scope="module")
def warehouse(quarter: Loaded) -> Warehouse:
    return warehouse_of(quarter.settings)


@pytest.fixture(scope="module")
def published(quarter: Loaded) -> Published:
    return Published(quarter.settings.published_path)


def client(published: Published, viewer: Viewer, warehouse: Warehouse | None = None) -> TestClient:
    app = build_app(
        published, lambda _email: viewer, warehouse=None if warehouse is None else lambda: warehouse
    )
    return TestClient(app, base_url="http://127.0.0.1:3100")


def sums(warehouse: Warehouse, by: str) -> dict[str, Decimal]:
    """What the facts say of February, straight from the warehouse."""
    rows = warehouse.query(
        f"""
SELECT {by} AS name, SUM(c.total_cost_usd) AS total
FROM fact_ai_costs AS c
LEFT JOIN int_people AS p ON p.user_sk = c.user_sk
LEFT JOIN dim_platforms AS f ON f.platform_sk = c.platform_sk
WHERE c.cost_timestamp >= TIMESTAMP('2026-02-01') AND c.cost_timestamp < TIMESTAMP('2026-03-01')
GROUP BY 1
"""
    ).to_pylist()
    return {row["name"]: row["total"] for row in rows}


def test_the_copy_is_published_by_the_run_that_fills_the_warehouse(
    published: Published, quarter: Loaded
) -> None:
    assert published.about.as_of == quarter.settings.today
    assert published.about.run_id is not None


def test_before_any_check_has_run_the_page_does_not_say_that_all_hold(
    quarter: Loaded, tmp_path: Path
) -> None:
    path = tmp_path / "copy.duckdb"
    shutil.copy(quarter.settings.published_path, path)
    with duckdb.connect(path) as copy:
        copy.execute("DELETE FROM checks")
    text = client(Published(path), ADMIN).get("/trust").text
    assert text.count("No check has run") == 2
    assert "Every check holds" not in text


@pytest.mark.parametrize(
    ("by", "sql"),
    [
        ("platform", "f.platform_name"),
        ("team", "p.team"),
        ("department", "p.department"),
        ("person", "p.person"),
        ("model", "COALESCE(c.model, 'No model')"),
        ("kind", "c.cost_type"),
    ],
)
def test_figures_are_the_warehouses_to_the_last_digit(
    by: Any, sql: str, published: Published, warehouse: Warehouse
) -> None:
    rows = spend(published, ADMIN, MONTH, [by]).to_pylist()
    assert {row[by]: row["total"] for row in rows} == sums(warehouse, sql)


def test_projects_are_those_of_the_view(published: Published, warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "SELECT project_code AS name, SUM(total_cost) AS total FROM vw_cost_by_project "
        "WHERE month = DATE '2026-02-01' GROUP BY 1"
    ).to_pylist()
    told = spend(published, ADMIN, MONTH, ["project"]).to_pylist()
    assert {row["project"]: row["total"] for row in told} == {r["name"]: r["total"] for r in rows}


@pytest.mark.parametrize("viewer", [ADMIN, *BLIND], ids=lambda v: f"{v.role}-{v.mode}")
def test_the_whole_companys_pages_show_the_warehouses_total(
    viewer: Viewer, published: Published, warehouse: Warehouse
) -> None:
    (total,) = sums(warehouse, "'all'").values()
    shown = f"{total:,.2f}"
    pages = client(published, viewer)
    for path in ("/", "/spend", "/spend?by=team", "/spend?by=cost_center", "/spend?by=project"):
        sign = "&" if "?" in path else "?"
        text = pages.get(f"{path}{sign}month=2026-02").text
        assert shown in text, path


def paths() -> list[str]:
    """Every page and every export that there is."""
    return [
        route.path
        for route in routes()
        if isinstance(route, Route) and "{" not in route.path and "GET" in (route.methods or ())
    ]


def asked(published: Published) -> Iterator[str]:
    """Addresses of all pages: plain, by every dimension, with names that a viewer may not know."""
    (one,) = published.rows(
        "SELECT person, key, team FROM detail_rows WHERE is_person AND key != 'No key' "
        "AND month = DATE '2026-02-01' ORDER BY total DESC LIMIT 1"
    )
    for path in paths():
        yield f"{path}?month=2026-02"
        yield f"{path}?from=2026-01&to=2026-03&sort=-total&page=2"
        for by in ("person", "key", "team", "cost_center", "project"):
            yield f"{path}?month=2026-02&by={by}&org=now"
        for name, value in (("person", one["person"]), ("key", one["key"]), ("team", one["team"])):
            yield f"{path}?month=2026-02&{name}={value}&by=person"
    yield "/evidence?month=2026-02&date=2026-02-11"
    yield "/evidence.csv?month=2026-02&date=2026-02-11"


@pytest.mark.parametrize("viewer", BLIND, ids=lambda v: f"{v.role}-{v.mode}")
def test_canary_names_are_found_nowhere(
    viewer: Viewer, published: Published, warehouse: Warehouse
) -> None:
    """Addresses, names and keys of people: on no page, in no export, in no header."""
    people = published.rows("SELECT DISTINCT person, full_name FROM people WHERE is_person")
    keys = published.rows(
        "SELECT DISTINCT key FROM detail_rows WHERE key != 'No key' AND user_sk > 0"
    )
    over = published.rows(
        "SELECT DISTINCT scope_value, full_name FROM budgets "
        "WHERE scope_type = 'person' AND is_over_budget"
    )
    # Finance owns the cases that are over their budget.
    known = {v for row in over for v in row.values()} if viewer.role is Role.FINANCE else set()
    canaries = {v for row in people for v in row.values() if v} - known
    canaries |= {row["key"] for row in keys}
    pages = client(published, viewer, warehouse)
    for address in asked(published):
        # What the address itself names comes back as a filter that was left out.
        own = {part.split("=")[1] for part in re.split("[?&]", address) if "=" in part}
        answer = pages.get(address)
        assert answer.status_code in (200, 403, 404), address
        text = answer.text + str(answer.headers)
        found = {canary for canary in canaries - own if canary in text}
        assert found == set(), address


def test_a_lead_is_shown_nobody_who_is_not_theirs(
    published: Published, warehouse: Warehouse
) -> None:
    (lead,) = published.rows(
        "SELECT manager_email AS email FROM people WHERE manager_email IS NOT NULL AND is_current "
        "GROUP BY 1 ORDER BY COUNT(*), 1 LIMIT 1"
    )
    viewer = Viewer(lead["email"], Role.LEAD, Mode.OPEN)
    own = {row["person"] for row in spend(
        published, viewer, Filters(date(2025, 1, 1), date(2026, 3, 1)), ["person"]
    ).to_pylist()}  # fmt: skip
    bosses = {
        row["manager_email"] for row in published.rows("SELECT DISTINCT manager_email FROM people")
    }
    everybody = {row["person"] for row in published.rows(
        "SELECT DISTINCT person FROM people WHERE is_person"
    )}  # fmt: skip
    assert own < everybody
    pages = client(published, viewer, warehouse)
    for address in asked(published):
        named = {part.split("=")[1] for part in re.split("[?&]", address) if "=" in part}
        text = pages.get(address).text
        # Their own leads are named on My usage, as those who may see it.
        strangers = everybody - own - named - (bosses if address.startswith("/me") else set())
        assert {person for person in strangers if person in text} == set(), address


@pytest.mark.parametrize("email", ["stranger@elsewhere.test", ""])
def test_who_is_nobodys_lead_gets_dollars_of_nobody_else(
    email: str, published: Published, warehouse: Warehouse
) -> None:
    pages = client(published, Viewer(email, Role.SELF, Mode.TEAM), warehouse)
    people = {
        row["person"]
        for row in published.rows(
            "SELECT DISTINCT person FROM people WHERE is_person AND manager_email IS NOT NULL"
        )
    }
    for address in asked(published):
        named = {part.split("=")[1] for part in re.split("[?&]", address) if "=" in part}
        text = pages.get(address).text
        assert {p for p in people - named if p in text} == set(), address
    (row,) = spend(published, Viewer(email, Role.SELF, Mode.TEAM), MONTH).to_pylist()
    assert row["total"] == 0


@pytest.mark.parametrize("viewer", [ADMIN, *BLIND], ids=lambda v: f"{v.role}-{v.mode}")
def test_an_export_is_what_the_page_shows(viewer: Viewer, published: Published) -> None:
    answer = client(published, viewer).get("/spend/groups.csv?month=2026-02&by=team")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
    told = spend(published, viewer, MONTH, ["team"]).to_pylist()
    assert sorted(row[0] for row in rows[1:]) == sorted(row["team"] for row in told)
    assert sum(Decimal(row[1]) for row in rows[1:]) == sum(row["total"] for row in told)


def test_a_days_events_add_up_to_the_day(published: Published, warehouse: Warehouse) -> None:
    day = date(2026, 2, 11)
    by_day = {r["date"]: r["total"] for r in spend(published, ADMIN, MONTH, ["date"]).to_pylist()}
    first = evidence.events(published, warehouse, ADMIN, MONTH, day)
    assert first.total == by_day[day]
    assert len(first.rows) == min(200, first.of_rows)
    whole = evidence.events(published, warehouse, ADMIN, MONTH, day, whole=True)
    assert sum(row["total_cost_usd"] for row in whole.rows) == by_day[day]
    assert any(row["archive_page"] for row in whole.rows)
    of_team = Filters(FEBRUARY, FEBRUARY, team=("Payments",), platform=("Cursor",))
    told = {r["date"]: r["total"] for r in spend(published, ADMIN, of_team, ["date"]).to_pylist()}
    assert evidence.events(published, warehouse, ADMIN, of_team, day).total == told[day]


def test_pages_are_answered_while_a_writer_holds_the_warehouse(
    published: Published, quarter: Loaded
) -> None:
    """A reader waits for no writer: nobody else can open the file meanwhile."""
    with duckdb.connect(str(quarter.settings.warehouse_path)):
        answer = client(published, ADMIN).get("/spend?month=2026-01")
    assert answer.status_code == 200
