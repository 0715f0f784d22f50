CREATE TABLE agg_costs_daily (
  date DATE NOT NULL OPTIONS(description="UTC day of the cost, and the partition."),
  month DATE NOT NULL OPTIONS(description="First day of its month."),
  user_sk INT64 NOT NULL OPTIONS(description="Who bears the cost, as in fact_ai_costs: a version of a person; 0 is Unknown, -1 is Shared."),
  platform_sk INT64 NOT NULL OPTIONS(description="Product in dim_platforms."),
  cost_center_sk INT64 NOT NULL OPTIONS(description="Cost centre of the cost; 0 is Unknown."),
  account STRING NOT NULL OPTIONS(description="Account that the contract or cost entry names, by which invoices find the cost; empty if none is named, as by a vendor's report."),
  cost_type STRING NOT NULL OPTIONS(description="subscription, usage, overage or one_time."),
  is_provisional BOOL NOT NULL OPTIONS(description="True while the vendor may still change the day."),
  is_unallocated BOOL NOT NULL OPTIONS(description="True where no identity, rule or usage says who bears the cost."),
  project_list STRING NOT NULL OPTIONS(description="Projects that the cost counts for, one per line, as the fact lists them; empty if there are none."),
  cost_lines INT64 NOT NULL OPTIONS(description="Rows of fact_ai_costs."),
  base_cost_usd NUMERIC NOT NULL OPTIONS(description="Cost other than overage, US dollars."),
  overage_cost_usd NUMERIC NOT NULL OPTIONS(description="Cost beyond the subscription, US dollars."),
  total_cost_usd NUMERIC NOT NULL OPTIONS(description="base_cost_usd + overage_cost_usd, US dollars."),
  allocated_cost_usd NUMERIC NOT NULL OPTIONS(description="The part of total_cost_usd that a person bears, US dollars."),
  gross_cost_usd NUMERIC NOT NULL OPTIONS(description="Sum of the amounts without their signs, US dollars: what means over dollars are weighed by."),
  allocation_ppm INT64 NOT NULL OPTIONS(description="Sum of allocation_confidence over the lines, in millionths: sums of floats differ in their last digits."),
  cost_ppm INT64 NOT NULL OPTIONS(description="Sum of cost_confidence over the lines, in millionths."),
  allocation_dollar_ppm NUMERIC NOT NULL OPTIONS(description="Sum of allocation_confidence in millionths x the line's amount without its sign, US dollars."),
  cost_dollar_ppm NUMERIC NOT NULL OPTIONS(description="Sum of cost_confidence in millionths x the line's amount without its sign, US dollars."),
  billable_tokens INT64 OPTIONS(description="Tokens that the lines stand for. NULL where no line has any."),
  token_cost_usd NUMERIC NOT NULL OPTIONS(description="Cost of the lines that have billable tokens, US dollars: the upper term of the price of a token."),
  billable_requests INT64 OPTIONS(description="Requests that the lines stand for. NULL where no line has any."),
  request_cost_usd NUMERIC NOT NULL OPTIONS(description="Cost of the lines that have billable requests, US dollars: the upper term of the price of a request."),
  budget_allocated_usd NUMERIC OPTIONS(description="The person's budget of the month, US dollars. The same on every row of person and month: never sum it.")
)
PARTITION BY date
CLUSTER BY user_sk, platform_sk
OPTIONS (
  description="Cost by day, in exact sums: one row per day, version of a person, product, cost centre, account, cost type, provisional and unallocated or not, and list of projects. Follows people, not events.",
  require_partition_filter=TRUE
);
