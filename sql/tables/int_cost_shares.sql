CREATE TABLE int_cost_shares (
  event_id STRING NOT NULL OPTIONS(description="The line of a cost report in raw_ai_events. Its shares sum to its cost_usd exactly."),
  event_date DATE NOT NULL OPTIONS(description="UTC day of the line, and the partition."),
  share_number INT64 NOT NULL OPTIONS(description="Number of the share within its line, by falling weight; share 1 carries what truncation leaves. Unique with event_id."),
  user_email STRING OPTIONS(description="E-mail address that the usage carries. NULL where it carries none."),
  api_key_id STRING OPTIONS(description="Key that the usage carries. NULL where it carries none."),
  actor_name STRING OPTIONS(description="Name of a key that the usage carries. NULL where it carries none."),
  match_level INT64 NOT NULL OPTIONS(description="How wide the line was taken to find usage, as in int_line_matches."),
  share_usd NUMERIC NOT NULL OPTIONS(description="The share, in proportion to the weights, US dollars."),
  billable_tokens INT64 OPTIONS(description="Tokens of the line's class that the share stands for; 0 where another line has counted them. NULL after widening and for lines that bill no tokens."),
  billable_requests INT64 OPTIONS(description="Requests that the share stands for, likewise. NULL after widening and for lines that bill no requests."),
  split_confidence FLOAT64 NOT NULL OPTIONS(description="How sure the split is, whoever the identity means: a fifth less than 1 for each doubt that split_note names, two for usage of a whole workspace."),
  split_note STRING OPTIONS(description="Why the split is no surer, the reasons between commas, as in fact_ai_costs.allocation_note. NULL where there is no doubt.")
)
PARTITION BY event_date
OPTIONS (
  description="Lines of cost reports split by usage: one row per line and identity that used what it bills.",
  require_partition_filter=TRUE
);
