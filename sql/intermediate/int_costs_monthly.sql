CREATE VIEW int_costs_monthly (
  month OPTIONS(description="First day of the UTC month in which the cost arose."),
  department OPTIONS(description="Department on the cost's day, as in int_people."),
  cost_center OPTIONS(description="Cost centre of the cost; Unassigned if there is none."),
  person OPTIONS(description="Who bears the cost, as in int_people."),
  platform_code OPTIONS(description="Vendor's code; unknown if the dimension lacks the product."),
  platform_name OPTIONS(description="Product; Unknown if the dimension lacks it."),
  is_person OPTIONS(description="False for Unattributed and Shared."),
  full_name OPTIONS(description="The person's name today."),
  team OPTIONS(description="Team that the person held last among the days of this row, as it was."),
  current_department OPTIONS(description="The person's department today."),
  current_team OPTIONS(description="The person's team today."),
  current_cost_center OPTIONS(description="The person's cost centre today."),
  base_cost OPTIONS(description="Cost other than overage, US dollars."),
  overage_cost OPTIONS(description="Cost beyond the subscription, US dollars."),
  total_cost OPTIONS(description="All cost, US dollars."),
  allocated_cost OPTIONS(description="The part of total_cost that a person bears, US dollars."),
  weight OPTIONS(description="What means are weighed by: dollars without their signs, or lines where these are 0."),
  allocation_weighed OPTIONS(description="Sum of allocation_confidence in millionths x weight."),
  cost_weighed OPTIONS(description="Sum of cost_confidence in millionths x weight."),
  billable_tokens OPTIONS(description="Tokens that the lines stand for. NULL where no line has any."),
  token_cost OPTIONS(description="Cost of the lines that have billable tokens, US dollars."),
  billable_requests OPTIONS(description="Requests that the lines stand for. NULL where no line has any."),
  request_cost OPTIONS(description="Cost of the lines that have billable requests, US dollars."),
  person_budget OPTIONS(description="The person's budget of the month as the row's cost has it, US dollars."),
  reconciled_cost OPTIONS(description="Cost whose invoice agrees, as judged now, US dollars."),
  pending_cost OPTIONS(description="Cost whose invoice has not come, as judged now, US dollars."),
  disputed_cost OPTIONS(description="Cost whose invoice differs, as judged now, US dollars."),
  subscription_cost OPTIONS(description="Part of base_cost that is seats, US dollars."),
  usage_cost OPTIONS(description="Part of base_cost that is metered usage, US dollars."),
  one_time_cost OPTIONS(description="Part of base_cost that is one-time, US dollars."),
  provisional_cost OPTIONS(description="Part of total_cost that the vendor may still change, US dollars.")
)
OPTIONS(
  description="Cost by month and labels: one row per month, department, cost centre, person and product, from the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "12")]
)
AS
WITH invoiced AS (
  -- Judged as of now, not as the facts were: an invoice that comes after a month's close is told of
  -- here, while the rows of the closed month stand still.
  SELECT p.platform_sk, d.account, d.cost_kind, d.day, r.reconciliation_status
  FROM int_cycle_days AS d
  JOIN invoice_reconciliation AS r
    ON r.platform = d.platform AND r.invoice_id = d.invoice_id
    AND r.period_from = d.period_from AND r.period_to = d.period_to
  JOIN dim_platforms AS p ON p.platform_code = d.platform
  WHERE d.is_first AND d.day BETWEEN @window_start AND @as_of
),
costs AS (
  -- Shrunk to versions of people before labels are joined.
  SELECT
    c.month, c.user_sk, c.cost_center_sk, c.platform_sk,
    MAX(c.date) AS last_day,
    SUM(c.cost_lines) AS cost_lines,
    SUM(c.base_cost_usd) AS base_cost,
    SUM(c.overage_cost_usd) AS overage_cost,
    SUM(c.total_cost_usd) AS total_cost,
    SUM(c.allocated_cost_usd) AS allocated_cost,
    SUM(c.gross_cost_usd) AS gross_cost,
    SUM(c.allocation_ppm) AS allocation_ppm,
    SUM(c.cost_ppm) AS cost_ppm,
    SUM(c.allocation_dollar_ppm) AS allocation_dollar_ppm,
    SUM(c.cost_dollar_ppm) AS cost_dollar_ppm,
    SUM(c.billable_tokens) AS billable_tokens,
    SUM(c.token_cost_usd) AS token_cost,
    SUM(c.billable_requests) AS billable_requests,
    SUM(c.request_cost_usd) AS request_cost,
    MAX(c.budget_allocated_usd) AS person_budget,
    SUM(IF(i.reconciliation_status = 'reconciled', c.total_cost_usd, NUMERIC '0'))
      AS reconciled_cost,
    SUM(IF(COALESCE(i.reconciliation_status, 'pending') = 'pending', c.total_cost_usd, NUMERIC '0'))
      AS pending_cost,
    SUM(IF(i.reconciliation_status = 'disputed', c.total_cost_usd, NUMERIC '0')) AS disputed_cost,
    SUM(IF(c.cost_type = 'subscription', c.base_cost_usd, NUMERIC '0')) AS subscription_cost,
    SUM(IF(c.cost_type = 'usage', c.base_cost_usd, NUMERIC '0')) AS usage_cost,
    SUM(IF(c.cost_type = 'one_time', c.base_cost_usd, NUMERIC '0')) AS one_time_cost,
    SUM(IF(c.is_provisional, c.total_cost_usd, NUMERIC '0')) AS provisional_cost
  FROM agg_costs_daily AS c
  LEFT JOIN invoiced AS i
    ON i.platform_sk = c.platform_sk AND i.day = c.date
    AND i.account = c.account AND i.cost_kind = line_kind(c.cost_type)
  WHERE c.date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2, 3, 4
),
named AS (
  -- A product that the dimension lacks is the checks' business, its dollars stay here.
  SELECT
    c.*,
    COALESCE(f.platform_code, 'unknown') AS platform_code,
    COALESCE(f.platform_name, 'Unknown') AS platform_name,
    COALESCE(p.person, 'Unattributed') AS person,
    COALESCE(p.department, 'Unattributed') AS department,
    COALESCE(p.team, 'Unattributed') AS team,
    COALESCE(p.is_person, FALSE) AS is_person,
    p.full_name, p.current_department, p.current_team, p.current_cost_center,
    cost_center_label(c.cost_center_sk, n.cost_center) AS cost_center
  FROM costs AS c
  LEFT JOIN dim_platforms AS f ON f.platform_sk = c.platform_sk
  LEFT JOIN int_people AS p ON p.user_sk = c.user_sk
  LEFT JOIN dim_cost_centers AS n ON n.cost_center_sk = c.cost_center_sk
),
dated AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY month, department, cost_center, person, platform_code, platform_name
      ORDER BY last_day DESC, user_sk
    ) AS recency
  FROM named
)
SELECT
  month, department, cost_center, person, platform_code, platform_name,
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
  IF(SUM(gross_cost) = 0, CAST(SUM(cost_lines) AS NUMERIC), SUM(gross_cost)) AS weight,
  IF(SUM(gross_cost) = 0, CAST(SUM(allocation_ppm) AS NUMERIC), SUM(allocation_dollar_ppm))
    AS allocation_weighed,
  IF(SUM(gross_cost) = 0, CAST(SUM(cost_ppm) AS NUMERIC), SUM(cost_dollar_ppm)) AS cost_weighed,
  CAST(SUM(billable_tokens) AS INT64) AS billable_tokens,
  SUM(token_cost) AS token_cost,
  CAST(SUM(billable_requests) AS INT64) AS billable_requests,
  SUM(request_cost) AS request_cost,
  MAX(person_budget) AS person_budget,
  SUM(reconciled_cost) AS reconciled_cost,
  SUM(pending_cost) AS pending_cost,
  SUM(disputed_cost) AS disputed_cost,
  SUM(subscription_cost) AS subscription_cost,
  SUM(usage_cost) AS usage_cost,
  SUM(one_time_cost) AS one_time_cost,
  SUM(provisional_cost) AS provisional_cost
FROM dated
GROUP BY 1, 2, 3, 4, 5, 6
