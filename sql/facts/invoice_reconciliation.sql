-- Every invoice against the cost of its cycle, as int_cycle_status has judged it.
SELECT
  i.invoice_id, i.platform, i.billing_account_id, i.period_from, i.period_to,
  i.covers_usage, i.covers_seats,
  CAST(ROUND(i.usage_usd, 2) + ROUND(i.seats_usd, 2) AS NUMERIC) AS invoiced_usd,
  i.other_invoiced_usd,
  s.reported_usd, s.difference_usd, s.reconciliation_status,
  s.invoiced_usd AS cycle_invoiced_usd,
  s.account_is_named
FROM (
  SELECT
    invoice_id, platform, billing_account_id, period_from, period_to,
    LOGICAL_OR(line_kind = 'usage') AS covers_usage,
    LOGICAL_OR(line_kind = 'seat') AS covers_seats,
    CAST(SUM(IF(line_kind = 'usage', amount_usd, 0)) AS NUMERIC) AS usage_usd,
    CAST(SUM(IF(line_kind = 'seat', amount_usd, 0)) AS NUMERIC) AS seats_usd,
    CAST(SUM(IF(line_kind IN ('usage', 'seat'), 0, amount_usd)) AS NUMERIC) AS other_invoiced_usd
  FROM raw_invoices
  GROUP BY 1, 2, 3, 4, 5
) AS i
JOIN int_cycle_status AS s
  ON s.platform = i.platform AND s.account = COALESCE(i.billing_account_id, '')
  AND s.period_from = i.period_from AND s.period_to = i.period_to
