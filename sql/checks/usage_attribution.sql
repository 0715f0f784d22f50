-- Platforms and days on which too small a share of the usage records belongs to somebody known
-- (a person, or Shared).
SELECT day, platform, records, attributed, share
FROM (
  SELECT
    DATE(f.event_timestamp, 'UTC') AS day,
    p.platform_code AS platform,
    COUNT(*) AS records,
    COUNTIF(f.user_sk != 0) AS attributed,
    SAFE_DIVIDE(CAST(COUNTIF(f.user_sk != 0) AS FLOAT64), CAST(COUNT(*) AS FLOAT64)) AS share
  FROM fact_ai_usage AS f
  LEFT JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
  WHERE f.event_timestamp >= TIMESTAMP(@start, 'UTC') AND f.event_timestamp < TIMESTAMP(@end, 'UTC')
  GROUP BY 1, 2
) AS by_platform
WHERE share < @threshold
