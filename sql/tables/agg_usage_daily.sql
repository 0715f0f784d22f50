CREATE TABLE agg_usage_daily (
  date DATE NOT NULL OPTIONS(description="UTC day of the usage, and the partition."),
  month DATE NOT NULL OPTIONS(description="First day of its month."),
  user_sk INT64 NOT NULL OPTIONS(description="Version of the person, as in fact_ai_usage; 0 is Unknown, -1 is Shared."),
  platform_sk INT64 NOT NULL OPTIONS(description="Product in dim_platforms."),
  records INT64 NOT NULL OPTIONS(description="Rows of fact_ai_usage."),
  active_records INT64 NOT NULL OPTIONS(description="Records with any session, request, token, accepted line, proposal, commit or pull request: activity that needs a seat, which lines typed by hand alone do not."),
  session_count INT64 OPTIONS(description="Sessions. NULL where no record reports any."),
  request_count INT64 OPTIONS(description="Requests. NULL where no record reports any."),
  total_tokens INT64 OPTIONS(description="Tokens of all four classes. NULL where no record reports any."),
  lines_added INT64 OPTIONS(description="Lines added in the editor, typed by hand included. NULL where no record reports any."),
  lines_accepted INT64 OPTIONS(description="Lines written by the AI and kept. NULL where no record reports any."),
  commits INT64 OPTIONS(description="Commits made by the tool. NULL where no record reports any."),
  pull_requests INT64 OPTIONS(description="Pull requests opened by the tool. NULL where no record reports any."),
  acceptance_lines_accepted INT64 OPTIONS(description="Lines accepted in records that report lines added too."),
  acceptance_lines_added INT64 OPTIONS(description="Lines added in records that report lines accepted too."),
  session_lines_accepted INT64 OPTIONS(description="Lines accepted in records that report sessions too."),
  session_count_with_lines INT64 OPTIONS(description="Sessions in records that report lines accepted too."),
  suggestions_accepted INT64 OPTIONS(description="Proposals accepted in records that report proposals shown too."),
  suggestions_shown INT64 OPTIONS(description="Proposals shown in records that report proposals accepted too.")
)
PARTITION BY date
CLUSTER BY user_sk, platform_sk
OPTIONS (
  description="Usage by day, in whole numbers: one row per day, version of a person and product. Follows people, not events.",
  require_partition_filter=TRUE
);
