CREATE VIEW vw_executive_dashboard (
  month OPTIONS(description="First day of the UTC month."),
  total_monthly_cost OPTIONS(description="All cost of the month, US dollars, Unattributed and Shared included; 0 in a month without cost."),
  allocated_monthly_cost OPTIONS(description="Cost that people bear, US dollars: without Unattributed and Shared."),
  cost_per_user OPTIONS(description="total_monthly_cost / active_users, US dollars."),
  cost_growth_mom OPTIONS(description="Growth of total_monthly_cost over the month before, as a fraction. NULL if that was 0, and where the two months cannot be compared: growth_note says why. In a running month it sets a part of a month against a whole one: daily_cost_growth_mom compares like with like."),
  user_growth_mom OPTIONS(description="Growth of active_users over the month before, as a fraction. NULL if that was 0, and where the two months cannot be compared."),
  cursor_cost_share OPTIONS(description="cursor_cost / total_monthly_cost."),
  anthropic_cost_share OPTIONS(description="anthropic_cost / total_monthly_cost."),
  total_lines_produced OPTIONS(description="Lines written by the AI and kept, all tools that report them. NULL where none does."),
  cost_per_line_produced OPTIONS(description="total_monthly_cost / total_lines_produced, US dollars a line."),
  avg_acceptance_rate OPTIONS(description="The AI's share of all lines, hand-typed ones included: lines accepted / lines added, sum over sum, over the events that report both."),
  annual_run_rate OPTIONS(description="A year at this month's pace, US dollars: total_monthly_cost x 12; in a partial month the cost of its final days / final_days x 365, NULL without any."),
  roi_status OPTIONS(description="cost_per_line_produced: Excellent ROI up to 0.10, Good ROI up to 0.25, Acceptable ROI up to 0.50, else Review Required; No Data without lines."),
  is_partial OPTIONS(description="True for the running month, which holds only the days so far, and for a month with days that are not loaded, as the one in which a vendor was connected."),
  active_users OPTIONS(description="People with any usage in the month, each counted once by e-mail address, whatever it cost."),
  unattributed_cost OPTIONS(description="Cost that nobody could be named for, US dollars."),
  shared_cost OPTIONS(description="Cost of team and service keys and of seats that nobody holds, US dollars."),
  attribution_rate OPTIONS(description="Share of the cost that a person or Shared bears: 1 - unattributed_cost / total_monthly_cost."),
  cursor_cost OPTIONS(description="Cost of platform cursor, US dollars."),
  anthropic_cost OPTIONS(description="Cost of platform anthropic, US dollars."),
  other_platforms_cost OPTIONS(description="Cost of all other platforms, US dollars."),
  suggestion_acceptance_rate OPTIONS(description="Proposals accepted / proposals shown, sum over sum, over the events that report both."),
  final_days OPTIONS(description="Days that daily_cost stands on: those of the month that are loaded; in the running month up to the last final one, without those that the vendor may still change."),
  daily_cost OPTIONS(description="Cost of the final_days / final_days, US dollars a day. NULL if there are none."),
  daily_cost_growth_mom OPTIONS(description="Growth of daily_cost over the month before, as a fraction: right in a running month too. NULL where the two months cannot be compared."),
  unknown_charge_records OPTIONS(description="Records of the month that bill, or may bill, an amount that is not known: they are in no cost. 0 if every charge is known."),
  loaded_days OPTIONS(description="Days of the month up to as_of for which every endpoint that is loaded in the month has answered."),
  growth_note OPTIONS(description="Why there is no growth over the month before: days that are not loaded in the one or the other, or a vendor that is loaded in one of them alone. NULL where the months can be compared, and in the first.")
)
OPTIONS(
  description="The company's AI tools in a month: one row a month, from the first month with data in the window to the month of as_of, months without data included. The window starts on the first of the month, {months} months before as_of.",
  labels=[("months", "12")]
)
AS
WITH daily_costs AS (
  -- Shrunk to days and products before these are named.
  SELECT
    date, platform_sk,
    SUM(total_cost_usd) AS total_cost,
    SUM(allocated_cost_usd) AS allocated_cost,
    SUM(IF(user_sk = 0, total_cost_usd, NUMERIC '0')) AS unattributed_cost,
    SUM(IF(user_sk = -1, total_cost_usd, NUMERIC '0')) AS shared_cost
  FROM agg_costs_daily
  WHERE date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2
),
cost_days AS (
  SELECT
    c.date,
    SUM(c.total_cost) AS total_cost,
    SUM(c.allocated_cost) AS allocated_cost,
    SUM(c.unattributed_cost) AS unattributed_cost,
    SUM(c.shared_cost) AS shared_cost,
    SUM(IF(p.platform_code = 'cursor', c.total_cost, NUMERIC '0')) AS cursor_cost,
    SUM(IF(p.platform_code = 'anthropic', c.total_cost, NUMERIC '0')) AS anthropic_cost
  FROM daily_costs AS c
  LEFT JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
  GROUP BY 1
),
cost_months AS (
  SELECT
    k.month,
    LOGICAL_OR(k.is_partial) AS is_partial,
    LOGICAL_OR(k.is_comparable) AS is_comparable,
    MAX(k.loaded_days) AS loaded_days,
    MAX(k.growth_note) AS growth_note,
    MAX(k.final_days) AS final_days,
    SUM(c.total_cost) AS total_cost,
    SUM(c.allocated_cost) AS allocated_cost,
    SUM(c.unattributed_cost) AS unattributed_cost,
    SUM(c.shared_cost) AS shared_cost,
    SUM(c.cursor_cost) AS cursor_cost,
    SUM(c.anthropic_cost) AS anthropic_cost,
    SUM(IF(k.sets_pace, c.total_cost, NUMERIC '0')) AS final_cost
  FROM int_pace_days AS k
  LEFT JOIN cost_days AS c ON c.date = k.date
  WHERE k.date BETWEEN @window_start AND @as_of
  GROUP BY 1
),
used AS (
  SELECT
    month, user_sk,
    SUM(lines_accepted) AS lines_accepted,
    SUM(acceptance_lines_accepted) AS acceptance_lines_accepted,
    SUM(acceptance_lines_added) AS acceptance_lines_added,
    SUM(suggestions_accepted) AS suggestions_accepted,
    SUM(suggestions_shown) AS suggestions_shown
  FROM agg_usage_daily
  WHERE date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2
),
usage_months AS (
  -- Active users come from usage, by e-mail address: a mover has two versions and is one person.
  SELECT
    u.month,
    COUNT(DISTINCT IF(p.is_person, p.person, NULL)) AS active_users,
    CAST(SUM(u.lines_accepted) AS INT64) AS lines_accepted,
    CAST(SUM(u.acceptance_lines_accepted) AS INT64) AS acceptance_lines_accepted,
    CAST(SUM(u.acceptance_lines_added) AS INT64) AS acceptance_lines_added,
    CAST(SUM(u.suggestions_accepted) AS INT64) AS suggestions_accepted,
    CAST(SUM(u.suggestions_shown) AS INT64) AS suggestions_shown
  FROM used AS u
  LEFT JOIN int_people AS p ON p.user_sk = u.user_sk
  GROUP BY 1
),
months_with_data AS (
  SELECT
    c.month, c.is_partial, c.is_comparable, c.loaded_days, c.growth_note, c.final_days,
    COALESCE(c.total_cost, NUMERIC '0') AS total_cost,
    COALESCE(c.allocated_cost, NUMERIC '0') AS allocated_cost,
    COALESCE(c.unattributed_cost, NUMERIC '0') AS unattributed_cost,
    COALESCE(c.shared_cost, NUMERIC '0') AS shared_cost,
    COALESCE(c.cursor_cost, NUMERIC '0') AS cursor_cost,
    COALESCE(c.anthropic_cost, NUMERIC '0') AS anthropic_cost,
    COALESCE(c.final_cost, NUMERIC '0') AS final_cost,
    COALESCE(u.active_users, 0) AS active_users,
    u.lines_accepted,
    u.acceptance_lines_accepted, u.acceptance_lines_added,
    u.suggestions_accepted, u.suggestions_shown,
    COALESCE(x.records, 0) AS unknown_charge_records,
    MIN(IF(
      c.total_cost IS NOT NULL OR u.month IS NOT NULL OR x.month IS NOT NULL, c.month, NULL
    )) OVER () AS first_month
  FROM cost_months AS c
  LEFT JOIN usage_months AS u ON u.month = c.month
  LEFT JOIN int_unknown_charges AS x ON x.month = c.month
),
month_spine AS (
  -- Every month from the first with data on, so that the row before is the month before.
  SELECT
    *,
    SAFE_DIVIDE(CAST(final_cost AS FLOAT64), CAST(final_days AS FLOAT64)) AS daily_cost
  FROM months_with_data
  WHERE month >= first_month
),
compared AS (
  SELECT
    *,
    IF(is_comparable, LAG(total_cost) OVER (ORDER BY month), NULL) AS prev_cost,
    IF(is_comparable, LAG(active_users) OVER (ORDER BY month), NULL) AS prev_users,
    IF(is_comparable, LAG(daily_cost) OVER (ORDER BY month), NULL) AS prev_daily_cost
  FROM month_spine
)
SELECT
  month,
  total_cost AS total_monthly_cost,
  allocated_cost AS allocated_monthly_cost,
  SAFE_DIVIDE(CAST(total_cost AS FLOAT64), CAST(active_users AS FLOAT64)) AS cost_per_user,
  SAFE_DIVIDE(CAST(total_cost - prev_cost AS FLOAT64), CAST(prev_cost AS FLOAT64))
    AS cost_growth_mom,
  SAFE_DIVIDE(CAST(active_users - prev_users AS FLOAT64), CAST(prev_users AS FLOAT64))
    AS user_growth_mom,
  SAFE_DIVIDE(CAST(cursor_cost AS FLOAT64), CAST(total_cost AS FLOAT64)) AS cursor_cost_share,
  SAFE_DIVIDE(CAST(anthropic_cost AS FLOAT64), CAST(total_cost AS FLOAT64))
    AS anthropic_cost_share,
  lines_accepted AS total_lines_produced,
  SAFE_DIVIDE(CAST(total_cost AS FLOAT64), CAST(lines_accepted AS FLOAT64))
    AS cost_per_line_produced,
  SAFE_DIVIDE(CAST(acceptance_lines_accepted AS FLOAT64), CAST(acceptance_lines_added AS FLOAT64))
    AS avg_acceptance_rate,
  IF(is_partial, micro_quotient(final_cost * 365, NULLIF(final_days, 0)), total_cost * 12)
    AS annual_run_rate,
  CASE
    WHEN lines_accepted IS NULL OR lines_accepted = 0 THEN 'No Data'
    WHEN total_cost * 100 <= lines_accepted * 10 THEN 'Excellent ROI'
    WHEN total_cost * 100 <= lines_accepted * 25 THEN 'Good ROI'
    WHEN total_cost * 100 <= lines_accepted * 50 THEN 'Acceptable ROI'
    ELSE 'Review Required'
  END AS roi_status,
  is_partial, active_users, unattributed_cost, shared_cost,
  SAFE_DIVIDE(CAST(total_cost - unattributed_cost AS FLOAT64), CAST(total_cost AS FLOAT64))
    AS attribution_rate,
  cursor_cost, anthropic_cost,
  total_cost - cursor_cost - anthropic_cost AS other_platforms_cost,
  SAFE_DIVIDE(CAST(suggestions_accepted AS FLOAT64), CAST(suggestions_shown AS FLOAT64))
    AS suggestion_acceptance_rate,
  final_days, daily_cost,
  SAFE_DIVIDE(daily_cost - prev_daily_cost, prev_daily_cost) AS daily_cost_growth_mom,
  unknown_charge_records, loaded_days, growth_note
FROM compared
