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
  description="What a person made with AI tools in a month and what it cost: one row a person and month, under the team held last in it, with Unattributed and Shared as rows of their own. From the first of the month, so many months before as_of, up to as_of.",
  labels=[("months", "6")]
)
AS
WITH known_days AS (
  SELECT *
  FROM vw_loaded_days
  WHERE platform_code = 'all'
    AND date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
),
usage_days AS (
  -- Each fact is brought to person and day on its own: joined row by row, usage and cost would
  -- multiply each other. Both terms of a ratio come from the events that report both. The filter on
  -- the timestamp only prunes partitions, with a day of slack; the month comes from date_sk.
  SELECT
    d.month,
    u.date_sk,
    d.is_weekday AND d.is_loaded AS is_counted,
    u.user_sk,
    SUM(u.session_count) AS sessions,
    SUM(u.lines_accepted) AS lines_accepted,
    SUM(u.total_tokens) AS tokens,
    SUM(u.request_count) AS requests,
    SUM(u.commits) AS commits,
    SUM(u.pull_requests) AS pull_requests,
    SUM(IF(u.lines_added IS NOT NULL, u.lines_accepted, NULL)) AS acceptance_lines_accepted,
    SUM(IF(u.lines_accepted IS NOT NULL, u.lines_added, NULL)) AS acceptance_lines_added,
    SUM(IF(u.session_count IS NOT NULL, u.lines_accepted, NULL)) AS session_lines_accepted,
    SUM(IF(u.lines_accepted IS NOT NULL, u.session_count, NULL)) AS session_count_with_lines,
    SUM(IF(u.suggestions_shown IS NOT NULL, u.suggestions_accepted, NULL)) AS suggestions_accepted,
    SUM(IF(u.suggestions_accepted IS NOT NULL, u.suggestions_shown, NULL)) AS suggestions_shown
  FROM fact_ai_usage AS u
  JOIN known_days AS d ON d.date_sk = u.date_sk
  WHERE u.event_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND u.event_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
  GROUP BY 1, 2, 3, 4
),
cost_days AS (
  SELECT
    d.month,
    c.date_sk,
    c.user_sk,
    SUM(c.allocated_cost_usd) AS allocated_cost,
    SUM(c.total_cost_usd) AS total_cost
  FROM fact_ai_costs AS c
  JOIN known_days AS d ON d.date_sk = c.date_sk
  WHERE c.cost_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND c.cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
  GROUP BY 1, 2, 3
),
days AS (
  -- Stacked, not joined: this is a full outer join that cannot multiply and reads each fact once.
  SELECT
    month,
    date_sk,
    user_sk,
    date_sk AS active_date_sk,
    IF(is_counted, date_sk, NULL) AS active_weekday_sk,
    sessions,
    lines_accepted,
    tokens,
    requests,
    commits,
    pull_requests,
    acceptance_lines_accepted,
    acceptance_lines_added,
    session_lines_accepted,
    session_count_with_lines,
    suggestions_accepted,
    suggestions_shown,
    CAST(NULL AS NUMERIC) AS allocated_cost,
    CAST(NULL AS NUMERIC) AS total_cost
  FROM usage_days
  UNION ALL
  SELECT
    month,
    date_sk,
    user_sk,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    allocated_cost,
    total_cost
  FROM cost_days
),
people AS (
  -- One row a version, as the facts refer to it: a mover's past stays with the old team.
  SELECT
    user_sk,
    CASE user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE user_email END AS person,
    CASE user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE COALESCE(department, 'Unassigned') END AS department,
    CASE user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE COALESCE(team, 'Unassigned') END AS team,
    user_sk NOT IN (0, -1) AS is_person,
    FIRST_VALUE(full_name) OVER (PARTITION BY user_email ORDER BY effective_date DESC, user_sk) AS full_name
  FROM dim_users
),
named AS (
  SELECT
    d.*,
    COALESCE(p.person, 'Unattributed') AS person,
    COALESCE(p.department, 'Unattributed') AS department,
    COALESCE(p.team, 'Unattributed') AS team,
    COALESCE(p.is_person, FALSE) AS is_person,
    p.full_name
  FROM days AS d
  LEFT JOIN people AS p ON p.user_sk = d.user_sk
),
dated AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY month, person ORDER BY date_sk DESC, user_sk) AS recency
  FROM named
),
person_months AS (
  SELECT
    month,
    person,
    MAX(IF(recency = 1, department, NULL)) AS department,
    MAX(IF(recency = 1, team, NULL)) AS team,
    LOGICAL_OR(is_person) AS is_person,
    MAX(full_name) AS full_name,
    COUNT(DISTINCT active_date_sk) AS active_days,
    COUNT(DISTINCT active_weekday_sk) AS active_weekdays,
    CAST(SUM(sessions) AS INT64) AS sessions,
    CAST(SUM(lines_accepted) AS INT64) AS lines_accepted,
    CAST(SUM(tokens) AS INT64) AS tokens,
    CAST(SUM(requests) AS INT64) AS requests,
    CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests,
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
calendar AS (
  SELECT
    month,
    CAST(COUNTIF(is_weekday AND is_loaded) AS INT64) AS weekdays_so_far,
    LOGICAL_OR(is_partial) AS is_partial,
    LOGICAL_OR(is_comparable) AS is_comparable,
    MAX(loaded_days) AS loaded_days,
    MAX(growth_note) AS growth_note
  FROM known_days
  GROUP BY 1
),
rated AS (
  SELECT
    m.*,
    c.* EXCEPT (month),
    SAFE_DIVIDE(CAST(m.acceptance_lines_accepted AS FLOAT64), CAST(m.acceptance_lines_added AS FLOAT64)) AS acceptance_rate,
    SAFE_DIVIDE(CAST(m.session_lines_accepted AS FLOAT64), CAST(m.session_count_with_lines AS FLOAT64)) AS lines_per_session
  FROM person_months AS m
  JOIN calendar AS c ON c.month = m.month
),
benchmarked AS (
  -- is_person keeps a team that is really called Shared apart from the member Shared.
  SELECT
    *,
    COUNT(*) OVER (PARTITION BY month, department, team, is_person) AS rows_in_team,
    SUM(lines_accepted) OVER (PARTITION BY month, department, team, is_person) AS team_lines,
    SUM(allocated_cost) OVER (PARTITION BY month, department, team, is_person) AS team_cost,
    PERCENTILE_CONT(acceptance_rate, 0.5) OVER (PARTITION BY month, department, team, is_person) AS median_acceptance_rate,
    PERCENTILE_CONT(CAST(lines_accepted AS FLOAT64), 0.5) OVER (PARTITION BY month, department, team, is_person) AS median_lines,
    PERCENTILE_CONT(CAST(allocated_cost AS FLOAT64), 0.5) OVER (PARTITION BY month, department, team, is_person) AS median_cost,
    RANK() OVER (PARTITION BY month, department, team, is_person ORDER BY lines_accepted DESC) AS lines_rank,
    RANK() OVER (PARTITION BY month, department, team, is_person ORDER BY acceptance_rate DESC) AS rate_rank,
    RANK() OVER (PARTITION BY month, department, team, is_person ORDER BY allocated_cost) AS cost_rank,
    LAG(month) OVER (PARTITION BY person ORDER BY month) AS lag_month,
    LAG(lines_accepted) OVER (PARTITION BY person ORDER BY month) AS lag_lines
  FROM rated
),
compared AS (
  -- The row before is not always the month before, and that one may be known in part: what is not
  -- reported stays unknown.
  SELECT
    *,
    IF(is_comparable AND lag_month = CAST(DATE_SUB(month, INTERVAL 1 MONTH) AS DATE), lag_lines, NULL) AS prev_lines
  FROM benchmarked
)
SELECT
  month,
  department,
  team,
  person AS user_email,
  IF(is_person, COALESCE(full_name, person), person) AS full_name,
  sessions AS monthly_sessions,
  lines_accepted AS monthly_lines_produced,
  tokens AS monthly_tokens,
  acceptance_rate AS avg_acceptance_rate,
  lines_per_session AS avg_productivity_score,
  active_days,
  IF(is_person, SAFE_DIVIDE(CAST(active_weekdays AS FLOAT64), CAST(weekdays_so_far AS FLOAT64)), NULL) AS engagement_rate,
  allocated_cost AS monthly_allocated_cost,
  IF(is_person, rows_in_team, 0) AS team_size,
  CAST(team_lines AS INT64) AS team_total_lines,
  team_cost AS team_total_cost,
  IF(is_person AND lines_accepted IS NOT NULL, lines_rank, NULL) AS productivity_rank,
  IF(is_person AND acceptance_rate IS NOT NULL, rate_rank, NULL) AS acceptance_rank,
  IF(is_person, cost_rank, NULL) AS cost_efficiency_rank,
  CASE
    WHEN NOT is_person OR acceptance_rate IS NULL THEN 'No Data'
    WHEN acceptance_rate >= median_acceptance_rate * CAST(1.2 AS FLOAT64) AND acceptance_rate > median_acceptance_rate THEN 'Top Performer'
    WHEN acceptance_rate >= median_acceptance_rate THEN 'Above Average'
    WHEN acceptance_rate >= median_acceptance_rate * CAST(0.8 AS FLOAT64) THEN 'Below Average'
    ELSE 'Needs Support'
  END AS performance_tier,
  SAFE_DIVIDE(CAST(allocated_cost AS FLOAT64), CAST(lines_accepted AS FLOAT64)) AS cost_per_line,
  lines_per_session,
  prev_lines AS prev_month_productivity,
  SAFE_DIVIDE(CAST(lines_accepted - prev_lines AS FLOAT64), CAST(prev_lines AS FLOAT64)) AS productivity_growth_mom,
  is_partial,
  SAFE_DIVIDE(CAST(suggestions_accepted AS FLOAT64), CAST(suggestions_shown AS FLOAT64)) AS suggestion_acceptance_rate,
  commits,
  pull_requests,
  requests AS monthly_requests,
  total_cost AS monthly_total_cost,
  active_weekdays,
  weekdays_so_far,
  acceptance_lines_accepted,
  acceptance_lines_added,
  session_lines_accepted,
  session_count_with_lines,
  suggestions_accepted,
  suggestions_shown,
  median_acceptance_rate AS team_median_acceptance_rate,
  median_lines AS team_median_lines_produced,
  median_cost AS team_median_cost,
  loaded_days,
  growth_note
FROM compared
