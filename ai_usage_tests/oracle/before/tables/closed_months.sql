CREATE TABLE closed_months (
  month DATE NOT NULL OPTIONS(description="First day of a month that is closed."),
  platform_code STRING NOT NULL OPTIONS(description="Vendor's code, as in dim_platforms."),
  platform_name STRING NOT NULL OPTIONS(description="Product, as in dim_platforms."),
  user_sk INT64 NOT NULL OPTIONS(description="Version of the person, as in the facts; 0 is Unknown, -1 is Shared."),
  user_email STRING NOT NULL OPTIONS(description="The person, Unattributed or Shared."),
  full_name STRING OPTIONS(description="The person's name when the month was closed."),
  department STRING NOT NULL OPTIONS(description="Department of the version when the month was closed."),
  team STRING NOT NULL OPTIONS(description="Team of the version when the month was closed."),
  cost_center STRING NOT NULL OPTIONS(description="Cost centre that bore the cost."),
  total_cost_usd NUMERIC NOT NULL OPTIONS(description="Cost of the month when it was closed, US dollars. 0 for who used a product at no cost of their own."),
  closed_at TIMESTAMP NOT NULL OPTIONS(description="When the month was closed."),
  closed_by STRING OPTIONS(description="Who closed the month: AI_USAGE_USER, else the operating system's user. NULL for months closed before it was recorded."),
  accepted_reason STRING OPTIONS(description="Why the month was closed though something was open in it, as the person said. NULL where nothing was open.")
)
CLUSTER BY month, platform_code, user_email
OPTIONS (
  description="The totals of closed months as they were reported: one row a month, version of a person, product and cost centre. A month that was opened again is not here; the archive keeps every close."
);
