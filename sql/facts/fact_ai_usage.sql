-- Usage and session events of the days @start to @end (not included), with the person each belongs
-- to on its day. Nothing is dropped: an event of nobody known goes to Unknown (0).
SELECT
  -- A row with a critical error keeps its numbers but is nobody's.
  IF(e.data_quality_score > 0, COALESCE(b.user_sk, 0), 0) AS user_sk,
  COALESCE(p.platform_sk, 0) AS platform_sk,
  CAST(FORMAT_DATE('%Y%m%d', e.event_date) AS INT64) AS date_sk,
  CAST(
    EXTRACT(HOUR FROM DATETIME(e.event_timestamp, 'UTC')) * 10000
    + EXTRACT(MINUTE FROM DATETIME(e.event_timestamp, 'UTC')) * 100
    + EXTRACT(SECOND FROM DATETIME(e.event_timestamp, 'UTC')) AS INT64
  ) AS time_sk,
  e.event_id,
  e.session_id,
  e.api_key_id,
  e.model,
  e.session_count,
  e.request_count,
  e.input_tokens,
  e.output_tokens,
  e.cached_input_tokens,
  e.cache_read_tokens,
  e.total_tokens,
  e.lines_added,
  e.lines_accepted,
  e.suggestions_shown,
  e.suggestions_accepted,
  e.commits,
  e.pull_requests,
  SAFE_DIVIDE(CAST(e.lines_accepted AS FLOAT64), CAST(e.lines_added AS FLOAT64)) AS acceptance_rate,
  SAFE_DIVIDE(CAST(e.suggestions_accepted AS FLOAT64), CAST(e.suggestions_shown AS FLOAT64))
    AS suggestion_acceptance_rate,
  SAFE_DIVIDE(CAST(e.total_tokens AS FLOAT64), CAST(e.session_count AS FLOAT64))
    AS tokens_per_session,
  SAFE_DIVIDE(CAST(e.lines_accepted AS FLOAT64), CAST(e.session_count AS FLOAT64))
    AS productivity_score,
  e.session_duration_seconds,
  CAST(NULL AS INT64) AS active_time_seconds,
  CAST(NULL AS INT64) AS idle_time_seconds,
  e.included_value_usd,
  e.estimated_cost_usd,
  v.list_cost_usd,
  v.cache_savings_usd,
  IF(
    b.user_sk IS NULL OR b.user_sk = 0 OR e.data_quality_score <= 0, CAST(0 AS FLOAT64),
    decayed_confidence(b.confidence_score, e.event_date, b.last_verified_date)
  ) AS attribution_confidence,
  SAFE_DIVIDE(
    CAST(
      IF(e.identity_value IS NULL, 0, 1)
      + IF(e.total_tokens IS NULL, 0,
          IF(e.model IS NULL, 0, 1) + IF(e.input_tokens IS NULL, 0, 1)
          + IF(e.output_tokens IS NULL, 0, 1) + IF(e.cached_input_tokens IS NULL, 0, 1)
          + IF(e.cache_read_tokens IS NULL, 0, 1))
      + IF(e.lines_accepted IS NULL AND e.suggestions_shown IS NULL, 0,
          IF(e.lines_accepted IS NULL, 0, 1) + IF(e.suggestions_shown IS NULL, 0, 1)
          + IF(e.suggestions_accepted IS NULL, 0, 1)) AS FLOAT64
    ),
    CAST(
      1 + IF(e.total_tokens IS NULL, 0, 5)
      + IF(e.lines_accepted IS NULL AND e.suggestions_shown IS NULL, 0, 3) AS FLOAT64
    )
  ) AS data_completeness,
  e.is_provisional,
  e.event_timestamp,
  e.ingest_timestamp,
  @run_id AS pipeline_run_id
FROM stg_events AS e
LEFT JOIN bridge_user_identity AS b
  ON b.identity_type = e.identity_type
  AND b.identity_value = e.identity_value
  AND b.platform = e.identity_platform
  AND e.event_date BETWEEN b.valid_from AND b.valid_to
LEFT JOIN (
  SELECT event_id, list_cost_usd, cache_savings_usd
  FROM int_usage_prices
  WHERE event_date >= @start AND event_date < @end
) AS v ON v.event_id = e.event_id
LEFT JOIN dim_platforms AS p
  -- Only a key's mapping knows which product the key serves; what is for no single product is the
  -- whole platform's.
  ON p.platform_code = e.platform
  AND p.platform_subtype = COALESCE(
    IF(e.identity_type = 'api_key_id', b.platform_subtype, NULL), e.platform_subtype, 'all'
  )
WHERE e.event_date >= @start AND e.event_date < @end AND e.event_type IN ('usage', 'session')
