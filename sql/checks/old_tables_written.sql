-- Days that an old table lacks though dual write is on, and why.
SELECT written_day AS day, table_name, error
FROM migration_writes
WHERE written_day >= @start AND written_day < @end AND outcome = 'failed'
