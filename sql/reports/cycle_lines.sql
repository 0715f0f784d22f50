-- What the vendor's reports and the files bill on some days, line by line: the days @start to @end
-- (not included) of one @platform, seats of a day as one line per contract.
SELECT
  event_date AS day,
  line_kind(cost_type) AS cost_kind,
  COALESCE(billing_account_id, '') AS account,
  COALESCE(cost_type, event_type) AS item,
  COALESCE(model, '') AS model,
  COALESCE(workspace_id, '') AS workspace_id,
  COALESCE(api_key_id, actor_name, '') AS key,
  REGEXP_REPLACE(archive_page, r'#.*', '') AS archive_page,
  COUNT(*) AS lines,
  CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd
FROM raw_ai_events
WHERE event_date >= @start AND event_date < @end
  AND platform = @platform AND cost_usd IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
