-- On which days each identity was seen, whoever it belongs to: what people and keys are folded from
-- must not depend on them. Events that name nobody count too, so that no day with events is missing.
SELECT
  platform,
  COALESCE(identity_type, 'none') AS identity_type,
  COALESCE(identity_value, '') AS identity_value,
  event_date AS day,
  COUNT(*) AS records,
  CAST(COUNTIF(event_type IN ('usage', 'session')) AS INT64) AS usage_records
FROM stg_events
WHERE event_date >= @start AND event_date < @end
GROUP BY 1, 2, 3, 4
