-- What is reported of a day, in exact sums and before anybody bears it.
WITH stacked AS (
  SELECT
    event_date AS date,
    platform,
    account,
    line_kind(cost_type) AS cost_kind,
    COUNT(cost_usd) AS cost_records,
    SUM(cost_usd) AS reported_usd,
    SUM(IF(cost_type = 'code_execution', cost_usd, NULL)) AS code_execution_usd,
    COUNTIF(is_charge_unknown) AS unknown_charges,
    0 AS committed_records,
    CAST(NULL AS INT64) AS committed_tokens,
    CAST(NULL AS NUMERIC) AS committed_list_usd,
    CAST(NULL AS INT64) AS unpriced_tokens
  FROM stg_events
  WHERE event_date >= @start AND event_date < @end
    AND (cost_usd IS NOT NULL OR is_charge_unknown)
  GROUP BY 1, 2, 3, 4
  UNION ALL
  -- What is no money of a report: tokens of usage events that a commitment pays.
  SELECT
    e.event_date,
    e.platform,
    '',
    'usage',
    0,
    NULL,
    NULL,
    0,
    COUNT(*),
    CAST(SUM(COALESCE(e.total_tokens, 0)) AS INT64),
    SUM(u.list_cost_usd),
    CAST(SUM(IF(u.list_cost_usd IS NULL, COALESCE(e.total_tokens, 0), 0)) AS INT64)
  FROM stg_events AS e
  LEFT JOIN (
    SELECT event_id, list_cost_usd
    FROM fact_ai_usage
    WHERE event_timestamp >= TIMESTAMP(@start, 'UTC') AND event_timestamp < TIMESTAMP(@end, 'UTC')
  ) AS u ON u.event_id = e.event_id
  WHERE e.event_date >= @start AND e.event_date < @end
    AND e.event_type = 'usage'
    AND e.is_committed
  GROUP BY 1, 2
)
SELECT
  date,
  platform,
  account,
  cost_kind,
  CAST(SUM(cost_records) AS INT64) AS cost_records,
  CAST(COALESCE(SUM(reported_usd), NUMERIC '0') AS NUMERIC) AS reported_usd,
  CAST(COALESCE(SUM(code_execution_usd), NUMERIC '0') AS NUMERIC) AS code_execution_usd,
  CAST(SUM(unknown_charges) AS INT64) AS unknown_charges,
  CAST(SUM(committed_records) AS INT64) AS committed_records,
  CAST(COALESCE(SUM(committed_tokens), 0) AS INT64) AS committed_tokens,
  CAST(SUM(committed_list_usd) AS NUMERIC) AS committed_list_usd,
  CAST(COALESCE(SUM(unpriced_tokens), 0) AS INT64) AS committed_unpriced_tokens
FROM stacked
GROUP BY 1, 2, 3, 4
