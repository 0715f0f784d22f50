-- Who bears each part of a cost, and with which product, cost centre and projects. Events that
-- neither a share nor a rule touches are one part.
WITH touched AS (
  SELECT
    p.event_id, p.event_part, p.part_usd, p.billable_tokens, p.billable_requests, p.rule_id,
    p.applied_rule, p.rule_email, p.rule_share,
    s.event_id IS NOT NULL AS is_split,
    s.user_email, s.api_key_id, s.actor_name, s.split_confidence, s.split_note
  FROM int_cost_parts AS p
  LEFT JOIN (
    SELECT
      event_id, share_number, user_email, api_key_id, actor_name, split_confidence, split_note
    FROM int_cost_shares
    WHERE event_date >= @start AND event_date < @end
  ) AS s ON s.event_id = p.event_id AND s.share_number = p.share_number
  WHERE p.event_date >= @start AND p.event_date < @end
),
parts AS (
  SELECT
    c.event_id, c.event_date, c.platform, c.platform_subtype, c.attribution_method,
    c.data_quality_score, c.cost_center, c.project_codes,
    COALESCE(t.event_part, 1) AS event_part,
    COALESCE(t.part_usd, c.cost_usd) AS part_usd,
    t.billable_tokens,
    IF(t.event_id IS NULL, c.billable_requests, t.billable_requests) AS billable_requests,
    t.rule_id, t.applied_rule, t.rule_email,
    COALESCE(t.rule_share, CAST(1 AS FLOAT64)) AS rule_share,
    COALESCE(t.is_split, FALSE) AS is_split,
    COALESCE(t.split_confidence, CAST(1 AS FLOAT64)) AS split_confidence, t.split_note,
    -- A line that is split names nobody: what its share names stands for it.
    COALESCE(c.user_email, t.user_email) AS user_email,
    COALESCE(c.api_key_id, t.api_key_id) AS api_key_id,
    COALESCE(c.actor_name, t.actor_name) AS actor_name,
    c.vendor_user_id
  FROM stg_cost_events AS c
  LEFT JOIN touched AS t ON t.event_id = c.event_id
  WHERE c.event_date >= @start AND c.event_date < @end
),
named AS (
  SELECT
    *,
    -- A rule says who bears it, whoever used it.
    CASE
      WHEN rule_email IS NOT NULL THEN 'email'
      WHEN applied_rule IS NULL
        THEN identity_type(user_email, api_key_id, actor_name, vendor_user_id)
    END AS identity_type,
    COALESCE(rule_email, user_email, api_key_id, actor_name, vendor_user_id) AS identity_value,
    CASE
      WHEN data_quality_score <= 0 THEN FALSE
      WHEN applied_rule IS NOT NULL THEN rule_email IS NULL
      ELSE attribution_method = 'shared'
    END AS is_shared
  FROM parts
)
SELECT
  p.event_id, p.event_part, p.event_date, p.api_key_id, p.part_usd, p.billable_tokens,
  p.billable_requests, p.rule_share,
  CASE WHEN p.data_quality_score <= 0 THEN 0 WHEN p.is_shared THEN -1
    ELSE COALESCE(b.user_sk, 0) END AS user_sk,
  CASE
    WHEN p.is_shared THEN CAST(1 AS FLOAT64)
    WHEN p.data_quality_score <= 0 OR COALESCE(b.user_sk, 0) = 0 THEN CAST(0 AS FLOAT64)
    ELSE decayed_confidence(b.confidence_score, p.event_date, b.last_verified_date)
      * IF(p.applied_rule IS NOT NULL, CAST(1 AS FLOAT64), p.split_confidence)
  END AS allocation_confidence,
  CASE
    WHEN p.data_quality_score <= 0 THEN 'unallocated'
    WHEN p.applied_rule IS NOT NULL THEN p.applied_rule
    WHEN p.is_split THEN 'usage_based'
    WHEN p.is_shared OR COALESCE(b.user_sk, 0) != 0 THEN 'direct'
    ELSE 'unallocated'
  END AS allocation_method,
  CASE
    WHEN p.applied_rule IS NULL THEN p.split_note
    WHEN p.rule_email IS NULL THEN 'nobody_active_in_team'
  END AS allocation_note,
  COALESCE(IF(p.api_key_id IS NULL, NULL, k.platform_subtype), p.platform_subtype) AS product,
  -- The rule's, else what the contract or entry names, else the key's own (whoever a rule lets bear
  -- its cost), else the bearer's.
  COALESCE(
    r.cost_center, p.cost_center,
    IF(COALESCE(k.is_owners_cost_center, FALSE), NULL, k.cost_center), b.cost_center
  ) AS cost_center,
  CASE
    WHEN ARRAY_LENGTH(r.project_codes) > 0 THEN r.project_codes
    WHEN ARRAY_LENGTH(p.project_codes) > 0 THEN p.project_codes
    WHEN ARRAY_LENGTH(k.project_codes) > 0 THEN k.project_codes
    ELSE b.project_codes
  END AS project_codes
FROM named AS p
LEFT JOIN int_allocation_rules AS r
  ON r.rule_id = p.rule_id AND r.platform = p.platform
  AND p.event_date BETWEEN r.valid_from AND r.valid_to
LEFT JOIN bridge_user_identity AS b
  ON b.identity_type = p.identity_type AND b.identity_value = p.identity_value
  AND b.platform = identity_platform(p.identity_type, p.platform)
  AND p.event_date BETWEEN b.valid_from AND b.valid_to
LEFT JOIN bridge_user_identity AS k
  ON k.identity_type = IF(p.api_key_id IS NULL, 'api_key_name', 'api_key_id')
  AND k.identity_value = COALESCE(p.api_key_id, p.actor_name)
  AND k.platform = p.platform AND p.event_date BETWEEN k.valid_from AND k.valid_to
