-- What the facts of cost say of a day, in exact sums: every dollar is in one row.
WITH costs AS (
  SELECT
    *,
    DATE(cost_timestamp, 'UTC') AS date,
    CAST(CAST(allocation_confidence AS NUMERIC) * 1000000 AS INT64) AS allocation_ppm,
    CAST(CAST(cost_confidence AS NUMERIC) * 1000000 AS INT64) AS cost_ppm
  FROM fact_ai_costs
  WHERE cost_timestamp >= TIMESTAMP(@start, 'UTC') AND cost_timestamp < TIMESTAMP(@end, 'UTC')
)
SELECT
  date,
  CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month,
  user_sk,
  platform_sk,
  cost_center_sk,
  billed_account(cost_type, billing_account_id) AS account,
  cost_type,
  is_provisional,
  allocation_method = 'unallocated' AS is_unallocated,
  -- A text, because an array cannot be grouped by; no code holds a line break.
  COALESCE(ARRAY_TO_STRING(project_codes, '\n'), '') AS project_list,
  COUNT(*) AS cost_lines,
  CAST(SUM(base_cost_usd) AS NUMERIC) AS base_cost_usd,
  CAST(SUM(overage_cost_usd) AS NUMERIC) AS overage_cost_usd,
  CAST(SUM(total_cost_usd) AS NUMERIC) AS total_cost_usd,
  CAST(SUM(allocated_cost_usd) AS NUMERIC) AS allocated_cost_usd,
  CAST(SUM(ABS(total_cost_usd)) AS NUMERIC) AS gross_cost_usd,
  CAST(SUM(allocation_ppm) AS INT64) AS allocation_ppm,
  CAST(SUM(cost_ppm) AS INT64) AS cost_ppm,
  CAST(SUM(ABS(total_cost_usd) * allocation_ppm) AS NUMERIC) AS allocation_dollar_ppm,
  CAST(SUM(ABS(total_cost_usd) * cost_ppm) AS NUMERIC) AS cost_dollar_ppm,
  CAST(SUM(billable_tokens) AS INT64) AS billable_tokens,
  CAST(SUM(IF(billable_tokens IS NOT NULL, total_cost_usd, NUMERIC '0')) AS NUMERIC)
    AS token_cost_usd,
  CAST(SUM(billable_requests) AS INT64) AS billable_requests,
  CAST(SUM(IF(billable_requests IS NOT NULL, total_cost_usd, NUMERIC '0')) AS NUMERIC)
    AS request_cost_usd,
  MAX(budget_allocated_usd) AS budget_allocated_usd
FROM costs
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
