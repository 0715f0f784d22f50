-- What can split the lines of cost reports: the counts that they bill, by all that usage tells
-- apart, of the days, workspaces and classes that have a line.
WITH wanted AS (
  SELECT DISTINCT event_date, platform, workspace, split_class
  FROM stg_cost_events
  WHERE event_date >= @start AND event_date < @end AND is_splittable
),
counted AS (
  SELECT
    e.event_date, e.platform, e.workspace, e.price_tier, e.context,
    COALESCE(e.model, '') AS model,
    COALESCE(e.service_tier, e.price_tier) AS service_tier,
    COALESCE(e.user_email, '') AS user_email,
    COALESCE(e.api_key_id, '') AS api_key_id,
    COALESCE(e.actor_name, '') AS actor_name,
    SUM(positive_part(e.input_tokens)) AS input_tokens,
    SUM(positive_part(e.output_tokens)) AS output_tokens,
    SUM(positive_part(e.cache_read_tokens)) AS cache_read_tokens,
    SUM(positive_part(e.cache_write_5m_tokens)) AS cache_write_5m_tokens,
    SUM(positive_part(e.cache_write_1h_tokens)) AS cache_write_1h_tokens,
    SUM(positive_part(e.web_search_requests)) AS web_search_requests,
    SUM(positive_part(e.total_tokens)) AS total_tokens,
    SUM(positive_part(CAST(ROUND(p.list_cost_usd * 1000000) AS INT64))) AS list_micros,
    COUNTIF(p.list_cost_usd IS NULL) AS unpriced
  FROM stg_events AS e
  -- Days and workspaces without a line are left out before anything is counted.
  JOIN (SELECT DISTINCT event_date, platform, workspace FROM wanted) AS s
    ON s.event_date = e.event_date AND s.platform = e.platform AND s.workspace = e.workspace
  -- The days stand in a WHERE of their own: on an outer join they would not prune partitions.
  LEFT JOIN (
    SELECT event_id, list_cost_usd
    FROM int_usage_prices
    WHERE event_date >= @start AND event_date < @end
  ) AS p ON p.event_id = e.event_id
  WHERE e.event_date >= @start AND e.event_date < @end
    AND e.event_type = 'usage' AND NOT e.is_committed
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
priced AS (
  SELECT
    *,
    -- Dollars and tokens cannot be mixed: one usage row without a price, and the workspace's day
    -- falls back to tokens.
    SUM(unpriced) OVER (PARTITION BY event_date, platform, workspace) = 0 AS is_priced
  FROM counted
),
weighed AS (
  SELECT
    u.event_date, u.platform, u.workspace, w.split_class, u.model, u.service_tier, u.price_tier,
    u.context, u.user_email, u.api_key_id, u.actor_name,
    CAST(CASE w.split_class
      WHEN 'input_tokens' THEN u.input_tokens
      WHEN 'output_tokens' THEN u.output_tokens
      WHEN 'cache_read_tokens' THEN u.cache_read_tokens
      WHEN 'cache_write_5m_tokens' THEN u.cache_write_5m_tokens
      WHEN 'cache_write_1h_tokens' THEN u.cache_write_1h_tokens
      WHEN 'web_search_requests' THEN u.web_search_requests
      WHEN 'unclassed' THEN IF(u.is_priced, u.list_micros, u.total_tokens)
    END AS INT64) AS weight
  FROM priced AS u
  JOIN wanted AS w
    ON w.event_date = u.event_date AND w.platform = u.platform AND w.workspace = u.workspace
)
SELECT * FROM weighed WHERE weight > 0
