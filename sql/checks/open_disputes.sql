-- Billing cycles that reach into the days @start to @end (not included) and whose invoices are
-- disputed.
SELECT
  platform,
  COALESCE(billing_account_id, '') AS account,
  period_from,
  period_to,
  STRING_AGG(invoice_id, ', ' ORDER BY invoice_id) AS invoice_ids,
  MAX(cycle_invoiced_usd) AS invoiced_usd,
  MAX(reported_usd) AS reported_usd
FROM invoice_reconciliation
WHERE reconciliation_status = 'disputed' AND period_from < @end AND period_to >= @start
GROUP BY 1, 2, 3, 4
