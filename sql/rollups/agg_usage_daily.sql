-- What the facts of usage say of a day, in whole numbers. Both terms of a ratio come from the
-- records that report both.
SELECT
  DATE(event_timestamp, 'UTC') AS date,
  CAST(DATE_TRUNC(DATE(event_timestamp, 'UTC'), MONTH) AS DATE) AS month,
  user_sk,
  platform_sk,
  COUNT(*) AS records,
  -- Lines typed by hand need no seat: lines_added alone is no activity.
  COUNT(IF(
    session_count > 0 OR request_count > 0 OR total_tokens > 0 OR lines_accepted > 0
    OR suggestions_shown > 0 OR suggestions_accepted > 0 OR commits > 0 OR pull_requests > 0,
    event_id, NULL
  )) AS active_records,
  CAST(SUM(session_count) AS INT64) AS session_count,
  CAST(SUM(request_count) AS INT64) AS request_count,
  CAST(SUM(total_tokens) AS INT64) AS total_tokens,
  CAST(SUM(lines_added) AS INT64) AS lines_added,
  CAST(SUM(lines_accepted) AS INT64) AS lines_accepted,
  CAST(SUM(commits) AS INT64) AS commits,
  CAST(SUM(pull_requests) AS INT64) AS pull_requests,
  CAST(SUM(IF(lines_added IS NOT NULL, lines_accepted, NULL)) AS INT64)
    AS acceptance_lines_accepted,
  CAST(SUM(IF(lines_accepted IS NOT NULL, lines_added, NULL)) AS INT64) AS acceptance_lines_added,
  CAST(SUM(IF(session_count IS NOT NULL, lines_accepted, NULL)) AS INT64)
    AS session_lines_accepted,
  CAST(SUM(IF(lines_accepted IS NOT NULL, session_count, NULL)) AS INT64)
    AS session_count_with_lines,
  CAST(SUM(IF(suggestions_shown IS NOT NULL, suggestions_accepted, NULL)) AS INT64)
    AS suggestions_accepted,
  CAST(SUM(IF(suggestions_accepted IS NOT NULL, suggestions_shown, NULL)) AS INT64)
    AS suggestions_shown
FROM fact_ai_usage
WHERE event_timestamp >= TIMESTAMP(@start, 'UTC') AND event_timestamp < TIMESTAMP(@end, 'UTC')
GROUP BY 1, 2, 3, 4
