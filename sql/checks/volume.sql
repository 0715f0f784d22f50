-- Days on which an endpoint yields far fewer or far more events than usual: the median of the last
-- eight same weekdays, of five at least. Days that the vendor may still change are not judged. A
-- day on which every platform, of two at least, is used far less is a holiday, and no fault.
WITH counted AS (
  SELECT
    platform, source_endpoint, event_date AS day,
    COUNT(*) AS events,
    LOGICAL_OR(is_provisional) AS is_provisional
  FROM raw_ai_events
  WHERE event_date >= DATE_SUB(@start, INTERVAL 56 DAY) AND event_date < @end
  GROUP BY 1, 2, 3
),
endpoints AS (
  SELECT platform, source_endpoint, MIN(day) AS first_day
  FROM counted
  GROUP BY 1, 2
),
calendar AS (
  SELECT calendar_day AS day
  FROM UNNEST(
    GENERATE_DATE_ARRAY(
      DATE_SUB(@start, INTERVAL 56 DAY), DATE_SUB(@end, INTERVAL 1 DAY), INTERVAL 1 DAY
    )
  ) AS calendar_day
),
days AS (
  SELECT
    e.platform, e.source_endpoint, c.day,
    COALESCE(n.events, 0) AS events,
    COALESCE(n.is_provisional, c.day >= @settled_before) AS is_provisional
  FROM endpoints AS e
  INNER JOIN calendar AS c ON c.day >= e.first_day
  LEFT JOIN counted AS n
    ON n.platform = e.platform AND n.source_endpoint = e.source_endpoint AND n.day = c.day
),
compared AS (
  SELECT
    d.platform, d.source_endpoint, d.day, d.events,
    PERCENTILE_CONT(CAST(h.events AS FLOAT64), 0.5)
      OVER (PARTITION BY d.platform, d.source_endpoint, d.day) AS usual
  FROM days AS d
  INNER JOIN days AS h
    ON h.platform = d.platform AND h.source_endpoint = d.source_endpoint
    AND h.day < d.day AND h.day >= DATE_SUB(d.day, INTERVAL 56 DAY)
    AND MOD(DATE_DIFF(d.day, h.day, DAY), 7) = 0
  WHERE d.day >= @start AND NOT d.is_provisional
),
judged AS (
  SELECT
    platform, source_endpoint, day,
    MAX(events) AS events, MAX(usual) AS usual, COUNT(*) AS weeks
  FROM compared
  GROUP BY 1, 2, 3
),
verdicts AS (
  SELECT
    platform, source_endpoint, day, events, usual,
    CAST(events AS FLOAT64) < usual * (1 - @tolerance) AS is_low,
    CAST(events AS FLOAT64) * (1 - @tolerance) > usual AS is_high
  FROM judged
  WHERE weeks >= @minimum_weeks AND usual >= @minimum_events
),
holidays AS (
  SELECT day
  FROM verdicts
  GROUP BY day
  HAVING COUNT(DISTINCT platform) >= 2
    AND COUNT(DISTINCT platform) = COUNT(DISTINCT IF(is_low, platform, NULL))
)
SELECT v.day, v.platform, v.source_endpoint, v.events, v.usual
FROM verdicts AS v
LEFT JOIN holidays AS h ON h.day = v.day
WHERE v.is_high OR (v.is_low AND h.day IS NULL)
