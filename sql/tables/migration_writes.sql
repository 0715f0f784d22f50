CREATE TABLE migration_writes (
  written_day DATE NOT NULL OPTIONS(description="Day that was to be written into the old table, and the partition."),
  table_name STRING NOT NULL OPTIONS(description="Old table; migration.yaml where the description itself could not be read. Unique with the day."),
  outcome STRING NOT NULL OPTIONS(description="written, or failed: the old table is then as it was, and the day lags."),
  rows_written INT64 OPTIONS(description="Rows of all days of the same write. NULL where it failed."),
  error STRING OPTIONS(description="Why it failed, in words."),
  tried_at TIMESTAMP NOT NULL OPTIONS(description="When it was tried last."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row.")
)
PARTITION BY written_day
CLUSTER BY table_name, outcome
OPTIONS (
  description="Dual write: one row per day and old table that a run wrote in its old shape, or failed to. Empty while dual write is off; internal.",
  require_partition_filter=TRUE
);
