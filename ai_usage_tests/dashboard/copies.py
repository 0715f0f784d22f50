"""Copies of made-up companies, small enough to be worked out by hand or in plain Python."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from ai_usage.dashboard.copied import labelled
from ai_usage.dashboard.published import STATES, Published, shape

AS_OF = date(2026, 3, 31)
SINCE, UNTIL = date(1900, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True)
class Person:
    """One version of a person. `number` is its key; 0 is Unattributed, -1 is Shared."""

    number: int
    email: str
    team: str
    department: str
    cost_center: str
    manager: str | None = None
    since: date = SINCE
    until: date = UNTIL


@dataclass(frozen=True)
class Cost:
    """One cost of a day."""

    day: date
    number: int
    total: Decimal
    platform: str
    cost_center: str
    kind: str = "usage"
    projects: tuple[str, ...] = ()
    model: str = "No model"
    key: str = "No key"
    is_provisional: bool = False


@dataclass(frozen=True)
class Usage:
    """What a person did on a day with a product."""

    day: date
    number: int
    platform: str
    lines: int | None = None
    tokens: int = 1


@dataclass
class Made:
    """A company: people, costs, usage; and the copy that holds it."""

    people: list[Person]
    costs: list[Cost] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)

    def publish(self, path: Path) -> Published:
        """Write the copy, and open it."""
        platforms = sorted({c.platform for c in self.costs} | {u.platform for u in self.usage})
        centers = sorted({c.cost_center for c in self.costs})
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        connection = duckdb.connect(str(fresh))
        connection.execute(_TABLES)
        for name, schema in STATES.items():
            empty = schema.empty_table()
            connection.register("empty", empty)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM empty")
        now = {person.email: person for person in self.people if person.until == UNTIL}
        _fill(connection, "people", (_person(p, now.get(p.email, p)) for p in self.people))
        _fill(connection, "platforms", ((i, name, name) for i, name in enumerate(platforms)))
        _fill(connection, "cost_centers", enumerate(centers))
        of_platform = {name: i for i, name in enumerate(platforms)}
        of_center = {name: i for i, name in enumerate(centers)}
        rows = [
            (
                *(c.day, c.day.replace(day=1), c.number, of_platform[c.platform]),
                *(of_center[c.cost_center], "", c.kind, c.is_provisional, c.number == 0),
                "\n".join(c.projects),
            )
            for c in self.costs
        ]
        money = [(c.total, c.total if c.number > 0 else Decimal(0), None) for c in self.costs]
        _fill(connection, "costs", ((*r, *m, 0) for r, m in zip(rows, money, strict=True)))
        lists = {c.projects for c in self.costs}
        _fill(connection, "project_lists", (row for named in lists for row in _projects(named)))
        words = [(c.model, c.key) for c in self.costs]
        _fill(
            connection,
            "details",
            ((*r, *w, *m) for r, w, m in zip(rows, words, money, strict=True)),
        )
        _fill(
            connection,
            "usage",
            (
                (
                    *(u.day, u.day.replace(day=1), u.number, of_platform[u.platform], 1, 1),
                    *(None, None, u.tokens, None, u.lines, None, None, None, None, None, None),
                    *(None, None),
                )
                for u in self.usage
            ),
        )
        days = [date(2026, 1, 1) + timedelta(days=n) for n in range(90)]
        _fill(
            connection,
            "loaded",
            ((day, day.replace(day=1), day.isoweekday() <= 5, "all", True) for day in days),
        )
        for name, sql in labelled().items():
            connection.execute(f"CREATE VIEW {name} AS {sql}")
        connection.execute(
            "CREATE TABLE about AS SELECT ?::DATE AS as_of, now() AS published_at, "
            "'run' AS run_id, ?::VARCHAR AS shape",
            [AS_OF, shape()],
        )
        connection.close()
        fresh.replace(path)
        return Published(path)


_TABLES = """
CREATE TABLE people (
  user_sk BIGINT, user_email VARCHAR, manager_email VARCHAR, effective_date DATE,
  expiration_date DATE, is_active BOOLEAN, is_current BOOLEAN, person VARCHAR, department VARCHAR,
  team VARCHAR, is_person BOOLEAN, full_name VARCHAR, own_cost_center VARCHAR,
  now_department VARCHAR, now_team VARCHAR);
CREATE TABLE platforms (platform_sk BIGINT, platform_code VARCHAR, platform_name VARCHAR);
CREATE TABLE cost_centers (cost_center_sk BIGINT, cost_center VARCHAR);
CREATE TABLE costs (
  date DATE, month DATE, user_sk BIGINT, platform_sk BIGINT, cost_center_sk BIGINT,
  account VARCHAR, cost_type VARCHAR, is_provisional BOOLEAN, is_unallocated BOOLEAN,
  project_list VARCHAR, total DECIMAL(38, 9), allocated DECIMAL(38, 9), billable_tokens BIGINT,
  token_cost_usd DECIMAL(38, 9));
CREATE TABLE details (
  date DATE, month DATE, user_sk BIGINT, platform_sk BIGINT, cost_center_sk BIGINT,
  account VARCHAR, cost_type VARCHAR, is_provisional BOOLEAN, is_unallocated BOOLEAN,
  project_list VARCHAR, model VARCHAR, key VARCHAR, total DECIMAL(38, 9),
  allocated DECIMAL(38, 9), billable_tokens BIGINT);
CREATE TABLE project_lists (
  project_list VARCHAR, project_code VARCHAR, number BIGINT, ways BIGINT);
CREATE TABLE usage (
  date DATE, month DATE, user_sk BIGINT, platform_sk BIGINT, records BIGINT,
  active_records BIGINT, session_count BIGINT, request_count BIGINT, total_tokens BIGINT,
  lines_added BIGINT, lines_accepted BIGINT, commits BIGINT, pull_requests BIGINT,
  acceptance_lines_accepted BIGINT, acceptance_lines_added BIGINT, session_lines_accepted BIGINT,
  session_count_with_lines BIGINT, suggestions_accepted BIGINT, suggestions_shown BIGINT);
CREATE TABLE loaded (
  date DATE, month DATE, is_weekday BOOLEAN, platform_code VARCHAR, is_loaded BOOLEAN);
CREATE TABLE cycle_days (
  platform VARCHAR, account VARCHAR, cost_kind VARCHAR, day DATE, invoice_id VARCHAR,
  period_from DATE, period_to DATE, reconciliation_status VARCHAR);
"""


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]
) -> None:
    held = [tuple(row) for row in rows]
    if held:
        marks = ", ".join("?" * len(held[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", held)


def _projects(named: tuple[str, ...]) -> list[tuple[object, ...]]:
    """A list of projects as the copy has it: one row per project, numbered by name."""
    codes = sorted(set(named)) or ["No project"]
    return [("\n".join(named), code, n, len(codes)) for n, code in enumerate(codes, 1)]


def _person(p: Person, now: Person) -> tuple[object, ...]:
    word = {0: "Unattributed", -1: "Shared"}.get(p.number)
    team, department = word or p.team, word or p.department
    return (
        *(p.number, p.email, p.manager, p.since, p.until, word is None, p.until == UNTIL),
        *(word or p.email, department, team, word is None, p.email.split("@")[0].title()),
        *(p.cost_center, word or now.department, word or now.team),
    )


def drawn(seed: int, people: Sequence[int] = (3, 28), months: int = 2) -> Made:
    """A company as chance has it: teams of any size, movers, shared and unattributed cost.

    Amounts have so many random digits that no two sums of different costs are ever equal.
    """
    rng = random.Random(seed)  # noqa: S311
    teams = [f"team{n}" for n in range(rng.randint(1, 5))]
    department_of = {team: f"dept{rng.randint(0, 1)}" for team in teams}
    centers = ["CC-1", "CC-2", "CC-3"]
    platforms = ["Cursor", "Claude", "API"][: rng.randint(1, 3)]
    everybody: list[Person] = [
        Person(0, "unknown", "", "", "Unassigned"),
        Person(-1, "shared", "", "", "Unassigned"),
    ]
    for number in range(1, rng.randint(*people) + 1):
        team = rng.choice(teams)
        # Mostly a team's own cost centre, as in life: one who differs is easily told.
        center = centers[teams.index(team) % 3] if rng.random() < 0.85 else rng.choice(centers)
        manager = rng.choice([None, "p1@x.test", "p2@x.test"])
        email = f"p{number}@x.test"
        manager = None if manager == email else manager
        if rng.random() < 0.15:
            moved = date(2026, 2, rng.randint(1, 28))
            everybody += [
                Person(number * 10, email, team, department_of[team], center, manager, SINCE,
                       moved - timedelta(days=1)),
                Person(number * 10 + 1, email, (new := rng.choice(teams)), department_of[new],
                       center, rng.choice([None, "p1@x.test"]) if number != 1 else None, moved),
            ]  # fmt: skip
        else:
            everybody.append(Person(number * 10, email, team, department_of[team], center, manager))
    made = Made(everybody)
    for person in everybody:
        for platform in platforms:
            if rng.random() < 0.3:
                continue
            for _ in range(rng.randint(1, 4)):
                day = date(2026, rng.randint(1, months), rng.randint(1, 28))
                if not person.since <= day <= person.until:
                    continue
                total = Decimal(rng.randint(1, 10**15)) / 10**9
                made.costs.append(
                    Cost(
                        day,
                        person.number,
                        total if rng.random() < 0.95 else -total,
                        platform,
                        person.cost_center if rng.random() < 0.9 else rng.choice(centers),
                        rng.choice(["usage", "subscription", "overage", "one_time"]),
                        rng.choice([(), (), ("ALPHA",), ("ALPHA", "BETA"), ("BETA",)]),
                        rng.choice(["No model", "opus", "haiku"]),
                        f"key-{person.number}",
                        rng.random() < 0.1,
                    )
                )
                made.usage.append(
                    Usage(day, person.number, platform,
                          rng.choice([None, rng.randint(1, 10**9)]), rng.randint(1, 10**12))
                )  # fmt: skip
    return made
