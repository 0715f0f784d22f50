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
  description="Cost by month, department, cost centre, person and product (platform_code, platform_name): one row each, organisation as it was on the day of the cost. Every dollar of fact_ai_costs from the first of the month, {months} months before as_of, up to as_of is in exactly one row.",
  labels=[("months", "12")]
)
AS
WITH numbered AS (
  SELECT
    *,
    -- What the row weighs in the split of the budget; a credit does not earn a negative budget.
    CAST(GREATEST(total_cost, NUMERIC '0') * 1000000 AS INT64) AS cost_micros,
    EXTRACT(YEAR FROM month) * 12 + EXTRACT(MONTH FROM month) AS month_number
  FROM int_costs_monthly
  WHERE month >= @window_start
),
persons AS (
  SELECT
    *,
    SUM(total_cost) OVER person_month AS person_cost,
    SUM(cost_micros) OVER person_month AS person_micros,
    MAX(person_budget) OVER person_month AS month_budget,
    COUNT(*) OVER person_month AS person_rows,
    ROW_NUMBER() OVER (
      person_month
      ORDER BY cost_micros DESC, department, cost_center, platform_code, platform_name
    ) AS budget_share_rank,
    SUM(total_cost) OVER (months_of_platform RANGE BETWEEN CURRENT ROW AND CURRENT ROW)
      AS platform_cost,
    -- The calendar month before, not the row before; a month without a row cost nothing.
    COALESCE(
      SUM(total_cost) OVER (months_of_platform RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING),
      NUMERIC '0'
    ) AS month_before_cost
  FROM numbered
  WINDOW
    person_month AS (PARTITION BY month, person),
    months_of_platform AS (
      PARTITION BY person, platform_code, platform_name ORDER BY month_number
    )
),
weighted AS (
  SELECT
    *,
    GREATEST(person_cost - month_budget, NUMERIC '0') AS person_over,
    IF(person_micros > 0, cost_micros, 1) AS share_weight,
    IF(person_micros > 0, person_micros, person_rows) AS share_total
  FROM persons
),
truncated AS (
  SELECT
    *,
    truncated_share(month_budget, share_weight, share_total) AS budget_share,
    IF(
      person_over = 0, NUMERIC '0', truncated_share(person_over, share_weight, share_total)
    ) AS over_share
  FROM weighted
),
shared_out AS (
  -- What truncation left goes to the row with the most cost, so that the parts sum to the whole.
  SELECT
    *,
    budget_share + IF(
      budget_share_rank = 1,
      month_budget - SUM(budget_share) OVER (PARTITION BY month, person), NUMERIC '0'
    ) AS budget_allocated,
    over_share + IF(
      budget_share_rank = 1,
      person_over - SUM(over_share) OVER (PARTITION BY month, person), NUMERIC '0'
    ) AS over_budget_amount
  FROM truncated
),
known_months AS (
  SELECT
    month, platform_code,
    LOGICAL_OR(is_partial) AS is_partial,
    LOGICAL_OR(is_comparable) AS is_comparable,
    MAX(loaded_days) AS loaded_days,
    MAX(growth_note) AS growth_note
  FROM vw_loaded_days
  WHERE platform_code != 'all' AND date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2
),
compared AS (
  SELECT
    s.*,
    COALESCE(k.is_partial, TRUE) AS is_partial,
    COALESCE(k.loaded_days, 0) AS loaded_days,
    k.growth_note,
    IF(k.is_comparable AND s.month > @window_start, s.month_before_cost, NULL) AS prev_month_cost
  FROM shared_out AS s
  LEFT JOIN known_months AS k ON k.month = s.month AND k.platform_code = s.platform_code
)
SELECT
  s.month, s.department, s.cost_center, s.person AS user_email, s.platform_name,
  s.base_cost, s.overage_cost, s.total_cost, s.allocated_cost,
  SAFE_DIVIDE(CAST(s.allocation_weighed AS FLOAT64), CAST(s.weight * 1000000 AS FLOAT64))
    AS avg_allocation_confidence,
  SAFE_DIVIDE(CAST(s.cost_weighed AS FLOAT64), CAST(s.weight * 1000000 AS FLOAT64))
    AS avg_cost_confidence,
  s.billable_tokens, s.billable_requests, s.budget_allocated, s.over_budget_amount,
  s.reconciled_cost, s.pending_cost, s.disputed_cost,
  SAFE_DIVIDE(CAST(s.token_cost * 1000 AS FLOAT64), CAST(s.billable_tokens AS FLOAT64))
    AS cost_per_1k_tokens,
  SAFE_DIVIDE(CAST(s.request_cost AS FLOAT64), CAST(s.billable_requests AS FLOAT64))
    AS cost_per_request,
  SAFE_DIVIDE(CAST(s.allocated_cost AS FLOAT64), CAST(s.total_cost AS FLOAT64)) AS allocation_rate,
  SAFE_DIVIDE(
    CAST(s.total_cost - s.budget_allocated AS FLOAT64), CAST(s.budget_allocated AS FLOAT64)
  ) AS budget_variance_pct,
  CASE
    WHEN s.month_budget IS NULL THEN 'No Budget'
    WHEN s.person_cost * 10 > s.month_budget * 11 THEN 'Over Budget'
    WHEN s.person_cost * 10 > s.month_budget * 9 THEN 'Near Budget'
    ELSE 'Under Budget'
  END AS budget_status,
  CASE
    WHEN LEAST(s.allocation_weighed, s.cost_weighed) >= s.weight * 900000 THEN 'High Confidence'
    WHEN LEAST(s.allocation_weighed, s.cost_weighed) >= s.weight * 700000 THEN 'Medium Confidence'
    ELSE 'Low Confidence'
  END AS data_quality_tier,
  SAFE_DIVIDE(CAST(s.reconciled_cost AS FLOAT64), CAST(s.total_cost AS FLOAT64))
    AS reconciliation_rate,
  SAFE_DIVIDE(CAST(s.disputed_cost AS FLOAT64), CAST(s.total_cost AS FLOAT64)) AS dispute_rate,
  s.prev_month_cost,
  SAFE_DIVIDE(
    CAST(s.platform_cost - s.prev_month_cost AS FLOAT64), CAST(s.prev_month_cost AS FLOAT64)
  ) AS cost_growth_mom,
  s.is_partial, s.platform_code,
  IF(s.is_person, COALESCE(s.full_name, s.person), s.person) AS full_name,
  s.team,
  IF(s.is_person, COALESCE(s.current_department, 'Unassigned'), s.department)
    AS current_department,
  IF(s.is_person, COALESCE(s.current_team, 'Unassigned'), s.team) AS current_team,
  IF(s.is_person, COALESCE(s.current_cost_center, 'Unassigned'), s.cost_center)
    AS current_cost_center,
  s.subscription_cost, s.usage_cost, s.one_time_cost, s.provisional_cost,
  s.person_cost AS person_month_cost,
  s.month_budget AS person_month_budget,
  COALESCE(x.records, 0) AS unknown_charge_records,
  s.loaded_days, s.growth_note
FROM compared AS s
LEFT JOIN int_unknown_charges AS x ON x.month = s.month
