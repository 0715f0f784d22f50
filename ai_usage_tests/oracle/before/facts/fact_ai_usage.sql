-- One row a usage or session event of the days @start to @end (not included), with the person it
-- belongs to on that day. Nothing is dropped: an event of nobody known goes to Unknown (0).
WITH events AS (
  SELECT
    *,
    CASE
      WHEN user_email IS NOT NULL THEN 'email'
      WHEN api_key_id IS NOT NULL THEN 'api_key_id'
      WHEN actor_name IS NOT NULL THEN 'api_key_name'
    END AS identity_type,
    COALESCE(user_email, api_key_id, actor_name) AS identity_value,
    -- An e-mail address means the same person on every platform; a key is its platform's.
    CASE WHEN user_email IS NOT NULL THEN '*' ELSE platform END AS identity_platform,
    CASE
      WHEN input_tokens IS NULL AND output_tokens IS NULL
        AND cached_input_tokens IS NULL AND cache_read_tokens IS NULL THEN NULL
      ELSE COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)
        + COALESCE(cached_input_tokens, 0) + COALESCE(cache_read_tokens, 0)
    END AS total_tokens
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end
    AND event_type IN ('usage', 'session')
),
-- List prices of the day by model, tier and context: a price for one context wins over one for all.
priced AS (
  SELECT event_date, platform, model, tier, context,
    MAX(IF(token_type = 'uncached_input_tokens', usd_per_million, NULL)) AS input_price,
    MAX(IF(token_type = 'output_tokens', usd_per_million, NULL)) AS output_price,
    MAX(IF(token_type = 'cache_read_input_tokens', usd_per_million, NULL)) AS read_price,
    MAX(IF(token_type = 'cache_creation.ephemeral_5m_input_tokens', usd_per_million, NULL))
      AS write_5m_price,
    MAX(IF(token_type = 'cache_creation.ephemeral_1h_input_tokens', usd_per_million, NULL))
      AS write_1h_price
  FROM (
    SELECT
      s.event_date, s.platform, s.model, s.tier, s.context, p.token_type, p.usd_per_million,
      ROW_NUMBER() OVER (
        PARTITION BY s.event_date, s.platform, s.model, s.tier, s.context, p.token_type
        ORDER BY IF(p.context_window IS NULL, 1, 0), p.valid_from DESC
      ) AS place
    FROM (
      SELECT DISTINCT
        event_date, platform, model, COALESCE(context_window, '') AS context,
        CASE WHEN service_tier = 'batch' THEN 'batch' ELSE 'standard' END AS tier
      FROM events
      WHERE total_tokens IS NOT NULL
    ) AS s
    JOIN dim_model_prices AS p
      ON p.platform = s.platform AND p.model = s.model AND p.service_tier = s.tier
      AND (p.context_window IS NULL OR p.context_window = s.context)
      AND s.event_date BETWEEN p.valid_from AND p.valid_to
  ) AS offered
  WHERE place = 1
  GROUP BY 1, 2, 3, 4, 5
),
-- Tokens at dollars a million are millionths of a dollar. No tokens of a class need no price; a
-- cache write whose lifetime is not reported counts as the five-minute one.
valued AS (
  SELECT
    e.event_id,
    CAST(ROUND(
      IF(COALESCE(e.input_tokens, 0) = 0, 0, e.input_tokens * r.input_price)
      + IF(COALESCE(e.output_tokens, 0) = 0, 0, e.output_tokens * r.output_price)
      + IF(COALESCE(e.cache_read_tokens, 0) = 0, 0, e.cache_read_tokens * r.read_price)
      + IF(COALESCE(e.cache_write_1h_tokens, 0) = 0, 0,
          e.cache_write_1h_tokens * r.write_1h_price)
      + IF(COALESCE(e.cached_input_tokens, 0) - COALESCE(e.cache_write_1h_tokens, 0) = 0, 0,
          (e.cached_input_tokens - COALESCE(e.cache_write_1h_tokens, 0)) * r.write_5m_price)
    ) AS INT64) AS list_micros,
    CAST(ROUND(e.cache_read_tokens * (r.input_price - r.read_price)) AS INT64) AS savings_micros
  FROM events AS e
  JOIN priced AS r
    ON r.event_date = e.event_date AND r.platform = e.platform AND r.model = e.model
    AND r.context = COALESCE(e.context_window, '')
    AND r.tier = CASE WHEN e.service_tier = 'batch' THEN 'batch' ELSE 'standard' END
  WHERE e.total_tokens IS NOT NULL
),
identified AS (
  SELECT
    e.*,
    -- A row with a critical error keeps its numbers but is nobody's.
    CASE WHEN e.data_quality_score > 0 THEN COALESCE(b.user_sk, 0) ELSE 0 END AS user_sk,
    CASE
      WHEN b.user_sk IS NULL OR b.user_sk = 0 OR e.data_quality_score <= 0 THEN CAST(0 AS FLOAT64)
      ELSE b.confidence_score * (
        1 - CAST(
          LEAST(GREATEST(COALESCE(DATE_DIFF(e.event_date, b.last_verified_date, DAY), 0), 0), 180)
          AS FLOAT64
        ) / 360
      )
    END AS attribution_confidence,
    -- Only a key's mapping knows which product the key serves.
    CASE
      WHEN e.identity_type = 'api_key_id' THEN COALESCE(b.platform_subtype, e.platform_subtype)
      ELSE e.platform_subtype
    END AS product
  FROM events AS e
  LEFT JOIN bridge_user_identity AS b
    ON b.identity_type = e.identity_type
    AND b.identity_value = e.identity_value
    AND b.platform = e.identity_platform
    AND e.event_date BETWEEN b.valid_from AND b.valid_to
)
SELECT
  i.user_sk,
  COALESCE(p.platform_sk, 0) AS platform_sk,
  CAST(FORMAT_DATE('%Y%m%d', i.event_date) AS INT64) AS date_sk,
  CAST(
    EXTRACT(HOUR FROM DATETIME(i.event_timestamp, 'UTC')) * 10000
    + EXTRACT(MINUTE FROM DATETIME(i.event_timestamp, 'UTC')) * 100
    + EXTRACT(SECOND FROM DATETIME(i.event_timestamp, 'UTC')) AS INT64
  ) AS time_sk,
  i.event_id,
  i.session_id,
  i.api_key_id,
  i.model,
  i.session_count,
  i.request_count,
  i.input_tokens,
  i.output_tokens,
  i.cached_input_tokens,
  i.cache_read_tokens,
  i.total_tokens,
  i.lines_added,
  i.lines_accepted,
  i.suggestions_shown,
  i.suggestions_accepted,
  i.commits,
  i.pull_requests,
  SAFE_DIVIDE(CAST(i.lines_accepted AS FLOAT64), CAST(i.lines_added AS FLOAT64)) AS acceptance_rate,
  SAFE_DIVIDE(CAST(i.suggestions_accepted AS FLOAT64), CAST(i.suggestions_shown AS FLOAT64))
    AS suggestion_acceptance_rate,
  SAFE_DIVIDE(CAST(i.total_tokens AS FLOAT64), CAST(i.session_count AS FLOAT64))
    AS tokens_per_session,
  SAFE_DIVIDE(CAST(i.lines_accepted AS FLOAT64), CAST(i.session_count AS FLOAT64))
    AS productivity_score,
  i.session_duration_seconds,
  CAST(NULL AS INT64) AS active_time_seconds,
  CAST(NULL AS INT64) AS idle_time_seconds,
  i.included_value_usd,
  i.estimated_cost_usd,
  CAST(v.list_micros * NUMERIC '0.000001' AS NUMERIC) AS list_cost_usd,
  CAST(v.savings_micros * NUMERIC '0.000001' AS NUMERIC) AS cache_savings_usd,
  i.attribution_confidence,
  SAFE_DIVIDE(
    CAST(
      IF(i.identity_value IS NULL, 0, 1)
      + IF(i.total_tokens IS NULL, 0,
          IF(i.model IS NULL, 0, 1) + IF(i.input_tokens IS NULL, 0, 1)
          + IF(i.output_tokens IS NULL, 0, 1) + IF(i.cached_input_tokens IS NULL, 0, 1)
          + IF(i.cache_read_tokens IS NULL, 0, 1))
      + IF(i.lines_accepted IS NULL AND i.suggestions_shown IS NULL, 0,
          IF(i.lines_accepted IS NULL, 0, 1) + IF(i.suggestions_shown IS NULL, 0, 1)
          + IF(i.suggestions_accepted IS NULL, 0, 1)) AS FLOAT64
    ),
    CAST(
      1 + IF(i.total_tokens IS NULL, 0, 5)
      + IF(i.lines_accepted IS NULL AND i.suggestions_shown IS NULL, 0, 3) AS FLOAT64
    )
  ) AS data_completeness,
  i.is_provisional,
  i.event_timestamp,
  i.ingest_timestamp,
  @run_id AS pipeline_run_id
FROM identified AS i
LEFT JOIN valued AS v ON v.event_id = i.event_id
LEFT JOIN dim_platforms AS p
  -- What is for no single product is the whole platform's.
  ON p.platform_code = i.platform AND p.platform_subtype = COALESCE(i.product, 'all')
