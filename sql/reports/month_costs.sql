-- Cost of the days @start to @end (not included) by month and who is charged for it, and by the
-- invoice that covers it; invoice_id is NULL for cost that no invoice covers.
WITH invoiced AS (
  SELECT platform, account, cost_kind, day, invoice_id
  FROM int_cycle_days
  WHERE is_first AND day >= @start AND day < @end
)
SELECT
  CAST(DATE_TRUNC(c.date, MONTH) AS DATE) AS month,
  line_kind(c.cost_type) AS cost_kind,
  cost_center_label(c.cost_center_sk, n.cost_center) AS cost_center,
  bearer_label(c.user_sk, 'Unassigned', 'Unassigned') AS bearer,
  COALESCE(p.platform_code, 'unknown') AS platform_code,
  COALESCE(p.platform_name, 'Unknown') AS platform_name,
  i.invoice_id,
  CAST(SUM(c.total_cost_usd) AS NUMERIC) AS total_cost_usd
FROM agg_costs_daily AS c
LEFT JOIN dim_cost_centers AS n ON n.cost_center_sk = c.cost_center_sk
LEFT JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
LEFT JOIN invoiced AS i
  ON i.platform = p.platform_code AND i.day = c.date
  AND i.account = c.account AND i.cost_kind = line_kind(c.cost_type)
WHERE c.date >= @start AND c.date < @end
GROUP BY 1, 2, 3, 4, 5, 6, 7
