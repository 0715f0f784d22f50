CREATE VIEW int_cycle_costs (
  platform OPTIONS(description="Vendor's code, as in the vendor's reports and invoices."),
  account OPTIONS(description="Account that the cycle's invoices name, else the account that the cost names; empty if none is named."),
  period_from OPTIONS(description="First day of the billing cycle; of a month's days without an invoice the first."),
  period_to OPTIONS(description="Last day of the billing cycle; of a month's days without an invoice the last."),
  is_invoiced OPTIONS(description="True for a billing cycle, false for days that no invoice covers."),
  reported_usage_usd OPTIONS(description="Metered usage and overage in raw_ai_events, US dollars."),
  reported_seats_usd OPTIONS(description="Seats in raw_ai_events, US dollars."),
  reported_other_usd OPTIONS(description="One-time cost, tax, credits and commitments in raw_ai_events, US dollars."),
  reported_usd OPTIONS(description="The sum of the three, US dollars."),
  code_execution_usd OPTIONS(description="Part of reported_usd that is code execution, US dollars."),
  facts_usage_usd OPTIONS(description="Usage and overage in fact_ai_costs, US dollars."),
  facts_seats_usd OPTIONS(description="Seats in fact_ai_costs, US dollars."),
  facts_other_usd OPTIONS(description="One-time cost in fact_ai_costs, US dollars."),
  facts_usd OPTIONS(description="The sum of the three, US dollars."),
  provisional_usd OPTIONS(description="Part of facts_usd that the vendor may still change, US dollars."),
  unallocated_usd OPTIONS(description="Part of facts_usd that could be given to nobody, US dollars."),
  open_lines OPTIONS(description="Above 0 where the vendor may still change a usage or seat line."),
  priority_tokens OPTIONS(description="Tokens that a commitment pays."),
  priority_list_usd OPTIONS(description="Those tokens at list price, US dollars. NULL if no price is known."),
  priority_unpriced_tokens OPTIONS(description="Those of priority_tokens that priority_list_usd lacks.")
)
OPTIONS(
  description="Reported cost and facts of what one invoice covers: one row per platform, account and billing cycle with cost, and one per platform, account and month for the days that no invoice covers. Accounts that share a cycle's cost have their parts, in whole micro-dollars. From the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "24")]
)
AS
WITH months AS (
  SELECT month, MIN(date) AS first_day, MAX(date) AS last_day
  FROM dim_dates
  WHERE date BETWEEN @window_start AND LAST_DAY(@as_of)
  GROUP BY 1
),
covered AS (
  -- The days of a month that invoices cover, counted from its first on and from its last back.
  SELECT
    n.platform, n.account, n.cost_kind, n.day, m.month, m.first_day, m.last_day,
    ROW_NUMBER() OVER (
      PARTITION BY n.platform, n.account, n.cost_kind, m.month ORDER BY n.day
    ) AS day_number,
    ROW_NUMBER() OVER (
      PARTITION BY n.platform, n.account, n.cost_kind, m.month ORDER BY n.day DESC
    ) AS day_number_back
  FROM int_cycle_days AS n
  JOIN months AS m ON n.day BETWEEN m.first_day AND m.last_day
  WHERE n.is_first
),
uncovered AS (
  -- The first and the last day of a month that no invoice covers, even if they cost nothing: next
  -- to the covered days that run from the month's first on, and up to its last.
  SELECT
    platform, account, cost_kind, month,
    CAST(DATE_ADD(
      first_day, INTERVAL COUNTIF(DATE_DIFF(day, first_day, DAY) = day_number - 1) DAY
    ) AS DATE) AS first_day,
    CAST(DATE_SUB(
      last_day, INTERVAL COUNTIF(DATE_DIFF(last_day, day, DAY) = day_number_back - 1) DAY
    ) AS DATE) AS last_day
  FROM covered AS c
  GROUP BY platform, account, cost_kind, month, c.first_day, c.last_day
),
assigned AS (
  -- Of each cycle what it was given to share or to bear alone: int_cycle_days has the rule.
  SELECT
    c.platform,
    c.account AS cost_account,
    c.cost_kind,
    n.platform IS NOT NULL AS is_invoiced,
    IF(n.platform IS NULL, c.account, COALESCE(n.billing_account_id, '')) AS account,
    COALESCE(n.period_from, u.first_day, m.first_day) AS period_from,
    COALESCE(n.period_to, u.last_day, m.last_day) AS period_to,
    COALESCE(n.weight, 1) AS weight,
    SUM(c.reported_usd) AS reported_usd,
    SUM(c.code_execution_usd) AS code_execution_usd,
    SUM(c.facts_usd) AS facts_usd,
    SUM(c.provisional_usd) AS provisional_usd,
    SUM(c.unallocated_usd) AS unallocated_usd,
    SUM(c.open_lines) AS open_lines,
    SUM(c.priority_tokens) AS priority_tokens,
    SUM(c.priority_list_usd) AS priority_list_usd,
    SUM(c.priority_unpriced_tokens) AS unpriced_tokens
  FROM int_reconciliation_daily AS c
  LEFT JOIN int_cycle_days AS n
    ON n.platform = c.platform AND n.account = c.account
    AND n.cost_kind = c.cost_kind AND n.day = c.day
  LEFT JOIN uncovered AS u
    ON u.platform = c.platform AND u.account = c.account AND u.cost_kind = c.cost_kind
    AND u.month = CAST(DATE_TRUNC(c.day, MONTH) AS DATE)
  LEFT JOIN months AS m ON m.month = CAST(DATE_TRUNC(c.day, MONTH) AS DATE)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
measured AS (
  -- A row for each sum of money, so that one expression splits them all.
  SELECT
    a.*,
    measure,
    CASE measure
      WHEN 'reported' THEN a.reported_usd
      WHEN 'code execution' THEN a.code_execution_usd
      WHEN 'facts' THEN a.facts_usd
      WHEN 'provisional' THEN a.provisional_usd
      ELSE a.unallocated_usd
    END AS amount,
    CAST(SUM(weight) OVER (
      PARTITION BY platform, cost_account, cost_kind, is_invoiced, period_from, period_to, measure
    ) AS NUMERIC) AS weight_total,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cost_account, cost_kind, is_invoiced, period_from, period_to, measure
      ORDER BY weight DESC, account
    ) AS share_number
  FROM assigned AS a
  CROSS JOIN UNNEST(['reported', 'code execution', 'facts', 'provisional', 'unallocated'])
    AS measure
),
truncated AS (
  SELECT *, truncated_share(CAST(amount AS NUMERIC), weight, weight_total) AS share
  FROM measured
),
split AS (
  -- What truncation left goes to the account that is billed most, and so does what is no money.
  SELECT
    platform, account, period_from, period_to, is_invoiced, cost_kind, measure, open_lines,
    share + IF(share_number = 1, amount - SUM(share) OVER (
      PARTITION BY platform, cost_account, cost_kind, is_invoiced, period_from, period_to, measure
    ), NUMERIC '0') AS amount,
    share_number = 1 AND measure = 'facts' AS has_tokens,
    priority_tokens, priority_list_usd, unpriced_tokens
  FROM truncated
)
SELECT
  platform, account, period_from, period_to, is_invoiced,
  CAST(SUM(IF(measure = 'reported' AND cost_kind = 'usage', amount, NUMERIC '0')) AS NUMERIC)
    AS reported_usage_usd,
  CAST(SUM(IF(measure = 'reported' AND cost_kind = 'seat', amount, NUMERIC '0')) AS NUMERIC)
    AS reported_seats_usd,
  CAST(SUM(IF(measure = 'reported' AND cost_kind = 'other', amount, NUMERIC '0')) AS NUMERIC)
    AS reported_other_usd,
  CAST(SUM(IF(measure = 'reported', amount, NUMERIC '0')) AS NUMERIC) AS reported_usd,
  CAST(SUM(IF(measure = 'code execution', amount, NUMERIC '0')) AS NUMERIC) AS code_execution_usd,
  CAST(SUM(IF(measure = 'facts' AND cost_kind = 'usage', amount, NUMERIC '0')) AS NUMERIC)
    AS facts_usage_usd,
  CAST(SUM(IF(measure = 'facts' AND cost_kind = 'seat', amount, NUMERIC '0')) AS NUMERIC)
    AS facts_seats_usd,
  CAST(SUM(IF(measure = 'facts' AND cost_kind = 'other', amount, NUMERIC '0')) AS NUMERIC)
    AS facts_other_usd,
  CAST(SUM(IF(measure = 'facts', amount, NUMERIC '0')) AS NUMERIC) AS facts_usd,
  CAST(SUM(IF(measure = 'provisional', amount, NUMERIC '0')) AS NUMERIC) AS provisional_usd,
  CAST(SUM(IF(measure = 'unallocated', amount, NUMERIC '0')) AS NUMERIC) AS unallocated_usd,
  CAST(MAX(open_lines) AS INT64) AS open_lines,
  CAST(SUM(IF(has_tokens, priority_tokens, 0)) AS INT64) AS priority_tokens,
  CAST(SUM(IF(has_tokens, priority_list_usd, NULL)) AS NUMERIC) AS priority_list_usd,
  CAST(SUM(IF(has_tokens, unpriced_tokens, 0)) AS INT64) AS priority_unpriced_tokens
FROM split
GROUP BY 1, 2, 3, 4, 5
