-- The budget of each month: budgets.csv before the directory, and of each the last version that the
-- month saw.
WITH months AS (
  SELECT DISTINCT month FROM dim_dates
),
addressed AS (
  -- Whose an address is in the month, on the last of its days if it was given to somebody else.
  SELECT
    m.month, u.user_email, u.person,
    ROW_NUMBER() OVER (
      PARTITION BY m.month, u.user_email ORDER BY u.effective_date DESC
    ) AS newest
  FROM months AS m
  JOIN dim_users AS u
    ON u.effective_date <= LAST_DAY(m.month) AND u.expiration_date >= m.month AND u.user_sk > 0
),
scoped AS (
  SELECT
    m.month, b.scope_type, COALESCE(a.person, b.scope_value) AS scope_value,
    b.monthly_budget_usd, b.budget_category, b.budget_source, b.is_rate_stale, b.valid_from,
    b.scope_value AS written
  FROM months AS m
  JOIN dim_budgets AS b ON b.valid_from <= LAST_DAY(m.month) AND b.valid_to >= m.month
  LEFT JOIN addressed AS a
    ON a.month = m.month AND a.user_email = b.scope_value AND b.scope_type = 'person'
    AND a.newest = 1
),
maintained AS (
  SELECT
    *,
    -- A line under the newest address counts before one under a former.
    ROW_NUMBER() OVER (
      PARTITION BY month, scope_type, scope_value
      ORDER BY IF(written = scope_value, 0, 1), valid_from DESC, written
    ) AS newest
  FROM scoped
),
directory AS (
  SELECT
    m.month, 'person' AS scope_type, u.person, u.ai_budget_monthly_usd,
    LOGICAL_OR(
      u.is_active AND (u.start_date IS NULL OR u.start_date <= LAST_DAY(m.month))
      AND (u.end_date IS NULL OR u.end_date >= m.month)
    ) OVER (PARTITION BY m.month, u.person_id) AS is_here,
    ROW_NUMBER() OVER (PARTITION BY m.month, u.person_id ORDER BY u.effective_date DESC) AS newest
  FROM months AS m
  JOIN dim_users AS u
    ON u.effective_date <= LAST_DAY(m.month) AND u.expiration_date >= m.month AND u.user_sk > 0
)
SELECT
  COALESCE(b.month, d.month) AS month,
  COALESCE(b.scope_type, d.scope_type) AS scope_type,
  COALESCE(b.scope_value, d.person) AS scope_value,
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
  ON d.month = b.month AND d.scope_type = b.scope_type AND d.person = b.scope_value
