-- Every billed dollar of the days @start to @end (not included), exactly once.
SELECT
  f.user_sk,
  COALESCE(pl.platform_sk, 0) AS platform_sk,
  CAST(FORMAT_DATE('%Y%m%d', f.event_date) AS INT64) AS date_sk,
  COALESCE(cc.cost_center_sk, 0) AS cost_center_sk,
  f.event_id,
  f.event_part,
  f.api_key_id,
  c.model,
  c.billing_account_id,
  c.workspace_id,
  n.invoice_id,
  CAST(IF(c.cost_kind = 'overage', 0, f.part_usd) AS NUMERIC) AS base_cost_usd,
  CAST(IF(c.cost_kind = 'overage', f.part_usd, 0) AS NUMERIC) AS overage_cost_usd,
  f.part_usd AS total_cost_usd,
  CAST(IF(f.user_sk > 0, f.part_usd, 0) AS NUMERIC) AS allocated_cost_usd,
  IF(c.cost_usd = 0, CAST(100 AS FLOAT64),
    SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(c.cost_usd AS FLOAT64)) * 100)
    AS allocation_percentage,
  f.allocation_method,
  f.billable_tokens,
  f.billable_requests,
  CAST(NULL AS INT64) AS billable_sessions,
  -- An event written before the column was there is taken to be billed by the calendar month. A
  -- bill's line does not say how many seats it is for: it stands for none.
  CASE WHEN c.cost_kind = 'subscription' AND COALESCE(c.billing_period, 'monthly') = 'monthly'
    THEN SAFE_DIVIDE(f.rule_share, CAST(
      COALESCE(c.billing_month_days, EXTRACT(DAY FROM LAST_DAY(f.event_date))) AS FLOAT64
    )) END
    AS subscription_units,
  SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.billable_tokens AS FLOAT64)) AS cost_per_token,
  SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.billable_requests AS FLOAT64))
    AS cost_per_request,
  CAST(NULL AS FLOAT64) AS cost_per_session,
  c.cost_kind AS cost_type,
  CASE
    WHEN c.cost_kind = 'one_time' OR c.billing_period = 'usage_based' THEN 'transaction'
    WHEN c.billing_period = 'monthly' THEN 'monthly'
    ELSE 'daily'
  END AS billing_period,
  COALESCE(c.cost_currency, 'USD') AS currency_code,
  COALESCE(c.exchange_rate, CAST(1 AS NUMERIC)) AS exchange_rate,
  c.exchange_rate_date,
  c.exchange_rate_source,
  st.budget_category,
  st.budget_usd AS budget_allocated_usd,
  CAST(st.budget_usd - st.to_date_usd AS NUMERIC) AS budget_remaining_usd,
  st.to_date_usd > st.budget_usd AS is_over_budget,
  f.project_codes,
  CASE
    WHEN c.is_provisional THEN CAST(0.8 AS FLOAT64)
    WHEN c.is_rate_stale THEN CAST(0.9 AS FLOAT64)
    ELSE CAST(1 AS FLOAT64)
  END AS cost_confidence,
  f.allocation_confidence,
  f.allocation_note,
  COALESCE(n.reconciliation_status, 'pending') AS reconciliation_status,
  c.is_provisional,
  c.event_timestamp AS cost_timestamp,
  c.ingest_timestamp,
  @run_id AS pipeline_run_id
FROM int_cost_bearers AS f
JOIN stg_cost_events AS c ON c.event_id = f.event_id AND c.event_date = f.event_date
LEFT JOIN dim_platforms AS pl
  -- What is for no single product is the whole platform's.
  ON pl.platform_code = c.platform AND pl.platform_subtype = COALESCE(f.product, 'all')
LEFT JOIN dim_cost_centers AS cc ON cc.cost_center = f.cost_center
LEFT JOIN dim_users AS u ON u.user_sk = f.user_sk AND f.user_sk > 0
LEFT JOIN (
  SELECT * FROM int_spend_to_date WHERE event_date >= @start AND event_date < @end
) AS st ON st.user_email = u.person AND st.event_date = f.event_date
-- The cycle that int_cycle_days gives a cost, and how it is judged.
LEFT JOIN (
  SELECT d.platform, d.account, d.cost_kind, d.day, d.invoice_id, s.reconciliation_status
  FROM int_cycle_days AS d
  JOIN int_cycle_status AS s
    ON s.platform = d.platform AND s.account = COALESCE(d.billing_account_id, '')
    AND s.period_from = d.period_from AND s.period_to = d.period_to
  WHERE d.is_first AND d.day >= @start AND d.day < @end
) AS n
  ON n.platform = c.platform AND n.account = c.account
  AND n.cost_kind = c.line_kind AND n.day = f.event_date
WHERE f.event_date >= @start AND f.event_date < @end
  AND c.event_date >= @start AND c.event_date < @end
