CREATE TABLE int_cost_parts (
  event_id STRING NOT NULL OPTIONS(description="The cost event in raw_ai_events. Its parts sum to its cost_usd exactly."),
  event_date DATE NOT NULL OPTIONS(description="UTC day of the cost, and the partition."),
  event_part INT64 NOT NULL OPTIONS(description="Number of the part within its event, by share and falling weight. Unique with event_id."),
  share_number INT64 NOT NULL OPTIONS(description="The share in int_cost_shares that it is a part of; 1 for an event that is not split by usage."),
  rule_id STRING OPTIONS(description="The narrowest rule that is about the share, in int_allocation_rules. NULL where none is."),
  applied_rule STRING OPTIONS(description="How the rule moved the share: equal_split or manual. NULL where it stays with who used it."),
  rule_email STRING OPTIONS(description="Person to whom the rule gives the part. NULL where no rule moves it, and for an equal split over a team without an active member, which is shared."),
  rule_share FLOAT64 NOT NULL OPTIONS(description="The part's weight among those of its share, 0 to 1; 1 where no rule splits it."),
  part_usd NUMERIC NOT NULL OPTIONS(description="The part, US dollars. What truncation leaves goes to the largest."),
  billable_tokens INT64 OPTIONS(description="Tokens that the part stands for: the share's, split as its dollars are."),
  billable_requests INT64 OPTIONS(description="Requests that the part stands for: the share's or event's, split as its dollars are.")
)
PARTITION BY event_date
OPTIONS (
  description="Shares after allocation rules: one row per part of a cost event that usage splits or a rule is about. Any other event is one part, and has no row.",
  require_partition_filter=TRUE
);
