-- Usage on a platform that the person is not approved for; an empty list approves every platform.
SELECT
  a.date AS day, u.person AS user_email, p.platform_code AS platform,
  CAST(SUM(a.records) AS INT64) AS records
FROM agg_usage_daily AS a
JOIN dim_users AS u ON u.user_sk = a.user_sk
JOIN dim_platforms AS p ON p.platform_sk = a.platform_sk
WHERE a.date >= @start AND a.date < @end
  AND a.user_sk > 0 AND a.platform_sk != 0
  AND ARRAY_LENGTH(u.approved_platforms) > 0
  AND p.platform_code NOT IN UNNEST(u.approved_platforms)
  AND p.platform_subtype NOT IN UNNEST(u.approved_platforms)
GROUP BY 1, 2, 3
