CREATE TABLE migration_differences (
  compared_day DATE NOT NULL OPTIONS(description="Day that both sides speak of, and the partition: UTC, or the old table's own day where its zone explains the difference."),
  table_name STRING NOT NULL OPTIONS(description="Old table."),
  platform STRING NOT NULL OPTIONS(description="Platform whose events its rows are."),
  compared_key STRING NOT NULL OPTIONS(description="Values of the columns by which rows are compared, as a JSON list; often an address. Unique with day and table."),
  class STRING NOT NULL OPTIONS(description="What explains the difference: identical, attribution, doubled, rounding, restated, zone, missing_in_old, missing_in_new, or unexplained."),
  note STRING OPTIONS(description="More of it in words, where there is more to say."),
  is_final BOOL NOT NULL OPTIONS(description="No vendor can change the day any more. Only final days count for the gate."),
  is_within_limit BOOL NOT NULL OPTIONS(description="All differences of the class on that day are within what the description declares; never where they are unexplained, or of a class that is not declared."),
  rows_old INT64 NOT NULL OPTIONS(description="Rows of the old table."),
  rows_new INT64 NOT NULL OPTIONS(description="Events."),
  tokens_old NUMERIC OPTIONS(description="Tokens of the old rows. NULL where the side has no row, or tokens are not compared."),
  tokens_new NUMERIC OPTIONS(description="The same of the events."),
  lines_old NUMERIC OPTIONS(description="Lines of the old rows. NULL where the side has no row, or lines are not compared."),
  lines_new NUMERIC OPTIONS(description="The same of the events."),
  usd_old NUMERIC OPTIONS(description="US dollars of the old rows. NULL where the side has no row, or dollars are not compared."),
  usd_new NUMERIC OPTIONS(description="The same of the events."),
  compared_at TIMESTAMP NOT NULL OPTIONS(description="When both sides were read."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row.")
)
PARTITION BY compared_day
CLUSTER BY table_name, class
OPTIONS (
  description="Old tables against events: one row per day, old table and compared key that either side has, each with one class. Empty where no migration.yaml describes any; internal.",
  require_partition_filter=TRUE
);
