CREATE VIEW vw_reconciliation (
  platform_code OPTIONS(description="Vendor's code, as in the vendor's reports and invoices."),
  billing_account_id OPTIONS(description="Account at the vendor that the invoice, contract or cost entry names; NULL if none does."),
  period_from OPTIONS(description="First day of the invoice's billing cycle; of a month's days without an invoice the first."),
  period_to OPTIONS(description="Last day of the invoice's billing cycle; of a month's days without an invoice the last."),
  invoice_ids OPTIONS(description="Numbers of the invoices of exactly this cycle. NULL for days that no invoice covers."),
  covers OPTIONS(description="What the invoices of the row bill, and so what is compared: usage and seats, usage, seats, or other lines only; not invoiced for cost that no invoice covers."),
  reported_usage_usd OPTIONS(description="Metered usage and overage as the vendor's reports have it in raw_ai_events, US dollars."),
  reported_seats_usd OPTIONS(description="Seats of the contracts in raw_ai_events, US dollars."),
  reported_other_usd OPTIONS(description="One-time cost, tax, credits and commitments of other_costs.csv in raw_ai_events, US dollars."),
  reported_usd OPTIONS(description="reported_usage_usd + reported_seats_usd + reported_other_usd."),
  facts_usage_usd OPTIONS(description="Usage and overage in fact_ai_costs, US dollars."),
  facts_seats_usd OPTIONS(description="Seats in fact_ai_costs, US dollars."),
  facts_other_usd OPTIONS(description="One-time cost in fact_ai_costs, US dollars."),
  facts_usd OPTIONS(description="facts_usage_usd + facts_seats_usd + facts_other_usd. Sums to every dollar of fact_ai_costs in the window, less the days of a cycle that began before it."),
  facts_difference_usd OPTIONS(description="reported_usd - facts_usd: 0, or a fact has not been rebuilt."),
  invoiced_usage_usd OPTIONS(description="Usage lines of the invoices, US dollars. NULL without an invoice."),
  invoiced_seats_usd OPTIONS(description="Seat lines of the invoices, US dollars. NULL without an invoice."),
  invoiced_usd OPTIONS(description="invoiced_usage_usd + invoiced_seats_usd: what is reconciled. NULL without an invoice."),
  invoiced_tax_usd OPTIONS(description="Tax lines of the invoices, US dollars. NULL without an invoice."),
  invoiced_credit_usd OPTIONS(description="Credit lines of the invoices, below 0, US dollars. NULL without an invoice."),
  invoiced_commitment_usd OPTIONS(description="Commitment lines of the invoices, US dollars. NULL without an invoice."),
  invoice_total_usd OPTIONS(description="All lines of the invoices: what is paid, US dollars. NULL without an invoice."),
  difference_usd OPTIONS(description="What is invoiced less what the facts have of it, usage and seats each summed and rounded to the cent, US dollars: above 0 the vendor bills more than its reports say. NULL without an invoice."),
  other_difference_usd OPTIONS(description="Tax, credit and commitment lines - facts_other_usd, US dollars: what other_costs.csv has more or less than the invoices. Never part of the status. NULL without an invoice."),
  reconciliation_status OPTIONS(description="pending without an invoice, while the period is not over, or while the vendor may still change a cost of it; and for a period of which a day was not loaded (loaded_days); else reconciled if difference_usd is 0, disputed if not."),
  is_partial OPTIONS(description="True while the period is not over on as_of: it holds only the days so far."),
  priority_tier_tokens OPTIONS(description="Tokens of the Priority Tier (not those on demand, which are billed): they are in the usage report, their cost is in none, a commitment pays them."),
  priority_tier_list_usd OPTIONS(description="The Priority Tier's tokens at list price, US dollars: what the cost report lacks. Never part of a cost. NULL if no price is known."),
  priority_tier_unpriced_tokens OPTIONS(description="Those of priority_tier_tokens that priority_tier_list_usd lacks, because a price is not known."),
  code_execution_usd OPTIONS(description="Part of reported_usage_usd that is code execution: cost that no usage report has, US dollars."),
  provisional_usd OPTIONS(description="Part of facts_usd that the vendor may still change, US dollars."),
  unallocated_usd OPTIONS(description="Part of facts_usd that could be given to nobody, US dollars."),
  residues OPTIONS(description="The names of what is known to be missing or open here, to be read beside a difference. NULL if there is nothing.")
)
OPTIONS(
  description="Vendors' reports, facts and invoices side by side: one row per platform, billing account and invoiced cycle, and one per platform, account and month for the cost that no invoice covers. Each dollar is in one row: a cost goes to an invoice that bills its kind (usage or seats), to one of its account before one that names none. Cycles and months that begin in the window, from the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "24")]
)
AS
WITH cycles AS (
  -- The invoiced cycles with the days of them that are over, and those of these that are loaded: of
  -- the platform's charges, and of the files with its seats.
  SELECT
    y.platform, y.account, y.period_from, y.period_to, y.invoice_ids, y.bills_usage, y.bills_seats,
    y.usage_usd, y.seats_usd, y.tax_usd, y.credit_usd, y.commitment_usd, y.total_usd,
    TRUE AS is_invoiced,
    DATE_DIFF(
      LEAST(CAST(DATE_ADD(y.period_to, INTERVAL 1 DAY) AS DATE), @as_of), y.period_from, DAY
    ) AS past_days,
    COUNT(DISTINCT IF(l.cost_kind = 'usage', l.day, NULL)) AS usage_days,
    COUNT(DISTINCT IF(l.cost_kind = 'seat', l.day, NULL)) AS seat_days,
    LOGICAL_OR(l.is_provisional AND IF(l.cost_kind = 'usage', y.bills_usage, y.bills_seats))
      AS has_provisional
  FROM int_invoice_cycles AS y
  CROSS JOIN UNNEST(['usage', 'seat']) AS asked
  LEFT JOIN (
    SELECT day, platform, cost_kind, is_provisional
    FROM loaded_days
    WHERE day >= @window_start AND day < @as_of
  ) AS l
    ON l.cost_kind = asked
    AND l.platform = IF(asked = 'seat', '*', y.platform)
    AND l.day BETWEEN y.period_from AND y.period_to
  WHERE y.period_from BETWEEN @window_start AND @as_of
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
),
joined_cycles AS (
  -- Both sides have one row per cycle. A cycle without any cost stays, and so does cost without an
  -- invoice, which may be of the same days as an invoice over something else.
  SELECT
    COALESCE(y.platform, s.platform) AS platform,
    NULLIF(COALESCE(y.account, s.account), '') AS account,
    COALESCE(y.period_from, s.period_from) AS period_from,
    COALESCE(y.period_to, s.period_to) AS period_to,
    y.invoice_ids,
    y.bills_usage,
    y.bills_seats,
    y.usage_usd,
    y.seats_usd,
    y.tax_usd,
    y.credit_usd,
    y.commitment_usd,
    y.total_usd,
    COALESCE(s.reported_usage_usd, NUMERIC '0') AS reported_usage_usd,
    COALESCE(s.reported_seats_usd, NUMERIC '0') AS reported_seats_usd,
    COALESCE(s.reported_other_usd, NUMERIC '0') AS reported_other_usd,
    COALESCE(s.reported_usd, NUMERIC '0') AS reported_usd,
    COALESCE(s.code_execution_usd, NUMERIC '0') AS code_execution_usd,
    COALESCE(s.facts_usage_usd, NUMERIC '0') AS facts_usage_usd,
    COALESCE(s.facts_seats_usd, NUMERIC '0') AS facts_seats_usd,
    COALESCE(s.facts_other_usd, NUMERIC '0') AS facts_other_usd,
    COALESCE(s.facts_usd, NUMERIC '0') AS facts_usd,
    COALESCE(s.provisional_usd, NUMERIC '0') AS provisional_usd,
    COALESCE(s.unallocated_usd, NUMERIC '0') AS unallocated_usd,
    COALESCE(s.priority_tokens, 0) AS priority_tokens,
    s.priority_list_usd,
    COALESCE(s.priority_unpriced_tokens, 0) AS unpriced_tokens,
    COALESCE(s.open_lines, 0) > 0 OR COALESCE(y.has_provisional, FALSE) AS is_open,
    -- What was not loaded cannot be disputed: each past day of what is billed must have been.
    COALESCE(
      (y.bills_usage AND y.usage_days < y.past_days)
      OR ((y.bills_seats OR NOT y.bills_usage) AND y.seat_days < y.past_days),
      FALSE
    ) AS lacks_days
  FROM int_cycle_costs AS s
  FULL OUTER JOIN cycles AS y
    ON y.platform = s.platform AND y.account = s.account
    AND y.period_from = s.period_from AND y.period_to = s.period_to
    AND y.is_invoiced = s.is_invoiced
),
compared AS (
  SELECT
    *,
    -- Usage and seats are each summed, then rounded.
    ROUND(usage_usd, 2) + ROUND(seats_usd, 2)
    - ROUND(facts_usage_usd, 2) - ROUND(facts_seats_usd, 2) AS difference_usd,
    period_to >= @as_of AS is_partial
  FROM joined_cycles
  WHERE period_from >= @window_start
)
SELECT
  platform AS platform_code,
  account AS billing_account_id,
  period_from,
  period_to,
  invoice_ids,
  CASE
    WHEN invoice_ids IS NULL THEN 'not invoiced'
    WHEN bills_usage AND bills_seats THEN 'usage and seats'
    WHEN bills_usage THEN 'usage'
    WHEN bills_seats THEN 'seats'
    ELSE 'other lines only'
  END AS covers,
  reported_usage_usd,
  reported_seats_usd,
  reported_other_usd,
  reported_usd,
  facts_usage_usd,
  facts_seats_usd,
  facts_other_usd,
  facts_usd,
  CAST(reported_usd - facts_usd AS NUMERIC) AS facts_difference_usd,
  usage_usd AS invoiced_usage_usd,
  seats_usd AS invoiced_seats_usd,
  CAST(usage_usd + seats_usd AS NUMERIC) AS invoiced_usd,
  tax_usd AS invoiced_tax_usd,
  credit_usd AS invoiced_credit_usd,
  commitment_usd AS invoiced_commitment_usd,
  total_usd AS invoice_total_usd,
  CAST(difference_usd AS NUMERIC) AS difference_usd,
  CAST(tax_usd + credit_usd + commitment_usd - facts_other_usd AS NUMERIC) AS other_difference_usd,
  CASE
    WHEN invoice_ids IS NULL OR is_partial OR is_open OR lacks_days THEN 'pending'
    WHEN difference_usd = 0 THEN 'reconciled'
    ELSE 'disputed'
  END AS reconciliation_status,
  is_partial,
  priority_tokens AS priority_tier_tokens,
  priority_list_usd AS priority_tier_list_usd,
  unpriced_tokens AS priority_tier_unpriced_tokens,
  code_execution_usd,
  provisional_usd,
  unallocated_usd,
  NULLIF(
    SUBSTR(
      CONCAT(
        IF(priority_tokens > 0, ', Priority Tier usage without cost', ''),
        IF(code_execution_usd != 0, ', code execution without usage', ''),
        IF(is_open OR provisional_usd != 0, ', provisional cost', ''),
        IF(unallocated_usd != 0, ', unallocated cost', ''),
        IF(lacks_days, ', days that were not loaded', '')
      ),
      3
    ),
    ''
  ) AS residues
FROM compared
