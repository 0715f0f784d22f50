CREATE TABLE dim_platforms (
  platform_sk INT64 NOT NULL OPTIONS(description="Surrogate key: 60 bits of the SHA-256 of platform_code and platform_subtype. Unique."),
  platform_code STRING NOT NULL OPTIONS(description="Vendor's code, as in raw_ai_events.platform."),
  platform_name STRING NOT NULL OPTIONS(description="Name for reports."),
  platform_subtype STRING NOT NULL OPTIONS(description="Product within the platform, as in raw_ai_events.platform_subtype; all is the platform as a whole, for what is for no single product."),
  vendor STRING OPTIONS(description="Company that bills."),
  category STRING OPTIONS(description="coding_assistant, llm_api or chat_interface."),
  primary_use_case STRING OPTIONS(description="What it is bought for."),
  cost_model STRING OPTIONS(description="subscription, usage_based or hybrid."),
  supports_token_tracking BOOL OPTIONS(description="The vendor reports tokens."),
  supports_session_tracking BOOL OPTIONS(description="The vendor reports sessions."),
  supports_productivity_metrics BOOL OPTIONS(description="The vendor reports lines or suggestions."),
  supports_real_time_cost BOOL OPTIONS(description="The vendor reports cost within the hour."),
  base_subscription_cost_usd NUMERIC OPTIONS(description="Price of one seat a month, US dollars, from the contracts of seats.csv that run today; of several the mean over their seats. NULL without one."),
  overage_rate_per_unit NUMERIC OPTIONS(description="Price of one unit beyond what the seats cover, US dollars, from the same contracts. NULL where none names it."),
  unit_type STRING OPTIONS(description="What is counted: tokens, requests or lines."),
  billing_cycle STRING OPTIONS(description="monthly or annual."),
  api_endpoint STRING OPTIONS(description="Base URL of the vendor's reports."),
  rate_limit_per_minute INT64 OPTIONS(description="Requests a minute that the vendor allows."),
  max_batch_size INT64 OPTIONS(description="Records or buckets that one page can hold."),
  data_retention_days INT64 OPTIONS(description="Days of history that the vendor keeps, where it says so."),
  is_active BOOL NOT NULL OPTIONS(description="The platform is in use."),
  contract_start_date DATE OPTIONS(description="First day of the contract."),
  contract_end_date DATE OPTIONS(description="Last day of the contract."),
  created_timestamp TIMESTAMP NOT NULL OPTIONS(description="When this row was first written."),
  updated_timestamp TIMESTAMP NOT NULL OPTIONS(description="When this row was last written.")
)
CLUSTER BY platform_code, category
OPTIONS (
  description="Platforms and their products: cost model, capabilities, limits."
);
