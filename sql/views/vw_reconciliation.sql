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
  description="Vendors' reports, facts and invoices side by side: one row a platform, billing account and invoiced cycle, and one a platform, account and month for the cost that no invoice covers. Each dollar is in one row: a cost goes to an invoice that bills its kind (usage or seats), to one of its account before one that names none. Cycles and months that begin in the window, from the first of the month, so many months before as_of, up to as_of.",
  labels=[("months", "24")]
)
AS
WITH reported AS (
  SELECT
    platform,
    COALESCE(billing_account_id, '') AS account,
    event_date AS day,
    CASE
      WHEN cost_type = 'subscription' THEN 'seat'
      WHEN cost_type IN ('one_time', 'tax', 'credit', 'commitment') THEN 'other'
      ELSE 'usage'
    END AS kind,
    SUM(cost_usd) AS reported_usd,
    SUM(IF(cost_type = 'code_execution', cost_usd, NUMERIC '0')) AS code_execution_usd
  FROM raw_ai_events
  WHERE event_date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
    AND cost_usd IS NOT NULL
  GROUP BY 1, 2, 3, 4
),
facts AS (
  -- A usage line carries its workspace where a seat or one-time cost carries the billed account:
  -- vendors' reports name none. The filter on the timestamp only prunes partitions.
  SELECT
    COALESCE(p.platform_code, 'unknown') AS platform,
    IF(c.cost_type IN ('subscription', 'one_time'), COALESCE(c.billing_account_id, ''), '') AS account,
    d.date AS day,
    CASE c.cost_type WHEN 'subscription' THEN 'seat' WHEN 'one_time' THEN 'other' ELSE 'usage' END AS kind,
    SUM(c.total_cost_usd) AS facts_usd,
    SUM(IF(c.is_provisional, c.total_cost_usd, NUMERIC '0')) AS provisional_usd,
    COUNTIF(c.is_provisional AND c.cost_type != 'one_time') AS open_lines,
    SUM(IF(c.allocation_method = 'unallocated', c.total_cost_usd, NUMERIC '0')) AS unallocated_usd
  FROM fact_ai_costs AS c
  JOIN dim_dates AS d ON d.date_sk = c.date_sk
  LEFT JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
  WHERE c.cost_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND c.cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
    AND d.date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
  GROUP BY 1, 2, 3, 4
),
priority_events AS (
  SELECT
    event_id,
    platform,
    event_date,
    COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0) + COALESCE(cached_input_tokens, 0) + COALESCE(cache_read_tokens, 0) AS tokens
  FROM raw_ai_events
  WHERE event_date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
    AND event_type = 'usage'
    AND service_tier = 'priority'
),
priority_tier AS (
  SELECT
    e.platform,
    e.event_date AS day,
    SUM(e.tokens) AS tokens,
    SUM(u.list_cost_usd) AS list_usd,
    SUM(IF(u.list_cost_usd IS NULL, e.tokens, 0)) AS unpriced_tokens
  FROM priority_events AS e
  LEFT JOIN (
    SELECT event_id, list_cost_usd
    FROM fact_ai_usage
    WHERE event_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
      AND event_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
  ) AS u ON u.event_id = e.event_id
  GROUP BY 1, 2
),
stacked AS (
  SELECT
    platform, account, day, kind,
    reported_usd,
    code_execution_usd,
    CAST(NULL AS NUMERIC) AS facts_usd,
    CAST(NULL AS NUMERIC) AS provisional_usd,
    CAST(NULL AS INT64) AS open_lines,
    CAST(NULL AS NUMERIC) AS unallocated_usd,
    CAST(NULL AS INT64) AS priority_tokens,
    CAST(NULL AS NUMERIC) AS priority_list_usd,
    CAST(NULL AS INT64) AS unpriced_tokens
  FROM reported
  UNION ALL
  SELECT
    platform, account, day, kind,
    NULL, NULL, facts_usd, provisional_usd, CAST(open_lines AS INT64), unallocated_usd, NULL, NULL, NULL
  FROM facts
  UNION ALL
  SELECT
    platform, '', day, 'usage',
    NULL, NULL, NULL, NULL, NULL, NULL, CAST(tokens AS INT64), list_usd, CAST(unpriced_tokens AS INT64)
  FROM priority_tier
),
costs AS (
  SELECT
    platform,
    account,
    day,
    kind,
    COALESCE(SUM(reported_usd), NUMERIC '0') AS reported_usd,
    COALESCE(SUM(code_execution_usd), NUMERIC '0') AS code_execution_usd,
    COALESCE(SUM(facts_usd), NUMERIC '0') AS facts_usd,
    COALESCE(SUM(provisional_usd), NUMERIC '0') AS provisional_usd,
    COALESCE(SUM(open_lines), 0) AS open_lines,
    COALESCE(SUM(unallocated_usd), NUMERIC '0') AS unallocated_usd,
    COALESCE(SUM(priority_tokens), 0) AS priority_tokens,
    SUM(priority_list_usd) AS priority_list_usd,
    COALESCE(SUM(unpriced_tokens), 0) AS unpriced_tokens
  FROM stacked
  GROUP BY 1, 2, 3, 4
),
cycles AS (
  -- Invoices of one cycle belong together: one may bill its seats, another its usage.
  SELECT
    i.platform,
    COALESCE(i.billing_account_id, '') AS account,
    i.period_from,
    i.period_to,
    STRING_AGG(DISTINCT i.invoice_id, ', ' ORDER BY i.invoice_id) AS invoice_ids,
    LOGICAL_OR(i.line_kind = 'usage') AS bills_usage,
    LOGICAL_OR(i.line_kind = 'seat') AS bills_seats,
    SUM(IF(i.line_kind = 'usage', i.amount_usd, NUMERIC '0')) AS usage_usd,
    SUM(IF(i.line_kind = 'seat', i.amount_usd, NUMERIC '0')) AS seats_usd,
    SUM(IF(i.line_kind = 'tax', i.amount_usd, NUMERIC '0')) AS tax_usd,
    SUM(IF(i.line_kind = 'credit', i.amount_usd, NUMERIC '0')) AS credit_usd,
    SUM(IF(i.line_kind = 'commitment', i.amount_usd, NUMERIC '0')) AS commitment_usd,
    SUM(i.amount_usd) AS total_usd
  FROM raw_invoices AS i
  GROUP BY 1, 2, 3, 4
),
uncovered AS (
  -- Of each account, kind and month the days that no invoice covers, even if they cost nothing.
  SELECT
    a.platform,
    a.account,
    a.kind,
    d.month,
    MIN(d.date) AS first_day,
    MAX(d.date) AS last_day
  FROM (SELECT DISTINCT platform, account, kind FROM costs) AS a
  CROSS JOIN (
    SELECT date, month
    FROM dim_dates
    WHERE date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND LAST_DAY(@as_of)
  ) AS d
  LEFT JOIN int_cycle_days AS n
    ON n.platform = a.platform AND n.account = a.account AND n.cost_kind = a.kind AND n.day = d.date
  WHERE n.platform IS NULL
  GROUP BY 1, 2, 3, 4
),
placed AS (
  -- Of each cycle what it was given to share or to bear alone: int_cycle_days has the rule.
  SELECT
    c.platform,
    c.account AS cost_account,
    c.kind,
    n.platform IS NOT NULL AS is_invoiced,
    IF(n.platform IS NULL, c.account, COALESCE(n.billing_account_id, '')) AS account,
    COALESCE(n.period_from, u.first_day) AS period_from,
    COALESCE(n.period_to, u.last_day) AS period_to,
    COALESCE(n.weight, 1) AS weight,
    SUM(c.reported_usd) AS reported_usd,
    SUM(c.code_execution_usd) AS code_execution_usd,
    SUM(c.facts_usd) AS facts_usd,
    SUM(c.provisional_usd) AS provisional_usd,
    SUM(c.unallocated_usd) AS unallocated_usd,
    SUM(c.open_lines) AS open_lines,
    SUM(c.priority_tokens) AS priority_tokens,
    SUM(c.priority_list_usd) AS priority_list_usd,
    SUM(c.unpriced_tokens) AS unpriced_tokens
  FROM costs AS c
  LEFT JOIN int_cycle_days AS n
    ON n.platform = c.platform AND n.account = c.account AND n.cost_kind = c.kind AND n.day = c.day
  LEFT JOIN uncovered AS u
    ON u.platform = c.platform AND u.account = c.account AND u.kind = c.kind
    AND n.platform IS NULL
    AND u.month = CAST(DATE_TRUNC(c.day, MONTH) AS DATE)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
measured AS (
  -- A row for each sum of money, so that one expression splits them all.
  SELECT
    p.*,
    measure,
    CASE measure
      WHEN 'reported' THEN p.reported_usd
      WHEN 'code execution' THEN p.code_execution_usd
      WHEN 'facts' THEN p.facts_usd
      WHEN 'provisional' THEN p.provisional_usd
      ELSE p.unallocated_usd
    END AS amount
  FROM placed AS p
  CROSS JOIN UNNEST(['reported', 'code execution', 'facts', 'provisional', 'unallocated']) AS measure
),
scaled AS (
  SELECT
    *,
    CAST(ABS(amount) * weight * 1000000 AS NUMERIC) AS x,
    CAST(SUM(weight) OVER (PARTITION BY platform, cost_account, kind, is_invoiced, period_from, period_to, measure) AS NUMERIC) AS w_total,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cost_account, kind, is_invoiced, period_from, period_to, measure
      ORDER BY weight DESC, account
    ) AS place
  FROM measured
),
truncated AS (
  -- Whole micro-dollars: with the remainder gone before it, the division is exact on every engine.
  SELECT
    *,
    CAST(SIGN(amount) AS INT64) * CAST(ROUND((x - MOD(x, w_total)) / w_total) AS INT64) * NUMERIC '0.000001' AS share
  FROM scaled
),
split AS (
  -- What truncation left goes to the account that is billed most, and so does what is no money.
  SELECT
    platform, account, period_from, period_to, is_invoiced, kind, measure, open_lines,
    share + IF(
      place = 1,
      amount - SUM(share) OVER (PARTITION BY platform, cost_account, kind, is_invoiced, period_from, period_to, measure),
      NUMERIC '0'
    ) AS amount,
    IF(place = 1 AND measure = 'facts', priority_tokens, 0) AS priority_tokens,
    IF(place = 1 AND measure = 'facts', priority_list_usd, NULL) AS priority_list_usd,
    IF(place = 1 AND measure = 'facts', unpriced_tokens, 0) AS unpriced_tokens
  FROM truncated
),
summed AS (
  SELECT
    platform,
    account,
    period_from,
    period_to,
    is_invoiced,
    SUM(IF(measure = 'reported' AND kind = 'usage', amount, NUMERIC '0')) AS reported_usage_usd,
    SUM(IF(measure = 'reported' AND kind = 'seat', amount, NUMERIC '0')) AS reported_seats_usd,
    SUM(IF(measure = 'reported' AND kind = 'other', amount, NUMERIC '0')) AS reported_other_usd,
    SUM(IF(measure = 'reported', amount, NUMERIC '0')) AS reported_usd,
    SUM(IF(measure = 'code execution', amount, NUMERIC '0')) AS code_execution_usd,
    SUM(IF(measure = 'facts' AND kind = 'usage', amount, NUMERIC '0')) AS facts_usage_usd,
    SUM(IF(measure = 'facts' AND kind = 'seat', amount, NUMERIC '0')) AS facts_seats_usd,
    SUM(IF(measure = 'facts' AND kind = 'other', amount, NUMERIC '0')) AS facts_other_usd,
    SUM(IF(measure = 'facts', amount, NUMERIC '0')) AS facts_usd,
    SUM(IF(measure = 'provisional', amount, NUMERIC '0')) AS provisional_usd,
    SUM(IF(measure = 'unallocated', amount, NUMERIC '0')) AS unallocated_usd,
    MAX(open_lines) AS open_lines,
    SUM(priority_tokens) AS priority_tokens,
    SUM(priority_list_usd) AS priority_list_usd,
    SUM(unpriced_tokens) AS unpriced_tokens
  FROM split
  GROUP BY 1, 2, 3, 4, 5
),
loaded AS (
  SELECT
    y.platform,
    y.account,
    y.period_from,
    y.period_to,
    COUNT(DISTINCT IF(l.cost_kind = 'usage', l.day, NULL)) AS usage_days,
    COUNT(DISTINCT IF(l.cost_kind = 'seat', l.day, NULL)) AS seat_days,
    LOGICAL_OR(l.is_provisional AND IF(l.cost_kind = 'usage', y.bills_usage, y.bills_seats)) AS has_provisional
  FROM cycles AS y
  JOIN loaded_days AS l
    ON l.day BETWEEN y.period_from AND y.period_to
    AND ((l.platform = y.platform AND l.cost_kind = 'usage') OR (l.platform = '*' AND l.cost_kind = 'seat'))
  WHERE l.day >= CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND l.day < @as_of
  GROUP BY 1, 2, 3, 4
),
shown AS (
  -- What was not loaded cannot be disputed: each past day of what the invoices bill must have been.
  SELECT
    y.* EXCEPT (past_days),
    TRUE AS is_invoiced,
    COALESCE(l.has_provisional, FALSE) AS has_provisional,
    (y.bills_usage AND COALESCE(l.usage_days, 0) < y.past_days)
    OR ((y.bills_seats OR NOT y.bills_usage) AND COALESCE(l.seat_days, 0) < y.past_days) AS lacks_days
  FROM (
    SELECT *, DATE_DIFF(LEAST(CAST(DATE_ADD(period_to, INTERVAL 1 DAY) AS DATE), @as_of), period_from, DAY) AS past_days
    FROM cycles
  ) AS y
  LEFT JOIN loaded AS l
    ON l.platform = y.platform AND l.account = y.account
    AND l.period_from = y.period_from AND l.period_to = y.period_to
  WHERE y.period_from BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
),
met AS (
  -- Both sides have one row a cycle. A cycle without any cost stays, and so does cost without an
  -- invoice, which may be of the same days as an invoice over something else.
  SELECT
    COALESCE(y.platform, s.platform) AS platform,
    NULLIF(COALESCE(y.account, s.account), '') AS account,
    COALESCE(y.period_from, s.period_from) AS period_from,
    COALESCE(y.period_to, s.period_to) AS period_to,
    y.invoice_ids,
    CASE
      WHEN y.invoice_ids IS NULL THEN 'not invoiced'
      WHEN y.bills_usage AND y.bills_seats THEN 'usage and seats'
      WHEN y.bills_usage THEN 'usage'
      WHEN y.bills_seats THEN 'seats'
      ELSE 'other lines only'
    END AS covers,
    y.usage_usd,
    y.seats_usd,
    y.usage_usd + y.seats_usd AS invoiced_usd,
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
    COALESCE(s.open_lines, 0) > 0 OR COALESCE(y.has_provisional, FALSE) AS is_open,
    COALESCE(y.lacks_days, FALSE) AS lacks_days,
    COALESCE(s.unallocated_usd, NUMERIC '0') AS unallocated_usd,
    COALESCE(s.priority_tokens, 0) AS priority_tokens,
    s.priority_list_usd,
    COALESCE(s.unpriced_tokens, 0) AS unpriced_tokens
  FROM summed AS s
  FULL OUTER JOIN shown AS y
    ON y.platform = s.platform AND y.account = s.account
    AND y.period_from = s.period_from AND y.period_to = s.period_to
    AND y.is_invoiced = s.is_invoiced
),
compared AS (
  SELECT
    m.*,
    -- Usage and seats are each summed, then rounded.
    ROUND(m.usage_usd, 2) + ROUND(m.seats_usd, 2)
    - ROUND(m.facts_usage_usd, 2) - ROUND(m.facts_seats_usd, 2) AS difference_usd,
    m.period_to >= @as_of AS is_partial
  FROM met AS m
  WHERE m.period_from >= CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE)
)
SELECT
  platform AS platform_code,
  account AS billing_account_id,
  period_from,
  period_to,
  invoice_ids,
  covers,
  CAST(reported_usage_usd AS NUMERIC) AS reported_usage_usd,
  CAST(reported_seats_usd AS NUMERIC) AS reported_seats_usd,
  CAST(reported_other_usd AS NUMERIC) AS reported_other_usd,
  CAST(reported_usd AS NUMERIC) AS reported_usd,
  CAST(facts_usage_usd AS NUMERIC) AS facts_usage_usd,
  CAST(facts_seats_usd AS NUMERIC) AS facts_seats_usd,
  CAST(facts_other_usd AS NUMERIC) AS facts_other_usd,
  CAST(facts_usd AS NUMERIC) AS facts_usd,
  CAST(reported_usd - facts_usd AS NUMERIC) AS facts_difference_usd,
  CAST(usage_usd AS NUMERIC) AS invoiced_usage_usd,
  CAST(seats_usd AS NUMERIC) AS invoiced_seats_usd,
  CAST(invoiced_usd AS NUMERIC) AS invoiced_usd,
  CAST(tax_usd AS NUMERIC) AS invoiced_tax_usd,
  CAST(credit_usd AS NUMERIC) AS invoiced_credit_usd,
  CAST(commitment_usd AS NUMERIC) AS invoiced_commitment_usd,
  CAST(total_usd AS NUMERIC) AS invoice_total_usd,
  CAST(difference_usd AS NUMERIC) AS difference_usd,
  CAST(tax_usd + credit_usd + commitment_usd - facts_other_usd AS NUMERIC) AS other_difference_usd,
  CASE
    WHEN invoice_ids IS NULL OR is_partial OR is_open OR lacks_days THEN 'pending'
    WHEN difference_usd = 0 THEN 'reconciled'
    ELSE 'disputed'
  END AS reconciliation_status,
  is_partial,
  CAST(priority_tokens AS INT64) AS priority_tier_tokens,
  CAST(priority_list_usd AS NUMERIC) AS priority_tier_list_usd,
  CAST(unpriced_tokens AS INT64) AS priority_tier_unpriced_tokens,
  CAST(code_execution_usd AS NUMERIC) AS code_execution_usd,
  CAST(provisional_usd AS NUMERIC) AS provisional_usd,
  CAST(unallocated_usd AS NUMERIC) AS unallocated_usd,
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
