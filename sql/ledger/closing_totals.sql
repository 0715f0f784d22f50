-- The totals of a month as `ai-usage close` records them: of the facts themselves, which no other
-- table may lag behind. Who used a product at no cost of their own is a row too: what the facts of
-- the month refer to must stay known.
WITH costs AS (
  SELECT
    user_sk, platform_sk, cost_center_sk, CAST(SUM(total_cost_usd) AS NUMERIC) AS total_cost_usd
  FROM fact_ai_costs
  WHERE cost_timestamp >= TIMESTAMP(@start, 'UTC') AND cost_timestamp < TIMESTAMP(@end, 'UTC')
  GROUP BY 1, 2, 3
),
used AS (
  SELECT f.user_sk, f.platform_sk
  FROM fact_ai_usage AS f
  WHERE f.event_timestamp >= TIMESTAMP(@start, 'UTC')
    AND f.event_timestamp < TIMESTAMP(@end, 'UTC')
    AND f.user_sk NOT IN (SELECT c.user_sk FROM costs AS c)
  GROUP BY 1, 2
),
parts AS (
  SELECT user_sk, platform_sk, cost_center_sk, total_cost_usd FROM costs
  UNION ALL
  SELECT user_sk, platform_sk, 0 AS cost_center_sk, NUMERIC '0' AS total_cost_usd FROM used
)
SELECT
  @start AS month,
  COALESCE(pl.platform_code, 'unknown') AS platform_code,
  COALESCE(pl.platform_name, 'Unknown') AS platform_name,
  c.user_sk,
  bearer_label(c.user_sk, p.user_email, 'Unattributed') AS user_email,
  p.full_name,
  bearer_label(c.user_sk, p.department, 'Unassigned') AS department,
  bearer_label(c.user_sk, p.team, 'Unassigned') AS team,
  cost_center_label(c.cost_center_sk, cc.cost_center) AS cost_center,
  c.total_cost_usd,
  @closed_at AS closed_at,
  -- Known when it is recorded.
  CAST(NULL AS STRING) AS closed_by,
  CAST(NULL AS STRING) AS accepted_reason
FROM parts AS c
LEFT JOIN dim_users AS p ON p.user_sk = c.user_sk
LEFT JOIN dim_cost_centers AS cc ON cc.cost_center_sk = c.cost_center_sk
LEFT JOIN dim_platforms AS pl ON pl.platform_sk = c.platform_sk
