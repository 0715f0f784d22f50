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
  description="What changed in a month after it was closed: one row a closed month, platform, person, cost centre and status, where the difference is not 0; and what the facts lack of open months before a closed one. Months from the first of the month on, so many months before as_of.",
  labels=[("months", "24")]
)
AS
WITH closed AS (
  SELECT
    month,
    platform_code,
    user_email,
    cost_center,
    SUM(total_cost_usd) AS closed_usd
  FROM closed_months
  WHERE month >= CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE)
  GROUP BY 1, 2, 3, 4
),
months AS (
  SELECT month, MAX(closed_at) AS closed_at
  FROM closed_months
  WHERE month >= CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE)
  GROUP BY 1
),
costs AS (
  -- The calendar day from date_sk: no session's time zone can move it. The timestamp only prunes.
  SELECT m.month, c.user_sk, c.platform_sk, c.cost_center_sk, SUM(c.total_cost_usd) AS now_usd
  FROM fact_ai_costs AS c
  JOIN dim_dates AS d ON d.date_sk = c.date_sk
  JOIN months AS m ON m.month = d.month
  WHERE c.cost_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND c.cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
  GROUP BY 1, 2, 3, 4
),
named AS (
  SELECT
    c.month,
    COALESCE(pl.platform_code, 'unknown') AS platform_code,
    CASE c.user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE COALESCE(p.user_email, 'Unattributed') END AS user_email,
    IF(c.cost_center_sk = 0, 'Unassigned', COALESCE(cc.cost_center, 'Unassigned')) AS cost_center,
    c.now_usd
  FROM costs AS c
  LEFT JOIN dim_users AS p ON p.user_sk = c.user_sk
  LEFT JOIN dim_cost_centers AS cc ON cc.cost_center_sk = c.cost_center_sk
  LEFT JOIN dim_platforms AS pl ON pl.platform_sk = c.platform_sk
),
current_totals AS (
  SELECT month, platform_code, user_email, cost_center, SUM(now_usd) AS now_usd
  FROM named
  GROUP BY 1, 2, 3, 4
),
compared AS (
  SELECT
    COALESCE(c.month, n.month) AS month,
    COALESCE(c.platform_code, n.platform_code) AS platform_code,
    COALESCE(c.user_email, n.user_email) AS user_email,
    COALESCE(c.cost_center, n.cost_center) AS cost_center,
    COALESCE(c.closed_usd, NUMERIC '0') AS closed_usd,
    COALESCE(n.now_usd, NUMERIC '0') AS now_usd
  FROM closed AS c
  FULL OUTER JOIN current_totals AS n
    ON n.month = c.month AND n.platform_code = c.platform_code
    AND n.user_email = c.user_email AND n.cost_center = c.cost_center
),
last_closed AS (
  SELECT MAX(month) AS month FROM months
),
changes AS (
  -- Cost that vendors restated on days of closed months, and of open ones before the last of them:
  -- runs of today do not reach those by themselves. Each sum's changes, the newest first.
  SELECT
    CAST(DATE_TRUNC(r.event_date, MONTH) AS DATE) AS month,
    m.closed_at,
    r.event_date,
    r.platform,
    r.source_endpoint,
    COALESCE(r.user_email, '') AS user_email,
    COALESCE(r.actor_name, '') AS actor_name,
    COALESCE(r.api_key_id, '') AS api_key_id,
    COALESCE(r.workspace_id, '') AS workspace_id,
    COALESCE(r.model, '') AS model,
    COALESCE(r.value_after, NUMERIC '0') AS value_after,
    r.seen_at,
    MIN(IF(r.seen_at > m.closed_at, r.seen_at, NULL)) OVER (
      PARTITION BY r.event_date, r.platform, r.source_endpoint, r.user_email, r.actor_name, r.api_key_id, r.workspace_id, r.model
    ) AS first_after_close,
    ROW_NUMBER() OVER (
      PARTITION BY r.event_date, r.platform, r.source_endpoint, r.user_email, r.actor_name, r.api_key_id, r.workspace_id, r.model
      ORDER BY r.seen_at DESC, r.previous_fetch_at DESC
    ) AS recency
  FROM raw_restatements AS r
  CROSS JOIN last_closed AS l
  LEFT JOIN months AS m ON m.month = CAST(DATE_TRUNC(r.event_date, MONTH) AS DATE)
  WHERE r.event_date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
    AND r.measure = 'cost_usd'
    AND (m.month IS NOT NULL OR r.event_date < l.month)
),
newest AS (
  SELECT * FROM changes WHERE recency = 1
),
held AS (
  SELECT
    event_date,
    platform,
    source_endpoint,
    COALESCE(user_email, '') AS user_email,
    COALESCE(actor_name, '') AS actor_name,
    COALESCE(api_key_id, '') AS api_key_id,
    COALESCE(workspace_id, '') AS workspace_id,
    COALESCE(model, '') AS model,
    SUM(cost_usd) AS held_usd
  FROM raw_ai_events
  WHERE event_date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
    AND cost_usd IS NOT NULL
    AND event_date IN (SELECT n.event_date FROM newest AS n)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
waiting AS (
  SELECT
    n.month,
    n.platform AS platform_code,
    IF(n.user_email = '', 'Unattributed', n.user_email) AS user_email,
    n.event_date,
    COALESCE(n.first_after_close, n.seen_at) AS seen_at,
    n.value_after AS now_usd,
    COALESCE(h.held_usd, NUMERIC '0') AS held_usd
  FROM newest AS n
  LEFT JOIN held AS h
    ON h.event_date = n.event_date AND h.platform = n.platform
    AND h.source_endpoint = n.source_endpoint AND h.user_email = n.user_email
    AND h.actor_name = n.actor_name AND h.api_key_id = n.api_key_id
    AND h.workspace_id = n.workspace_id AND h.model = n.model
),
held_back AS (
  SELECT
    month,
    platform_code,
    user_email,
    SUM(held_usd) AS closed_usd,
    SUM(now_usd) AS now_usd,
    MIN(seen_at) AS first_seen_at,
    MIN(event_date) AS first_day
  FROM waiting
  WHERE now_usd != held_usd
  GROUP BY 1, 2, 3
),
seen AS (
  SELECT month, platform AS platform_code, MIN(seen_at) AS first_seen_at
  FROM changes
  WHERE seen_at > closed_at
  GROUP BY 1, 2
)
SELECT
  c.month,
  c.platform_code,
  c.user_email,
  c.cost_center,
  'taken_in' AS status,
  CAST(c.closed_usd AS NUMERIC) AS closed_usd,
  CAST(c.now_usd AS NUMERIC) AS now_usd,
  CAST(c.now_usd - c.closed_usd AS NUMERIC) AS adjustment_usd,
  s.first_seen_at,
  CAST(NULL AS DATE) AS first_day,
  m.closed_at
FROM compared AS c
JOIN months AS m ON m.month = c.month
LEFT JOIN seen AS s ON s.month = c.month AND s.platform_code = c.platform_code
WHERE c.now_usd != c.closed_usd
UNION ALL
SELECT
  h.month,
  h.platform_code,
  h.user_email,
  'Unassigned' AS cost_center,
  'held_back' AS status,
  CAST(h.closed_usd AS NUMERIC) AS closed_usd,
  CAST(h.now_usd AS NUMERIC) AS now_usd,
  CAST(h.now_usd - h.closed_usd AS NUMERIC) AS adjustment_usd,
  h.first_seen_at,
  h.first_day,
  m.closed_at
FROM held_back AS h
LEFT JOIN months AS m ON m.month = h.month
WHERE h.now_usd != h.closed_usd
