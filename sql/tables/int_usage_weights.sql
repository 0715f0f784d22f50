CREATE TABLE int_usage_weights (
  event_date DATE NOT NULL OPTIONS(description="UTC day of the usage, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform that reports the usage."),
  workspace STRING NOT NULL OPTIONS(description="Workspace of the usage, empty for the default one."),
  split_class STRING NOT NULL OPTIONS(description="What is counted, a column of usage (stg_events.weight_class), or unclassed: list cost in millionths of a dollar; tokens on days and workspaces with usage that has no price."),
  model STRING NOT NULL OPTIONS(description="Model of the usage, empty where it names none."),
  service_tier STRING NOT NULL OPTIONS(description="Service tier of the usage as the vendor names it; its price_tier where it names none."),
  price_tier STRING NOT NULL OPTIONS(description="batch or standard: the tier that lines of cost reports tell apart."),
  context STRING NOT NULL OPTIONS(description="Context length class of the usage, empty where it names none."),
  user_email STRING NOT NULL OPTIONS(description="E-mail address that the usage carries, empty where it carries none."),
  api_key_id STRING NOT NULL OPTIONS(description="Key that the usage carries, empty where it carries none."),
  actor_name STRING NOT NULL OPTIONS(description="Name of a key that the usage carries, empty where it carries none."),
  weight INT64 NOT NULL OPTIONS(description="Sum of what is counted, above 0.")
)
PARTITION BY event_date
CLUSTER BY platform, workspace, split_class
OPTIONS (
  description="What the lines of cost reports can be split by, without usage that a commitment pays: one row per UTC day, platform, workspace and class with a line to split, and model, tier, context window and identity that used any of it.",
  require_partition_filter=TRUE
);
