CREATE TABLE int_line_matches (
  event_id STRING NOT NULL OPTIONS(description="The line of a cost report in raw_ai_events."),
  event_date DATE NOT NULL OPTIONS(description="UTC day of the line, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform of line and usage."),
  workspace STRING NOT NULL OPTIONS(description="Workspace of line and usage, empty for the default one."),
  split_class STRING NOT NULL OPTIONS(description="What the line counts, as in int_usage_weights."),
  model STRING NOT NULL OPTIONS(description="Model of the usage, empty where it names none."),
  service_tier STRING NOT NULL OPTIONS(description="Service tier of the usage, as in int_usage_weights."),
  context STRING NOT NULL OPTIONS(description="Context length class of the usage, empty where it names none."),
  match_level INT64 NOT NULL OPTIONS(description="How wide the line was taken to find usage: 1 all that it names, 2 its model, 3 its workspace. The same on all rows of a line."),
  is_counted_here BOOL NOT NULL OPTIONS(description="The line is the first by event_id of those that bill this usage of the class, all that they name considered: its tokens and requests are counted with it, not with the others."),
  is_indistinct BOOL NOT NULL OPTIONS(description="Another line bills the same usage, and only what the usage report does not say tells them apart. The same on all rows of a line."),
  mixes_tiers BOOL NOT NULL OPTIONS(description="The usage is of several service tiers other than batch, whose prices may differ. The same on all rows of a line.")
)
PARTITION BY event_date
OPTIONS (
  description="Which usage splits a line of a cost report: one row per line and model, service tier and context window of its usage. A line without a row is split by nothing.",
  require_partition_filter=TRUE
);
