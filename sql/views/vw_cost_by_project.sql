CREATE VIEW vw_cost_by_project (
  month OPTIONS(description="First day of the UTC month in which the cost arose."),
  project_code OPTIONS(description="Project that the cost counts for, by the key, rule or cost entry that it comes from; No project where none is named. Cost of several projects is split equally."),
  department OPTIONS(description="Department as it was on the cost's day. Unassigned if the person had none; Unattributed and Shared for cost that no person bears."),
  team OPTIONS(description="Team as it was on the cost's day; else as in department."),
  cost_center OPTIONS(description="Cost centre of the cost: the key mapping's where it has one, else the person's on that day. Unassigned if there is none."),
  platform_code OPTIONS(description="Vendor's code, as in the vendor's reports and invoices."),
  platform_name OPTIONS(description="Product, named as in dim_platforms."),
  total_cost OPTIONS(description="The project's part of the cost, US dollars. Sums to every dollar of fact_ai_costs in the window."),
  allocated_cost OPTIONS(description="The part of total_cost that people bear, US dollars: 0 for Unattributed and Shared."),
  subscription_cost OPTIONS(description="Part of total_cost that is seats, US dollars."),
  usage_cost OPTIONS(description="Part of total_cost that is metered usage, US dollars."),
  overage_cost OPTIONS(description="Part of total_cost that is beyond the subscription, US dollars."),
  one_time_cost OPTIONS(description="Part of total_cost that is one-time, US dollars."),
  split_cost OPTIONS(description="Part of total_cost that comes from cost of several projects, US dollars."),
  provisional_cost OPTIONS(description="Part of total_cost that the vendor may still change, US dollars."),
  people OPTIONS(description="People who bear cost of the row. Never sum it: one person may work for several projects."),
  cost_lines OPTIONS(description="Rows of fact_ai_costs with a part in this row. Never sum it over projects: a row with several projects counts for each."),
  is_partial OPTIONS(description="True for the running month, which holds only the days so far, and for a month with days of the platform that are not loaded, as the one in which it was connected."),
  loaded_days OPTIONS(description="Days of the month up to as_of for which every endpoint of the platform has answered. The same on all rows of month and platform: never sum it.")
)
OPTIONS(
  description="Cost by month, project, department, team, cost centre and product (platform_code, platform_name), as borne on the day of the cost: one row each. Cost of several projects is split equally over them, in whole micro-dollars; what does not divide goes to the first by name. Every dollar of fact_ai_costs from the first of the month, {months} months before as_of, up to as_of is in the view exactly once.",
  labels=[("months", "12")]
)
AS
WITH costs AS (
  SELECT
    month, user_sk, cost_center_sk, platform_sk, cost_type, is_provisional, project_list,
    SUM(total_cost_usd) AS amount,
    SUM(cost_lines) AS cost_lines
  FROM agg_costs_daily
  WHERE date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
parts AS (
  SELECT
    c.*, l.project_code, l.ways,
    equal_part(c.amount, l.number, l.ways) AS part
  FROM costs AS c
  JOIN int_project_lists AS l ON l.project_list = c.project_list
),
known_months AS (
  SELECT
    month, platform_code,
    LOGICAL_OR(is_partial) AS is_partial,
    MAX(loaded_days) AS loaded_days
  FROM vw_loaded_days
  WHERE platform_code != 'all' AND date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2
),
named AS (
  -- Left joins: a key that a dimension lacks is the checks' business, its dollars stay here.
  SELECT
    c.*,
    IF(p.is_person, p.person, NULL) AS person,
    COALESCE(p.department, 'Unattributed') AS department,
    COALESCE(p.team, 'Unattributed') AS team,
    cost_center_label(c.cost_center_sk, n.cost_center) AS cost_center,
    COALESCE(pl.platform_code, 'unknown') AS platform_code,
    COALESCE(pl.platform_name, 'Unknown') AS platform_name,
    k.is_partial, k.loaded_days
  FROM parts AS c
  LEFT JOIN int_people AS p ON p.user_sk = c.user_sk
  LEFT JOIN dim_cost_centers AS n ON n.cost_center_sk = c.cost_center_sk
  LEFT JOIN dim_platforms AS pl ON pl.platform_sk = c.platform_sk
  LEFT JOIN known_months AS k ON k.month = c.month AND k.platform_code = pl.platform_code
)
SELECT
  month, project_code, department, team, cost_center, platform_code, platform_name,
  CAST(SUM(part) AS NUMERIC) AS total_cost,
  CAST(SUM(IF(person IS NOT NULL, part, NUMERIC '0')) AS NUMERIC) AS allocated_cost,
  CAST(SUM(IF(cost_type = 'subscription', part, NUMERIC '0')) AS NUMERIC) AS subscription_cost,
  CAST(SUM(IF(cost_type = 'usage', part, NUMERIC '0')) AS NUMERIC) AS usage_cost,
  CAST(SUM(IF(cost_type = 'overage', part, NUMERIC '0')) AS NUMERIC) AS overage_cost,
  CAST(SUM(IF(cost_type = 'one_time', part, NUMERIC '0')) AS NUMERIC) AS one_time_cost,
  CAST(SUM(IF(ways > 1, part, NUMERIC '0')) AS NUMERIC) AS split_cost,
  CAST(SUM(IF(is_provisional, part, NUMERIC '0')) AS NUMERIC) AS provisional_cost,
  COUNT(DISTINCT person) AS people,
  CAST(SUM(cost_lines) AS INT64) AS cost_lines,
  COALESCE(LOGICAL_OR(is_partial), TRUE) AS is_partial,
  COALESCE(MAX(loaded_days), 0) AS loaded_days
FROM named
GROUP BY 1, 2, 3, 4, 5, 6, 7
