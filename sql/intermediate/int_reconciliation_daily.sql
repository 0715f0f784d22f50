CREATE VIEW int_reconciliation_daily (
  platform OPTIONS(description="Vendor's code, as in the vendor's reports and invoices."),
  account OPTIONS(description="Account that the cost names; empty if it names none, as a vendor's report."),
  cost_kind OPTIONS(description="Kind of the cost, as in int_cycle_days: usage, seat or other."),
  day OPTIONS(description="UTC day of the cost."),
  reported_usd OPTIONS(description="Cost as the vendor's reports and finance's files have it in raw_ai_events, US dollars."),
  code_execution_usd OPTIONS(description="Part of reported_usd that is code execution, US dollars."),
  facts_usd OPTIONS(description="Cost in fact_ai_costs, US dollars."),
  provisional_usd OPTIONS(description="Part of facts_usd that the vendor may still change, US dollars."),
  unallocated_usd OPTIONS(description="Part of facts_usd that could be given to nobody, US dollars."),
  open_lines OPTIONS(description="Rows of fact_ai_costs, without one-time cost, that the vendor may still change."),
  priority_tokens OPTIONS(description="Tokens that a commitment pays: their cost is in no report."),
  priority_list_usd OPTIONS(description="Those tokens at list price, US dollars. NULL if no price is known."),
  priority_unpriced_tokens OPTIONS(description="Those of priority_tokens that priority_list_usd lacks, because a price is not known.")
)
OPTIONS(
  description="Vendors' reports and facts side by side, before invoices: one row per platform, account, kind of cost and UTC day in the window of vw_reconciliation. From the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "24")]
)
AS
WITH stacked AS (
  SELECT
    platform,
    account,
    cost_kind,
    date AS day,
    reported_usd,
    code_execution_usd,
    CAST(NULL AS NUMERIC) AS facts_usd,
    CAST(NULL AS NUMERIC) AS provisional_usd,
    CAST(NULL AS NUMERIC) AS unallocated_usd,
    CAST(NULL AS INT64) AS open_lines,
    committed_tokens AS priority_tokens,
    committed_list_usd AS priority_list_usd,
    committed_unpriced_tokens AS unpriced_tokens
  FROM agg_reports_daily
  WHERE date BETWEEN @window_start AND @as_of
    AND (cost_records > 0 OR committed_records > 0)
  UNION ALL
  SELECT
    COALESCE(p.platform_code, 'unknown'),
    c.account,
    line_kind(c.cost_type),
    c.date,
    NULL,
    NULL,
    c.total_cost_usd,
    IF(c.is_provisional, c.total_cost_usd, NUMERIC '0'),
    IF(c.is_unallocated, c.total_cost_usd, NUMERIC '0'),
    IF(c.is_provisional AND c.cost_type != 'one_time', c.cost_lines, 0),
    NULL,
    NULL,
    NULL
  FROM agg_costs_daily AS c
  LEFT JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
  WHERE c.date BETWEEN @window_start AND @as_of
)
SELECT
  platform,
  account,
  cost_kind,
  day,
  CAST(COALESCE(SUM(reported_usd), NUMERIC '0') AS NUMERIC) AS reported_usd,
  CAST(COALESCE(SUM(code_execution_usd), NUMERIC '0') AS NUMERIC) AS code_execution_usd,
  CAST(COALESCE(SUM(facts_usd), NUMERIC '0') AS NUMERIC) AS facts_usd,
  CAST(COALESCE(SUM(provisional_usd), NUMERIC '0') AS NUMERIC) AS provisional_usd,
  CAST(COALESCE(SUM(unallocated_usd), NUMERIC '0') AS NUMERIC) AS unallocated_usd,
  CAST(COALESCE(SUM(open_lines), 0) AS INT64) AS open_lines,
  CAST(COALESCE(SUM(priority_tokens), 0) AS INT64) AS priority_tokens,
  CAST(SUM(priority_list_usd) AS NUMERIC) AS priority_list_usd,
  CAST(COALESCE(SUM(unpriced_tokens), 0) AS INT64) AS priority_unpriced_tokens
FROM stacked
GROUP BY 1, 2, 3, 4
