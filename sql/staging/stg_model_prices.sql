CREATE VIEW stg_model_prices (
  platform OPTIONS(description="Platform that sells the model."),
  model OPTIONS(description="Model as the vendor names it."),
  context_window OPTIONS(description="Context length class; NULL for a price that holds for all."),
  usd_per_million OPTIONS(description="List price of a million tokens (or requests), US dollars."),
  valid_from OPTIONS(description="First day of the price."),
  valid_to OPTIONS(description="Last day of the price; 9999-12-31 until further notice."),
  weight_class OPTIONS(description="Column of usage that the price is for, as in stg_events."),
  price_tier OPTIONS(description="standard or batch.")
)
OPTIONS(
  description="List prices in the words of stg_events: one row per platform, model, tier, context window, class and period."
)
AS
SELECT
  platform, model, context_window, usd_per_million, valid_from, valid_to,
  legacy_token_class(token_type) AS weight_class,
  service_tier AS price_tier
FROM dim_model_prices
