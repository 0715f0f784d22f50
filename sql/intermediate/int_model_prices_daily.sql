-- List prices of each day and kind of usage that it saw: a price for one context wins over one for
-- all.
SELECT
  event_date, platform, model, price_tier, context,
  MAX(IF(weight_class = 'input_tokens', usd_per_million, NULL)) AS input_price,
  MAX(IF(weight_class = 'output_tokens', usd_per_million, NULL)) AS output_price,
  MAX(IF(weight_class = 'cache_read_tokens', usd_per_million, NULL)) AS cache_read_price,
  MAX(IF(weight_class = 'cache_write_5m_tokens', usd_per_million, NULL)) AS cache_write_5m_price,
  MAX(IF(weight_class = 'cache_write_1h_tokens', usd_per_million, NULL)) AS cache_write_1h_price
FROM (
  SELECT
    s.event_date, s.platform, s.model, s.price_tier, s.context, p.weight_class, p.usd_per_million,
    ROW_NUMBER() OVER (
      PARTITION BY s.event_date, s.platform, s.model, s.price_tier, s.context, p.weight_class
      ORDER BY IF(p.context_window IS NULL, 1, 0), p.valid_from DESC
    ) AS precedence
  FROM (
    SELECT DISTINCT event_date, platform, model, price_tier, context
    FROM stg_events
    WHERE event_date >= @start AND event_date < @end
      AND event_type IN ('usage', 'session') AND total_tokens IS NOT NULL
  ) AS s
  JOIN stg_model_prices AS p
    ON p.platform = s.platform AND p.model = s.model AND p.price_tier = s.price_tier
    AND (p.context_window IS NULL OR p.context_window = s.context)
    AND s.event_date BETWEEN p.valid_from AND p.valid_to
) AS offered
WHERE precedence = 1
GROUP BY 1, 2, 3, 4, 5
