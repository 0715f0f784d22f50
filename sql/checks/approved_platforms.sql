-- Usage on a platform that the person is not approved for; an empty list approves every platform.
SELECT
  DATE(f.event_timestamp, 'UTC') AS day, u.user_email, p.platform_code AS platform, COUNT(*) AS records
FROM fact_ai_usage AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
WHERE f.event_timestamp >= TIMESTAMP(@start, 'UTC') AND f.event_timestamp < TIMESTAMP(@end, 'UTC')
  AND f.user_sk > 0 AND f.platform_sk != 0
  AND ARRAY_LENGTH(u.approved_platforms) > 0
  AND p.platform_code NOT IN UNNEST(u.approved_platforms)
  AND p.platform_subtype NOT IN UNNEST(u.approved_platforms)
GROUP BY 1, 2, 3
