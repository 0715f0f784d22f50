CREATE TABLE fact_ai_usage (
  user_sk INT64 NOT NULL OPTIONS(description="Version of the person valid on the event's day; 0 is Unknown, -1 is Shared."),
  platform_sk INT64 NOT NULL OPTIONS(description="Product in dim_platforms."),
  date_sk INT64 NOT NULL OPTIONS(description="UTC day of the event, YYYYMMDD."),
  time_sk INT64 NOT NULL OPTIONS(description="UTC time of the event, HHMMSS; 0 where the vendor reports whole days."),
  event_id STRING NOT NULL OPTIONS(description="Event in raw_ai_events. Unique here."),
  session_id STRING OPTIONS(description="Vendor's session id, where one is reported."),
  api_key_id STRING OPTIONS(description="Vendor's id of the API key."),
  model STRING OPTIONS(description="Model as the vendor names it."),
  session_count INT64 OPTIONS(description="Sessions. NULL where not reported."),
  request_count INT64 OPTIONS(description="Requests. NULL where not reported."),
  input_tokens INT64 OPTIONS(description="Input tokens neither read from nor written to a cache."),
  output_tokens INT64 OPTIONS(description="Output tokens."),
  cached_input_tokens INT64 OPTIONS(description="Input tokens written to a cache."),
  cache_read_tokens INT64 OPTIONS(description="Input tokens read from a cache."),
  total_tokens INT64 OPTIONS(description="Sum of the four disjoint classes. NULL where no tokens are reported."),
  lines_added INT64 OPTIONS(description="Lines added in the editor, typed by hand included. NULL where typed lines are not reported."),
  lines_accepted INT64 OPTIONS(description="Lines written by the AI and kept."),
  suggestions_shown INT64 OPTIONS(description="Proposals that the tool made."),
  suggestions_accepted INT64 OPTIONS(description="Proposals that the person accepted."),
  commits INT64 OPTIONS(description="Commits made by the tool."),
  pull_requests INT64 OPTIONS(description="Pull requests opened by the tool."),
  acceptance_rate FLOAT64 OPTIONS(description="lines_accepted / lines_added: the AI's share of all lines, hand-typed ones included. Named as in the design document; NULL without both terms."),
  suggestion_acceptance_rate FLOAT64 OPTIONS(description="suggestions_accepted / suggestions_shown: how often a proposal was taken."),
  tokens_per_session FLOAT64 OPTIONS(description="total_tokens / session_count."),
  productivity_score FLOAT64 OPTIONS(description="lines_accepted / session_count."),
  session_duration_seconds INT64 OPTIONS(description="Seconds of session. No vendor reports it: NULL."),
  active_time_seconds INT64 OPTIONS(description="Seconds of activity. No vendor reports it: NULL."),
  idle_time_seconds INT64 OPTIONS(description="Seconds idle. No vendor reports it: NULL."),
  included_value_usd NUMERIC OPTIONS(description="Priced value that the seat already covers, US dollars. Never part of a cost."),
  estimated_cost_usd NUMERIC OPTIONS(description="Estimate at list price, US dollars. Never part of a cost."),
  attribution_confidence FLOAT64 NOT NULL OPTIONS(description="How sure user_sk is, 0 to 1, decayed at the event's day; 0 for Unknown."),
  data_completeness FLOAT64 NOT NULL OPTIONS(description="Share of the fields expected of such an event that are filled: who acted; of token events the model and the four token classes; of activity events accepted lines and both suggestion counts."),
  is_provisional BOOL NOT NULL OPTIONS(description="True while the vendor may still change the day."),
  event_timestamp TIMESTAMP NOT NULL OPTIONS(description="When the event happened, UTC; its day is the partition."),
  ingest_timestamp TIMESTAMP NOT NULL OPTIONS(description="When the answer that holds the event was fetched."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row.")
)
PARTITION BY DATE(event_timestamp)
CLUSTER BY user_sk, platform_sk
OPTIONS (
  description="AI usage of all platforms: one row a usage or session event.",
  require_partition_filter=TRUE
);
