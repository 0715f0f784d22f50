-- People of whom sources disagree who they are, each with what is said: kept apart until somebody
-- puts it right.
SELECT u.person AS subject, doubt
FROM dim_users AS u
CROSS JOIN UNNEST(u.identity_doubts) AS doubt
WHERE u.is_current
