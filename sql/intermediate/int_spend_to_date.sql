-- What a person bears from the month's first day to each day with cost, beside the month's budget.
-- Reads from @month_start, the first of @start's month, because it counts from there.
WITH by_day AS (
  SELECT
    u.person AS user_email, b.event_date,
    CAST(DATE_TRUNC(b.event_date, MONTH) AS DATE) AS month,
    CAST(SUM(b.part_usd) AS NUMERIC) AS spent_usd
  FROM int_cost_bearers AS b
  JOIN dim_users AS u ON u.user_sk = b.user_sk
  WHERE b.event_date >= @month_start AND b.event_date < @end AND b.user_sk > 0
  GROUP BY 1, 2, 3
),
to_date AS (
  SELECT
    *,
    CAST(SUM(spent_usd) OVER (
      PARTITION BY month, user_email ORDER BY event_date
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS NUMERIC) AS to_date_usd
  FROM by_day
)
SELECT
  d.user_email, d.event_date, d.to_date_usd, g.budget_usd,
  IF(
    g.budget_source = 'directory', 'directory', COALESCE(g.budget_category, g.scope_type)
  ) AS budget_category
FROM to_date AS d
LEFT JOIN int_budgets AS g
  ON g.month = d.month AND g.scope_type = 'person' AND g.scope_value = d.user_email
WHERE d.event_date >= @start
