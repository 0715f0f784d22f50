-- People whose cost of the month, over all platforms, went above their budget; the day on which it
-- first did.
SELECT
  MIN(DATE(f.cost_timestamp)) AS day,
  u.user_email AS subject,
  CAST(DATE_TRUNC(DATE(f.cost_timestamp), MONTH) AS DATE) AS month,
  ROUND(MAX(f.budget_allocated_usd), 2) AS budget_usd,
  ROUND(MAX(f.budget_allocated_usd) - MIN(f.budget_remaining_usd), 2) AS month_to_date_usd
FROM fact_ai_costs AS f
INNER JOIN dim_users AS u ON u.user_sk = f.user_sk
WHERE f.is_over_budget
  AND DATE(f.cost_timestamp) >= @month_start AND DATE(f.cost_timestamp) < @end
GROUP BY 2, 3
HAVING MIN(DATE(f.cost_timestamp)) >= @start
