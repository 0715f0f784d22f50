-- Keys that are used again, or for the first time, after they counted as inactive: not seen for
-- longer than their auto_deactivate_after_days. The use attributes all the same; somebody should
-- look at it. A key that has not been seen for two years has no past here.
WITH seen AS (
  SELECT platform, COALESCE(api_key_id, CONCAT('name:', actor_name)) AS api_key_id, event_date
  FROM raw_ai_events
  WHERE event_date >= DATE_SUB(@start, INTERVAL 731 DAY) AND event_date < @end
    AND event_type IN ('usage', 'session')
    AND user_email IS NULL AND (api_key_id IS NOT NULL OR actor_name IS NOT NULL)
  GROUP BY 1, 2, 3
),
dated AS (
  SELECT
    platform, api_key_id, event_date,
    LAG(event_date) OVER (PARTITION BY platform, api_key_id ORDER BY event_date) AS seen_before
  FROM seen
),
loaded AS (
  SELECT MIN(event_date) AS first_day
  FROM raw_ai_events
  WHERE event_date >= DATE_SUB(@start, INTERVAL 731 DAY) AND event_date < @end
),
quiet AS (
  SELECT
    d.event_date AS day, d.platform, d.api_key_id, m.api_key_name, m.user_email,
    m.auto_deactivate_after_days,
    -- A key never used has been idle since it was made; before the first day loaded nobody knows.
    COALESCE(d.seen_before, GREATEST(m.created_date, l.first_day)) AS idle_since
  FROM dated AS d
  JOIN api_key_mappings AS m
    ON m.platform = d.platform AND m.api_key_id = d.api_key_id AND m.is_winner
    AND d.event_date BETWEEN COALESCE(m.created_date, DATE '1900-01-01')
      AND COALESCE(m.expires_date, DATE '9999-12-31')
  CROSS JOIN loaded AS l
  WHERE d.event_date >= @start
)
SELECT
  day, platform, api_key_id, api_key_name, user_email,
  DATE_DIFF(day, idle_since, DAY) AS idle_days
FROM quiet
WHERE DATE_DIFF(day, idle_since, DAY) > auto_deactivate_after_days
