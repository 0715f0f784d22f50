-- Usage and session events that fact_ai_usage lacks, or holds without a raw event.
SELECT
  COALESCE(r.day, f.day) AS day,
  COALESCE(r.event_id, f.event_id) AS event_id,
  r.event_id IS NULL AS missing_in_raw,
  f.event_id IS NULL AS missing_in_fact
FROM (
  SELECT event_id, event_date AS day
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end AND event_type IN ('usage', 'session')
) AS r
FULL OUTER JOIN (
  SELECT event_id, DATE(event_timestamp, 'UTC') AS day
  FROM fact_ai_usage
  WHERE event_timestamp >= TIMESTAMP(@start, 'UTC') AND event_timestamp < TIMESTAMP(@end, 'UTC')
) AS f ON f.event_id = r.event_id
WHERE r.event_id IS NULL OR f.event_id IS NULL
