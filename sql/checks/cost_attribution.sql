-- Platforms and days on which too small a share of the dollars belongs to somebody known
-- (a person, or Shared).
SELECT day, platform, cost_usd, attributed_usd, share
FROM (
  SELECT
    a.date AS day,
    p.platform_code AS platform,
    CAST(SUM(a.total_cost_usd) AS NUMERIC) AS cost_usd,
    CAST(SUM(IF(a.user_sk != 0, a.total_cost_usd, 0)) AS NUMERIC) AS attributed_usd,
    SAFE_DIVIDE(
      CAST(SUM(IF(a.user_sk != 0, a.total_cost_usd, 0)) AS FLOAT64),
      CAST(SUM(a.total_cost_usd) AS FLOAT64)
    ) AS share
  FROM agg_costs_daily AS a
  LEFT JOIN dim_platforms AS p ON p.platform_sk = a.platform_sk
  WHERE a.date >= @start AND a.date < @end
  GROUP BY 1, 2
) AS by_platform
WHERE share < @threshold
