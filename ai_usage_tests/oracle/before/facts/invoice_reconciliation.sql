-- Every invoice against the cost of its cycle. Invoices of one account and cycle belong together:
-- one may bill its seats, another its usage, a third corrects the first. Which cost belongs to which
-- cycle is decided in invoice_days. Facts hold every dollar of the raw events exactly once (a
-- blocking check), so the raw events stand for them here, upstream of the facts.
WITH invoices AS (
  SELECT
    invoice_id, platform, billing_account_id, period_from, period_to,
    COALESCE(billing_account_id, '') AS account,
    LOGICAL_OR(line_kind = 'usage') AS covers_usage,
    LOGICAL_OR(line_kind = 'seat') AS covers_seats,
    CAST(SUM(IF(line_kind = 'usage', amount_usd, 0)) AS NUMERIC) AS usage_usd,
    CAST(SUM(IF(line_kind = 'seat', amount_usd, 0)) AS NUMERIC) AS seats_usd,
    CAST(SUM(IF(line_kind IN ('usage', 'seat'), 0, amount_usd)) AS NUMERIC) AS other_invoiced_usd
  FROM raw_invoices
  GROUP BY 1, 2, 3, 4, 5
),
-- Usage and seats are each summed, then rounded.
cycles AS (
  SELECT
    platform, account, period_from, period_to,
    DATE_DIFF(period_to, period_from, DAY) + 1 AS days,
    LOGICAL_OR(covers_usage) AS bills_usage,
    LOGICAL_OR(covers_seats) AS bills_seats,
    CAST(ROUND(SUM(usage_usd), 2) + ROUND(SUM(seats_usd), 2) AS NUMERIC) AS invoiced_usd
  FROM invoices
  GROUP BY 1, 2, 3, 4
),
costs AS (
  SELECT
    platform, event_date,
    COALESCE(billing_account_id, '') AS account,
    IF(COALESCE(cost_type = 'subscription', FALSE), 'seat', 'usage') AS cost_kind,
    SUM(cost_usd) AS cost_usd,
    LOGICAL_OR(is_provisional) AS is_provisional
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end AND cost_usd IS NOT NULL
    AND NOT COALESCE(cost_type IN ('one_time', 'tax', 'credit', 'commitment'), FALSE)
  GROUP BY 1, 2, 3, 4
),
placed AS (
  SELECT
    c.platform, c.account, c.cost_kind, d.period_from, d.period_to, d.weight,
    COALESCE(d.billing_account_id, '') AS billing_account,
    CAST(SUM(c.cost_usd) AS NUMERIC) AS cost_usd,
    LOGICAL_OR(c.is_provisional) AS is_provisional
  FROM costs AS c
  JOIN invoice_days AS d
    ON d.platform = c.platform AND d.account = c.account
    AND d.cost_kind = c.cost_kind AND d.day = c.event_date
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
scaled AS (
  SELECT
    *,
    CAST(ABS(cost_usd) * weight * 1000000 AS NUMERIC) AS x,
    CAST(SUM(weight) OVER (
      PARTITION BY platform, account, cost_kind, period_from, period_to
    ) AS NUMERIC) AS w_total,
    ROW_NUMBER() OVER (
      PARTITION BY platform, account, cost_kind, period_from, period_to
      ORDER BY weight DESC, billing_account
    ) AS place
  FROM placed
),
-- Accounts that share a cycle's cost: whole millionths of a dollar, what truncation leaves goes to
-- the one that is billed most.
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
    platform, billing_account AS account, cost_kind, period_from, period_to, is_provisional,
    CAST(
      share
      + IF(place = 1, cost_usd - SUM(share) OVER (
          PARTITION BY platform, account, cost_kind, period_from, period_to
        ), 0) AS NUMERIC
    ) AS cost_usd
  FROM truncated
),
reported AS (
  SELECT
    platform, account, period_from, period_to,
    CAST(
      ROUND(SUM(IF(cost_kind = 'usage', cost_usd, 0)), 2)
      + ROUND(SUM(IF(cost_kind = 'seat', cost_usd, 0)), 2) AS NUMERIC
    ) AS reported_usd,
    LOGICAL_OR(is_provisional) AS has_provisional
  FROM split
  GROUP BY 1, 2, 3, 4
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
),
named AS (
  SELECT platform, account FROM invoice_days WHERE account != '' GROUP BY 1, 2
)
SELECT
  i.invoice_id, i.platform, i.billing_account_id, i.period_from, i.period_to,
  i.covers_usage, i.covers_seats,
  CAST(ROUND(i.usage_usd, 2) + ROUND(i.seats_usd, 2) AS NUMERIC) AS invoiced_usd,
  i.other_invoiced_usd,
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
  y.invoiced_usd AS cycle_invoiced_usd,
  n.account IS NOT NULL AS account_is_named
FROM invoices AS i
JOIN cycles AS y
  ON y.platform = i.platform AND y.account = i.account
  AND y.period_from = i.period_from AND y.period_to = i.period_to
LEFT JOIN reported AS r
  ON r.platform = y.platform AND r.account = y.account
  AND r.period_from = y.period_from AND r.period_to = y.period_to
LEFT JOIN loaded AS l
  ON l.platform = y.platform AND l.account = y.account
  AND l.period_from = y.period_from AND l.period_to = y.period_to
LEFT JOIN named AS n ON n.platform = y.platform AND n.account = y.account
