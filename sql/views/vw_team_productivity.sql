CREATE VIEW vw_team_productivity (
  month OPTIONS(description="First day of the UTC month."),
  department OPTIONS(description="Department of the version of the person that the month's last event or cost names. Unassigned if it has none; Unattributed and Shared for what belongs to no person."),
  team OPTIONS(description="Team that the person held last in the month, from the same version as department."),
  user_email OPTIONS(description="Person; Unattributed where nobody could be named, Shared for team and service keys and for seats that nobody holds."),
  full_name OPTIONS(description="The person's name today."),
  monthly_sessions OPTIONS(description="Sessions. NULL where no tool reports any (Cursor)."),
  monthly_lines_produced OPTIONS(description="Lines written by the AI and kept. NULL where no tool reports any."),
  monthly_tokens OPTIONS(description="Tokens of all four classes. NULL where no tool reports any."),
  avg_acceptance_rate OPTIONS(description="The AI's share of all lines, hand-typed ones included: acceptance_lines_accepted / acceptance_lines_added, sum over sum."),
  avg_productivity_score OPTIONS(description="Accepted lines a session, over the events that report both: session_lines_accepted / session_count_with_lines."),
  active_days OPTIONS(description="UTC days with any usage, weekends included."),
  engagement_rate OPTIONS(description="Active weekdays / the month's weekdays so far that are loaded, 0 to 1. NULL for Unattributed and Shared, and while the month has had no such weekday."),
  monthly_allocated_cost OPTIONS(description="Cost that the person bears, US dollars: 0 for Unattributed and Shared."),
  team_size OPTIONS(description="People of the team with usage or cost in the month; 0 for Unattributed and Shared."),
  team_total_lines OPTIONS(description="monthly_lines_produced of the team. The same on each of its rows: never sum it."),
  team_total_cost OPTIONS(description="monthly_allocated_cost of the team, US dollars. The same on each of its rows: never sum it."),
  productivity_rank OPTIONS(description="Rank in the team by monthly_lines_produced, 1 is the most. NULL without lines and for Unattributed and Shared."),
  acceptance_rank OPTIONS(description="Rank in the team by avg_acceptance_rate, 1 is the highest. NULL without a rate and for Unattributed and Shared."),
  cost_efficiency_rank OPTIONS(description="Rank in the team by monthly_allocated_cost, 1 is the least. NULL for Unattributed and Shared."),
  performance_tier OPTIONS(description="avg_acceptance_rate against the team's median: Top Performer from 120 % of it and above it, Above Average from 100 %, Below Average from 80 %, else Needs Support. No Data without a rate and for Unattributed and Shared."),
  cost_per_line OPTIONS(description="monthly_allocated_cost / monthly_lines_produced, US dollars a line."),
  lines_per_session OPTIONS(description="Accepted lines a session, over the events that report both, as in avg_productivity_score: lines of tools that report no sessions do not count."),
  prev_month_productivity OPTIONS(description="monthly_lines_produced of the month before. NULL if the person has no row or no lines in it, if it lies before the window, and where the two months cannot be compared: growth_note says why."),
  productivity_growth_mom OPTIONS(description="Growth of monthly_lines_produced over prev_month_productivity, as a fraction. NULL if that is NULL or 0. In a running month it sets a part of a month against a whole one: see is_partial."),
  is_partial OPTIONS(description="True for the running month, which holds only the days so far, and for a month with days that are not loaded, as the one in which a vendor was connected: ranks and medians are then of the days that are."),
  suggestion_acceptance_rate OPTIONS(description="suggestions_accepted / suggestions_shown: how often a proposal was taken, sum over sum."),
  commits OPTIONS(description="Commits made by the tools. NULL where no tool reports any."),
  pull_requests OPTIONS(description="Pull requests opened by the tools. NULL where no tool reports any."),
  monthly_requests OPTIONS(description="Requests. NULL where no tool reports any."),
  monthly_total_cost OPTIONS(description="All cost of the row, US dollars: equals monthly_allocated_cost for a person, and holds the dollars of Unattributed and Shared. Sums to every dollar of fact_ai_costs in the window."),
  active_weekdays OPTIONS(description="Weekdays with any usage, of those that are loaded: the upper term of engagement_rate."),
  weekdays_so_far OPTIONS(description="Weekdays of the month up to as_of, that day included, for which every endpoint that is loaded in the month has answered: the lower term of engagement_rate."),
  acceptance_lines_accepted OPTIONS(description="Lines accepted in events that report lines added too: the upper term of avg_acceptance_rate."),
  acceptance_lines_added OPTIONS(description="Lines added in events that report lines accepted too: the lower term of avg_acceptance_rate."),
  session_lines_accepted OPTIONS(description="Lines accepted in events that report sessions too: the upper term of avg_productivity_score."),
  session_count_with_lines OPTIONS(description="Sessions in events that report lines accepted too: the lower term of avg_productivity_score."),
  suggestions_accepted OPTIONS(description="Proposals accepted in events that report proposals shown too: the upper term of suggestion_acceptance_rate."),
  suggestions_shown OPTIONS(description="Proposals shown in events that report proposals accepted too: the lower term of suggestion_acceptance_rate."),
  team_median_acceptance_rate OPTIONS(description="Exact median of avg_acceptance_rate over the team's people who have one."),
  team_median_lines_produced OPTIONS(description="Exact median of monthly_lines_produced over the team's people who have any."),
  team_median_cost OPTIONS(description="Exact median of monthly_allocated_cost over the team's people, US dollars."),
  loaded_days OPTIONS(description="Days of the month up to as_of for which every endpoint that is loaded in the month has answered. The same on all rows of the month: never sum it."),
  growth_note OPTIONS(description="Why there is no growth over the month before: days that are not loaded in the one or the other, or a vendor that is loaded in one of them alone. NULL where the months can be compared, and in the first.")
)
OPTIONS(
  description="What a person made with AI tools in a month and what it cost: one row a person and month, under the team held last in it, with Unattributed and Shared as rows of their own. From the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "6")]
)
AS
WITH known_months AS (
  -- Days as the bits of a number, the first of the month the lowest: a set of days that can be
  -- united and cut.
  SELECT
    month,
    LOGICAL_OR(is_partial) AS is_partial, LOGICAL_OR(is_comparable) AS is_comparable,
    MAX(loaded_days) AS loaded_days, MAX(growth_note) AS growth_note,
    CAST(COUNTIF(is_weekday AND is_loaded) AS INT64) AS weekdays_so_far,
    BIT_OR(IF(is_weekday AND is_loaded, 1 << (day_of_month - 1), 0)) AS weekday_bits
  FROM vw_loaded_days
  WHERE platform_code = 'all' AND date BETWEEN @window_start AND @as_of
  GROUP BY 1
),
stacked AS (
  -- Shrunk to months of versions of people before labels are joined. Stacked, not joined: this is a
  -- full outer join that cannot multiply.
  SELECT
    month, user_sk,
    MAX(date) AS last_day,
    BIT_OR(1 << (EXTRACT(DAY FROM date) - 1)) AS active_bits,
    SUM(session_count) AS session_count, SUM(request_count) AS request_count,
    SUM(total_tokens) AS total_tokens, SUM(lines_accepted) AS lines_accepted,
    SUM(commits) AS commits, SUM(pull_requests) AS pull_requests,
    SUM(acceptance_lines_accepted) AS acceptance_lines_accepted,
    SUM(acceptance_lines_added) AS acceptance_lines_added,
    SUM(session_lines_accepted) AS session_lines_accepted,
    SUM(session_count_with_lines) AS session_count_with_lines,
    SUM(suggestions_accepted) AS suggestions_accepted, SUM(suggestions_shown) AS suggestions_shown,
    CAST(NULL AS NUMERIC) AS allocated_cost, CAST(NULL AS NUMERIC) AS total_cost
  FROM agg_usage_daily
  WHERE date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2
  UNION ALL
  SELECT
    month, user_sk, MAX(date), 0,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    SUM(allocated_cost_usd), SUM(total_cost_usd)
  FROM agg_costs_daily
  WHERE date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2
),
dated AS (
  SELECT
    s.*,
    COALESCE(p.person, 'Unattributed') AS person,
    COALESCE(p.department, 'Unattributed') AS department,
    COALESCE(p.team, 'Unattributed') AS team,
    COALESCE(p.is_person, FALSE) AS is_person,
    p.full_name,
    ROW_NUMBER() OVER (
      PARTITION BY s.month, COALESCE(p.person, 'Unattributed') ORDER BY s.last_day DESC, s.user_sk
    ) AS recency
  FROM stacked AS s
  LEFT JOIN int_people AS p ON p.user_sk = s.user_sk
),
person_months AS (
  SELECT
    month, person,
    MAX(IF(recency = 1, department, NULL)) AS department,
    MAX(IF(recency = 1, team, NULL)) AS team,
    LOGICAL_OR(is_person) AS is_person,
    MAX(full_name) AS full_name,
    BIT_OR(active_bits) AS active_bits,
    CAST(SUM(session_count) AS INT64) AS sessions, CAST(SUM(request_count) AS INT64) AS requests,
    CAST(SUM(total_tokens) AS INT64) AS tokens,
    CAST(SUM(lines_accepted) AS INT64) AS lines_accepted,
    CAST(SUM(commits) AS INT64) AS commits, CAST(SUM(pull_requests) AS INT64) AS pull_requests,
    CAST(SUM(acceptance_lines_accepted) AS INT64) AS acceptance_lines_accepted,
    CAST(SUM(acceptance_lines_added) AS INT64) AS acceptance_lines_added,
    CAST(SUM(session_lines_accepted) AS INT64) AS session_lines_accepted,
    CAST(SUM(session_count_with_lines) AS INT64) AS session_count_with_lines,
    CAST(SUM(suggestions_accepted) AS INT64) AS suggestions_accepted,
    CAST(SUM(suggestions_shown) AS INT64) AS suggestions_shown,
    COALESCE(SUM(allocated_cost), NUMERIC '0') AS allocated_cost,
    COALESCE(SUM(total_cost), NUMERIC '0') AS total_cost
  FROM dated
  GROUP BY 1, 2
),
rated AS (
  SELECT
    m.*,
    k.* EXCEPT (month, weekday_bits),
    CAST(BIT_COUNT(m.active_bits) AS INT64) AS active_days,
    CAST(BIT_COUNT(m.active_bits & k.weekday_bits) AS INT64) AS active_weekdays,
    SAFE_DIVIDE(
      CAST(acceptance_lines_accepted AS FLOAT64), CAST(acceptance_lines_added AS FLOAT64)
    ) AS acceptance_rate,
    SAFE_DIVIDE(
      CAST(session_lines_accepted AS FLOAT64), CAST(session_count_with_lines AS FLOAT64)
    ) AS lines_per_session,
    LAG(m.month) OVER (PARTITION BY m.person ORDER BY m.month) AS lag_month,
    LAG(m.lines_accepted) OVER (PARTITION BY m.person ORDER BY m.month) AS lag_lines
  FROM person_months AS m
  JOIN known_months AS k ON k.month = m.month
),
benchmarked AS (
  -- is_person keeps a team that is really called Shared apart from the member Shared. The row
  -- before is not always the month before: what is not reported stays unknown.
  SELECT
    *,
    IF(
      is_comparable AND lag_month = CAST(DATE_SUB(month, INTERVAL 1 MONTH) AS DATE), lag_lines, NULL
    ) AS prev_lines,
    COUNT(*) OVER team_month AS rows_in_team,
    SUM(lines_accepted) OVER team_month AS team_lines,
    SUM(allocated_cost) OVER team_month AS team_cost,
    PERCENTILE_CONT(acceptance_rate, 0.5) OVER team_month AS median_acceptance_rate,
    PERCENTILE_CONT(CAST(lines_accepted AS FLOAT64), 0.5) OVER team_month AS median_lines,
    PERCENTILE_CONT(CAST(allocated_cost AS FLOAT64), 0.5) OVER team_month AS median_cost,
    RANK() OVER (team_month ORDER BY lines_accepted DESC) AS lines_rank,
    RANK() OVER (team_month ORDER BY acceptance_rate DESC) AS rate_rank,
    RANK() OVER (team_month ORDER BY allocated_cost) AS cost_rank
  FROM rated
  WINDOW team_month AS (PARTITION BY month, department, team, is_person)
)
SELECT
  month, department, team, person AS user_email,
  IF(is_person, COALESCE(full_name, person), person) AS full_name,
  sessions AS monthly_sessions, lines_accepted AS monthly_lines_produced, tokens AS monthly_tokens,
  acceptance_rate AS avg_acceptance_rate, lines_per_session AS avg_productivity_score,
  active_days,
  IF(
    is_person, SAFE_DIVIDE(CAST(active_weekdays AS FLOAT64), CAST(weekdays_so_far AS FLOAT64)), NULL
  ) AS engagement_rate,
  allocated_cost AS monthly_allocated_cost,
  IF(is_person, rows_in_team, 0) AS team_size,
  CAST(team_lines AS INT64) AS team_total_lines, team_cost AS team_total_cost,
  IF(is_person AND lines_accepted IS NOT NULL, lines_rank, NULL) AS productivity_rank,
  IF(is_person AND acceptance_rate IS NOT NULL, rate_rank, NULL) AS acceptance_rank,
  IF(is_person, cost_rank, NULL) AS cost_efficiency_rank,
  CASE
    WHEN NOT is_person OR acceptance_rate IS NULL THEN 'No Data'
    WHEN acceptance_rate >= median_acceptance_rate * CAST(1.2 AS FLOAT64)
      AND acceptance_rate > median_acceptance_rate THEN 'Top Performer'
    WHEN acceptance_rate >= median_acceptance_rate THEN 'Above Average'
    WHEN acceptance_rate >= median_acceptance_rate * CAST(0.8 AS FLOAT64) THEN 'Below Average'
    ELSE 'Needs Support'
  END AS performance_tier,
  SAFE_DIVIDE(CAST(allocated_cost AS FLOAT64), CAST(lines_accepted AS FLOAT64)) AS cost_per_line,
  lines_per_session,
  prev_lines AS prev_month_productivity,
  SAFE_DIVIDE(CAST(lines_accepted - prev_lines AS FLOAT64), CAST(prev_lines AS FLOAT64))
    AS productivity_growth_mom,
  is_partial,
  SAFE_DIVIDE(CAST(suggestions_accepted AS FLOAT64), CAST(suggestions_shown AS FLOAT64))
    AS suggestion_acceptance_rate,
  commits, pull_requests, requests AS monthly_requests, total_cost AS monthly_total_cost,
  active_weekdays, weekdays_so_far,
  acceptance_lines_accepted, acceptance_lines_added,
  session_lines_accepted, session_count_with_lines, suggestions_accepted, suggestions_shown,
  median_acceptance_rate AS team_median_acceptance_rate,
  median_lines AS team_median_lines_produced,
  median_cost AS team_median_cost,
  loaded_days, growth_note
FROM benchmarked
