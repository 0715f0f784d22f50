-- Every invoice against the cost of its cycle. Invoices of one account and cycle belong together:
-- one may bill its seats, another its usage, a third corrects the first. Which cost belongs to which
-- cycle is decided as in vw_reconciliation. Facts hold every dollar of the raw events exactly once
-- (a blocking check), so the raw events stand for them here, upstream of the facts.
WITH invoices AS (
  SELECT
    invoice_id, platform, billing_account_id, period_from, period_to,
    COALESCE(billing_account_id, '') AS account,
    LOGICAL_OR(line_kind = 'usage') AS covers_usage,
    LOGICAL_OR(line_kind = 'seat') AS covers_seats,
    CAST(SUM(IF(line_kind IN ('usage', 'seat'), amount_usd, 0)) AS NUMERIC) AS invoiced_usd,
    CAST(SUM(IF(line_kind IN ('usage', 'seat'), 0, amount_usd)) AS NUMERIC) AS other_invoiced_usd
  FROM raw_invoices
  GROUP BY 1, 2, 3, 4, 5
),
cycles AS (
  SELECT
    platform, account, period_from, period_to,
    LOGICAL_OR(covers_usage) AS bills_usage,
    LOGICAL_OR(covers_seats) AS bills_seats,
    CAST(ROUND(SUM(invoiced_usd), 2) AS NUMERIC) AS invoiced_usd
  FROM invoices
  GROUP BY 1, 2, 3, 4
),
events AS (
  SELECT
    platform, event_date, cost_usd, is_provisional,
    COALESCE(billing_account_id, '') AS account,
    COALESCE(cost_type = 'subscription', FALSE) AS is_seat,
    COALESCE(cost_type IN ('one_time', 'tax', 'credit', 'commitment'), FALSE) AS is_other
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end AND cost_usd IS NOT NULL
),
accounts AS (
  SELECT platform, account
  FROM events
  WHERE account != ''
  GROUP BY 1, 2
),
costs AS (
  SELECT
    platform, account, event_date, is_seat,
    SUM(cost_usd) AS cost_usd,
    LOGICAL_OR(is_provisional) AS is_provisional
  FROM events
  WHERE NOT is_other
  GROUP BY 1, 2, 3, 4
),
loaded AS (
  SELECT MIN(event_date) AS first_day
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end
),
offered AS (
  SELECT
    c.platform, c.cost_usd, c.is_provisional,
    y.account, y.period_from, y.period_to,
    ROW_NUMBER() OVER (
      PARTITION BY c.platform, c.account, c.event_date, c.is_seat
      ORDER BY
        CASE
          WHEN y.account = c.account THEN 1
          WHEN y.account = '' THEN 2
          WHEN a.account IS NULL THEN 3
          ELSE 4
        END,
        y.account,
        y.period_from DESC,
        y.period_to
    ) AS place
  FROM costs AS c
  JOIN cycles AS y
    ON y.platform = c.platform AND c.event_date BETWEEN y.period_from AND y.period_to
    AND (y.account = c.account OR y.account = '' OR c.account = '')
    -- An invoice over seats alone says nothing about usage, and the other way round.
    AND IF(c.is_seat, y.bills_seats, y.bills_usage)
  LEFT JOIN accounts AS a ON a.platform = y.platform AND a.account = y.account
),
reported AS (
  SELECT
    platform, account, period_from, period_to,
    CAST(ROUND(SUM(cost_usd), 2) AS NUMERIC) AS reported_usd,
    LOGICAL_OR(is_provisional) AS has_provisional
  FROM offered
  WHERE place = 1
  GROUP BY 1, 2, 3, 4
),
compared AS (
  SELECT
    y.platform, y.account, y.period_from, y.period_to, y.invoiced_usd,
    COALESCE(r.reported_usd, CAST(0 AS NUMERIC)) AS reported_usd,
    COALESCE(r.has_provisional, FALSE) AS has_provisional,
    a.account IS NOT NULL AS is_named
  FROM cycles AS y
  LEFT JOIN reported AS r
    ON r.platform = y.platform AND r.account = y.account
    AND r.period_from = y.period_from AND r.period_to = y.period_to
  LEFT JOIN accounts AS a ON a.platform = y.platform AND a.account = y.account
)
SELECT
  i.invoice_id, i.platform, i.billing_account_id, i.period_from, i.period_to,
  i.covers_usage, i.covers_seats,
  CAST(ROUND(i.invoiced_usd, 2) AS NUMERIC) AS invoiced_usd,
  i.other_invoiced_usd,
  c.reported_usd,
  CAST(c.invoiced_usd - c.reported_usd AS NUMERIC) AS difference_usd,
  CASE
    -- A period that is not over, not final or not loaded from its first day cannot be judged.
    WHEN c.period_to >= @today OR c.has_provisional OR l.first_day IS NULL
      OR l.first_day > c.period_from THEN 'pending'
    WHEN c.invoiced_usd = c.reported_usd THEN 'reconciled'
    ELSE 'disputed'
  END AS reconciliation_status,
  c.invoiced_usd AS cycle_invoiced_usd,
  c.is_named AS account_is_named
FROM invoices AS i
JOIN compared AS c
  ON c.platform = i.platform AND c.account = i.account
  AND c.period_from = i.period_from AND c.period_to = i.period_to
CROSS JOIN loaded AS l
