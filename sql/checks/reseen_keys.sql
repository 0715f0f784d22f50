-- Keys that are used again, or for the first time, after they counted as inactive: not seen for
-- longer than their auto_deactivate_after_days. The use attributes all the same; somebody should
-- look at it. A key that has not been seen for two years has no past here.
WITH seen AS (
  SELECT
    platform,
    IF(identity_type = 'api_key_id', identity_value, CONCAT('name:', identity_value)) AS api_key_id,
    day
  FROM identity_days
  WHERE day >= DATE_SUB(@start, INTERVAL 731 DAY) AND day < @end
    AND identity_type IN ('api_key_id', 'api_key_name') AND usage_records > 0
  GROUP BY 1, 2, 3
),
dated AS (
  SELECT
    platform, api_key_id, day,
    LAG(day) OVER (PARTITION BY platform, api_key_id ORDER BY day) AS seen_before
  FROM seen
),
loaded AS (
  SELECT MIN(day) AS first_day
  FROM identity_days
  WHERE day >= DATE_SUB(@start, INTERVAL 731 DAY) AND day < @end
),
quiet AS (
  SELECT
    d.day, d.platform, d.api_key_id, m.api_key_name, m.user_email, m.auto_deactivate_after_days,
    -- A key never used has been idle since it was made; before the first day loaded nobody knows.
    COALESCE(d.seen_before, GREATEST(m.created_date, l.first_day)) AS idle_since
  FROM dated AS d
  JOIN api_key_mappings AS m
    ON m.platform = d.platform AND m.api_key_id = d.api_key_id AND m.is_winner
    AND d.day BETWEEN COALESCE(m.created_date, DATE '1900-01-01')
      AND COALESCE(m.expires_date, DATE '9999-12-31')
  CROSS JOIN loaded AS l
  WHERE d.day >= @start
)
SELECT
  day, platform, api_key_id, api_key_name, user_email,
  DATE_DIFF(day, idle_since, DAY) AS idle_days
FROM quiet
WHERE DATE_DIFF(day, idle_since, DAY) > auto_deactivate_after_days
