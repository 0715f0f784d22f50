-- Every billed dollar of the days @start to @end (not included), exactly once: one row a cost event
-- and bearer. Reads from @month_start, the first of @start's month, because the budget columns
-- count from there.
WITH costs AS (
  SELECT
    *,
    CASE
      WHEN user_email IS NOT NULL THEN 'email'
      WHEN api_key_id IS NOT NULL THEN 'api_key_id'
      WHEN actor_name IS NOT NULL THEN 'api_key_name'
    END AS identity_type,
    COALESCE(user_email, api_key_id, actor_name) AS identity_value,
    -- What the line counts, so that it can be split by the same count of each key's usage.
    CASE
      WHEN token_type IS NOT NULL THEN token_type
      WHEN cost_type = 'web_search' THEN 'web_search_requests'
      WHEN cost_type = 'input_tokens' THEN 'uncached_input_tokens'
      WHEN cost_type = 'output_tokens' THEN 'output_tokens'
      ELSE 'all_tokens'
    END AS class,
    COALESCE(workspace_id, '') AS workspace,
    CASE WHEN service_tier = 'batch' THEN 'batch' WHEN service_tier IS NOT NULL THEN 'standard' END
      AS tier
  FROM raw_ai_events
  WHERE event_date >= @month_start AND event_date < @end
    AND cost_usd IS NOT NULL
),
-- A line of a cost report names no bearer and is split; everything else bears its own cost.
lines AS (
  SELECT * FROM costs
  WHERE event_type = 'cost' AND identity_type IS NULL AND data_quality_score > 0
),
usage_rows AS (
  SELECT
    event_date, platform, model, context_window, user_email, api_key_id, actor_name,
    COALESCE(workspace_id, '') AS workspace,
    CASE WHEN service_tier = 'batch' THEN 'batch' ELSE 'standard' END AS tier,
    input_tokens, output_tokens, cache_read_tokens, cached_input_tokens,
    cache_write_5m_tokens, cache_write_1h_tokens, web_search_requests
  FROM raw_ai_events
  WHERE event_date >= @month_start AND event_date < @end
    AND event_type = 'usage'
    -- Priority-tier tokens are paid by commitment: no line of the cost report is theirs.
    AND (service_tier IS NULL OR NOT STARTS_WITH(service_tier, 'priority'))
),
counts AS (
  SELECT *, 'uncached_input_tokens' AS class, input_tokens AS weight FROM usage_rows
  UNION ALL
  SELECT *, 'output_tokens' AS class, output_tokens AS weight FROM usage_rows
  UNION ALL
  SELECT *, 'cache_read_input_tokens' AS class, cache_read_tokens AS weight FROM usage_rows
  UNION ALL
  SELECT *, 'cache_creation.ephemeral_5m_input_tokens' AS class, cache_write_5m_tokens AS weight
  FROM usage_rows
  UNION ALL
  SELECT *, 'cache_creation.ephemeral_1h_input_tokens' AS class, cache_write_1h_tokens AS weight
  FROM usage_rows
  UNION ALL
  SELECT *, 'web_search_requests' AS class, web_search_requests AS weight FROM usage_rows
  UNION ALL
  SELECT
    *, 'all_tokens' AS class,
    COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)
      + COALESCE(cache_read_tokens, 0) + COALESCE(cached_input_tokens, 0) AS weight
  FROM usage_rows
),
weights AS (
  SELECT
    event_date, platform, workspace, model, tier, context_window, class,
    user_email, api_key_id, actor_name,
    CAST(SUM(weight) AS INT64) AS weight
  FROM counts
  WHERE weight > 0
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
-- The same join serves the three widenings: all that the line names, its model, its workspace.
candidates AS (
  SELECT
    l.event_id, w.user_email, w.api_key_id, w.actor_name,
    CAST(SUM(IF(
      (l.model IS NULL OR l.model = w.model)
      AND (l.tier IS NULL OR l.tier = w.tier)
      AND (l.context_window IS NULL OR l.context_window = w.context_window), w.weight, 0
    )) AS INT64) AS weight_exact,
    CAST(SUM(IF(l.model IS NULL OR l.model = w.model, w.weight, 0)) AS INT64) AS weight_model,
    CAST(SUM(w.weight) AS INT64) AS weight_workspace
  FROM lines AS l
  JOIN weights AS w
    ON w.event_date = l.event_date AND w.platform = l.platform
    AND w.workspace = l.workspace AND w.class = l.class
  GROUP BY 1, 2, 3, 4
),
levels AS (
  SELECT
    event_id,
    CASE
      WHEN SUM(weight_exact) > 0 THEN 1
      WHEN SUM(weight_model) > 0 THEN 2
      ELSE 3
    END AS level
  FROM candidates
  GROUP BY 1
),
bearers AS (
  SELECT
    c.event_id, c.user_email, c.api_key_id, c.actor_name, v.level,
    CASE v.level WHEN 1 THEN c.weight_exact WHEN 2 THEN c.weight_model
      ELSE c.weight_workspace END AS weight
  FROM candidates AS c
  JOIN levels AS v ON v.event_id = c.event_id
),
weighted AS (
  SELECT
    b.event_id, b.user_email, b.api_key_id, b.actor_name, b.level, b.weight, l.cost_usd,
    CAST(SUM(b.weight) OVER (PARTITION BY b.event_id) AS INT64) AS weight_total,
    ROW_NUMBER() OVER (
      PARTITION BY b.event_id
      ORDER BY b.weight DESC, b.api_key_id, b.user_email, b.actor_name
    ) AS place
  FROM bearers AS b
  JOIN lines AS l ON l.event_id = b.event_id
  WHERE b.weight > 0
),
scaled AS (
  SELECT
    *,
    CAST(ABS(cost_usd) * weight * 1000000 AS NUMERIC) AS x,
    CAST(weight_total AS NUMERIC) AS w_total
  FROM weighted
),
-- Shares are truncated to a millionth of a dollar: exact on both engines because the remainder is
-- taken off before the division.
truncated AS (
  SELECT
    *,
    CAST(
      CAST(SIGN(cost_usd) AS INT64) * CAST(ROUND((x - MOD(x, w_total)) / w_total) AS INT64)
      * NUMERIC '0.000001' AS NUMERIC
    ) AS share
  FROM scaled
),
split AS (
  SELECT
    event_id, user_email, api_key_id, actor_name, level, weight, place,
    CAST(
      share + IF(place = 1, cost_usd - SUM(share) OVER (PARTITION BY event_id), 0) AS NUMERIC
    ) AS part_usd
  FROM truncated
),
parts AS (
  SELECT
    c.event_id, c.event_date, c.event_timestamp, c.platform, c.platform_subtype, c.workspace_id,
    c.model, c.cost_usd, c.cost_type, c.billing_period, c.cost_currency, c.class, c.is_provisional,
    c.ingest_timestamp, c.attribution_method, c.event_type, c.data_quality_score,
    s.user_email, s.api_key_id, s.actor_name, s.part_usd, s.weight, s.level, s.place
  FROM costs AS c
  JOIN split AS s ON s.event_id = c.event_id
  UNION ALL
  SELECT
    c.event_id, c.event_date, c.event_timestamp, c.platform, c.platform_subtype, c.workspace_id,
    c.model, c.cost_usd, c.cost_type, c.billing_period, c.cost_currency, c.class, c.is_provisional,
    c.ingest_timestamp, c.attribution_method, c.event_type, c.data_quality_score,
    c.user_email, c.api_key_id, c.actor_name, c.cost_usd AS part_usd,
    CAST(NULL AS INT64) AS weight, 0 AS level, 1 AS place
  FROM costs AS c
  LEFT JOIN levels AS v ON v.event_id = c.event_id
  WHERE v.event_id IS NULL
),
identified AS (
  SELECT
    p.*,
    CASE WHEN p.data_quality_score > 0 THEN COALESCE(b.user_sk, 0) ELSE 0 END AS user_sk,
    CASE
      WHEN b.user_sk IS NULL OR b.user_sk = 0 OR p.data_quality_score <= 0 THEN CAST(0 AS FLOAT64)
      ELSE b.confidence_score * (
        1 - CAST(
          LEAST(GREATEST(COALESCE(DATE_DIFF(p.event_date, b.last_verified_date, DAY), 0), 0), 180)
          AS FLOAT64
        ) / 360
      )
      -- A step of a fifth with each widening.
      * CASE p.level WHEN 2 THEN CAST(0.8 AS FLOAT64) WHEN 3 THEN CAST(0.6 AS FLOAT64)
        ELSE CAST(1 AS FLOAT64) END
    END AS allocation_confidence,
    CASE
      WHEN p.user_email IS NULL AND p.api_key_id IS NOT NULL
        THEN COALESCE(b.platform_subtype, p.platform_subtype)
      ELSE p.platform_subtype
    END AS product,
    CASE
      WHEN p.level > 0 THEN 'usage_based'
      WHEN b.user_sk IS NOT NULL AND b.user_sk != 0 AND p.data_quality_score > 0 THEN 'direct'
      ELSE 'unallocated'
    END AS allocation_method,
    b.cost_center,
    b.project_codes
  FROM parts AS p
  LEFT JOIN bridge_user_identity AS b
    ON b.identity_type = CASE
      WHEN p.user_email IS NOT NULL THEN 'email'
      WHEN p.api_key_id IS NOT NULL THEN 'api_key_id'
      WHEN p.actor_name IS NOT NULL THEN 'api_key_name'
    END
    AND b.identity_value = COALESCE(p.user_email, p.api_key_id, p.actor_name)
    AND b.platform = CASE WHEN p.user_email IS NOT NULL THEN '*' ELSE p.platform END
    AND p.event_date BETWEEN b.valid_from AND b.valid_to
),
borne AS (
  SELECT
    i.*,
    CAST(DATE_TRUNC(i.event_date, MONTH) AS DATE) AS month,
    CASE WHEN i.user_sk > 0 THEN u.user_email END AS bearer_email
  FROM identified AS i
  LEFT JOIN dim_users AS u ON u.user_sk = i.user_sk
),
-- A person's budget of a month is the one of the last version that the month saw.
budgets AS (
  SELECT user_email, month, ai_budget_monthly_usd AS budget_usd
  FROM (
    SELECT
      m.month, u.user_email, u.ai_budget_monthly_usd,
      ROW_NUMBER() OVER (
        PARTITION BY m.month, u.user_email ORDER BY u.effective_date DESC
      ) AS newest
    FROM (SELECT DISTINCT month FROM borne) AS m
    JOIN dim_users AS u
      ON u.effective_date <= LAST_DAY(m.month) AND u.expiration_date >= m.month AND u.user_sk > 0
  ) AS versions
  WHERE newest = 1
),
spent_by_day AS (
  SELECT month, bearer_email, event_date, CAST(SUM(part_usd) AS NUMERIC) AS spent_usd
  FROM borne
  WHERE bearer_email IS NOT NULL
  GROUP BY 1, 2, 3
),
spent_to_date AS (
  SELECT
    month, bearer_email, event_date,
    CAST(SUM(spent_usd) OVER (
      PARTITION BY month, bearer_email ORDER BY event_date
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS NUMERIC) AS to_date_usd
  FROM spent_by_day
)
SELECT
  f.user_sk,
  COALESCE(pl.platform_sk, 0) AS platform_sk,
  CAST(FORMAT_DATE('%Y%m%d', f.event_date) AS INT64) AS date_sk,
  COALESCE(cc.cost_center_sk, 0) AS cost_center_sk,
  f.event_id,
  f.place AS event_part,
  f.api_key_id,
  f.model,
  f.workspace_id AS billing_account_id,
  CAST(NULL AS STRING) AS invoice_id,
  CAST(IF(f.cost_type = 'overage', 0, f.part_usd) AS NUMERIC) AS base_cost_usd,
  CAST(IF(f.cost_type = 'overage', f.part_usd, 0) AS NUMERIC) AS overage_cost_usd,
  f.part_usd AS total_cost_usd,
  CAST(IF(f.user_sk > 0, f.part_usd, 0) AS NUMERIC) AS allocated_cost_usd,
  IF(f.cost_usd = 0, CAST(100 AS FLOAT64),
    SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.cost_usd AS FLOAT64)) * 100)
    AS allocation_percentage,
  f.allocation_method,
  CASE WHEN f.level = 1 AND f.class NOT IN ('web_search_requests', 'all_tokens') THEN f.weight END
    AS billable_tokens,
  CASE
    WHEN f.level = 1 AND f.class = 'web_search_requests' THEN f.weight
    WHEN f.cost_type = 'overage' THEN 1
  END AS billable_requests,
  CAST(NULL AS INT64) AS billable_sessions,
  CAST(NULL AS FLOAT64) AS subscription_units,
  CASE WHEN f.level = 1 AND f.class NOT IN ('web_search_requests', 'all_tokens')
    THEN SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.weight AS FLOAT64)) END AS cost_per_token,
  CASE
    WHEN f.level = 1 AND f.class = 'web_search_requests'
      THEN SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.weight AS FLOAT64))
    WHEN f.cost_type = 'overage' THEN CAST(f.part_usd AS FLOAT64)
  END AS cost_per_request,
  CAST(NULL AS FLOAT64) AS cost_per_session,
  CASE
    WHEN f.cost_type IN ('subscription', 'overage', 'one_time') THEN f.cost_type
    ELSE 'usage'
  END AS cost_type,
  CASE f.billing_period WHEN 'monthly' THEN 'monthly' WHEN 'usage_based' THEN 'transaction'
    ELSE 'daily' END AS billing_period,
  COALESCE(f.cost_currency, 'USD') AS currency_code,
  CAST(1 AS NUMERIC) AS exchange_rate,
  CAST(NULL AS DATE) AS exchange_rate_date,
  CAST(NULL AS STRING) AS exchange_rate_source,
  CASE WHEN bu.budget_usd IS NOT NULL THEN 'person' END AS budget_category,
  bu.budget_usd AS budget_allocated_usd,
  CAST(bu.budget_usd - st.to_date_usd AS NUMERIC) AS budget_remaining_usd,
  st.to_date_usd > bu.budget_usd AS is_over_budget,
  f.project_codes,
  CASE WHEN f.is_provisional THEN CAST(0.8 AS FLOAT64) ELSE CAST(1 AS FLOAT64) END
    AS cost_confidence,
  f.allocation_confidence,
  'pending' AS reconciliation_status,
  f.is_provisional,
  f.event_timestamp AS cost_timestamp,
  f.ingest_timestamp,
  @run_id AS pipeline_run_id
FROM borne AS f
LEFT JOIN dim_platforms AS pl
  ON pl.platform_code = f.platform AND pl.platform_subtype = f.product
LEFT JOIN dim_cost_centers AS cc ON cc.cost_center = f.cost_center
LEFT JOIN budgets AS bu ON bu.month = f.month AND bu.user_email = f.bearer_email
LEFT JOIN spent_to_date AS st
  ON st.month = f.month AND st.bearer_email = f.bearer_email AND st.event_date = f.event_date
WHERE f.event_date >= @start
