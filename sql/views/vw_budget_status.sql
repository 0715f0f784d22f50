CREATE VIEW vw_budget_status (
  month OPTIONS(description="First day of the UTC month."),
  scope_type OPTIONS(description="Whose budget: person, team, department, cost_center or project. Each of the five holds the month's cost in its own way: never sum over them."),
  scope_value OPTIONS(description="E-mail address, team, department, cost centre or project. Unassigned for people without a team or department and for cost without a cost centre, No project for cost that names none."),
  full_name OPTIONS(description="The person's name; the address if the directory knows no name. NULL for other scopes."),
  budget_usd OPTIONS(description="Budget of the month, US dollars: of budgets.csv, for a person before the directory's; the last that the month saw. NULL if there is none."),
  budget_category OPTIONS(description="Label of the budget in budgets.csv. NULL without one."),
  budget_source OPTIONS(description="budgets.csv, or directory. NULL without a budget."),
  cost_to_date OPTIONS(description="Cost of the month up to as_of, US dollars: what the person bears; what people bore while they were in the team or department; every dollar of the cost centre or project, shared and unattributed ones included, cost of several projects split as in vw_cost_by_project."),
  remaining_usd OPTIONS(description="budget_usd - cost_to_date, below 0 if over, US dollars. NULL without a budget."),
  used_share OPTIONS(description="cost_to_date / budget_usd, as a fraction. NULL without a budget or if it is 0."),
  is_over_budget OPTIONS(description="True if cost_to_date is above budget_usd. NULL without a budget."),
  is_partial OPTIONS(description="True for the running month, which holds only the days so far, and for a month with days that are not loaded, as the one in which a vendor was connected."),
  one_time_cost OPTIONS(description="Part of cost_to_date that is one-time and will not come again, US dollars."),
  provisional_cost OPTIONS(description="Part of cost_to_date that the vendor may still change, US dollars."),
  final_days OPTIONS(description="Days that the forecast stands on: those of the month that are loaded; in the running month up to the last of which all cost, whoever bears it, is final, without those that the vendor may still change."),
  forecast_cost OPTIONS(description="Cost at the month's end; in a partial month at the pace of the final days, US dollars: their cost without one-time cost / final_days x the month's days, and the one-time cost so far; at least cost_to_date. The cost of a month that is loaded and over. NULL where no day of a partial month is final."),
  forecast_remaining_usd OPTIONS(description="budget_usd - forecast_cost, US dollars. NULL without a budget or a forecast."),
  is_forecast_over_budget OPTIONS(description="True if forecast_cost is above budget_usd. NULL without a budget or a forecast."),
  is_budget_rate_stale OPTIONS(description="True if the budget is in another currency and no newer rate than one of more than 31 days before the month's first day is known. NULL for US dollars and without a budget."),
  loaded_days OPTIONS(description="Days of the month up to as_of for which every endpoint that is loaded in the month has answered. The same on all rows of the month: never sum it.")
)
OPTIONS(
  description="Budgets against cost: one row a month and person, team, department, cost centre or project with cost in the month or a budget for it. From the first month with cost on, not before the first of the month that lies {months} months before as_of, up to as_of. People's, teams' and departments' rows of a month each sum to the allocated cost, cost centres' and projects' to all cost.",
  labels=[("months", "12")]
)
AS
WITH costs AS (
  SELECT
    date, user_sk, cost_center_sk, platform_sk, cost_type, is_provisional, project_list,
    total_cost_usd
  FROM agg_costs_daily
  WHERE date BETWEEN @window_start AND @as_of
),
paced AS (
  -- Days without cost give the month's row without a bearer: what holds for all of the month
  -- stands on each. Costs that are alike are added up before projects share them.
  SELECT
    k.month, c.user_sk, c.cost_center_sk, c.platform_sk, c.cost_type, c.is_provisional,
    c.project_list,
    MAX(k.days_in_month) AS days_in_month,
    LOGICAL_OR(k.is_partial) AS is_partial,
    MAX(k.loaded_days) AS loaded_days,
    MAX(k.final_days) AS final_days,
    SUM(c.total_cost_usd) AS cost,
    SUM(IF(k.sets_pace, c.total_cost_usd, NUMERIC '0')) AS final_cost
  FROM int_pace_days AS k
  LEFT JOIN costs AS c ON c.date = k.date
  WHERE k.date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
borne AS (
  -- Each dollar once for each type of scope.
  SELECT
    c.* EXCEPT (cost, final_cost),
    scope_type,
    CASE
      WHEN c.cost IS NULL THEN NULL
      WHEN scope_type = 'cost_center' THEN cost_center_label(c.cost_center_sk, n.cost_center)
      WHEN scope_type = 'project' THEN l.project_code
      WHEN p.is_person THEN
        CASE scope_type WHEN 'team' THEN p.team WHEN 'department' THEN p.department ELSE p.person
        END
    END AS scope_value,
    equal_part(c.cost, COALESCE(l.number, 1), COALESCE(l.ways, 1)) AS cost,
    equal_part(c.final_cost, COALESCE(l.number, 1), COALESCE(l.ways, 1)) AS final_cost
  FROM paced AS c
  LEFT JOIN int_people AS p ON p.user_sk = c.user_sk
  LEFT JOIN dim_cost_centers AS n ON n.cost_center_sk = c.cost_center_sk
  CROSS JOIN UNNEST(['person', 'team', 'department', 'cost_center', 'project']) AS scope_type
  LEFT JOIN int_project_lists AS l
    ON scope_type = 'project' AND l.project_list = c.project_list
),
stacked AS (
  -- Stacked, not joined: this is a full outer join that cannot multiply.
  SELECT
    month, scope_type, scope_value, TRUE AS is_shown,
    days_in_month, is_partial, loaded_days, final_days,
    cost,
    IF(cost_type = 'one_time', cost, NUMERIC '0') AS one_time_cost,
    IF(is_provisional, cost, NUMERIC '0') AS provisional_cost,
    -- What sets the pace: final days' cost that comes again.
    IF(cost_type = 'one_time', NUMERIC '0', final_cost) AS pace_cost,
    CAST(NULL AS NUMERIC) AS budget_usd,
    CAST(NULL AS STRING) AS budget_category,
    CAST(NULL AS STRING) AS budget_source,
    CAST(NULL AS BOOL) AS is_rate_stale
  FROM borne
  UNION ALL
  SELECT
    month, scope_type, scope_value, is_shown, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    budget_usd, budget_category, budget_source, is_rate_stale
  FROM int_budgets
  WHERE month BETWEEN @window_start AND @as_of
),
scopes AS (
  SELECT
    month, scope_type, scope_value,
    LOGICAL_OR(is_shown) AS is_shown,
    MAX(days_in_month) AS days_in_month,
    LOGICAL_OR(is_partial) AS is_partial,
    MAX(loaded_days) AS loaded_days,
    MAX(final_days) AS final_days,
    MIN(IF(cost IS NULL, NULL, month)) AS cost_month,
    COALESCE(SUM(cost), NUMERIC '0') AS cost,
    COALESCE(SUM(one_time_cost), NUMERIC '0') AS one_time_cost,
    COALESCE(SUM(provisional_cost), NUMERIC '0') AS provisional_cost,
    COALESCE(SUM(pace_cost), NUMERIC '0') AS pace_cost,
    MAX(budget_usd) AS budget_usd,
    MAX(budget_category) AS budget_category,
    MAX(budget_source) AS budget_source,
    LOGICAL_OR(is_rate_stale) AS is_budget_rate_stale
  FROM stacked
  GROUP BY 1, 2, 3
),
dated AS (
  SELECT
    * EXCEPT (days_in_month, is_partial, loaded_days, final_days),
    MAX(days_in_month) OVER (PARTITION BY month) AS days_in_month,
    LOGICAL_OR(is_partial) OVER (PARTITION BY month) AS is_partial,
    MAX(loaded_days) OVER (PARTITION BY month) AS loaded_days,
    MAX(final_days) OVER (PARTITION BY month) AS final_days,
    MIN(cost_month) OVER () AS first_month
  FROM scopes
),
forecast AS (
  SELECT
    *,
    CASE
      WHEN NOT is_partial THEN cost
      WHEN final_days > 0 THEN GREATEST(
        micro_quotient(pace_cost * days_in_month, NULLIF(final_days, 0)) + one_time_cost, cost
      )
    END AS forecast_cost
  FROM dated
  WHERE scope_value IS NOT NULL AND is_shown AND month >= first_month
    AND days_in_month IS NOT NULL
),
names AS (
  SELECT person, MAX(full_name) AS full_name
  FROM int_people
  WHERE is_person
  GROUP BY 1
)
SELECT
  f.month, f.scope_type, f.scope_value,
  IF(f.scope_type = 'person', COALESCE(n.full_name, f.scope_value), NULL) AS full_name,
  f.budget_usd, f.budget_category, f.budget_source,
  CAST(f.cost AS NUMERIC) AS cost_to_date,
  CAST(f.budget_usd - f.cost AS NUMERIC) AS remaining_usd,
  SAFE_DIVIDE(CAST(f.cost AS FLOAT64), CAST(f.budget_usd AS FLOAT64)) AS used_share,
  f.cost > f.budget_usd AS is_over_budget,
  f.is_partial,
  CAST(f.one_time_cost AS NUMERIC) AS one_time_cost,
  CAST(f.provisional_cost AS NUMERIC) AS provisional_cost,
  CAST(f.final_days AS INT64) AS final_days,
  CAST(f.forecast_cost AS NUMERIC) AS forecast_cost,
  CAST(f.budget_usd - f.forecast_cost AS NUMERIC) AS forecast_remaining_usd,
  f.forecast_cost > f.budget_usd AS is_forecast_over_budget,
  f.is_budget_rate_stale,
  f.loaded_days
FROM forecast AS f
LEFT JOIN names AS n ON n.person = f.scope_value AND f.scope_type = 'person'
