-- The heads of the rules, without their bearers: what a rule is about and where its cost goes.
SELECT
  rule_id, platform, scope_type, COALESCE(scope_value, '') AS scope_value, method,
  valid_from, valid_to,
  MAX(team) AS team, MAX(cost_center) AS cost_center, ANY_VALUE(project_codes) AS project_codes
FROM allocation_rules
GROUP BY 1, 2, 3, 4, 5, 6, 7
