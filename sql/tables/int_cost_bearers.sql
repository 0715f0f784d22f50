CREATE TABLE int_cost_bearers (
  event_id STRING NOT NULL OPTIONS(description="The cost event in raw_ai_events."),
  event_part INT64 NOT NULL OPTIONS(description="Number of the part within its event, as in int_cost_parts; 1 for an event that nothing splits. Unique with event_id."),
  event_date DATE NOT NULL OPTIONS(description="UTC day of the cost, and the partition."),
  api_key_id STRING OPTIONS(description="Key whose usage the part is for. NULL where no key is known."),
  part_usd NUMERIC NOT NULL OPTIONS(description="The part, US dollars."),
  billable_tokens INT64 OPTIONS(description="Tokens that the part stands for."),
  billable_requests INT64 OPTIONS(description="Requests that the part stands for."),
  rule_share FLOAT64 NOT NULL OPTIONS(description="The part's weight among those that a rule has made of the share, 0 to 1; 1 without a rule."),
  user_sk INT64 NOT NULL OPTIONS(description="Who bears the part: version of the person valid on the cost's day; 0 is Unknown, -1 is Shared."),
  allocation_confidence FLOAT64 NOT NULL OPTIONS(description="How sure user_sk is, 0 to 1: the identity's confidence on the day times the split's; 0 if unallocated."),
  allocation_method STRING NOT NULL OPTIONS(description="direct, usage_based, equal_split, manual or unallocated."),
  allocation_note STRING OPTIONS(description="Why the split is no surer, or why a rule's cost is shared. NULL where there is nothing to say."),
  product STRING OPTIONS(description="Product within the platform: the key's, else the event's. NULL for what is for no single one."),
  cost_center STRING OPTIONS(description="Cost centre: the rule's, else the event's own, else the key's own, else the bearer's. NULL where none is known."),
  project_codes ARRAY<STRING> OPTIONS(description="Projects: the rule's, else the event's own, else the key's, else the bearer's.")
)
PARTITION BY event_date
CLUSTER BY user_sk
OPTIONS (
  description="Who bears what: one row per cost event and part. Keys and decisions alone; the rest of an event stands in stg_cost_events.",
  require_partition_filter=TRUE
);
