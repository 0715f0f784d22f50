CREATE TABLE raw_restatements (
  event_date DATE NOT NULL OPTIONS(description="The UTC day that was restated, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Vendor that restated it."),
  source_endpoint STRING NOT NULL OPTIONS(description="Vendor endpoint whose answers differ."),
  user_email STRING OPTIONS(description="E-mail address in the payload, as in raw_ai_events."),
  actor_name STRING OPTIONS(description="Name of the key that acted, as in raw_ai_events."),
  api_key_id STRING OPTIONS(description="Vendor's id of the API key, as in raw_ai_events."),
  workspace_id STRING OPTIONS(description="Vendor's workspace, as in raw_ai_events."),
  model STRING OPTIONS(description="Model as the vendor names it."),
  measure STRING NOT NULL OPTIONS(description="What changed: a column of raw_ai_events, or events, their number."),
  value_before NUMERIC OPTIONS(description="Sum of the measure over the day's events of the same address, name, key, workspace and model, in the answer before. NULL where it was not reported."),
  value_after NUMERIC OPTIONS(description="The same sum in the later answer. NULL where it is not reported any more."),
  difference NUMERIC NOT NULL OPTIONS(description="value_after - value_before, what is not reported as 0. The differences of one sum and measure add up over all that was seen."),
  previous_fetch_at TIMESTAMP NOT NULL OPTIONS(description="When the vendor last said value_before."),
  seen_at TIMESTAMP NOT NULL OPTIONS(description="When the vendor first said value_after."),
  was_final BOOL NOT NULL OPTIONS(description="True where the answer before was made after the day had settled: the vendor's last word changed."),
  month_closed BOOL NOT NULL OPTIONS(description="True where the month of the day had been closed when the change was seen."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row.")
)
PARTITION BY event_date
CLUSTER BY platform, measure, user_email
OPTIONS (
  description="What vendors said later of a day that they had already reported: one row a day, endpoint, address, key name, key, workspace, model, measure and change. What came while the day still ran is no restatement.",
  require_partition_filter=TRUE
);
