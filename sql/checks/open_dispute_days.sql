-- Cost of each day of the disputed cycles that lie in @start to @end (not included), with the
-- cycle's part of it as weight of weights, and what the vendor said later of the day.
WITH disputed AS (
  SELECT platform, COALESCE(billing_account_id, '') AS billing_account, period_from, period_to
  FROM invoice_reconciliation
  WHERE reconciliation_status = 'disputed' AND period_from >= @start AND period_to < @end
  GROUP BY 1, 2, 3, 4
),
costs AS (
  SELECT
    platform, event_date AS day,
    COALESCE(billing_account_id, '') AS account,
    IF(COALESCE(cost_type = 'subscription', FALSE), 'seat', 'usage') AS cost_kind,
    CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end AND cost_usd IS NOT NULL
    AND NOT COALESCE(cost_type IN ('one_time', 'tax', 'credit', 'commitment'), FALSE)
  GROUP BY 1, 2, 3, 4
),
parts AS (
  SELECT
    platform, account, cost_kind, day, period_from, period_to, weight,
    COALESCE(billing_account_id, '') AS billing_account,
    CAST(SUM(weight) OVER (PARTITION BY platform, account, cost_kind, day) AS INT64) AS weights
  FROM int_cycle_days
),
restated AS (
  SELECT platform, event_date AS day, CAST(SUM(difference) AS NUMERIC) AS restated_usd
  FROM raw_restatements
  WHERE event_date >= @start AND event_date < @end AND measure = 'cost_usd' AND was_final
  GROUP BY 1, 2
)
SELECT
  i.platform,
  i.billing_account AS account,
  i.period_from,
  i.period_to,
  c.day,
  c.cost_usd,
  p.weight,
  p.weights,
  COALESCE(r.restated_usd, NUMERIC '0') AS restated_usd
FROM disputed AS i
JOIN parts AS p
  ON p.platform = i.platform AND p.billing_account = i.billing_account
  AND p.period_from = i.period_from AND p.period_to = i.period_to
JOIN costs AS c
  ON c.platform = p.platform AND c.account = p.account AND c.cost_kind = p.cost_kind
  AND c.day = p.day
LEFT JOIN restated AS r ON r.platform = c.platform AND r.day = c.day
