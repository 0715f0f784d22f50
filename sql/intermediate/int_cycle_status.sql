-- Every invoiced cycle against the reported cost that int_cycle_days gives it. Facts hold every
-- dollar of the events exactly once (a blocking check), so the events stand for them here, upstream
-- of the facts.
WITH costs AS (
  SELECT
    platform, account, line_kind, event_date,
    SUM(cost_usd) AS cost_usd,
    LOGICAL_OR(is_provisional) AS is_provisional
  FROM stg_cost_events
  -- What is dated after today is in no page either: both judge what a cycle has so far.
  WHERE event_date >= @start AND event_date < @end AND event_date <= @today
    AND line_kind != 'other'
  GROUP BY 1, 2, 3, 4
),
assigned AS (
  SELECT
    c.platform, c.account, c.line_kind, d.period_from, d.period_to, d.weight,
    COALESCE(d.billing_account_id, '') AS billing_account,
    CAST(SUM(c.cost_usd) AS NUMERIC) AS cost_usd,
    LOGICAL_OR(c.is_provisional) AS is_provisional
  FROM costs AS c
  JOIN int_cycle_days AS d
    ON d.platform = c.platform AND d.account = c.account
    AND d.cost_kind = c.line_kind AND d.day = c.event_date
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
numbered AS (
  SELECT
    *,
    CAST(SUM(weight) OVER (
      PARTITION BY platform, account, line_kind, period_from, period_to
    ) AS NUMERIC) AS weight_total,
    ROW_NUMBER() OVER (
      PARTITION BY platform, account, line_kind, period_from, period_to
      ORDER BY weight DESC, billing_account
    ) AS share_number
  FROM assigned
),
truncated AS (
  SELECT *, truncated_share(cost_usd, weight, weight_total) AS truncated_usd
  FROM numbered
),
-- Accounts that share a cycle's cost: what truncation leaves goes to the one that is billed most.
split AS (
  SELECT
    platform, billing_account AS account, line_kind, period_from, period_to, is_provisional,
    CAST(truncated_usd + IF(share_number = 1, cost_usd - SUM(truncated_usd) OVER (
      PARTITION BY platform, account, line_kind, period_from, period_to
    ), 0) AS NUMERIC) AS cost_usd
  FROM truncated
),
-- Usage and seats are each summed, then rounded.
reported AS (
  SELECT
    platform, account, period_from, period_to,
    CAST(
      ROUND(SUM(IF(line_kind = 'usage', cost_usd, 0)), 2)
      + ROUND(SUM(IF(line_kind = 'seat', cost_usd, 0)), 2) AS NUMERIC
    ) AS reported_usd,
    LOGICAL_OR(is_provisional) AS has_provisional
  FROM split
  GROUP BY 1, 2, 3, 4
),
cycles AS (
  SELECT
    platform, account, period_from, period_to, bills_usage, bills_seats,
    DATE_DIFF(period_to, period_from, DAY) + 1 AS days,
    CAST(ROUND(usage_usd, 2) + ROUND(seats_usd, 2) AS NUMERIC) AS invoiced_usd
  FROM int_invoice_cycles
),
loaded AS (
  SELECT
    y.platform, y.account, y.period_from, y.period_to,
    COUNT(DISTINCT IF(l.cost_kind = 'usage', l.day, NULL)) AS usage_days,
    COUNT(DISTINCT IF(l.cost_kind = 'seat', l.day, NULL)) AS seat_days,
    LOGICAL_OR(l.is_provisional AND IF(l.cost_kind = 'usage', y.bills_usage, y.bills_seats))
      AS has_provisional
  FROM cycles AS y
  JOIN loaded_days AS l
    ON l.day BETWEEN y.period_from AND y.period_to
    AND ((l.platform = y.platform AND l.cost_kind = 'usage')
      OR (l.platform = '*' AND l.cost_kind = 'seat'))
  WHERE l.day >= @start AND l.day < @end
  GROUP BY 1, 2, 3, 4
)
SELECT
  y.platform, y.account, y.period_from, y.period_to, y.invoiced_usd,
  COALESCE(r.reported_usd, CAST(0 AS NUMERIC)) AS reported_usd,
  CAST(y.invoiced_usd - COALESCE(r.reported_usd, 0) AS NUMERIC) AS difference_usd,
  CASE
    -- A period that is not over, not final or not loaded as a whole cannot be judged.
    WHEN y.period_to >= @today OR COALESCE(r.has_provisional, FALSE)
      OR COALESCE(l.has_provisional, FALSE)
      OR (y.bills_usage AND COALESCE(l.usage_days, 0) < y.days)
      OR ((y.bills_seats OR NOT y.bills_usage) AND COALESCE(l.seat_days, 0) < y.days) THEN 'pending'
    WHEN y.invoiced_usd = COALESCE(r.reported_usd, 0) THEN 'reconciled'
    ELSE 'disputed'
  END AS reconciliation_status,
  n.account IS NOT NULL AS account_is_named
FROM cycles AS y
LEFT JOIN reported AS r
  ON r.platform = y.platform AND r.account = y.account
  AND r.period_from = y.period_from AND r.period_to = y.period_to
LEFT JOIN loaded AS l
  ON l.platform = y.platform AND l.account = y.account
  AND l.period_from = y.period_from AND l.period_to = y.period_to
LEFT JOIN (
  SELECT platform, account FROM int_cycle_days WHERE account != '' GROUP BY 1, 2
) AS n ON n.platform = y.platform AND n.account = y.account
