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
WITH gaps AS (
  SELECT
    platform,
    identity_type,
    identity_value,
    NULLIF(workspace, '') AS workspace_id,
    is_invalid,
    CAST(SUM(records) AS INT64) AS records,
    CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd,
    MIN(date) AS first_day,
    MAX(date) AS last_day
  FROM agg_unattributed_daily
  WHERE date BETWEEN @window_start AND @as_of
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
