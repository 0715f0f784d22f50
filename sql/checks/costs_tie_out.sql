-- Events whose parts in fact_ai_costs do not sum to what the vendor billed: equality, not tolerance.
SELECT
  COALESCE(r.day, f.day) AS day,
  COALESCE(r.event_id, f.event_id) AS event_id,
  r.cost_usd AS billed_usd,
  f.parts_usd
FROM (
  SELECT event_id, event_date AS day, cost_usd
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end AND cost_usd IS NOT NULL
) AS r
FULL OUTER JOIN (
  SELECT
    event_id, DATE(cost_timestamp, 'UTC') AS day, CAST(SUM(total_cost_usd) AS NUMERIC) AS parts_usd
  FROM fact_ai_costs
  WHERE cost_timestamp >= TIMESTAMP(@start, 'UTC') AND cost_timestamp < TIMESTAMP(@end, 'UTC')
  GROUP BY 1, 2
) AS f ON f.event_id = r.event_id
WHERE r.cost_usd IS NULL OR f.parts_usd IS NULL OR r.cost_usd != f.parts_usd
