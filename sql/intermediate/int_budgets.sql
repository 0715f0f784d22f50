-- The budget of each month: budgets.csv before the directory, and of each the last version that the
-- month saw.
WITH months AS (
  SELECT DISTINCT month FROM dim_dates
),
maintained AS (
  SELECT
    m.month, b.scope_type, b.scope_value, b.monthly_budget_usd, b.budget_category,
    b.budget_source, b.is_rate_stale,
    ROW_NUMBER() OVER (
      PARTITION BY m.month, b.scope_type, b.scope_value ORDER BY b.valid_from DESC
    ) AS newest
  FROM months AS m
  JOIN dim_budgets AS b ON b.valid_from <= LAST_DAY(m.month) AND b.valid_to >= m.month
),
directory AS (
  SELECT
    m.month, 'person' AS scope_type, u.user_email, u.ai_budget_monthly_usd,
    LOGICAL_OR(
      u.is_active AND (u.start_date IS NULL OR u.start_date <= LAST_DAY(m.month))
      AND (u.end_date IS NULL OR u.end_date >= m.month)
    ) OVER (PARTITION BY m.month, u.user_email) AS is_here,
    ROW_NUMBER() OVER (PARTITION BY m.month, u.user_email ORDER BY u.effective_date DESC) AS newest
  FROM months AS m
  JOIN dim_users AS u
    ON u.effective_date <= LAST_DAY(m.month) AND u.expiration_date >= m.month AND u.user_sk > 0
)
SELECT
  COALESCE(b.month, d.month) AS month,
  COALESCE(b.scope_type, d.scope_type) AS scope_type,
  COALESCE(b.scope_value, d.user_email) AS scope_value,
  COALESCE(b.monthly_budget_usd, d.ai_budget_monthly_usd) AS budget_usd,
  b.budget_category,
  COALESCE(b.budget_source, 'directory') AS budget_source,
  b.is_rate_stale,
  -- Who is not there, before the first day or after the last, is shown for a line in budgets.csv.
  b.month IS NOT NULL OR d.is_here AS is_shown
FROM (SELECT * FROM maintained WHERE newest = 1) AS b
FULL OUTER JOIN (
  SELECT * FROM directory WHERE newest = 1 AND ai_budget_monthly_usd IS NOT NULL
) AS d
  ON d.month = b.month AND d.scope_type = b.scope_type AND d.user_email = b.scope_value
