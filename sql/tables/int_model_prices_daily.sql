CREATE TABLE int_model_prices_daily (
  event_date DATE NOT NULL OPTIONS(description="UTC day of the usage, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform that sells the model."),
  model STRING NOT NULL OPTIONS(description="Model as the vendor names it."),
  price_tier STRING NOT NULL OPTIONS(description="standard or batch."),
  context STRING NOT NULL OPTIONS(description="Context length class of the usage, empty where it names none. A price for that class wins over one for all."),
  input_price NUMERIC OPTIONS(description="List price of a million input tokens, US dollars. NULL where none is known, as in the other prices."),
  output_price NUMERIC OPTIONS(description="List price of a million output tokens, US dollars."),
  cache_read_price NUMERIC OPTIONS(description="List price of a million tokens read from a cache, US dollars."),
  cache_write_5m_price NUMERIC OPTIONS(description="List price of a million tokens written to the five-minute cache, US dollars."),
  cache_write_1h_price NUMERIC OPTIONS(description="List price of a million tokens written to the one-hour cache, US dollars.")
)
PARTITION BY event_date
OPTIONS (
  description="Which list prices hold: one row per UTC day, platform, model, tier and context window with usage that has any price.",
  require_partition_filter=TRUE
);
