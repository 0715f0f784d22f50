-- Platforms and days on which too small a share of the usage records belongs to somebody known
-- (a person, or Shared).
SELECT day, platform, records, attributed, share
FROM (
  SELECT
    a.date AS day,
    p.platform_code AS platform,
    CAST(SUM(a.records) AS INT64) AS records,
    CAST(SUM(IF(a.user_sk != 0, a.records, 0)) AS INT64) AS attributed,
    SAFE_DIVIDE(
      CAST(SUM(IF(a.user_sk != 0, a.records, 0)) AS FLOAT64), CAST(SUM(a.records) AS FLOAT64)
    ) AS share
  FROM agg_usage_daily AS a
  LEFT JOIN dim_platforms AS p ON p.platform_sk = a.platform_sk
  WHERE a.date >= @start AND a.date < @end
  GROUP BY 1, 2
) AS by_platform
WHERE share < @threshold
