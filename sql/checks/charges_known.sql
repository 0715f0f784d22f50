-- Records that bill, or may bill, an amount that is not known, counted by day and endpoint, and one
-- of them as an example.
SELECT
  u.day, u.platform, u.source_endpoint, u.records, r.validation_errors, r.raw_response
FROM (
  SELECT
    event_date AS day, platform, source_endpoint, COUNT(*) AS records, MIN(event_id) AS event_id
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end AND is_charge_unknown
  GROUP BY 1, 2, 3
) AS u
INNER JOIN raw_ai_events AS r
  ON r.event_id = u.event_id AND r.event_date = u.day
WHERE r.event_date >= @start AND r.event_date < @end
