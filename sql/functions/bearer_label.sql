-- How reports call who bears a cost, or their department or team.
CREATE TEMP FUNCTION bearer_label(user_sk INT64, value STRING, missing STRING) AS (
  CASE user_sk WHEN 0 THEN 'Unattributed' WHEN -1 THEN 'Shared' ELSE COALESCE(value, missing) END
);
