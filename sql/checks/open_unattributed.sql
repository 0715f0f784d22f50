-- Cost of the days @start to @end (not included) that belongs to nobody known.
SELECT
  COALESCE(pl.platform_code, 'unknown') AS platform,
  CAST(SUM(c.total_cost_usd) AS NUMERIC) AS cost_usd,
  MIN(d.date) AS first_day
FROM fact_ai_costs AS c
JOIN dim_dates AS d ON d.date_sk = c.date_sk
LEFT JOIN dim_platforms AS pl ON pl.platform_sk = c.platform_sk
WHERE c.cost_timestamp >= TIMESTAMP(@start, 'UTC') AND c.cost_timestamp < TIMESTAMP(@end, 'UTC')
  AND c.user_sk = 0 AND c.total_cost_usd != 0
GROUP BY 1
