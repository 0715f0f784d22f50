-- Platforms and days on which too small a share of the dollars belongs to somebody known
-- (a person, or Shared).
SELECT day, platform, cost_usd, attributed_usd, share
FROM (
  SELECT
    DATE(f.cost_timestamp, 'UTC') AS day,
    p.platform_code AS platform,
    CAST(SUM(f.total_cost_usd) AS NUMERIC) AS cost_usd,
    CAST(SUM(IF(f.user_sk != 0, f.total_cost_usd, 0)) AS NUMERIC) AS attributed_usd,
    SAFE_DIVIDE(
      CAST(SUM(IF(f.user_sk != 0, f.total_cost_usd, 0)) AS FLOAT64),
      CAST(SUM(f.total_cost_usd) AS FLOAT64)
    ) AS share
  FROM fact_ai_costs AS f
  LEFT JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
  WHERE f.cost_timestamp >= TIMESTAMP(@start, 'UTC') AND f.cost_timestamp < TIMESTAMP(@end, 'UTC')
  GROUP BY 1, 2
) AS by_platform
WHERE share < @threshold
