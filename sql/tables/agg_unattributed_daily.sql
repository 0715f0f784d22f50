CREATE TABLE agg_unattributed_daily (
  date DATE NOT NULL OPTIONS(description="UTC day of the events, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform that reported the events."),
  identity_type STRING NOT NULL OPTIONS(description="What the events carry: email, api_key_id, api_key_name or vendor_user_id; workspace where they carry nothing that could name a person."),
  identity_value STRING NOT NULL OPTIONS(description="The e-mail address, key id, key name or vendor's id; for workspace the workspace's id, or default."),
  workspace STRING NOT NULL OPTIONS(description="Vendor's workspace; empty for the default workspace, or where none is reported."),
  is_invalid BOOL NOT NULL OPTIONS(description="True for events that broke a critical rule."),
  records INT64 NOT NULL OPTIONS(description="Rows of fact_ai_usage of the Unknown member. 0 where only cost is nobody's."),
  cost_usd NUMERIC NOT NULL OPTIONS(description="Cost of the Unknown member in fact_ai_costs, US dollars.")
)
PARTITION BY date
CLUSTER BY platform, identity_type, identity_value
OPTIONS (
  description="What belongs to the Unknown member by what it carries: one row per day, platform, identity, workspace and whether the records could be read. Sums to the cost of the Unknown member.",
  require_partition_filter=TRUE
);
