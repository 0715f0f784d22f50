CREATE TABLE agg_keys_daily (
  date DATE NOT NULL OPTIONS(description="UTC day of the usage and the cost, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform that reported the events."),
  workspace STRING NOT NULL OPTIONS(description="Vendor's workspace; empty for the default workspace, or where none is reported."),
  api_key_id STRING NOT NULL OPTIONS(description="Vendor's id of the key; empty where none acted."),
  user_sk INT64 NOT NULL OPTIONS(description="Version of the person, as in the facts; 0 is Unknown, -1 is Shared."),
  records INT64 NOT NULL OPTIONS(description="Rows of fact_ai_usage in a workspace."),
  total_tokens INT64 NOT NULL OPTIONS(description="Their tokens."),
  cost_lines INT64 NOT NULL OPTIONS(description="Rows of fact_ai_costs with a key."),
  cost_usd NUMERIC NOT NULL OPTIONS(description="Their cost, US dollars.")
)
PARTITION BY date
CLUSTER BY platform, workspace, api_key_id, user_sk
OPTIONS (
  description="Who uses a workspace and who bears a key's cost: one row per day, platform, workspace, key and version of a person. Usage without a workspace and cost without a key have no row.",
  require_partition_filter=TRUE
);
