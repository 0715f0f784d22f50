CREATE VIEW vw_budget_status (
  month OPTIONS(description="First day of the UTC month."),
  scope_type OPTIONS(description="Whose budget: person, team or cost_center. Each of the three holds the month's cost in its own way: never sum over them."),
  scope_value OPTIONS(description="E-mail address, team or cost centre. Unassigned for people without a team and for cost without a cost centre."),
  full_name OPTIONS(description="The person's name; the address if the directory knows no name. NULL for teams and cost centres."),
  budget_usd OPTIONS(description="Budget of the month, US dollars: of budgets.csv, for a person before the directory's; the last that the month saw. NULL if there is none."),
  budget_category OPTIONS(description="Label of the budget in budgets.csv. NULL without one."),
  budget_source OPTIONS(description="budgets.csv, or directory. NULL without a budget."),
  cost_to_date OPTIONS(description="Cost of the month up to as_of, US dollars: what the person bears; what people bore while they were in the team; every dollar of the cost centre, shared and unattributed ones included."),
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
  description="Budgets against cost: one row a month and person, team or cost centre with cost in the month or a budget for it. From the first month with cost on, not before the first of the month that lies so many months before as_of, up to as_of. People's and teams' rows of a month each sum to the allocated cost, cost centres' to all cost.",
  labels=[("months", "12")]
)
AS
WITH known_days AS (
  SELECT *
  FROM vw_loaded_days
  WHERE platform_code = 'all'
    AND date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
),
cost_days AS (
  -- The filter on the timestamp only prunes partitions, with a day of slack; the month comes from
  -- date_sk, which no session's time zone can move.
  SELECT
    d.month,
    d.day_of_month,
    d.is_loaded,
    d.loaded_to_date,
    c.user_sk,
    c.cost_center_sk,
    LOGICAL_OR(c.is_provisional) AS is_provisional,
    SUM(c.total_cost_usd) AS cost,
    SUM(IF(c.cost_type = 'one_time', c.total_cost_usd, NUMERIC '0')) AS one_time_cost,
    SUM(IF(c.is_provisional, c.total_cost_usd, NUMERIC '0')) AS provisional_cost
  FROM fact_ai_costs AS c
  JOIN known_days AS d ON d.date_sk = c.date_sk
  WHERE c.cost_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND c.cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
  GROUP BY 1, 2, 3, 4, 5, 6
),
day_states AS (
  SELECT
    *,
    month = CAST(DATE_TRUNC(@as_of, MONTH) AS DATE) AS is_running,
    LOGICAL_OR(is_provisional) OVER (PARTITION BY month, day_of_month) AS is_open_day
  FROM cost_days
),
closing AS (
  -- Final days, as in vw_executive_dashboard: days after the last final one are not known yet, a
  -- loaded day before it without any cost cost nothing.
  SELECT
    *,
    MAX(IF(is_loaded AND NOT is_open_day, day_of_month, 0)) OVER (PARTITION BY month) AS last_final_day,
    MAX(IF(is_loaded AND NOT is_open_day, loaded_to_date, 0)) OVER (PARTITION BY month) AS loaded_to_final
  FROM day_states
),
paced AS (
  SELECT
    *,
    is_loaded AND NOT (is_running AND is_open_day) AS sets_pace,
    loaded_to_final - COUNT(DISTINCT IF(is_loaded AND is_open_day AND day_of_month < last_final_day, day_of_month, NULL)) OVER (PARTITION BY month) AS final_days
  FROM closing
),
borne AS (
  -- Each dollar once for each type of scope. What sets the pace: final days' cost that comes again.
  SELECT
    c.month,
    scope_type,
    CASE
      WHEN scope_type = 'cost_center' THEN IF(c.cost_center_sk = 0, 'Unassigned', COALESCE(cc.cost_center, 'Unassigned'))
      WHEN u.user_sk IN (0, -1) THEN NULL
      WHEN scope_type = 'team' THEN IF(u.user_sk IS NULL, NULL, COALESCE(u.team, 'Unassigned'))
      ELSE u.user_email
    END AS scope_value,
    c.cost,
    c.one_time_cost,
    c.provisional_cost,
    IF(c.sets_pace, c.cost - c.one_time_cost, NUMERIC '0') AS pace_cost,
    c.final_days
  FROM paced AS c
  LEFT JOIN dim_users AS u ON u.user_sk = c.user_sk
  LEFT JOIN dim_cost_centers AS cc ON cc.cost_center_sk = c.cost_center_sk
  CROSS JOIN UNNEST(['person', 'team', 'cost_center']) AS scope_type
),
calendar AS (
  SELECT
    month,
    MAX(days_in_month) AS days_in_month,
    LOGICAL_OR(is_partial) AS is_partial,
    MAX(loaded_days) AS loaded_days
  FROM known_days
  GROUP BY 1
),
maintained AS (
  -- Of several periods within a month the last counts, as in fact_ai_costs.
  SELECT
    m.month,
    b.scope_type,
    b.scope_value,
    b.monthly_budget_usd,
    b.budget_category,
    b.budget_source,
    b.is_rate_stale,
    ROW_NUMBER() OVER (
      PARTITION BY m.month, b.scope_type, b.scope_value ORDER BY b.valid_from DESC
    ) AS newest
  FROM calendar AS m
  JOIN dim_budgets AS b ON b.valid_from <= LAST_DAY(m.month) AND b.valid_to >= m.month
),
directory AS (
  -- Who is not there, before the first day or after the last, has a row only for cost or a budget
  -- in budgets.csv.
  SELECT
    m.month,
    u.user_email,
    u.ai_budget_monthly_usd,
    LOGICAL_OR(
      u.is_active AND (u.start_date IS NULL OR u.start_date <= LAST_DAY(m.month))
      AND (u.end_date IS NULL OR u.end_date >= m.month)
    ) OVER (PARTITION BY m.month, u.user_email) AS is_here,
    ROW_NUMBER() OVER (PARTITION BY m.month, u.user_email ORDER BY u.effective_date DESC) AS newest
  FROM calendar AS m
  JOIN dim_users AS u
    ON u.effective_date <= LAST_DAY(m.month) AND u.expiration_date >= m.month
    AND u.user_sk NOT IN (0, -1)
),
stacked AS (
  -- Stacked, not joined: this is a full outer join that cannot multiply and reads the fact once.
  SELECT
    month,
    scope_type,
    scope_value,
    TRUE AS is_shown,
    month AS cost_month,
    final_days,
    cost,
    one_time_cost,
    provisional_cost,
    pace_cost,
    CAST(NULL AS NUMERIC) AS maintained_usd,
    CAST(NULL AS STRING) AS budget_category,
    CAST(NULL AS STRING) AS maintained_source,
    CAST(NULL AS BOOL) AS is_rate_stale,
    CAST(NULL AS NUMERIC) AS directory_usd
  FROM borne
  UNION ALL
  SELECT
    month, scope_type, scope_value, TRUE, NULL, NULL, NULL, NULL, NULL, NULL,
    monthly_budget_usd, budget_category, budget_source, is_rate_stale, NULL
  FROM maintained
  WHERE newest = 1
  UNION ALL
  SELECT
    month, 'person', user_email, is_here, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, ai_budget_monthly_usd
  FROM directory
  WHERE newest = 1 AND ai_budget_monthly_usd IS NOT NULL
),
scopes AS (
  SELECT
    month,
    scope_type,
    scope_value,
    LOGICAL_OR(is_shown) AS is_shown,
    MIN(cost_month) AS cost_month,
    MAX(final_days) AS final_days,
    COALESCE(SUM(cost), NUMERIC '0') AS cost,
    COALESCE(SUM(one_time_cost), NUMERIC '0') AS one_time_cost,
    COALESCE(SUM(provisional_cost), NUMERIC '0') AS provisional_cost,
    COALESCE(SUM(pace_cost), NUMERIC '0') AS pace_cost,
    MAX(maintained_usd) AS maintained_usd,
    MAX(budget_category) AS budget_category,
    MAX(maintained_source) AS maintained_source,
    LOGICAL_OR(is_rate_stale) AS is_rate_stale,
    MAX(directory_usd) AS directory_usd
  FROM stacked
  GROUP BY 1, 2, 3
),
dated AS (
  SELECT
    s.* EXCEPT (final_days),
    m.* EXCEPT (month),
    IF(
      s.month = CAST(DATE_TRUNC(@as_of, MONTH) AS DATE),
      COALESCE(MAX(s.final_days) OVER (PARTITION BY s.month), 0),
      m.loaded_days
    ) AS final_days,
    MIN(s.cost_month) OVER () AS first_month,
    COALESCE(s.maintained_usd, s.directory_usd) AS budget_usd,
    CASE WHEN s.maintained_usd IS NOT NULL THEN s.maintained_source WHEN s.directory_usd IS NOT NULL THEN 'directory' END AS budget_source
  FROM scopes AS s
  JOIN calendar AS m ON m.month = s.month
),
scaled AS (
  SELECT
    *,
    NULLIF(final_days, 0) AS pace_days,
    pace_cost * days_in_month * 1000000 AS pace_scaled
  FROM dated
  WHERE scope_value IS NOT NULL AND is_shown AND month >= first_month
),
forecast AS (
  -- Truncated to the micro-dollar; with the remainder gone before it, the division is exact.
  SELECT
    *,
    CASE
      WHEN NOT is_partial THEN cost
      WHEN pace_days IS NOT NULL THEN GREATEST(
        CAST(ROUND((pace_scaled - MOD(pace_scaled, pace_days)) / pace_days) AS INT64) * NUMERIC '0.000001' + one_time_cost,
        cost
      )
    END AS forecast_cost
  FROM scaled
),
names AS (
  SELECT user_email, MAX(full_name) AS full_name
  FROM (
    SELECT
      user_email,
      FIRST_VALUE(full_name) OVER (PARTITION BY user_email ORDER BY effective_date DESC, user_sk) AS full_name
    FROM dim_users
    WHERE user_sk NOT IN (0, -1)
  ) AS versions
  GROUP BY 1
)
SELECT
  f.month,
  f.scope_type,
  f.scope_value,
  IF(f.scope_type = 'person', COALESCE(n.full_name, f.scope_value), NULL) AS full_name,
  f.budget_usd,
  f.budget_category,
  f.budget_source,
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
  f.is_rate_stale AS is_budget_rate_stale,
  f.loaded_days
FROM forecast AS f
LEFT JOIN names AS n ON n.user_email = f.scope_value AND f.scope_type = 'person'
