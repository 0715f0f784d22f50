-- Reported usage and seats of each day of the billing cycles that lie in @start to @end (not
-- included), with the cycle's part as weight of weights, and what the vendor said later of the day.
WITH parts AS (
  SELECT
    platform, account, cost_kind, day, period_from, period_to, weight,
    COALESCE(billing_account_id, '') AS billing_account,
    CAST(SUM(weight) OVER (PARTITION BY platform, account, cost_kind, day) AS INT64) AS weights
  FROM int_cycle_days
  WHERE day >= @start AND day < @end
),
costs AS (
  SELECT
    platform, event_date AS day,
    COALESCE(billing_account_id, '') AS account,
    line_kind(cost_type) AS cost_kind,
    CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end AND cost_usd IS NOT NULL
  GROUP BY 1, 2, 3, 4
),
restated AS (
  SELECT platform, event_date AS day, CAST(SUM(difference) AS NUMERIC) AS restated_usd
  FROM raw_restatements
  WHERE event_date >= @start AND event_date < @end AND measure = 'cost_usd' AND was_final
  GROUP BY 1, 2
)
SELECT
  p.platform,
  p.billing_account AS account,
  p.period_from,
  p.period_to,
  c.day,
  c.cost_kind,
  c.cost_usd,
  p.weight,
  p.weights,
  COALESCE(r.restated_usd, NUMERIC '0') AS restated_usd
FROM parts AS p
JOIN costs AS c
  ON c.platform = p.platform AND c.account = p.account AND c.cost_kind = p.cost_kind
  AND c.day = p.day
LEFT JOIN restated AS r ON r.platform = c.platform AND r.day = c.day
WHERE p.period_from >= @start AND p.period_to < @end AND c.cost_kind IN ('usage', 'seat')
