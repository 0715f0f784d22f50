CREATE VIEW vw_cost_allocation_detailed (
  month OPTIONS(description="First day of the UTC month in which the cost arose."),
  department OPTIONS(description="Department as it was on the cost's day. Unassigned if the person had none; Unattributed and Shared for cost that no person bears."),
  cost_center OPTIONS(description="Cost centre of the cost: the key mapping's where it has one, else the person's on that day. Unassigned if there is none."),
  user_email OPTIONS(description="Person who bears the cost; Unattributed where nobody could be named, Shared for team and service keys and for seats that nobody holds."),
  platform_name OPTIONS(description="Product, named as in dim_platforms."),
  base_cost OPTIONS(description="Cost other than overage, US dollars."),
  overage_cost OPTIONS(description="Cost beyond the subscription, US dollars."),
  total_cost OPTIONS(description="base_cost + overage_cost, US dollars. Sums to every dollar of fact_ai_costs in the window."),
  allocated_cost OPTIONS(description="The part of total_cost that a person bears, US dollars: 0 for Unattributed and Shared."),
  avg_allocation_confidence OPTIONS(description="How sure it is who bears the cost, 0 to 1: the mean over the row's dollars; over its cost lines if the dollars are 0."),
  avg_cost_confidence OPTIONS(description="How final the amounts are, 0 to 1: the mean over the row's dollars; over its cost lines if the dollars are 0."),
  billable_tokens OPTIONS(description="Tokens that cost lines of their own class were billed for. NULL where no line names a class."),
  billable_requests OPTIONS(description="Requests that were billed one by one: overage requests, web searches. NULL where there are none."),
  budget_allocated OPTIONS(description="The row's share of the person's budget of the month, US dollars: by the row's cost among the person's rows of the month, equal parts if all are 0. The person's rows sum to the budget. NULL without a budget."),
  over_budget_amount OPTIONS(description="The row's share, by the same weights, of what the person spent above the budget of the month, US dollars. NULL without a budget."),
  reconciled_cost OPTIONS(description="Cost whose invoice agrees, US dollars."),
  pending_cost OPTIONS(description="Cost whose invoice has not come, US dollars."),
  disputed_cost OPTIONS(description="Cost whose invoice differs, US dollars."),
  cost_per_1k_tokens OPTIONS(description="US dollars for 1,000 billable tokens, over the cost lines that have billable tokens."),
  cost_per_request OPTIONS(description="US dollars for one billable request, over the cost lines that have billable requests."),
  allocation_rate OPTIONS(description="allocated_cost / total_cost."),
  budget_variance_pct OPTIONS(description="(total_cost - budget_allocated) / budget_allocated, as a fraction: 0.1 is 10 % above."),
  budget_status OPTIONS(description="The person's month over all platforms against the budget: Over Budget above 110 %, Near Budget above 90 %, else Under Budget; No Budget where there is none. The same on all rows of person and month."),
  data_quality_tier OPTIONS(description="High Confidence if both confidences are at least 0.9, Medium Confidence if at least 0.7, else Low Confidence."),
  reconciliation_rate OPTIONS(description="reconciled_cost / total_cost."),
  dispute_rate OPTIONS(description="disputed_cost / total_cost."),
  prev_month_cost OPTIONS(description="The person's cost on this platform in the month before, all departments and cost centres together, US dollars. Repeated on each row of person, platform and month: never sum it. 0 if there was none; NULL where the month before lies before the window, or is not loaded as this one is: growth_note says why."),
  cost_growth_mom OPTIONS(description="Growth of the person's cost on this platform over prev_month_cost, all departments and cost centres together, as a fraction. NULL if that was 0 or is unknown. In a running month it sets a part of a month against a whole one: see is_partial."),
  is_partial OPTIONS(description="True for the running month, which holds only the days so far, and for a month with days of the platform that are not loaded, as the one in which it was connected."),
  platform_code OPTIONS(description="Vendor's code, as in the vendor's reports and invoices."),
  full_name OPTIONS(description="The person's name today."),
  team OPTIONS(description="Team that the person held last among the days of this row, as it was."),
  current_department OPTIONS(description="The person's department today; the row's own for Unattributed and Shared."),
  current_team OPTIONS(description="The person's team today; the row's own for Unattributed and Shared."),
  current_cost_center OPTIONS(description="The person's cost centre today; the row's own for Unattributed and Shared."),
  subscription_cost OPTIONS(description="Part of base_cost that is seats, US dollars."),
  usage_cost OPTIONS(description="Part of base_cost that is metered usage, US dollars."),
  one_time_cost OPTIONS(description="Part of base_cost that is one-time, US dollars."),
  provisional_cost OPTIONS(description="Part of total_cost that the vendor may still change, US dollars."),
  person_month_cost OPTIONS(description="The person's cost of the month over all platforms, US dollars. The same on all rows of person and month: never sum it."),
  person_month_budget OPTIONS(description="The person's budget of the month, US dollars. The same on all rows of person and month: never sum it. NULL without a budget."),
  unknown_charge_records OPTIONS(description="Records of the month, all people and platforms together, that bill, or may bill, an amount that is not known: they are in no cost. The same on all rows of the month: never sum it."),
  loaded_days OPTIONS(description="Days of the month up to as_of for which every endpoint of the platform has answered. The same on all rows of month and platform: never sum it."),
  growth_note OPTIONS(description="Why there is no growth over the month before: days of the platform that are not loaded in the one or the other, or an endpoint that is loaded in one of them alone. NULL where the months can be compared, and in the first.")
)
OPTIONS(
  description="Cost by month, department, cost centre, person and product (platform_code, platform_name): one row each, organisation as it was on the day of the cost. Every dollar of fact_ai_costs from the first of the month, so many months before as_of, up to as_of is in exactly one row.",
  labels=[("months", "12")]
)
AS
WITH invoiced AS (
  -- Judged as of now, not as the facts were: an invoice that comes after a month's close is told of
  -- here, while the rows of the closed month stand still.
  SELECT d.platform, d.account, d.cost_kind, d.day, r.reconciliation_status
  FROM invoice_days AS d
  JOIN invoice_reconciliation AS r
    ON r.platform = d.platform AND r.invoice_id = d.invoice_id
    AND r.period_from = d.period_from AND r.period_to = d.period_to
  WHERE d.is_first
),
costs AS (
  -- The facts shrink to versions of people before anything is joined to them. The month comes from
  -- date_sk, which no session's time zone can move; the filter on the timestamp only prunes
  -- partitions and has a day of slack on both sides.
  SELECT
    d.month,
    c.user_sk,
    c.cost_center_sk,
    c.platform_sk,
    MAX(c.date_sk) AS last_date_sk,
    COUNT(*) AS cost_lines,
    SUM(c.base_cost_usd) AS base_cost,
    SUM(c.overage_cost_usd) AS overage_cost,
    SUM(c.total_cost_usd) AS total_cost,
    SUM(c.allocated_cost_usd) AS allocated_cost,
    SUM(ABS(c.total_cost_usd)) AS dollars,
    -- Confidences are counted in whole millionths: sums of floats differ in their last digits, and
    -- 0.9 must not fall out of its tier by one.
    SUM(CAST(CAST(c.allocation_confidence AS NUMERIC) * 1000000 AS INT64)) AS allocation_ppm,
    SUM(CAST(CAST(c.cost_confidence AS NUMERIC) * 1000000 AS INT64)) AS cost_ppm,
    SUM(ABS(c.total_cost_usd) * CAST(CAST(c.allocation_confidence AS NUMERIC) * 1000000 AS INT64)) AS allocation_dollar_ppm,
    SUM(ABS(c.total_cost_usd) * CAST(CAST(c.cost_confidence AS NUMERIC) * 1000000 AS INT64)) AS cost_dollar_ppm,
    SUM(c.billable_tokens) AS billable_tokens,
    SUM(IF(c.billable_tokens IS NOT NULL, c.total_cost_usd, NUMERIC '0')) AS token_cost,
    SUM(c.billable_requests) AS billable_requests,
    SUM(IF(c.billable_requests IS NOT NULL, c.total_cost_usd, NUMERIC '0')) AS request_cost,
    MAX(c.budget_allocated_usd) AS budget,
    SUM(IF(i.reconciliation_status = 'reconciled', c.total_cost_usd, NUMERIC '0')) AS reconciled_cost,
    SUM(IF(COALESCE(i.reconciliation_status, 'pending') = 'pending', c.total_cost_usd, NUMERIC '0')) AS pending_cost,
    SUM(IF(i.reconciliation_status = 'disputed', c.total_cost_usd, NUMERIC '0')) AS disputed_cost,
    SUM(IF(c.cost_type = 'subscription', c.base_cost_usd, NUMERIC '0')) AS subscription_cost,
    SUM(IF(c.cost_type = 'usage', c.base_cost_usd, NUMERIC '0')) AS usage_cost,
    SUM(IF(c.cost_type = 'one_time', c.base_cost_usd, NUMERIC '0')) AS one_time_cost,
    SUM(IF(c.is_provisional, c.total_cost_usd, NUMERIC '0')) AS provisional_cost
  FROM fact_ai_costs AS c
  JOIN dim_dates AS d ON d.date_sk = c.date_sk
  LEFT JOIN dim_platforms AS v ON v.platform_sk = c.platform_sk
  -- A usage line carries its workspace where a seat or one-time cost carries the billed account.
  LEFT JOIN invoiced AS i
    ON i.platform = v.platform_code AND i.day = d.date
    AND i.account = IF(c.cost_type IN ('subscription', 'one_time'), COALESCE(c.billing_account_id, ''), '')
    AND i.cost_kind = CASE c.cost_type WHEN 'subscription' THEN 'seat' WHEN 'one_time' THEN 'other' ELSE 'usage' END
  WHERE c.cost_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND c.cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
    AND d.date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
  GROUP BY 1, 2, 3, 4
),
people AS (
  -- One row a version, as the facts refer to it, with what the person is today beside it.
  SELECT
    user_sk,
    CASE user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE user_email END AS person,
    CASE user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE COALESCE(department, 'Unassigned') END AS department,
    CASE user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE COALESCE(team, 'Unassigned') END AS team,
    user_sk NOT IN (0, -1) AS is_person,
    FIRST_VALUE(full_name) OVER (PARTITION BY user_email ORDER BY effective_date DESC, user_sk) AS full_name,
    FIRST_VALUE(department) OVER (PARTITION BY user_email ORDER BY effective_date DESC, user_sk) AS current_department,
    FIRST_VALUE(team) OVER (PARTITION BY user_email ORDER BY effective_date DESC, user_sk) AS current_team,
    FIRST_VALUE(cost_center) OVER (PARTITION BY user_email ORDER BY effective_date DESC, user_sk) AS current_cost_center
  FROM dim_users
),
named AS (
  -- Left joins: a key that a dimension lacks is the checks' business, its dollars stay here.
  SELECT
    c.*,
    COALESCE(p.person, 'Unattributed') AS person,
    COALESCE(p.department, 'Unattributed') AS department,
    COALESCE(p.team, 'Unattributed') AS team,
    COALESCE(p.is_person, FALSE) AS is_person,
    p.full_name,
    p.current_department,
    p.current_team,
    p.current_cost_center,
    IF(c.cost_center_sk = 0, 'Unassigned', COALESCE(cc.cost_center, 'Unassigned')) AS cost_center,
    COALESCE(pl.platform_code, 'unknown') AS platform_code,
    COALESCE(pl.platform_name, 'Unknown') AS platform_name
  FROM costs AS c
  LEFT JOIN people AS p ON p.user_sk = c.user_sk
  LEFT JOIN dim_cost_centers AS cc ON cc.cost_center_sk = c.cost_center_sk
  LEFT JOIN dim_platforms AS pl ON pl.platform_sk = c.platform_sk
),
dated AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY month, department, cost_center, person, platform_code, platform_name
      ORDER BY last_date_sk DESC, user_sk
    ) AS recency
  FROM named
),
grain AS (
  SELECT
    month,
    department,
    cost_center,
    person,
    platform_code,
    platform_name,
    LOGICAL_OR(is_person) AS is_person,
    MAX(full_name) AS full_name,
    MAX(IF(recency = 1, team, NULL)) AS team,
    MAX(current_department) AS current_department,
    MAX(current_team) AS current_team,
    MAX(current_cost_center) AS current_cost_center,
    SUM(base_cost) AS base_cost,
    SUM(overage_cost) AS overage_cost,
    SUM(total_cost) AS total_cost,
    SUM(allocated_cost) AS allocated_cost,
    IF(SUM(dollars) = 0, CAST(SUM(allocation_ppm) AS NUMERIC), SUM(allocation_dollar_ppm)) AS allocation_weighed,
    IF(SUM(dollars) = 0, CAST(SUM(cost_ppm) AS NUMERIC), SUM(cost_dollar_ppm)) AS cost_weighed,
    IF(SUM(dollars) = 0, CAST(SUM(cost_lines) AS NUMERIC), SUM(dollars)) AS weight_of_lines,
    SUM(billable_tokens) AS billable_tokens,
    SUM(token_cost) AS token_cost,
    SUM(billable_requests) AS billable_requests,
    SUM(request_cost) AS request_cost,
    MAX(budget) AS budget,
    SUM(reconciled_cost) AS reconciled_cost,
    SUM(pending_cost) AS pending_cost,
    SUM(disputed_cost) AS disputed_cost,
    SUM(subscription_cost) AS subscription_cost,
    SUM(usage_cost) AS usage_cost,
    SUM(one_time_cost) AS one_time_cost,
    SUM(provisional_cost) AS provisional_cost,
    -- What the row weighs in the split of the budget; a credit does not earn a negative budget.
    CAST(GREATEST(SUM(total_cost), NUMERIC '0') * 1000000 AS INT64) AS cost_micros
  FROM dated
  GROUP BY 1, 2, 3, 4, 5, 6
),
persons AS (
  SELECT
    *,
    SUM(total_cost) OVER (PARTITION BY month, person) AS person_cost,
    MAX(budget) OVER (PARTITION BY month, person) AS person_budget,
    SUM(cost_micros) OVER (PARTITION BY month, person) AS person_micros,
    COUNT(*) OVER (PARTITION BY month, person) AS person_rows
  FROM grain
),
weighted AS (
  SELECT
    *,
    GREATEST(person_cost - person_budget, NUMERIC '0') AS person_over,
    IF(person_micros > 0, cost_micros, 1) AS weight,
    IF(person_micros > 0, person_micros, person_rows) AS weight_total,
    ROW_NUMBER() OVER (
      PARTITION BY month, person
      ORDER BY cost_micros DESC, department, cost_center, platform_code, platform_name
    ) AS heaviness
  FROM persons
),
scaled AS (
  SELECT
    *,
    person_budget * weight * 1000000 AS budget_scaled,
    person_over * weight * 1000000 AS over_scaled
  FROM weighted
),
truncated AS (
  -- Whole micro-dollars: with the remainder gone before it, the division is exact on every engine.
  SELECT
    *,
    CAST(ROUND((budget_scaled - MOD(budget_scaled, weight_total)) / weight_total) AS INT64) * NUMERIC '0.000001' AS budget_share,
    CAST(ROUND((over_scaled - MOD(over_scaled, weight_total)) / weight_total) AS INT64) * NUMERIC '0.000001' AS over_share
  FROM scaled
),
shared_out AS (
  -- What truncation left goes to the heaviest row, so that the parts sum to the whole.
  SELECT
    *,
    budget_share + IF(heaviness = 1, person_budget - SUM(budget_share) OVER (PARTITION BY month, person), NUMERIC '0') AS budget_allocated,
    over_share + IF(heaviness = 1, person_over - SUM(over_share) OVER (PARTITION BY month, person), NUMERIC '0') AS over_budget_amount
  FROM truncated
),
platform_months AS (
  SELECT
    month,
    person,
    platform_code,
    platform_name,
    SUM(total_cost) AS platform_cost
  FROM grain
  GROUP BY 1, 2, 3, 4
),
unknown_charges AS (
  SELECT
    CAST(DATE_TRUNC(event_date, MONTH) AS DATE) AS month,
    COUNT(*) AS records
  FROM raw_ai_events
  WHERE event_date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
    AND COALESCE(is_charge_unknown, FALSE)
  GROUP BY 1
),
known_months AS (
  SELECT
    month,
    platform_code,
    LOGICAL_OR(is_partial) AS is_partial,
    LOGICAL_OR(is_comparable) AS is_comparable,
    MAX(loaded_days) AS loaded_days,
    MAX(growth_note) AS growth_note
  FROM vw_loaded_days
  WHERE platform_code != 'all'
    AND date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
  GROUP BY 1, 2
),
lagged AS (
  SELECT
    *,
    LAG(month) OVER (PARTITION BY person, platform_code, platform_name ORDER BY month) AS lag_month,
    LAG(platform_cost) OVER (PARTITION BY person, platform_code, platform_name ORDER BY month) AS lag_cost
  FROM platform_months
),
growth AS (
  -- The row before is not always the month before. A month without a row cost nothing, once it is
  -- loaded.
  SELECT
    l.month,
    l.person,
    l.platform_code,
    l.platform_name,
    l.platform_cost,
    COALESCE(k.is_partial, TRUE) AS is_partial,
    COALESCE(k.loaded_days, 0) AS loaded_days,
    k.growth_note,
    CASE
      WHEN NOT COALESCE(k.is_comparable, FALSE) THEN CAST(NULL AS NUMERIC)
      WHEN l.month = CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) THEN NULL
      WHEN l.lag_month = CAST(DATE_SUB(l.month, INTERVAL 1 MONTH) AS DATE) THEN l.lag_cost
      ELSE NUMERIC '0'
    END AS prev_month_cost
  FROM lagged AS l
  LEFT JOIN known_months AS k ON k.month = l.month AND k.platform_code = l.platform_code
)
SELECT
  s.month,
  s.department,
  s.cost_center,
  s.person AS user_email,
  s.platform_name,
  s.base_cost,
  s.overage_cost,
  s.total_cost,
  s.allocated_cost,
  SAFE_DIVIDE(CAST(s.allocation_weighed AS FLOAT64), CAST(s.weight_of_lines * 1000000 AS FLOAT64)) AS avg_allocation_confidence,
  SAFE_DIVIDE(CAST(s.cost_weighed AS FLOAT64), CAST(s.weight_of_lines * 1000000 AS FLOAT64)) AS avg_cost_confidence,
  CAST(s.billable_tokens AS INT64) AS billable_tokens,
  CAST(s.billable_requests AS INT64) AS billable_requests,
  s.budget_allocated,
  s.over_budget_amount,
  s.reconciled_cost,
  s.pending_cost,
  s.disputed_cost,
  SAFE_DIVIDE(CAST(s.token_cost * 1000 AS FLOAT64), CAST(s.billable_tokens AS FLOAT64)) AS cost_per_1k_tokens,
  SAFE_DIVIDE(CAST(s.request_cost AS FLOAT64), CAST(s.billable_requests AS FLOAT64)) AS cost_per_request,
  SAFE_DIVIDE(CAST(s.allocated_cost AS FLOAT64), CAST(s.total_cost AS FLOAT64)) AS allocation_rate,
  SAFE_DIVIDE(CAST(s.total_cost - s.budget_allocated AS FLOAT64), CAST(s.budget_allocated AS FLOAT64)) AS budget_variance_pct,
  CASE
    WHEN s.person_budget IS NULL THEN 'No Budget'
    WHEN s.person_cost * 10 > s.person_budget * 11 THEN 'Over Budget'
    WHEN s.person_cost * 10 > s.person_budget * 9 THEN 'Near Budget'
    ELSE 'Under Budget'
  END AS budget_status,
  CASE
    WHEN s.allocation_weighed >= s.weight_of_lines * 900000 AND s.cost_weighed >= s.weight_of_lines * 900000 THEN 'High Confidence'
    WHEN s.allocation_weighed >= s.weight_of_lines * 700000 AND s.cost_weighed >= s.weight_of_lines * 700000 THEN 'Medium Confidence'
    ELSE 'Low Confidence'
  END AS data_quality_tier,
  SAFE_DIVIDE(CAST(s.reconciled_cost AS FLOAT64), CAST(s.total_cost AS FLOAT64)) AS reconciliation_rate,
  SAFE_DIVIDE(CAST(s.disputed_cost AS FLOAT64), CAST(s.total_cost AS FLOAT64)) AS dispute_rate,
  g.prev_month_cost,
  SAFE_DIVIDE(CAST(g.platform_cost - g.prev_month_cost AS FLOAT64), CAST(g.prev_month_cost AS FLOAT64)) AS cost_growth_mom,
  g.is_partial,
  s.platform_code,
  IF(s.is_person, COALESCE(s.full_name, s.person), s.person) AS full_name,
  s.team,
  IF(s.is_person, COALESCE(s.current_department, 'Unassigned'), s.department) AS current_department,
  IF(s.is_person, COALESCE(s.current_team, 'Unassigned'), s.team) AS current_team,
  IF(s.is_person, COALESCE(s.current_cost_center, 'Unassigned'), s.cost_center) AS current_cost_center,
  s.subscription_cost,
  s.usage_cost,
  s.one_time_cost,
  s.provisional_cost,
  s.person_cost AS person_month_cost,
  s.person_budget AS person_month_budget,
  COALESCE(x.records, 0) AS unknown_charge_records,
  g.loaded_days,
  g.growth_note
FROM shared_out AS s
JOIN growth AS g
  ON g.month = s.month
  AND g.person = s.person
  AND g.platform_code = s.platform_code
  AND g.platform_name = s.platform_name
LEFT JOIN unknown_charges AS x ON x.month = s.month
