-- Rules over shares: of a key before those of its workspace, those before the platform's. A key's
-- and a workspace's split what usage has given to the key, so that the parts still say whose usage
-- it was; a platform's splits whatever else the platform costs, seats and other costs too. Only
-- events that a share or rule touches have rows, and their parts sum to them.
WITH ruled AS (
  SELECT
    c.event_id, c.event_date, c.platform,
    COALESCE(s.share_number, 1) AS share_number,
    COALESCE(s.share_usd, c.cost_usd) AS share_usd,
    s.billable_tokens,
    COALESCE(s.billable_requests, c.billable_requests) AS billable_requests,
    COALESCE(k.rule_id, w.rule_id, p.rule_id) AS rule_id,
    CASE WHEN k.rule_id IS NOT NULL THEN k.method WHEN w.rule_id IS NOT NULL THEN w.method
      ELSE p.method END AS rule_method
  FROM stg_cost_events AS c
  LEFT JOIN (
    SELECT event_id, share_number, share_usd, api_key_id, billable_tokens, billable_requests
    FROM int_cost_shares
    WHERE event_date >= @start AND event_date < @end
  ) AS s ON s.event_id = c.event_id
  LEFT JOIN int_allocation_rules AS k
    ON k.scope_type = 'api_key' AND k.platform = c.platform
    AND k.scope_value = COALESCE(s.api_key_id, c.api_key_id)
    AND c.event_date BETWEEN k.valid_from AND k.valid_to AND c.data_quality_score > 0
  LEFT JOIN int_allocation_rules AS w
    ON w.scope_type = 'workspace' AND w.platform = c.platform AND w.scope_value = c.workspace
    AND c.event_date BETWEEN w.valid_from AND w.valid_to AND c.is_splittable
  LEFT JOIN int_allocation_rules AS p
    ON p.scope_type = 'platform' AND p.platform = c.platform
    AND c.event_date BETWEEN p.valid_from AND p.valid_to AND c.data_quality_score > 0
  WHERE c.event_date >= @start AND c.event_date < @end
    AND (s.event_id IS NOT NULL OR COALESCE(k.rule_id, w.rule_id, p.rule_id) IS NOT NULL)
),
borne AS (
  SELECT
    r.*,
    b.user_email AS rule_email, b.weight AS rule_weight,
    CAST(SUM(b.weight) OVER (PARTITION BY r.event_id, r.share_number) AS NUMERIC) AS rule_total,
    ROW_NUMBER() OVER (
      PARTITION BY r.event_id, r.share_number ORDER BY b.weight DESC, b.user_email
    ) AS bearer_number
  FROM ruled AS r
  LEFT JOIN int_rule_bearers AS b
    ON b.rule_id = r.rule_id AND b.platform = r.platform
    AND r.event_date BETWEEN b.valid_from AND b.valid_to
),
truncated AS (
  SELECT
    *,
    IF(rule_weight IS NULL, share_usd, truncated_share(share_usd, rule_weight, rule_total))
      AS truncated_usd,
    IF(rule_weight IS NULL, billable_tokens, whole_quotient(
      CAST(CAST(billable_tokens AS NUMERIC) * rule_weight AS NUMERIC), rule_total
    )) AS truncated_tokens,
    IF(rule_weight IS NULL, billable_requests, whole_quotient(
      CAST(CAST(billable_requests AS NUMERIC) * rule_weight AS NUMERIC), rule_total
    )) AS truncated_requests
  FROM borne
)
-- What truncation leaves goes to the largest share, counts like dollars.
SELECT
  event_id, event_date, share_number, rule_id, rule_email,
  ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY share_number, bearer_number) AS event_part,
  -- An equal split over a team without an active member has no bearer: it is shared.
  IF(rule_email IS NOT NULL OR rule_method = 'equal_split', rule_method, NULL) AS applied_rule,
  COALESCE(
    SAFE_DIVIDE(CAST(rule_weight AS FLOAT64), CAST(rule_total AS FLOAT64)), CAST(1 AS FLOAT64)
  ) AS rule_share,
  CAST(truncated_usd + IF(
    bearer_number = 1,
    share_usd - SUM(truncated_usd) OVER (PARTITION BY event_id, share_number), 0
  ) AS NUMERIC) AS part_usd,
  CAST(truncated_tokens + IF(
    bearer_number = 1,
    billable_tokens - SUM(truncated_tokens) OVER (PARTITION BY event_id, share_number), 0
  ) AS INT64) AS billable_tokens,
  CAST(truncated_requests + IF(
    bearer_number = 1,
    billable_requests - SUM(truncated_requests) OVER (PARTITION BY event_id, share_number), 0
  ) AS INT64) AS billable_requests
FROM truncated
