CREATE TABLE int_usage_prices (
  event_id STRING NOT NULL OPTIONS(description="Event in raw_ai_events. Unique here."),
  event_date DATE NOT NULL OPTIONS(description="UTC day of the event, and the partition."),
  list_cost_usd NUMERIC OPTIONS(description="The tokens at list prices, US dollars, rounded to a millionth. NULL where the price of a class that has tokens is missing. Never part of a cost."),
  cache_savings_usd NUMERIC OPTIONS(description="What the cache-read tokens would have cost uncached, less what they cost, at list prices, US dollars. NULL where a price is missing or no cache reads are reported.")
)
PARTITION BY event_date
OPTIONS (
  description="What usage is worth at list prices: one row per usage or session event with tokens that has a price; an event without a row has none.",
  require_partition_filter=TRUE
);
