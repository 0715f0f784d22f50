"""The access scripts are read by Google's parser, and say what the pipeline needs to go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from zetasql.api import Parser

from ai_usage.warehouse.files import sql_root
from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.sql.google_sql import GoogleSql

SCRIPTS = sorted((sql_root() / "access").glob("*.sql"))
PIPELINE = "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com"


def statements(path: Path) -> list[str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("--")]
    return [text.strip() for text in "\n".join(lines).split(";") if text.strip()]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_statement_is_one_that_google_can_parse(path: Path, google: GoogleSql) -> None:
    assert google.tables
    assert statements(path)
    for statement in statements(path):
        Parser.parse_statement_static(statement, google.language)


def test_a_table_with_a_policy_lets_everything_through_to_the_pipeline() -> None:
    """Without it the first policy would stop every DELETE and INSERT."""
    policies = statements(sql_root() / "access" / "2_team_leads.sql")
    open_to_the_pipeline = {
        table
        for table in ("fact_ai_costs", "fact_ai_usage")
        for policy in policies
        if f"POLICY everything ON {table}" in policy
        and PIPELINE in policy
        and "FILTER USING (TRUE)" in policy
    }
    assert open_to_the_pipeline == {"fact_ai_costs", "fact_ai_usage"}
    assert policies[0].startswith("CREATE OR REPLACE ROW ACCESS POLICY everything")


def test_leads_get_the_tables_that_have_a_policy_and_lose_them_before_it_is_gone() -> None:
    """Without the grant the policies give them nothing; without the policies all is theirs."""
    given, undone = (
        statements(sql_root() / "access" / name)
        for name in ("2_team_leads.sql", "3_team_leads_undo.sql")
    )
    for table in ("fact_ai_costs", "fact_ai_usage"):
        grant = f'ON TABLE {table} TO "group:team-leads@example.com"'
        granted = next(i for i, text in enumerate(given) if text.endswith(grant))
        policies = [i for i, text in enumerate(given) if f"ON {table}\n" in text]
        assert len(policies) == 2
        assert granted > max(policies)
        revoke = f'ON TABLE {table} FROM "group:team-leads@example.com"'
        revoked = next(i for i, text in enumerate(undone) if text.endswith(revoke))
        assert revoked < undone.index(f"DROP ALL ROW ACCESS POLICIES ON {table}")


def test_nobody_but_the_pipeline_is_given_what_holds_cost_by_person_without_a_policy() -> None:
    """The internal dataset as a whole, and any relation of it."""
    grants = [
        text
        for path in SCRIPTS
        for text in statements(path)
        if text.startswith("GRANT") and ("_internal" in text or _names_internal(text))
    ]
    assert len(grants) == 1
    assert grants[0].split("TO ")[-1] == f'"{PIPELINE}"'


def _names_internal(statement: str) -> bool:
    return any(is_internal(word) for word in statement.replace(".", " ").split())


@pytest.mark.parametrize("table", ["fact_ai_costs", "fact_ai_usage"])
def test_the_leads_filter_is_a_condition_on_columns_that_are_there(
    table: str, google: GoogleSql
) -> None:
    """The analyzer reads the policy's filter as a WHERE of a query over the table."""
    (policy,) = [
        text
        for text in statements(sql_root() / "access" / "2_team_leads.sql")
        if f"POLICY own_reports ON {table}" in text
    ]
    # A policy stands by itself: what it looks up is named in full.
    condition = policy.split("FILTER USING", 1)[1]
    assert "FROM `my-project`.ai_usage.dim_users" in condition
    condition = condition.replace("`my-project`.ai_usage.", "")
    assert table_schema(table).column("user_sk")
    assert google.analyze(f"SELECT user_sk FROM {table} WHERE {condition}")
