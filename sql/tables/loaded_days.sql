CREATE TABLE loaded_days (
  day DATE NOT NULL OPTIONS(description="UTC day that was asked for and answered, with events or without; and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform that was asked; * for the files that finance maintains, which speak for every platform."),
  source_endpoint STRING NOT NULL OPTIONS(description="Endpoint that was asked, as in raw_ai_events; the endpoint that an old table stands for on the days that come from it. Unique with day and platform."),
  cost_kind STRING OPTIONS(description="Which cost the endpoint brings: usage (the vendor's charges), seat, or other (one-time cost, tax, credits, commitments). NULL if it brings none."),
  is_provisional BOOL NOT NULL OPTIONS(description="The answer was given before the day was over and settled: it may still change."),
  ingest_timestamp TIMESTAMP NOT NULL OPTIONS(description="When the newest complete answer was fetched or imported, which is the one that raw_ai_events holds."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row.")
)
PARTITION BY day
CLUSTER BY platform, source_endpoint
OPTIONS (
  description="Which days are loaded: one row a day, platform and endpoint with a complete answer in raw_ai_events. A day without a row was never asked for or never answered whole, and what it lacks is unknown; a day with a row and without events is known to be empty.",
  require_partition_filter=TRUE
);
