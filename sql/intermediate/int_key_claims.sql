CREATE VIEW int_key_claims (
  gap_rank OPTIONS(description="The gap, as in int_attribution_gaps. Unique."),
  platform OPTIONS(description="As in int_attribution_gaps."),
  identity_type OPTIONS(description="As in int_attribution_gaps."),
  identity_value OPTIONS(description="As in int_attribution_gaps."),
  workspace_id OPTIONS(description="As in int_attribution_gaps."),
  is_invalid OPTIONS(description="As in int_attribution_gaps."),
  records OPTIONS(description="As in int_attribution_gaps."),
  cost_usd OPTIONS(description="As in int_attribution_gaps."),
  first_day OPTIONS(description="As in int_attribution_gaps."),
  last_day OPTIONS(description="As in int_attribution_gaps."),
  key_name OPTIONS(description="Name of the key, where a source or the event itself knows it."),
  owners OPTIONS(description="Owners that the strongest sources of the key name: 0, one, or several that contradict each other."),
  owner OPTIONS(description="The owner that the strongest source names; of several the last by address."),
  source OPTIONS(description="The strongest source that names an owner."),
  confidence OPTIONS(description="Its confidence, 0 to 1."),
  begun OPTIONS(description="First day for which the strongest sources name an owner. NULL: since ever."),
  ended OPTIONS(description="Last day for which they do. NULL: until further notice."),
  is_for_these_days OPTIONS(description="True where they name an owner for a day between the gap's first and last."),
  intended_use OPTIONS(description="intended_use in the strongest sources' entries, where they agree."),
  dashed_name OPTIONS(description="The key's name word by word between dashes, to be compared with mailboxes; -- or - without one.")
)
OPTIONS(
  description="What the sources of key owners say of each gap, though not of one who bears its days: one row per gap of int_attribution_gaps."
)
AS
WITH entries AS (
  SELECT
    identity_type,
    IF(identity_type = 'api_key_id', m.api_key_id, m.api_key_name) AS identity_value,
    m.*
  FROM api_key_mappings AS m
  CROSS JOIN UNNEST(['api_key_id', 'api_key_name']) AS identity_type
),
claims AS (
  SELECT
    g.*,
    e.user_email,
    e.api_key_name,
    e.attribution_source,
    e.confidence_score,
    e.intended_use,
    e.created_date,
    e.expires_date,
    e.source_rank = MIN(e.source_rank) OVER (PARTITION BY g.gap_rank) AS is_strongest
  FROM int_attribution_gaps AS g
  LEFT JOIN entries AS e
    ON e.platform = g.platform
    AND e.identity_type = g.identity_type
    AND e.identity_value = g.identity_value
)
SELECT
  gap_rank,
  platform,
  identity_type,
  identity_value,
  workspace_id,
  is_invalid,
  records,
  cost_usd,
  first_day,
  last_day,
  IF(identity_type = 'api_key_name', identity_value, MAX(api_key_name)) AS key_name,
  COUNT(DISTINCT IF(is_strongest, user_email, NULL)) AS owners,
  MAX(IF(is_strongest, user_email, NULL)) AS owner,
  MAX(IF(is_strongest, attribution_source, NULL)) AS source,
  MAX(IF(is_strongest, confidence_score, NULL)) AS confidence,
  -- NULL where an entry has no first or last day.
  IF(
    LOGICAL_OR(is_strongest AND created_date IS NULL),
    NULL,
    MIN(IF(is_strongest, created_date, NULL))
  ) AS begun,
  IF(
    LOGICAL_OR(is_strongest AND expires_date IS NULL),
    NULL,
    MAX(IF(is_strongest, expires_date, NULL))
  ) AS ended,
  COALESCE(
    LOGICAL_OR(
      is_strongest
      AND (created_date IS NULL OR created_date <= last_day)
      AND (expires_date IS NULL OR expires_date >= first_day)
    ),
    FALSE
  ) AS is_for_these_days,
  IF(
    COUNT(DISTINCT IF(is_strongest, COALESCE(intended_use, '-'), NULL)) = 1,
    MAX(IF(is_strongest, intended_use, NULL)),
    NULL
  ) AS intended_use,
  dashed_name(
    IF(identity_type = 'api_key_name', identity_value, COALESCE(MAX(api_key_name), ''))
  ) AS dashed_name
FROM claims
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
