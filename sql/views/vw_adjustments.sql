CREATE VIEW vw_adjustments (
  month OPTIONS(description="First day of a closed month, or, in a held_back row, of an open one before a closed one."),
  platform_code OPTIONS(description="Vendor's code."),
  user_email OPTIONS(description="The person, Unattributed or Shared. In a held_back row the address that the vendor names, or Unattributed: who bears it is known once it is taken in."),
  cost_center OPTIONS(description="Cost centre that bears the cost; Unassigned where there is none, and in held_back rows."),
  status OPTIONS(description="taken_in: the facts have it, because somebody asked for the closed month. held_back: the vendor's newest word, which the facts do not have."),
  closed_usd OPTIONS(description="Total as closed, US dollars. In a held_back row that of the restated days alone, as the facts still have them."),
  now_usd OPTIONS(description="Total of the same now, US dollars: in the facts, or in the vendor's newest answers."),
  adjustment_usd OPTIONS(description="now_usd - closed_usd, US dollars: what to book in an open month. The rows of a month and platform sum to its whole adjustment."),
  first_seen_at OPTIONS(description="When the vendor was first seen, after the close, to say something else of the platform's month; in a held_back row, of these days. NULL in a taken_in row where no vendor did: a file, a directory or a rule changed."),
  first_day OPTIONS(description="First restated day that the facts do not have yet. NULL in taken_in rows."),
  closed_at OPTIONS(description="When the month was closed. NULL where it is open: the row is in the facts when its days are built again.")
)
OPTIONS(
  description="What changed in a month after it was closed: one row per closed month, platform, person, cost centre and status, where the difference is not 0; and what the facts lack of open months before a closed one. Months from the first of the month on, {months} months before as_of.",
  labels=[("months", "24")]
)
AS
WITH stacked AS (
  -- As closed, and as the facts have it now.
  SELECT
    month, platform_code, user_sk, user_email, cost_center,
    total_cost_usd AS closed_usd,
    NUMERIC '0' AS now_usd,
    closed_at
  FROM closed_months
  WHERE month >= @window_start
  UNION ALL
  SELECT
    c.month,
    COALESCE(pl.platform_code, 'unknown') AS platform_code,
    c.user_sk,
    CAST(NULL AS STRING) AS user_email,
    cost_center_label(c.cost_center_sk, cc.cost_center) AS cost_center,
    NUMERIC '0' AS closed_usd,
    c.total_cost_usd AS now_usd,
    CAST(NULL AS TIMESTAMP) AS closed_at
  FROM agg_costs_daily AS c
  LEFT JOIN dim_cost_centers AS cc ON cc.cost_center_sk = c.cost_center_sk
  LEFT JOIN dim_platforms AS pl ON pl.platform_sk = c.platform_sk
  WHERE c.date BETWEEN @window_start AND @as_of
),
compared AS (
  -- Both under the person's newest address: who is called otherwise since has not moved.
  SELECT
    s.month, s.platform_code,
    bearer_label(s.user_sk, COALESCE(u.person, s.user_email), 'Unattributed') AS user_email,
    s.cost_center,
    SUM(s.closed_usd) AS closed_usd,
    SUM(s.now_usd) AS now_usd,
    -- NULL in an open month.
    MAX(MAX(s.closed_at)) OVER (PARTITION BY s.month) AS closed_at
  FROM stacked AS s
  LEFT JOIN dim_users AS u ON u.user_sk = s.user_sk
  GROUP BY 1, 2, 3, 4
),
closes AS (
  -- Each closed month speaks for the open ones between the closed one before and itself, too: runs
  -- of today reach neither by themselves.
  SELECT
    month AS closed_month,
    MAX(closed_at) AS closed_at,
    LAG(month) OVER (ORDER BY month) AS closed_before
  FROM closed_months
  WHERE month >= @window_start
  GROUP BY month
),
restated AS (
  SELECT
    CAST(DATE_TRUNC(event_date, MONTH) AS DATE) AS month,
    event_date, platform, source_endpoint,
    COALESCE(user_email, '') AS user_email,
    COALESCE(actor_name, '') AS actor_name,
    COALESCE(api_key_id, '') AS api_key_id,
    COALESCE(workspace_id, '') AS workspace_id,
    COALESCE(model, '') AS model,
    COALESCE(value_after, NUMERIC '0') AS value_after,
    seen_at,
    previous_fetch_at
  FROM raw_restatements
  WHERE event_date BETWEEN @window_start AND @as_of AND measure = 'cost_usd'
),
changes AS (
  -- Each sum's changes, the newest first.
  SELECT
    r.*,
    IF(r.month = c.closed_month, c.closed_at, NULL) AS closed_at,
    MIN(IF(r.month = c.closed_month AND r.seen_at > c.closed_at, r.seen_at, NULL)) OVER (
      PARTITION BY r.event_date, r.platform, r.source_endpoint, r.user_email, r.actor_name,
        r.api_key_id, r.workspace_id, r.model
    ) AS first_after_close,
    ROW_NUMBER() OVER (
      PARTITION BY r.event_date, r.platform, r.source_endpoint, r.user_email, r.actor_name,
        r.api_key_id, r.workspace_id, r.model
      ORDER BY r.seen_at DESC, r.previous_fetch_at DESC
    ) AS recency
  FROM restated AS r
  JOIN closes AS c
    ON r.month <= c.closed_month AND (c.closed_before IS NULL OR r.month > c.closed_before)
),
held AS (
  -- What raw_ai_events, and so the facts, have of the same sums.
  SELECT
    event_date, platform, source_endpoint,
    COALESCE(user_email, '') AS user_email,
    COALESCE(actor_name, '') AS actor_name,
    COALESCE(api_key_id, '') AS api_key_id,
    workspace AS workspace_id,
    COALESCE(model, '') AS model,
    SUM(cost_usd) AS held_usd
  FROM stg_events
  WHERE event_date BETWEEN @window_start AND @as_of
    AND cost_usd IS NOT NULL
    AND event_date IN (SELECT event_date FROM restated)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
held_back AS (
  SELECT
    n.month,
    n.platform AS platform_code,
    IF(n.user_email = '', 'Unattributed', n.user_email) AS user_email,
    SUM(COALESCE(h.held_usd, NUMERIC '0')) AS closed_usd,
    SUM(n.value_after) AS now_usd,
    MIN(COALESCE(n.first_after_close, n.seen_at)) AS first_seen_at,
    MIN(n.event_date) AS first_day,
    MAX(n.closed_at) AS closed_at
  FROM changes AS n
  LEFT JOIN held AS h
    ON h.event_date = n.event_date AND h.platform = n.platform
    AND h.source_endpoint = n.source_endpoint AND h.user_email = n.user_email
    AND h.actor_name = n.actor_name AND h.api_key_id = n.api_key_id
    AND h.workspace_id = n.workspace_id AND h.model = n.model
  WHERE n.recency = 1 AND n.value_after != COALESCE(h.held_usd, NUMERIC '0')
  GROUP BY 1, 2, 3
)
SELECT
  c.month, c.platform_code, c.user_email, c.cost_center,
  'taken_in' AS status,
  CAST(c.closed_usd AS NUMERIC) AS closed_usd,
  CAST(c.now_usd AS NUMERIC) AS now_usd,
  CAST(c.now_usd - c.closed_usd AS NUMERIC) AS adjustment_usd,
  s.first_seen_at,
  CAST(NULL AS DATE) AS first_day,
  c.closed_at
FROM compared AS c
LEFT JOIN (
  SELECT month, platform AS platform_code, MIN(seen_at) AS first_seen_at
  FROM changes
  WHERE seen_at > closed_at
  GROUP BY 1, 2
) AS s ON s.month = c.month AND s.platform_code = c.platform_code
WHERE c.closed_at IS NOT NULL AND c.now_usd != c.closed_usd
UNION ALL
SELECT
  month, platform_code, user_email,
  'Unassigned' AS cost_center,
  'held_back' AS status,
  CAST(closed_usd AS NUMERIC) AS closed_usd,
  CAST(now_usd AS NUMERIC) AS now_usd,
  CAST(now_usd - closed_usd AS NUMERIC) AS adjustment_usd,
  first_seen_at,
  first_day,
  closed_at
FROM held_back
WHERE now_usd != closed_usd
