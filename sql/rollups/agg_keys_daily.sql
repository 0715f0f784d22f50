-- Who used a workspace on a day, and who bore what a key cost. The workspace of a record of usage
-- stands with its event, that of a cost in the fact.
WITH stacked AS (
  SELECT
    DATE(u.event_timestamp, 'UTC') AS date,
    e.platform,
    e.workspace,
    u.api_key_id,
    u.user_sk,
    1 AS records,
    u.total_tokens,
    0 AS cost_lines,
    NUMERIC '0' AS cost_usd
  FROM fact_ai_usage AS u
  JOIN stg_events AS e
    ON e.event_id = u.event_id AND e.event_date = DATE(u.event_timestamp, 'UTC')
  WHERE u.event_timestamp >= TIMESTAMP(@start, 'UTC') AND u.event_timestamp < TIMESTAMP(@end, 'UTC')
    AND e.event_date >= @start AND e.event_date < @end
    AND e.workspace_id IS NOT NULL
  UNION ALL
  SELECT
    DATE(c.cost_timestamp, 'UTC') AS date,
    COALESCE(p.platform_code, 'unknown') AS platform,
    COALESCE(c.workspace_id, '') AS workspace,
    c.api_key_id,
    c.user_sk,
    0 AS records,
    NULL AS total_tokens,
    1 AS cost_lines,
    c.total_cost_usd AS cost_usd
  FROM fact_ai_costs AS c
  LEFT JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
  WHERE c.cost_timestamp >= TIMESTAMP(@start, 'UTC') AND c.cost_timestamp < TIMESTAMP(@end, 'UTC')
    AND c.api_key_id IS NOT NULL
)
SELECT
  date,
  platform,
  workspace,
  COALESCE(api_key_id, '') AS api_key_id,
  user_sk,
  CAST(SUM(records) AS INT64) AS records,
  CAST(COALESCE(SUM(total_tokens), 0) AS INT64) AS total_tokens,
  CAST(SUM(cost_lines) AS INT64) AS cost_lines,
  CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd
FROM stacked
GROUP BY 1, 2, 3, 4, 5
