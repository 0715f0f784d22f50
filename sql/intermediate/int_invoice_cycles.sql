-- Invoices of one account and cycle belong together: one may bill its seats, another its usage, a
-- third corrects the first.
SELECT
  platform, COALESCE(billing_account_id, '') AS account, period_from, period_to,
  STRING_AGG(DISTINCT invoice_id, ', ' ORDER BY invoice_id) AS invoice_ids,
  MIN(IF(line_kind = 'usage', invoice_id, NULL)) AS usage_invoice_id,
  MIN(IF(line_kind = 'seat', invoice_id, NULL)) AS seat_invoice_id,
  -- One-time cost that none of them bills goes with the first.
  COALESCE(MIN(IF(line_kind NOT IN ('usage', 'seat'), invoice_id, NULL)), MIN(invoice_id))
    AS other_invoice_id,
  LOGICAL_OR(line_kind = 'usage') AS bills_usage,
  LOGICAL_OR(line_kind = 'seat') AS bills_seats,
  CAST(SUM(IF(line_kind = 'usage', amount_usd, NUMERIC '0')) AS NUMERIC) AS usage_usd,
  CAST(SUM(IF(line_kind = 'seat', amount_usd, NUMERIC '0')) AS NUMERIC) AS seats_usd,
  CAST(SUM(IF(line_kind = 'tax', amount_usd, NUMERIC '0')) AS NUMERIC) AS tax_usd,
  CAST(SUM(IF(line_kind = 'credit', amount_usd, NUMERIC '0')) AS NUMERIC) AS credit_usd,
  CAST(SUM(IF(line_kind = 'commitment', amount_usd, NUMERIC '0')) AS NUMERIC) AS commitment_usd,
  CAST(SUM(amount_usd) AS NUMERIC) AS total_usd
FROM raw_invoices
GROUP BY 1, 2, 3, 4
