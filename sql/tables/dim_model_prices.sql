CREATE TABLE dim_model_prices (
  platform STRING NOT NULL OPTIONS(description="Platform that sells the model."),
  model STRING NOT NULL OPTIONS(description="Model as the vendor names it."),
  token_type STRING NOT NULL OPTIONS(description="uncached_input_tokens, output_tokens, cache_read_input_tokens, cache_creation.ephemeral_5m_input_tokens, cache_creation.ephemeral_1h_input_tokens, or web_search_requests."),
  service_tier STRING NOT NULL OPTIONS(description="standard or batch."),
  context_window STRING OPTIONS(description="Context length class; NULL for a price that holds for all."),
  usd_per_million NUMERIC NOT NULL OPTIONS(description="List price of a million tokens (or requests), US dollars."),
  valid_from DATE NOT NULL OPTIONS(description="First day of the price."),
  valid_to DATE NOT NULL OPTIONS(description="Last day of the price; 9999-12-31 until further notice."),
  price_source STRING OPTIONS(description="Where the price was read.")
)
OPTIONS (
  description="List prices of models, effective-dated: estimates and weights are computed from them, never a cost."
);
