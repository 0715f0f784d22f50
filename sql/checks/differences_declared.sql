-- Explained differences that the description does not declare, or not as many dollars of them.
SELECT
  compared_day AS day,
  table_name,
  class,
  COUNT(*) AS records,
  SUM(ABS(COALESCE(usd_old, 0) - COALESCE(usd_new, 0))) AS usd
FROM migration_differences
WHERE
  compared_day >= @start
  AND compared_day < @end
  AND class != 'unexplained'
  AND NOT is_within_limit
GROUP BY 1, 2, 3
