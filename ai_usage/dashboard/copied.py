"""What the copy holds: the statements that fill its tables, and the labels that these get.

`COPIED` is asked of the warehouse, in BigQuery's dialect: rollups, small dimensions and published
views as they are. `labelled` joins labels to keys, in DuckDB's dialect: joined in each of a page's
queries, planning took more time than reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ai_usage.warehouse.files import load
from ai_usage.warehouse.sql import duckdb_expression
from ai_usage.warehouse.views import view_schema

MONTHS_BACK = 24
"""Whole months of daily rows before the running one: two years, so that a month has its last year
beside it in a chart of twelve."""

_COST_KEYS = """
  date, month, user_sk, platform_sk, cost_center_sk, account, cost_type, is_provisional,
  is_unallocated, project_list
"""

COPIED: Mapping[str, str] = {
    "people": """
SELECT
  v.user_sk, v.user_email, v.manager_email, v.effective_date, v.expiration_date, v.is_active,
  v.is_current, p.person, p.department, p.team, p.is_person, p.full_name,
  COALESCE(v.cost_center, 'Unassigned') AS own_cost_center,
  COALESCE(p.current_department, IF(p.is_person, 'Unassigned', p.person)) AS now_department,
  COALESCE(p.current_team, IF(p.is_person, 'Unassigned', p.person)) AS now_team
FROM dim_users AS v
JOIN int_people AS p ON p.user_sk = v.user_sk
""",
    "cost_centers": """
SELECT cost_center_sk, cost_center_label(cost_center_sk, cost_center) AS cost_center
FROM dim_cost_centers
""",
    "platforms": """
SELECT platform_sk, platform_code, platform_name, platform_subtype FROM dim_platforms
""",
    "cycle_days": """
SELECT d.platform, d.account, d.cost_kind, d.day, d.invoice_id, d.period_from, d.period_to,
  r.reconciliation_status
FROM int_cycle_days AS d
JOIN invoice_reconciliation AS r
  ON r.platform = d.platform AND r.invoice_id = d.invoice_id
  AND r.period_from = d.period_from AND r.period_to = d.period_to
WHERE d.is_first AND d.day BETWEEN @start AND @as_of
""",
    # The helper view's own statement, for all days of the copy: it reaches over fewer months.
    "project_lists": view_schema("int_project_lists").query,
    # A month's chargeback is rounded once, over all of its rows: the command asks the same.
    "charges": load("reports", "month_costs"),
    "loaded": """
SELECT date, month, day_of_month, days_in_month, is_weekday, platform_code, is_loaded, loaded_days,
  is_partial, is_comparable, growth_note
FROM vw_loaded_days
""",
    "pace_days": "SELECT * FROM int_pace_days",
    "months": "SELECT * FROM vw_executive_dashboard",
    "budgets": "SELECT * FROM vw_budget_status",
    "seats": "SELECT * FROM vw_idle_seats",
    "reconciliation": "SELECT * FROM vw_reconciliation",
    "adjustments": "SELECT * FROM vw_adjustments",
    "gaps": "SELECT * FROM vw_attribution_gaps",
    "productivity": "SELECT * FROM vw_team_productivity",
    "invoices": "SELECT * FROM invoice_reconciliation",
    "invoice_lines": "SELECT * FROM raw_invoices",
    "closed": """
SELECT month, platform_code, platform_name, user_sk, user_email, department, team, cost_center,
  total_cost_usd, closed_at, closed_by, accepted_reason
FROM closed_months
""",
    "restatements": """
SELECT event_date, platform, source_endpoint, measure, SUM(difference) AS difference,
  COUNT(*) AS changes, MAX(seen_at) AS seen_at, LOGICAL_OR(was_final) AS was_final,
  LOGICAL_OR(month_closed) AS month_closed
FROM raw_restatements
WHERE event_date BETWEEN @start AND @as_of
GROUP BY 1, 2, 3, 4
""",
    "freshness": """
SELECT platform, source_endpoint, cost_kind, MAX(day) AS last_day,
  MAX(ingest_timestamp) AS fetched_at, COUNTIF(is_provisional) AS provisional_days
FROM loaded_days
WHERE day BETWEEN @start AND @as_of
GROUP BY 1, 2, 3
""",
    # What is labelled comes after the labels.
    "costs": f"""
SELECT {_COST_KEYS},
  total_cost_usd AS total, allocated_cost_usd AS allocated, billable_tokens, token_cost_usd
FROM agg_costs_daily
WHERE date BETWEEN @start AND @as_of
""",
    # Models and keys stand in the facts alone: daily sums of them, for the filters that name them.
    "details": f"""
WITH facts AS (
  SELECT
    DATE(cost_timestamp, 'UTC') AS date,
    CAST(DATE_TRUNC(DATE(cost_timestamp, 'UTC'), MONTH) AS DATE) AS month,
    user_sk, platform_sk, cost_center_sk,
    billed_account(cost_type, billing_account_id) AS account,
    cost_type, is_provisional, allocation_method = 'unallocated' AS is_unallocated,
    COALESCE(ARRAY_TO_STRING(project_codes, '\\n'), '') AS project_list,
    COALESCE(model, 'No model') AS model, COALESCE(api_key_id, 'No key') AS key,
    total_cost_usd, allocated_cost_usd, billable_tokens
  FROM fact_ai_costs
  WHERE cost_timestamp >= TIMESTAMP(@start, 'UTC')
    AND cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
)
SELECT {_COST_KEYS}, model, key,
  CAST(SUM(total_cost_usd) AS NUMERIC) AS total,
  CAST(SUM(allocated_cost_usd) AS NUMERIC) AS allocated,
  CAST(SUM(billable_tokens) AS INT64) AS billable_tokens
FROM facts
GROUP BY {_COST_KEYS}, model, key
""",
    "usage": """
SELECT * FROM agg_usage_daily WHERE date BETWEEN @start AND @as_of
""",
}
"""The tables of the copy, each with the SELECT that fills it."""

TO_LABEL: Mapping[str, str] = {
    "costs": "cost_rows",
    "details": "detail_rows",
    "usage": "usage_rows",
}
"""Those that the copy keeps with their labels alone, and what it calls them then."""

_LABELS = """
SELECT c.*,
  COALESCE(p.person, 'Unattributed') AS person,
  COALESCE(p.full_name, p.person, 'Unattributed') AS full_name,
  COALESCE(p.is_person, FALSE) AS is_person,
  COALESCE(p.department, 'Unattributed') AS department,
  COALESCE(p.team, 'Unattributed') AS team,
  COALESCE(p.now_department, 'Unattributed') AS now_department,
  COALESCE(p.now_team, 'Unattributed') AS now_team,
  COALESCE(p.own_cost_center, 'Unassigned') AS own_cost_center,
  COALESCE(f.platform_code, 'unknown') AS platform_code,
  COALESCE(f.platform_name, 'Unknown') AS platform
"""

_COSTS = """
{labels},
  COALESCE(n.cost_center, 'Unassigned') AS cost_center,
  c.cost_type AS kind,
  COALESCE(i.reconciliation_status, 'pending') AS invoice_status, i.invoice_id
FROM {table} AS c
LEFT JOIN people AS p ON p.user_sk = c.user_sk
LEFT JOIN platforms AS f ON f.platform_sk = c.platform_sk
LEFT JOIN cost_centers AS n ON n.cost_center_sk = c.cost_center_sk
LEFT JOIN cycle_days AS i
  ON i.platform = f.platform_code AND i.day = c.date AND i.account = c.account
  AND i.cost_kind = {kind}
"""


@cache
def labelled() -> Mapping[str, str]:
    """Tables of the copy: daily rows with the labels that people filter and group by."""
    kind = duckdb_expression("line_kind(c.cost_type)")
    return {
        "cost_rows": _COSTS.format(labels=_LABELS, table="costs", kind=kind),
        "detail_rows": _COSTS.format(labels=_LABELS, table="details", kind=kind),
        "usage_rows": f"""
{_LABELS}
FROM usage AS c
LEFT JOIN people AS p ON p.user_sk = c.user_sk
LEFT JOIN platforms AS f ON f.platform_sk = c.platform_sk
""",
    }
