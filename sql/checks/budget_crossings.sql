-- People whose cost of the month, over all platforms, went above their budget; the day on which it
-- first did.
SELECT
  MIN(DATE(f.cost_timestamp, 'UTC')) AS day,
  u.person AS subject,
  CAST(DATE_TRUNC(DATE(f.cost_timestamp, 'UTC'), MONTH) AS DATE) AS month,
  ROUND(MAX(f.budget_allocated_usd), 2) AS budget_usd,
  ROUND(MAX(f.budget_allocated_usd) - MIN(f.budget_remaining_usd), 2) AS month_to_date_usd
FROM fact_ai_costs AS f
INNER JOIN dim_users AS u ON u.user_sk = f.user_sk
WHERE f.is_over_budget
  AND f.cost_timestamp >= TIMESTAMP(@month_start, 'UTC')
  AND f.cost_timestamp < TIMESTAMP(@end, 'UTC')
GROUP BY 2, 3
HAVING MIN(DATE(f.cost_timestamp, 'UTC')) >= @start
