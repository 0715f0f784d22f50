-- Dollars that part an old table from the events and that nothing explains, by day and table.
SELECT
  compared_day AS day,
  table_name,
  COUNT(*) AS records,
  SUM(ABS(COALESCE(usd_old, 0) - COALESCE(usd_new, 0))) AS usd
FROM migration_differences
WHERE compared_day >= @start AND compared_day < @end AND class = 'unexplained'
GROUP BY 1, 2
