-- The rule which invoiced cycle a cost belongs to, in its only place. A cost goes to a cycle whose
-- invoices bill its kind (one-time cost to any): of its own account, else to the invoice without
-- one. Vendors' reports name no account: their cost goes to the invoice without one, else to an
-- account that no contract or cost entry names, else to the first. Accounts that nothing names and
-- that are billed for the same cycle share the cost by what they are billed.
WITH billed AS (
  SELECT
    c.platform, c.account AS billing_account, c.period_from, c.period_to, cost_kind,
    CASE cost_kind WHEN 'usage' THEN c.usage_invoice_id WHEN 'seat' THEN c.seat_invoice_id
      ELSE c.other_invoice_id END AS invoice_id,
    CASE cost_kind WHEN 'usage' THEN c.usage_usd WHEN 'seat' THEN c.seats_usd
      ELSE NUMERIC '0' END AS billed_usd
  FROM int_invoice_cycles AS c
  CROSS JOIN UNNEST(['usage', 'seat', 'other']) AS cost_kind
),
named AS (
  SELECT platform, account
  FROM stg_cost_events
  WHERE event_date >= @start AND event_date < @end AND billing_account_id IS NOT NULL
  GROUP BY 1, 2
),
accounts AS (
  SELECT platform, account FROM named
  UNION ALL
  SELECT platform, '' AS account FROM int_invoice_cycles GROUP BY 1
),
offered AS (
  SELECT
    a.platform, a.account, b.cost_kind, day, b.billing_account, b.period_from, b.period_to,
    b.invoice_id, b.billed_usd,
    CASE
      WHEN b.billing_account = a.account THEN 1
      WHEN b.billing_account = '' THEN 2
      WHEN n.account IS NULL THEN 3
      ELSE 4
    END AS fit
  FROM accounts AS a
  JOIN billed AS b
    ON b.platform = a.platform AND b.invoice_id IS NOT NULL
    AND (b.billing_account = a.account OR b.billing_account = '' OR a.account = '')
  LEFT JOIN named AS n ON n.platform = b.platform AND n.account = b.billing_account
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(b.period_from, b.period_to, INTERVAL 1 DAY)) AS day
),
ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY platform, account, cost_kind, day
      ORDER BY fit, billing_account, period_from DESC, period_to
    ) AS preference,
    FIRST_VALUE(period_from) OVER (
      PARTITION BY platform, account, cost_kind, day
      ORDER BY fit, billing_account, period_from DESC, period_to
    ) AS first_from,
    FIRST_VALUE(period_to) OVER (
      PARTITION BY platform, account, cost_kind, day
      ORDER BY fit, billing_account, period_from DESC, period_to
    ) AS first_to,
    MIN(fit) OVER (PARTITION BY platform, account, cost_kind, day) AS best_fit
  FROM offered
),
shared AS (
  SELECT
    *,
    CAST(ROUND(GREATEST(billed_usd, NUMERIC '0') * 1000000) AS INT64) AS micros
  FROM ranked
  WHERE preference = 1
    OR (
      fit = 3 AND best_fit = 3 AND period_from = first_from AND period_to = first_to
      AND cost_kind != 'other'
    )
)
SELECT
  platform, account, cost_kind, day,
  NULLIF(billing_account, '') AS billing_account_id,
  period_from, period_to, invoice_id,
  preference = 1 AS is_first,
  IF(SUM(micros) OVER (PARTITION BY platform, account, cost_kind, day) = 0, 1, micros) AS weight,
  CAST(DATE_TRUNC(period_from, MONTH) AS DATE) AS cycle_month
FROM shared
