CREATE VIEW vw_doubtful_owners (
  platform OPTIONS(description="Platform whose key it is: anthropic, cursor."),
  identity_type OPTIONS(description="api_key_id."),
  identity_value OPTIONS(description="Vendor's id of the key."),
  workspace_id OPTIONS(description="Vendor's workspace. NULL means the default workspace, or not reported."),
  records OPTIONS(description="Cost lines of the key in the window that a person bears."),
  cost_usd OPTIONS(description="Cost of the key in the window that a person bears, US dollars."),
  first_day OPTIONS(description="First UTC day of the window with such cost."),
  last_day OPTIONS(description="Last UTC day of the window with such cost."),
  gap_rank OPTIONS(description="1 is the key with the most dollars, among equals the one with the most records. Unique."),
  suggested_owner OPTIONS(description="Contact of the one team or service whose key has the same name, else who bears the cost now: the responsible contact, once the key is registered."),
  suggestion_evidence OPTIONS(description="What makes the key look like a service's, for a person to judge."),
  suggestion_confidence OPTIONS(description="0 to 1. A key of the same name that is registered as a team's or a service's: 0.7. A word of services in the name: 0.5. Cost on weekends as on other days: 0.4."),
  reason OPTIONS(description="doubtful_owner."),
  key_name OPTIONS(description="Name of the key."),
  suggested_use OPTIONS(description="service, or team where the key of the same name is a team's.")
)
OPTIONS(
  description="Keys whose creator bears what looks like a service's cost: one row per platform and key that nothing but the vendor's own list gives to a person. The window starts on the first of the month, {months} months before as_of.",
  labels=[("months", "12")]
)
AS
WITH costs AS (
  SELECT
    platform,
    api_key_id,
    CAST(SUM(cost_lines) AS INT64) AS records,
    CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd,
    MIN(date) AS first_day,
    MAX(date) AS last_day,
    COUNT(DISTINCT date) AS days,
    COUNT(DISTINCT IF(EXTRACT(DAYOFWEEK FROM date) IN (1, 7), date, NULL)) AS weekend_days
  FROM agg_keys_daily
  WHERE date BETWEEN @window_start AND @as_of AND user_sk > 0 AND cost_lines > 0
  GROUP BY 1, 2
),
entries AS (
  -- What is registered of keys of the same name stands on each.
  SELECT
    platform, api_key_id, api_key_name, workspace_id, user_email, created_date,
    attribution_source = 'vendor_directory' AND is_winner AS is_creators,
    dashed_name(COALESCE(api_key_name, '')) AS dashed_name,
    COUNT(DISTINCT IF(intended_use IN ('team', 'service'), user_email, NULL)) OVER same_name
      AS contacts,
    MAX(IF(intended_use IN ('team', 'service'), user_email, NULL)) OVER same_name AS contact,
    MIN(IF(intended_use IN ('team', 'service'), intended_use, NULL)) OVER same_name AS same_use
  FROM api_key_mappings
  WINDOW same_name AS (PARTITION BY platform, api_key_name)
),
creators AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY platform, api_key_id ORDER BY COALESCE(created_date, DATE '1900-01-01') DESC
    ) AS newest
  FROM entries
  WHERE is_creators
),
judged AS (
  SELECT
    c.*,
    e.api_key_name, e.workspace_id, e.user_email, e.contacts, e.contact, e.same_use,
    CASE
      WHEN e.contacts > 0 THEN 'registered'
      WHEN REGEXP_CONTAINS(e.dashed_name, '-(ci|cd|bot|service|svc|server|backend|worker)-')
        OR REGEXP_CONTAINS(e.dashed_name, '-(prod|production|staging|deploy|pipeline)-')
        OR REGEXP_CONTAINS(e.dashed_name, '-(cron|nightly|batch|job|jobs)-') THEN 'name'
      WHEN c.days >= 14 AND c.weekend_days * 4 >= c.days THEN 'weekends'
    END AS evidence
  FROM costs AS c
  JOIN creators AS e
    ON e.platform = c.platform AND e.api_key_id = c.api_key_id AND e.newest = 1
)
SELECT
  platform,
  'api_key_id' AS identity_type,
  api_key_id AS identity_value,
  workspace_id,
  records,
  cost_usd,
  first_day,
  last_day,
  ROW_NUMBER() OVER (ORDER BY cost_usd DESC, records DESC, platform, api_key_id) AS gap_rank,
  IF(contacts = 1, contact, user_email) AS suggested_owner,
  CASE evidence
    WHEN 'registered' THEN CONCAT(
      user_email, ' made it and bears its cost; a key of this name is registered as a ', same_use,
      '\'s'
    )
    WHEN 'name' THEN CONCAT(user_email, ' made it and bears its cost; its name is a service\'s')
    ELSE CONCAT(
      user_email, ' made it and bears its cost; it is used on weekends as on other days'
    )
  END AS suggestion_evidence,
  CASE evidence
    WHEN 'registered' THEN CAST(0.7 AS FLOAT64)
    WHEN 'name' THEN CAST(0.5 AS FLOAT64)
    ELSE CAST(0.4 AS FLOAT64)
  END AS suggestion_confidence,
  'doubtful_owner' AS reason,
  api_key_name AS key_name,
  COALESCE(same_use, 'service') AS suggested_use
FROM judged
WHERE evidence IS NOT NULL AND cost_usd != 0
