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
    EXTRACT(HOUR FROM i.event_timestamp) * 10000
    + EXTRACT(MINUTE FROM i.event_timestamp) * 100
    + EXTRACT(SECOND FROM i.event_timestamp) AS INT64
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
LEFT JOIN dim_platforms AS p
  ON p.platform_code = i.platform AND p.platform_subtype = i.product
