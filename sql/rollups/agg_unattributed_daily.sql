-- What the facts of a day have of nobody, by what the events carry that could name somebody.
WITH facts AS (
  SELECT
    event_id,
    DATE(cost_timestamp, 'UTC') AS date,
    platform_sk,
    api_key_id,
    total_cost_usd AS cost_usd,
    0 AS records
  FROM fact_ai_costs
  WHERE user_sk = 0
    AND cost_timestamp >= TIMESTAMP(@start, 'UTC') AND cost_timestamp < TIMESTAMP(@end, 'UTC')
  UNION ALL
  SELECT
    event_id,
    DATE(event_timestamp, 'UTC') AS date,
    platform_sk,
    api_key_id,
    NUMERIC '0' AS cost_usd,
    1 AS records
  FROM fact_ai_usage
  WHERE user_sk = 0
    AND event_timestamp >= TIMESTAMP(@start, 'UTC') AND event_timestamp < TIMESTAMP(@end, 'UTC')
)
-- A part of a cost line bears the key whose usage it stands for; everything else, what the event
-- itself carries.
SELECT
  f.date,
  COALESCE(e.platform, p.platform_code, 'unknown') AS platform,
  IF(
    e.identity_type = 'email' OR f.api_key_id IS NULL,
    COALESCE(e.identity_type, 'workspace'),
    'api_key_id'
  ) AS identity_type,
  IF(
    e.identity_type = 'email' OR f.api_key_id IS NULL,
    COALESCE(e.identity_value, e.workspace_id, 'default'),
    f.api_key_id
  ) AS identity_value,
  COALESCE(e.workspace, '') AS workspace,
  COALESCE(e.data_quality_score <= 0, FALSE) AS is_invalid,
  CAST(SUM(f.records) AS INT64) AS records,
  CAST(SUM(f.cost_usd) AS NUMERIC) AS cost_usd
FROM facts AS f
LEFT JOIN (
  SELECT
    event_id,
    event_date,
    platform,
    identity_type,
    identity_value,
    workspace_id,
    workspace,
    data_quality_score
  FROM stg_events
  WHERE event_date >= @start AND event_date < @end
) AS e ON e.event_id = f.event_id AND e.event_date = f.date
LEFT JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
GROUP BY 1, 2, 3, 4, 5, 6
