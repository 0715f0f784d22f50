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
  description="The company's AI tools in a month: one row a month, from the first month with data in the window to the month of as_of, months without data included. The window starts on the first of the month, so many months before as_of.",
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
    c.date_sk,
    SUM(c.total_cost_usd) AS total_cost,
    SUM(c.allocated_cost_usd) AS allocated_cost,
    SUM(IF(c.user_sk = 0, c.total_cost_usd, NUMERIC '0')) AS unattributed_cost,
    SUM(IF(c.user_sk = -1, c.total_cost_usd, NUMERIC '0')) AS shared_cost,
    SUM(IF(p.platform_code = 'cursor', c.total_cost_usd, NUMERIC '0')) AS cursor_cost,
    SUM(IF(p.platform_code = 'anthropic', c.total_cost_usd, NUMERIC '0')) AS anthropic_cost,
    LOGICAL_OR(c.is_provisional) AS is_provisional
  FROM fact_ai_costs AS c
  JOIN dim_dates AS d ON d.date_sk = c.date_sk
  LEFT JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
  WHERE c.cost_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND c.cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
    AND d.date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
  GROUP BY 1
),
closing AS (
  -- Days after the last final one are not known yet; a loaded day before it without any cost cost
  -- nothing.
  SELECT
    k.month,
    k.day_of_month,
    k.is_loaded,
    k.month = CAST(DATE_TRUNC(@as_of, MONTH) AS DATE) AS is_running,
    c.*,
    COALESCE(c.is_provisional, FALSE) AS is_open,
    COALESCE(MAX(IF(k.is_loaded AND NOT c.is_provisional, k.day_of_month, 0)) OVER (PARTITION BY k.month), 0) AS last_final_day
  FROM known_days AS k
  LEFT JOIN cost_days AS c ON c.date_sk = k.date_sk
),
paced_days AS (
  SELECT
    *,
    is_loaded AND (NOT is_running OR (NOT is_open AND day_of_month <= last_final_day)) AS sets_pace
  FROM closing
),
cost_months AS (
  SELECT
    month,
    SUM(total_cost) AS total_cost,
    SUM(allocated_cost) AS allocated_cost,
    SUM(unattributed_cost) AS unattributed_cost,
    SUM(shared_cost) AS shared_cost,
    SUM(cursor_cost) AS cursor_cost,
    SUM(anthropic_cost) AS anthropic_cost,
    SUM(IF(sets_pace, total_cost, NUMERIC '0')) AS final_cost,
    CAST(COUNTIF(sets_pace) AS INT64) AS final_days
  FROM paced_days
  GROUP BY 1
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
people AS (
  SELECT
    user_sk,
    user_email AS person
  FROM dim_users
  WHERE user_sk NOT IN (0, -1)
),
usage_months AS (
  -- Active users come from usage, by e-mail address: a mover has two versions and is one person.
  -- Both terms of a ratio come from the events that report both.
  SELECT
    d.month,
    COUNT(DISTINCT p.person) AS active_users,
    CAST(SUM(u.lines_accepted) AS INT64) AS lines_accepted,
    CAST(SUM(IF(u.lines_added IS NOT NULL, u.lines_accepted, NULL)) AS INT64) AS acceptance_lines_accepted,
    CAST(SUM(IF(u.lines_accepted IS NOT NULL, u.lines_added, NULL)) AS INT64) AS acceptance_lines_added,
    CAST(SUM(IF(u.suggestions_shown IS NOT NULL, u.suggestions_accepted, NULL)) AS INT64) AS suggestions_accepted,
    CAST(SUM(IF(u.suggestions_accepted IS NOT NULL, u.suggestions_shown, NULL)) AS INT64) AS suggestions_shown
  FROM fact_ai_usage AS u
  JOIN dim_dates AS d ON d.date_sk = u.date_sk
  LEFT JOIN people AS p ON p.user_sk = u.user_sk
  WHERE u.event_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND u.event_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
    AND d.date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
  GROUP BY 1
),
calendar AS (
  SELECT
    month,
    LOGICAL_OR(is_partial) AS is_partial,
    LOGICAL_OR(is_comparable) AS is_comparable,
    MAX(loaded_days) AS loaded_days,
    MAX(growth_note) AS growth_note
  FROM known_days
  GROUP BY 1
),
known AS (
  SELECT
    s.*,
    COALESCE(c.total_cost, NUMERIC '0') AS total_cost,
    COALESCE(c.allocated_cost, NUMERIC '0') AS allocated_cost,
    COALESCE(c.unattributed_cost, NUMERIC '0') AS unattributed_cost,
    COALESCE(c.shared_cost, NUMERIC '0') AS shared_cost,
    COALESCE(c.cursor_cost, NUMERIC '0') AS cursor_cost,
    COALESCE(c.anthropic_cost, NUMERIC '0') AS anthropic_cost,
    COALESCE(c.final_cost, NUMERIC '0') AS final_cost,
    c.final_days,
    COALESCE(u.active_users, 0) AS active_users,
    u.lines_accepted,
    u.acceptance_lines_accepted,
    u.acceptance_lines_added,
    u.suggestions_accepted,
    u.suggestions_shown,
    COALESCE(x.records, 0) AS unknown_charge_records,
    MIN(IF(c.total_cost IS NOT NULL OR u.month IS NOT NULL OR x.month IS NOT NULL, s.month, NULL)) OVER () AS first_month
  FROM calendar AS s
  LEFT JOIN cost_months AS c ON c.month = s.month
  LEFT JOIN usage_months AS u ON u.month = s.month
  LEFT JOIN unknown_charges AS x ON x.month = s.month
),
spine AS (
  -- Every month from the first with data on, so that the row before is the month before.
  SELECT *
  FROM known
  WHERE month >= first_month
),
paced AS (
  SELECT
    *,
    NULLIF(final_days, 0) AS pace_days,
    final_cost * 365000000 AS year_scaled,
    SAFE_DIVIDE(CAST(final_cost AS FLOAT64), CAST(final_days AS FLOAT64)) AS daily_cost
  FROM spine
),
lagged AS (
  SELECT
    *,
    IF(is_comparable, LAG(total_cost) OVER (ORDER BY month), NULL) AS prev_cost,
    IF(is_comparable, LAG(active_users) OVER (ORDER BY month), NULL) AS prev_users,
    IF(is_comparable, LAG(daily_cost) OVER (ORDER BY month), NULL) AS prev_daily_cost
  FROM paced
)
SELECT
  month,
  total_cost AS total_monthly_cost,
  allocated_cost AS allocated_monthly_cost,
  SAFE_DIVIDE(CAST(total_cost AS FLOAT64), CAST(active_users AS FLOAT64)) AS cost_per_user,
  SAFE_DIVIDE(CAST(total_cost - prev_cost AS FLOAT64), CAST(prev_cost AS FLOAT64)) AS cost_growth_mom,
  SAFE_DIVIDE(CAST(active_users - prev_users AS FLOAT64), CAST(prev_users AS FLOAT64)) AS user_growth_mom,
  SAFE_DIVIDE(CAST(cursor_cost AS FLOAT64), CAST(total_cost AS FLOAT64)) AS cursor_cost_share,
  SAFE_DIVIDE(CAST(anthropic_cost AS FLOAT64), CAST(total_cost AS FLOAT64)) AS anthropic_cost_share,
  lines_accepted AS total_lines_produced,
  SAFE_DIVIDE(CAST(total_cost AS FLOAT64), CAST(lines_accepted AS FLOAT64)) AS cost_per_line_produced,
  SAFE_DIVIDE(CAST(acceptance_lines_accepted AS FLOAT64), CAST(acceptance_lines_added AS FLOAT64)) AS avg_acceptance_rate,
  -- Truncated to the micro-dollar; with the remainder gone before it, the division is exact.
  IF(
    is_partial,
    CAST(ROUND((year_scaled - MOD(year_scaled, pace_days)) / pace_days) AS INT64) * NUMERIC '0.000001',
    total_cost * 12
  ) AS annual_run_rate,
  CASE
    WHEN lines_accepted IS NULL OR lines_accepted = 0 THEN 'No Data'
    WHEN total_cost * 100 <= lines_accepted * 10 THEN 'Excellent ROI'
    WHEN total_cost * 100 <= lines_accepted * 25 THEN 'Good ROI'
    WHEN total_cost * 100 <= lines_accepted * 50 THEN 'Acceptable ROI'
    ELSE 'Review Required'
  END AS roi_status,
  is_partial,
  active_users,
  unattributed_cost,
  shared_cost,
  SAFE_DIVIDE(CAST(total_cost - unattributed_cost AS FLOAT64), CAST(total_cost AS FLOAT64)) AS attribution_rate,
  cursor_cost,
  anthropic_cost,
  total_cost - cursor_cost - anthropic_cost AS other_platforms_cost,
  SAFE_DIVIDE(CAST(suggestions_accepted AS FLOAT64), CAST(suggestions_shown AS FLOAT64)) AS suggestion_acceptance_rate,
  final_days,
  daily_cost,
  SAFE_DIVIDE(daily_cost - prev_daily_cost, prev_daily_cost) AS daily_cost_growth_mom,
  unknown_charge_records,
  loaded_days,
  growth_note
FROM lagged
