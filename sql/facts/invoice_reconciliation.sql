-- Every invoice against the cost of its period. Facts hold every dollar of the raw events exactly
-- once (a blocking check), so the raw events stand for them here, upstream of the facts.
WITH invoices AS (
  SELECT
    invoice_id, platform, billing_account_id, period_from, period_to,
    LOGICAL_OR(line_kind = 'usage') AS covers_usage,
    LOGICAL_OR(line_kind = 'seat') AS covers_seats,
    CAST(ROUND(SUM(IF(line_kind IN ('usage', 'seat'), amount_usd, 0)), 2) AS NUMERIC)
      AS invoiced_usd,
    CAST(SUM(IF(line_kind IN ('usage', 'seat'), 0, amount_usd)) AS NUMERIC) AS other_invoiced_usd
  FROM raw_invoices
  GROUP BY 1, 2, 3, 4, 5
),
costs AS (
  SELECT
    platform, billing_account_id, event_date, cost_usd, is_provisional,
    COALESCE(cost_type = 'subscription', FALSE) AS is_seat
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end
    AND cost_usd IS NOT NULL
    AND (cost_type IS NULL OR cost_type NOT IN ('one_time', 'tax', 'credit', 'commitment'))
),
loaded AS (
  SELECT MIN(event_date) AS first_day
  FROM raw_ai_events
  WHERE event_date >= @start AND event_date < @end
),
compared AS (
  SELECT
    i.invoice_id, i.platform, i.billing_account_id, i.period_from, i.period_to,
    i.covers_usage, i.covers_seats, i.invoiced_usd, i.other_invoiced_usd,
    CAST(ROUND(COALESCE(SUM(c.cost_usd), 0), 2) AS NUMERIC) AS reported_usd,
    COALESCE(LOGICAL_OR(c.is_provisional), FALSE) AS has_provisional
  FROM invoices AS i
  LEFT JOIN costs AS c
    ON c.platform = i.platform AND c.event_date BETWEEN i.period_from AND i.period_to
    AND (i.billing_account_id IS NULL OR c.billing_account_id IS NULL
      OR c.billing_account_id = i.billing_account_id)
    -- An invoice over seats alone says nothing about usage, and the other way round.
    AND IF(c.is_seat, i.covers_seats, i.covers_usage)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
)
SELECT
  c.invoice_id, c.platform, c.billing_account_id, c.period_from, c.period_to,
  c.covers_usage, c.covers_seats, c.invoiced_usd, c.other_invoiced_usd, c.reported_usd,
  CAST(c.invoiced_usd - c.reported_usd AS NUMERIC) AS difference_usd,
  CASE
    -- A period that is not over, not final or not loaded from its first day cannot be judged.
    WHEN c.period_to >= @today OR c.has_provisional OR l.first_day IS NULL
      OR l.first_day > c.period_from THEN 'pending'
    WHEN c.invoiced_usd = c.reported_usd THEN 'reconciled'
    ELSE 'disputed'
  END AS reconciliation_status
FROM compared AS c
CROSS JOIN loaded AS l
