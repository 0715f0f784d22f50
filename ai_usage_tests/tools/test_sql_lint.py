"""The SQL in `sql/` says the same on both engines: nothing in it that is known to differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.sql_lint import lint_sql, lint_tree, zoneless

# Each: what is planted, and a word of what must be said about it.
PLANTED = {
    "SELECT total_cost_usd / 3 AS x FROM fact_ai_costs": "MOD",
    "SELECT 1 / billable_tokens AS x FROM fact_ai_costs": "inf",
    "SELECT (a - MOD(a, 3)) / 4 AS x FROM (SELECT total_cost_usd AS a FROM fact_ai_costs)": "MOD",
    "SELECT CAST(date_sk AS FLOAT64) / 0 AS x FROM dim_dates": "inf",
    "SELECT SAFE_DIVIDE(total_cost_usd, 3) AS x FROM fact_ai_costs": "FLOAT64",
    "SELECT SAFE_DIVIDE(CAST(total_cost_usd AS FLOAT64), billable_tokens) AS x "
    "FROM fact_ai_costs": "FLOAT64",
    "SELECT AVG(total_cost_usd) AS x FROM fact_ai_costs": "SUM",
    "SELECT AVG(acceptance_rate) AS x FROM fact_ai_usage": "mean of ratios",
    "SELECT DIV(total_cost_usd, 3) AS x FROM fact_ai_costs": "DOUBLE",
    "SELECT total_cost_usd * exchange_rate AS x FROM fact_ai_costs": "18 places",
    "WITH c AS (SELECT total_cost_usd AS a, exchange_rate AS b FROM fact_ai_costs) "
    "SELECT a * b AS x FROM c": "18 places",
    "SELECT date_sk FROM dim_dates WHERE day_of_week > 0.5": "NUMERIC '0.5'",
    "SELECT ROUND(acceptance_rate, 2) AS x FROM fact_ai_usage": "last digits",
    "SELECT SUM(acceptance_rate) AS x FROM fact_ai_usage": "last digits",
    "SELECT FORMAT('%d', date_sk) AS x FROM dim_dates": "pattern",
    "SELECT TIMESTAMP_DIFF(ingest_timestamp, event_timestamp, HOUR) AS x "
    "FROM fact_ai_usage": "boundaries",
    "SELECT UNIX_SECONDS(event_timestamp) AS x FROM fact_ai_usage": "floor",
    "SELECT UNIX_MILLIS(event_timestamp) AS x FROM fact_ai_usage": "floor",
    "SELECT EXTRACT(ISOWEEK FROM date) AS x FROM dim_dates": "iso_week",
    "SELECT DATE_TRUNC(date, ISOWEEK) AS x FROM dim_dates": "iso_week",
    "SELECT FORMAT_DATE('%Y-%Q', date) AS x FROM dim_dates": "QUARTER",
    "SELECT FORMAT_DATE('%e', date) AS x FROM dim_dates": "QUARTER",
    "SELECT DATE_TRUNC(date, YEAR) AS month FROM dim_dates GROUP BY month": "GROUP BY 1",
    "SELECT SAFE_CAST(user_id AS INT64) AS x FROM dim_users": "REGEXP",
    "SELECT SAFE_CAST(user_id AS BOOL) AS x FROM dim_users": "REGEXP",
    r"SELECT user_id FROM dim_users WHERE user_id LIKE 'a\\_%'": "STARTS_WITH",
    "SELECT UPPER(team) AS x FROM dim_users": "ASCII",
    "SELECT LOWER(team) AS x FROM dim_users": "ASCII",
    "SELECT user_sk FROM dim_users "
    "WHERE JSON_VALUE(usage_restrictions, '$.x') = '1.50'": "key order",
    "SELECT TO_JSON_STRING(usage_restrictions) AS x FROM dim_users": "key order",
    "SELECT ARRAY_AGG(team IGNORE NULLS LIMIT 1) AS x FROM dim_users": "ROW_NUMBER",
    "SELECT ARRAY_AGG(team) AS x FROM dim_users": "IGNORE NULLS",
    "SELECT APPROX_QUANTILES(date_sk, 4)[OFFSET(2)] AS x FROM dim_dates": "PERCENTILE_CONT",
    "SELECT date_sk FROM dim_dates JOIN fact_ai_usage AS u USING (date_sk) "
    "WHERE date = event_timestamp": "CAST",
    "SELECT TO_HEX(SHA256(CAST(total_cost_usd AS STRING))) AS x FROM fact_ai_costs": "micro",
    "SELECT FARM_FINGERPRINT(team) AS x FROM dim_users": "SHA256",
    "SELECT CAST(date_sk AS BIGNUMERIC) AS x FROM dim_dates": "no exact type",
    "SELECT no_such_column FROM dim_users": "DDL declares",
    "CREATE VIEW v (x OPTIONS(description='x')) AS "
    "SELECT date_sk AS x FROM dim_dates ORDER BY date_sk": "no order",
    "CREATE VIEW v (x OPTIONS(description='x')) AS "
    "SELECT SUM(request_count) AS x FROM fact_ai_usage": "HUGEINT",
    "CREATE VIEW v (x OPTIONS(description='x')) AS "
    "WITH a AS (SELECT SUM(request_count) AS n FROM fact_ai_usage UNION ALL SELECT 1), "
    "b AS (SELECT COALESCE(n, 0) AS m FROM a) SELECT m AS x FROM b": "HUGEINT",
}

# What the session's time zone decides: a value that a default time zone of the project moves.
ZONELESS = [
    "DATE(event_timestamp)",
    "CAST(event_timestamp AS DATE)",
    "CAST(event_timestamp AS STRING)",
    "STRING(event_timestamp)",
    "TIME(event_timestamp)",
    "DATETIME(event_timestamp)",
    "DATE_TRUNC(event_timestamp, MONTH)",
    "TIMESTAMP_TRUNC(event_timestamp, DAY)",
    "EXTRACT(HOUR FROM event_timestamp)",
    "EXTRACT(DATE FROM event_timestamp)",
    "EXTRACT(HOUR FROM event_timestamp AT TIME ZONE 'UTC')",
    "FORMAT_TIMESTAMP('%F', event_timestamp)",
    "PARSE_TIMESTAMP('%F', platform)",
    "TIMESTAMP(event_date)",
    "TIMESTAMP(@start)",
    "TIMESTAMP '2026-01-01'",
    "CAST(event_date AS TIMESTAMP)",
    "event_timestamp >= '2026-01-01'",
    "CURRENT_DATE()",
    "CURRENT_DATETIME()",
    "MAX(DATE(ingest_timestamp))",
    "DATE(some.unknown)",
]

ZONED = [
    "DATE(event_timestamp, 'UTC')",
    "DATETIME(event_timestamp, 'UTC')",
    "TIMESTAMP_TRUNC(event_timestamp, DAY, 'UTC')",
    "EXTRACT(HOUR FROM DATETIME(event_timestamp, 'UTC'))",
    "EXTRACT(DAY FROM LAST_DAY(event_date))",
    "FORMAT_TIMESTAMP('%F', event_timestamp, 'UTC')",
    "PARSE_TIMESTAMP('%F %z', platform)",
    "FORMAT_DATE('%F', event_date)",
    "TIMESTAMP(event_date, 'UTC')",
    "TIMESTAMP(@start, 'UTC')",
    "TIMESTAMP '2026-01-01 00:00:00+00'",
    "TIMESTAMP('2026-01-01T00:00:00+00:00')",
    "event_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(@as_of, MONTH) AS DATE), 'UTC')",
    "CAST(DATE_TRUNC(DATE(event_timestamp, 'UTC'), MONTH) AS DATE)",
    "CURRENT_DATE('UTC')",
    "CURRENT_TIMESTAMP()",
    "DATE(2026, 1, 1)",
    "UNIX_MICROS(event_timestamp)",
]

ALLOWED = [
    "SELECT CAST(date_sk AS FLOAT64) / 360 AS x FROM dim_dates",
    "SELECT CAST(ROUND((a - MOD(a, w)) / w) AS INT64) * NUMERIC '0.000001' AS x "
    "FROM (SELECT total_cost_usd * 1000000 AS a, billable_tokens AS w FROM fact_ai_costs)",
    "SELECT SAFE_DIVIDE(CAST(total_cost_usd AS FLOAT64), CAST(date_sk AS FLOAT64)) AS x "
    "FROM fact_ai_costs",
    "SELECT IF(REGEXP_CONTAINS(user_id, r'^[0-9]+$'), SAFE_CAST(user_id AS INT64), NULL) AS x "
    "FROM dim_users",
    "SELECT DISTINCT PERCENTILE_CONT(acceptance_rate, 0.5) OVER () AS x FROM fact_ai_usage",
    "SELECT ARRAY_AGG(team IGNORE NULLS ORDER BY user_sk) AS x FROM dim_users",
    "SELECT date FROM dim_dates WHERE date >= @start AND day_of_week * 10 > 5",
    "SELECT month, COUNT(*) AS n FROM dim_dates GROUP BY month",
    "CREATE VIEW v (x OPTIONS(description='x')) AS "
    "WITH a AS (SELECT SUM(request_count) AS n FROM fact_ai_usage) "
    "SELECT CAST(n AS INT64) AS x FROM a",
]


def test_the_sql_of_the_product_has_nothing_that_the_engines_answer_differently() -> None:
    assert [str(finding) for finding in lint_tree()] == []


@pytest.mark.parametrize("sql", PLANTED)
def test_a_planted_construct_is_refused_with_what_to_write_instead(sql: str) -> None:
    said = [str(finding) for finding in lint_sql(sql, "views/v.sql")]
    assert any(PLANTED[sql] in line and line.startswith("views/v.sql: ") for line in said), said


@pytest.mark.parametrize("expression", ZONELESS)
def test_what_the_sessions_time_zone_decides_is_refused(expression: str) -> None:
    """In the files, and in what Python or ibis makes and sends with names in full."""
    if "some.unknown" not in expression:
        said = [
            str(finding) for finding in lint_sql(f"SELECT {expression} AS x FROM raw_ai_events")
        ]
        assert any("the session's time zone decides" in line for line in said), said
    sent = f"SELECT {expression} AS x FROM `p`.`d`.raw_ai_events AS some"
    assert list(zoneless(sent))
    assert list(zoneless(f"BEGIN TRANSACTION; CREATE TABLE `p.d.s` AS {sent}; COMMIT TRANSACTION"))


@pytest.mark.parametrize("expression", ZONED)
def test_what_names_its_zone_or_needs_none_is_allowed(expression: str) -> None:
    assert not list(zoneless(f"SELECT {expression} AS x FROM `p.d.raw_ai_events`"))
    assert lint_sql(f"SELECT {expression} AS x FROM raw_ai_events") == []


@pytest.mark.parametrize("sql", ALLOWED)
def test_the_portable_form_is_allowed(sql: str) -> None:
    assert lint_sql(sql) == []


def test_every_file_of_a_tree_is_read(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "v.sql").write_text("SELECT UPPER(team) AS x FROM dim_users")
    (tmp_path / "w.sql").write_text("SELECT 1 AS x; SELECT LOWER(team) AS x FROM dim_users")
    assert [finding.file for finding in lint_tree(tmp_path)] == ["views/v.sql", "w.sql"]
