"""The laws of the layers: every statement is small, and knows only what its layer may know.

Google runs a CTE once for each reference and refuses a query of too many subqueries at planning.
"""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.files import Kind, load, names
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.relations import LAYERS, layer_of, relations
from ai_usage.warehouse.sql import AS_OF, parameters, references
from ai_usage.warehouse.views import published_views, view_names, view_schema, views_read
from ai_usage_tests.support.sql_size import lines_of, scans_of

MOST_LINES = 150
MOST_COLUMNS = 100
MOST_SCANS = 40
MOST_SCANS_OF_A_PUBLISHED_VIEW = 12

FOLDERS: tuple[Kind, ...] = (*LAYERS, "checks", "ledger", "reports", "functions")
STATEMENTS = [(folder, name) for folder in FOLDERS for name in names(folder)]

NAMED_BY_THE_DOCUMENT = {
    "vw_executive_dashboard": {
        "anthropic", "anthropic_cost", "anthropic_cost_share",
        "cursor", "cursor_cost", "cursor_cost_share",
    },
}  # fmt: skip
"""The vendors that the specification names in columns of a view."""


def text_of(folder: Kind, name: str) -> str:
    return load(folder, name)


def too_long(sql: str) -> list[str]:
    lines = lines_of(sql)
    found = [f"a line of {len(line)} columns: {line.strip()}" for line in lines]
    found = [line for line, text in zip(found, lines, strict=True) if len(text) > MOST_COLUMNS]
    return found + ([f"{len(lines)} lines"] if len(lines) > MOST_LINES else [])


@pytest.mark.parametrize(("folder", "name"), STATEMENTS, ids=lambda part: str(part))
def test_no_statement_has_more_lines_than_a_person_reads_at_once(folder: Kind, name: str) -> None:
    assert too_long(text_of(folder, name)) == []


@pytest.mark.parametrize(
    ("folder", "name"), [place for place in STATEMENTS if place[0] != "functions"]
)
def test_no_statement_scans_more_tables_than_google_plans(folder: Kind, name: str) -> None:
    most = MOST_SCANS_OF_A_PUBLISHED_VIEW if folder == "views" else MOST_SCANS
    text = view_schema(name).query if name in view_names() else text_of(folder, name)
    assert scans_of(text) <= most


def test_a_statement_of_too_many_or_too_long_lines_is_found() -> None:
    rows = ",\n".join(f"  {number} AS c{number}" for number in range(MOST_LINES))
    assert too_long(f"SELECT\n{rows}") == [f"{MOST_LINES + 1} lines"]
    (long_line,) = too_long(f"SELECT 1 AS {'a' * MOST_COLUMNS}")
    assert long_line.startswith("a line of 112 columns")


def test_comments_declarations_and_descriptions_are_no_lines_of_a_statement() -> None:
    columns = ",\n".join(f'  c{n} OPTIONS(description="{"x" * 90}")' for n in range(200))
    view = (
        f'-- Why it is.\nCREATE VIEW v (\n{columns}\n)\nOPTIONS (\n  description="AS it is."\n)\n'
        "AS\n-- How.\nSELECT\n  'two\n  lines' AS a\nFROM t\n"
    )
    assert lines_of(view) == ["SELECT", "  'two", "  lines' AS a", "FROM t"]
    assert too_long(view) == []


@pytest.mark.parametrize(
    ("sql", "scans"),
    [
        ("SELECT 1 AS one", 0),
        ("SELECT * FROM dim_users, UNNEST(approved_platforms)", 1),
        ("SELECT * FROM dim_users UNION ALL SELECT * FROM dim_users", 2),
        ("WITH a AS (SELECT * FROM dim_users) SELECT 1 AS one", 0),
        ("WITH a AS (SELECT * FROM dim_users) SELECT * FROM a AS x CROSS JOIN a AS y", 2),
        # Twice a, which is twice b, which reads two tables.
        (
            "WITH b AS (SELECT * FROM dim_users, dim_dates), a AS (SELECT * FROM b, b AS c) "
            "SELECT * FROM a, a AS d",
            8,
        ),
        # The inner a hides the outer one, within its parentheses only.
        (
            "WITH a AS (SELECT * FROM dim_users, dim_dates) "
            "SELECT * FROM a, (WITH a AS (SELECT 1 AS one) SELECT * FROM a)",
            2,
        ),
        ("SELECT (SELECT MAX(user_sk) FROM dim_users) AS m FROM dim_dates", 2),
        ("SELECT * FROM vw_loaded_days, vw_loaded_days AS again", 8),
        ("SELECT * FROM stg_events", 1),
    ],
)
def test_scans_are_counted_as_google_runs_them(sql: str, scans: int) -> None:
    assert scans_of(sql) == scans


def test_a_statement_of_too_many_scans_is_found() -> None:
    doubled = ", ".join(
        f"c{n} AS (SELECT a.user_sk FROM c{n - 1} AS a JOIN c{n - 1} AS b USING (user_sk))"
        for n in range(1, 7)
    )
    sql = f"WITH c0 AS (SELECT user_sk FROM dim_users), {doubled} SELECT * FROM c6"
    assert scans_of(sql) == 64 > MOST_SCANS


def days_known(sql: str) -> list[str]:
    """Where a statement, or a view that it reads, names the day that it is seen from."""
    seen = {"the statement": sql} | {name: view_schema(name).query for name in views_read(sql)}
    return sorted(where for where, text in seen.items() if AS_OF in parameters(text))


@pytest.mark.parametrize("table", built_tables())
def test_no_table_depends_on_the_day_from_which_it_is_seen(table: str) -> None:
    assert days_known(statement(table)) == []


def test_a_table_that_depends_on_a_day_is_found() -> None:
    assert days_known("SELECT @as_of AS day") == ["the statement"]
    assert days_known("SELECT * FROM vw_executive_dashboard")


def more_than_one_scan(view: str) -> list[str]:
    """What a staging view does besides reading one relation."""
    tree = sqlglot.parse_one(view, read="bigquery")
    found = [] if len(references(view)) == 1 and scans_of(view) == 1 else ["reads not one relation"]
    kinds = {"a join": exp.Join, "an aggregate": exp.AggFunc, "a group": exp.Group}
    return found + [word for word, kind in kinds.items() if tree.find(kind)]


@pytest.mark.parametrize("view", [name for name in view_names() if layer_of(name) == "staging"])
def test_staging_reads_one_relation_and_joins_and_adds_up_nothing(view: str) -> None:
    assert more_than_one_scan(view_schema(view).query) == []


def test_a_staging_view_that_joins_or_adds_up_is_found() -> None:
    assert more_than_one_scan("SELECT a.user_sk FROM dim_users AS a CROSS JOIN dim_dates") == [
        "reads not one relation",
        "a join",
    ]
    assert more_than_one_scan("SELECT MAX(user_sk) AS m FROM dim_users GROUP BY user_email") == [
        "an aggregate",
        "a group",
    ]


def test_staging_is_views_and_published_are_views_alone() -> None:
    kinds = {name: kind for name, kind in relations().items() if layer_of(name) == "staging"}
    assert set(kinds.values()) <= {"view"}
    assert set(published_views()) == {n for n, k in relations().items() if layer_of(n) == "views"}


def vendors_named(sql: str) -> set[str]:
    vendors = [vendor.name for vendor in discovered_vendors()]
    words = {token.text.lower() for token in sqlglot.tokenize(sql, read="bigquery")}
    return {word for word in words if any(vendor in word for vendor in vendors)}


@pytest.mark.parametrize(("folder", "name"), STATEMENTS)
def test_no_statement_names_a_vendor_but_where_the_document_does(folder: Kind, name: str) -> None:
    sql = "\n".join(lines_of(text_of(folder, name)))
    assert vendors_named(sql) <= NAMED_BY_THE_DOCUMENT.get(name, set())


def test_a_vendor_in_a_statement_is_found() -> None:
    assert vendors_named("SELECT 1 AS a FROM t WHERE platform = 'cursor'") == {"cursor"}


@pytest.mark.parametrize(("folder", "name"), STATEMENTS)
def test_words_of_rows_older_than_the_neutral_columns_are_read_in_one_place(
    folder: Kind, name: str
) -> None:
    words = {token.text for token in sqlglot.tokenize(text_of(folder, name), read="bigquery")}
    legacy = {word for word in words if word.startswith("legacy_")} - {name}
    assert not legacy or folder == "staging" or name.startswith("legacy_")
