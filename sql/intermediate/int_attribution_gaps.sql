CREATE VIEW int_attribution_gaps (
  gap_rank OPTIONS(description="1 is the gap with the most dollars, among equals the one with the most records. Unique."),
  platform OPTIONS(description="Platform that reported the events."),
  identity_type OPTIONS(description="What the events carry: email, api_key_id, api_key_name or vendor_user_id; workspace where they carry nothing that could name a person."),
  identity_value OPTIONS(description="The e-mail address, key id or key name; for workspace the workspace's id, or default."),
  workspace_id OPTIONS(description="Vendor's workspace. NULL means the default workspace, or not reported."),
  is_invalid OPTIONS(description="True for events that broke a critical rule."),
  records OPTIONS(description="Usage and session events of nobody in the window. 0 where only cost is nobody's."),
  cost_usd OPTIONS(description="Cost of nobody in the window, US dollars."),
  first_day OPTIONS(description="First UTC day of the window with such an event or cost."),
  last_day OPTIONS(description="Last UTC day of the window with such an event or cost.")
)
OPTIONS(
  description="What belongs to the Unknown member in the window of vw_attribution_gaps: one row per platform, identity, workspace and whether the records could be read. From the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "12")]
)
AS
WITH facts AS (
  SELECT
    event_id,
    date_sk,
    platform_sk,
    api_key_id,
    total_cost_usd AS cost_usd,
    0 AS records
  FROM fact_ai_costs
  WHERE user_sk = 0
    AND cost_timestamp >= TIMESTAMP(@window_start, 'UTC')
    AND cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
  UNION ALL
  SELECT
    event_id,
    date_sk,
    platform_sk,
    api_key_id,
    NUMERIC '0' AS cost_usd,
    1 AS records
  FROM fact_ai_usage
  WHERE user_sk = 0
    AND event_timestamp >= TIMESTAMP(@window_start, 'UTC')
    AND event_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
),
identified AS (
  -- A part of a cost line bears the key whose usage it stands for; everything else, what the
  -- event itself carries.
  SELECT
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
    e.workspace_id,
    COALESCE(e.data_quality_score <= 0, FALSE) AS is_invalid,
    d.date AS day,
    f.cost_usd,
    f.records
  FROM facts AS f
  JOIN dim_dates AS d ON d.date_sk = f.date_sk
  LEFT JOIN (
    SELECT
      event_id,
      event_date,
      platform,
      identity_type,
      identity_value,
      workspace_id,
      data_quality_score
    FROM stg_events
    WHERE event_date BETWEEN @window_start AND @as_of
  ) AS e ON e.event_id = f.event_id AND e.event_date = d.date
  LEFT JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
  WHERE d.date BETWEEN @window_start AND @as_of
),
gaps AS (
  SELECT
    platform,
    identity_type,
    identity_value,
    workspace_id,
    is_invalid,
    CAST(SUM(records) AS INT64) AS records,
    CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd,
    MIN(day) AS first_day,
    MAX(day) AS last_day
  FROM identified
  GROUP BY 1, 2, 3, 4, 5
)
SELECT
  ROW_NUMBER() OVER (
    ORDER BY
      cost_usd DESC, records DESC, platform, identity_type, identity_value,
      COALESCE(workspace_id, ''), is_invalid
  ) AS gap_rank,
  platform,
  identity_type,
  identity_value,
  workspace_id,
  is_invalid,
  records,
  cost_usd,
  first_day,
  last_day
FROM gaps
