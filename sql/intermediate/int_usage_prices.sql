-- What the tokens of an event are worth at list prices; events without such a price have no row.
-- Tokens at dollars a million are millionths of a dollar, of which CAST makes whole ones (halves go
-- away from 0). No tokens of a class need no price; a cache write whose lifetime is not reported
-- counts as the five-minute one.
SELECT
  event_id, event_date,
  CAST(CAST(list_micros AS INT64) * NUMERIC '0.000001' AS NUMERIC) AS list_cost_usd,
  CAST(CAST(saved_micros AS INT64) * NUMERIC '0.000001' AS NUMERIC) AS cache_savings_usd
FROM (
  SELECT
    e.event_id, e.event_date,
    IF(COALESCE(e.input_tokens, 0) = 0, 0, e.input_tokens * r.input_price)
    + IF(COALESCE(e.output_tokens, 0) = 0, 0, e.output_tokens * r.output_price)
    + IF(COALESCE(e.cache_read_tokens, 0) = 0, 0, e.cache_read_tokens * r.cache_read_price)
    + IF(COALESCE(e.cache_write_1h_tokens, 0) = 0, 0,
        e.cache_write_1h_tokens * r.cache_write_1h_price)
    + IF(COALESCE(e.cached_input_tokens, 0) - COALESCE(e.cache_write_1h_tokens, 0) = 0, 0,
        (e.cached_input_tokens - COALESCE(e.cache_write_1h_tokens, 0)) * r.cache_write_5m_price)
      AS list_micros,
    e.cache_read_tokens * (r.input_price - r.cache_read_price) AS saved_micros
  FROM stg_events AS e
  JOIN int_model_prices_daily AS r
    ON r.event_date = e.event_date AND r.platform = e.platform AND r.model = e.model
    AND r.context = e.context AND r.price_tier = e.price_tier
  WHERE e.event_date >= @start AND e.event_date < @end
    AND r.event_date >= @start AND r.event_date < @end
    AND e.event_type IN ('usage', 'session') AND e.total_tokens IS NOT NULL
) AS valued
-- Looked at before it is rounded: DuckDB works a condition out on its own.
WHERE list_micros IS NOT NULL OR saved_micros IS NOT NULL
