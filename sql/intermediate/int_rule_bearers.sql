-- Who bears a rule's cost on which days: the people of a manual rule, or the active members of the
-- team of an equal split.
SELECT rule_id, platform, user_email, weight, valid_from, valid_to
FROM allocation_rules
WHERE method = 'manual'
UNION ALL
SELECT rule_id, platform, user_email, 1 AS weight, valid_from, valid_to
FROM (
  SELECT
    r.rule_id, r.platform, u.user_email,
    -- A first version reaches back to before the person had begun.
    GREATEST(r.valid_from, u.effective_date, COALESCE(u.start_date, u.effective_date))
      AS valid_from,
    LEAST(r.valid_to, u.expiration_date) AS valid_to
  FROM int_allocation_rules AS r
  JOIN dim_users AS u ON u.team = r.team AND u.is_active AND u.user_sk > 0
  WHERE r.method = 'equal_split'
) AS members
WHERE valid_from <= valid_to
