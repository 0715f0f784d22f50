-- Cost of the billing cycles that lie in @start to @end (not included) by who is charged for it,
-- with the cycle's part of it as weight of weights.
WITH parts AS (
  SELECT
    platform, account, cost_kind, day, period_from, period_to, weight,
    COALESCE(billing_account_id, '') AS billing_account,
    CAST(SUM(weight) OVER (PARTITION BY platform, account, cost_kind, day) AS INT64) AS weights
  FROM int_cycle_days
  WHERE day >= @start AND day < @end
)
SELECT
  d.platform,
  d.billing_account AS account,
  d.period_from,
  d.period_to,
  d.cost_kind,
  cost_center_label(c.cost_center_sk, n.cost_center) AS cost_center,
  bearer_label(c.user_sk, 'Unassigned', 'Unassigned') AS bearer,
  p.platform_name,
  d.weight,
  d.weights,
  CAST(SUM(c.total_cost_usd) AS NUMERIC) AS total_cost_usd
FROM agg_costs_daily AS c
JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
JOIN parts AS d
  ON d.platform = p.platform_code AND d.day = c.date
  AND d.account = c.account AND d.cost_kind = line_kind(c.cost_type)
LEFT JOIN dim_cost_centers AS n ON n.cost_center_sk = c.cost_center_sk
WHERE c.date >= @start AND c.date < @end
  AND d.period_from >= @start AND d.period_to < @end
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
