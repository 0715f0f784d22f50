CREATE VIEW vw_attribution_gaps (
  platform OPTIONS(description="Platform that reported the events: anthropic, cursor."),
  identity_type OPTIONS(description="What the events carry: email, api_key_id or api_key_name; workspace where they carry nothing that could name a person."),
  identity_value OPTIONS(description="The e-mail address, key id or key name; for workspace the workspace's id, or default."),
  workspace_id OPTIONS(description="Vendor's workspace. NULL means the default workspace, or not reported."),
  records OPTIONS(description="Usage and session events of nobody in the window. 0 where only cost is nobody's."),
  cost_usd OPTIONS(description="Cost of nobody in the window, US dollars. Sums over all rows to the cost of the Unknown member."),
  first_day OPTIONS(description="First UTC day of the window with such an event or cost."),
  last_day OPTIONS(description="Last UTC day of the window with such an event or cost."),
  gap_rank OPTIONS(description="1 is the gap with the most dollars, among equals the one with the most records. Unique."),
  suggested_owner OPTIONS(description="Address that the evidence points to. NULL where it points to nobody, or to several people alike."),
  suggestion_evidence OPTIONS(description="What points to suggested_owner, for a person to judge."),
  suggestion_confidence OPTIONS(description="0 to 1. A source that names the owner for other days: its confidence x 0.8. The same mailbox: 0.9 in the same domain, 0.7 in another. A key's name that holds the mailbox: 0.5. Most of the workspace's tokens: half of the share."),
  reason OPTIONS(description="unknown: no source names an owner; lapsed: one does, but not for these days; unlisted_owner: for these days too, but no directory lists the owner; contested: the strongest sources name several owners; no_identity: nothing names a key or person; invalid_record: the event broke a critical rule."),
  key_name OPTIONS(description="Name of the key, where a source or the event itself knows it."),
  suggested_use OPTIONS(description="intended_use in the entry that names suggested_owner, where there is one: personal, project_specific, team or service.")
)
OPTIONS(
  description="Who is not known: one row a platform, identity, workspace and whether the records could be read, over the events and cost of the Unknown member in the window. The window starts on the first of the month, so many months before as_of.",
  labels=[("months", "12")]
)
AS
WITH seen AS (
  -- The filter on the timestamp only prunes partitions, with a day of slack; the day comes from
  -- date_sk, which no session's time zone can move.
  SELECT
    c.event_id,
    c.platform_sk,
    c.api_key_id,
    d.date AS day,
    c.total_cost_usd AS cost_usd,
    0 AS records
  FROM fact_ai_costs AS c
  JOIN dim_dates AS d ON d.date_sk = c.date_sk
  WHERE c.user_sk = 0
    AND c.cost_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND c.cost_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
    AND d.date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
  UNION ALL
  SELECT
    u.event_id,
    u.platform_sk,
    u.api_key_id,
    d.date AS day,
    NUMERIC '0' AS cost_usd,
    1 AS records
  FROM fact_ai_usage AS u
  JOIN dim_dates AS d ON d.date_sk = u.date_sk
  WHERE u.user_sk = 0
    AND u.event_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND u.event_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
    AND d.date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
),
events AS (
  SELECT
    event_id,
    event_date,
    platform,
    user_email,
    api_key_id,
    actor_name,
    workspace_id,
    data_quality_score
  FROM raw_ai_events
  WHERE event_date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
),
named AS (
  -- A part of a cost line bears the key whose usage it stands for; everything else, what the
  -- event itself carries, in the facts' own order.
  SELECT
    COALESCE(e.platform, p.platform_code, 'unknown') AS platform,
    CASE
      WHEN e.user_email IS NOT NULL THEN 'email'
      WHEN COALESCE(s.api_key_id, e.api_key_id) IS NOT NULL THEN 'api_key_id'
      WHEN e.actor_name IS NOT NULL THEN 'api_key_name'
      ELSE 'workspace'
    END AS identity_type,
    COALESCE(e.user_email, s.api_key_id, e.api_key_id, e.actor_name, e.workspace_id, 'default') AS identity_value,
    e.workspace_id,
    COALESCE(e.data_quality_score <= 0, FALSE) AS is_invalid,
    s.day,
    s.cost_usd,
    s.records
  FROM seen AS s
  LEFT JOIN events AS e ON e.event_id = s.event_id AND e.event_date = s.day
  LEFT JOIN dim_platforms AS p ON p.platform_sk = s.platform_sk
),
summed AS (
  SELECT
    platform,
    identity_type,
    identity_value,
    workspace_id,
    is_invalid,
    CAST(SUM(records) AS INT64) AS records,
    CAST(SUM(cost_usd) AS NUMERIC) AS cost_usd,
    MIN(day) AS first_day,
    MAX(day) AS last_day
  FROM named
  GROUP BY 1, 2, 3, 4, 5
),
gaps AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      ORDER BY cost_usd DESC, records DESC, platform, identity_type, identity_value, COALESCE(workspace_id, ''), is_invalid
    ) AS gap_rank
  FROM summed
),
-- Evidence 1: sources that name an owner, though not one who bears these days.
entries AS (
  SELECT 'api_key_id' AS identity_type, api_key_id AS identity_value, * FROM api_key_mappings
  UNION ALL
  SELECT 'api_key_name' AS identity_type, api_key_name AS identity_value, * FROM api_key_mappings
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
  FROM gaps AS g
  LEFT JOIN entries AS e
    ON e.platform = g.platform
    AND e.identity_type = g.identity_type
    AND e.identity_value = g.identity_value
),
claimed AS (
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
    IF(LOGICAL_OR(is_strongest AND created_date IS NULL), NULL, MIN(IF(is_strongest, created_date, NULL))) AS begun,
    IF(LOGICAL_OR(is_strongest AND expires_date IS NULL), NULL, MAX(IF(is_strongest, expires_date, NULL))) AS ended,
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
    -- What a name or an address is compared by.
    CONCAT(
      '-',
      REGEXP_REPLACE(
        TRANSLATE(
          IF(identity_type = 'api_key_name', identity_value, COALESCE(MAX(api_key_name), '')),
          'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
          'abcdefghijklmnopqrstuvwxyz'
        ),
        '[^a-z0-9]+',
        '-'
      ),
      '-'
    ) AS dashed_name,
    IF(identity_type = 'email', REPLACE(REGEXP_REPLACE(identity_value, '[+@].*$', ''), '.', ''), NULL) AS plain,
    IF(identity_type = 'email', SUBSTR(identity_value, STRPOS(identity_value, '@') + 1), NULL) AS domain
  FROM claims
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
people AS (
  SELECT DISTINCT
    user_email,
    SUBSTR(user_email, STRPOS(user_email, '@') + 1) AS domain,
    REGEXP_REPLACE(user_email, '[+@].*$', '') AS mailbox
  FROM dim_users
  WHERE user_sk NOT IN (0, -1)
),
-- Evidence 2: an address like a known person's, but for dots, a plus tag or the domain.
mailboxes AS (
  SELECT
    REPLACE(mailbox, '.', '') AS plain,
    COUNT(*) AS owners,
    MAX(user_email) AS owner
  FROM people
  GROUP BY 1
),
domain_mailboxes AS (
  SELECT
    REPLACE(mailbox, '.', '') AS plain,
    domain,
    COUNT(*) AS owners,
    MAX(user_email) AS owner
  FROM people
  GROUP BY 1, 2
),
-- Evidence 3: a key's name that holds a person's mailbox, word by word. A short single word fits
-- too much: `max`, `app`.
words AS (
  SELECT
    user_email,
    CONCAT('-', dashed, '-') AS dashed,
    LENGTH(dashed) AS length,
    TRUE AS is_word
  FROM (
    SELECT
      user_email,
      REGEXP_REPLACE(mailbox, '[^a-z0-9]+', '-') AS dashed
    FROM people
  ) AS plain_mailboxes
  WHERE STRPOS(dashed, '-') > 0 OR LENGTH(dashed) >= 5
),
-- Evidence 4: one person has most of the workspace's tokens.
workspace_tokens AS (
  SELECT
    e.platform,
    e.workspace_id,
    IF(u.user_sk = -1, NULL, p.user_email) AS user_email,
    CAST(SUM(u.total_tokens) AS INT64) AS tokens
  FROM fact_ai_usage AS u
  JOIN dim_dates AS d ON d.date_sk = u.date_sk
  JOIN events AS e ON e.event_id = u.event_id AND e.event_date = d.date
  LEFT JOIN dim_users AS p ON p.user_sk = u.user_sk
  WHERE u.user_sk != 0
    AND u.total_tokens > 0
    AND e.workspace_id IS NOT NULL
    AND u.event_timestamp >= TIMESTAMP(CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE), 'UTC')
    AND u.event_timestamp < TIMESTAMP(CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE), 'UTC')
    AND d.date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
  GROUP BY 1, 2, 3
),
shares AS (
  SELECT
    *,
    CAST(SUM(tokens) OVER (PARTITION BY platform, workspace_id) AS INT64) AS all_tokens
  FROM workspace_tokens
),
compared AS (
  SELECT
    c.*,
    l.user_email IS NOT NULL AS is_listed,
    CASE WHEN d.owners = 1 THEN d.owner WHEN d.owners IS NULL AND m.owners = 1 THEN m.owner END AS alike_owner,
    d.owners = 1 AS is_same_domain,
    w.user_email AS named_owner,
    w.length AS named_length,
    COUNT(w.user_email) OVER (PARTITION BY c.gap_rank, w.length) AS named_owners,
    ROW_NUMBER() OVER (PARTITION BY c.gap_rank ORDER BY COALESCE(w.length, 0) DESC, COALESCE(w.user_email, '')) AS place,
    s.user_email AS busiest,
    s.tokens,
    s.all_tokens
  FROM claimed AS c
  LEFT JOIN people AS l ON l.user_email = c.owner
  LEFT JOIN mailboxes AS m ON m.plain = c.plain
  LEFT JOIN domain_mailboxes AS d ON d.plain = c.plain AND d.domain = c.domain
  -- The first condition is only there because an outer join needs an equality.
  LEFT JOIN words AS w ON w.is_word = (c.dashed_name != '--') AND STRPOS(c.dashed_name, w.dashed) > 0
  LEFT JOIN shares AS s
    ON s.platform = c.platform
    AND s.workspace_id = c.workspace_id
    AND s.tokens * 2 > s.all_tokens
    AND s.user_email IS NOT NULL
),
judged AS (
  SELECT
    *,
    CASE
      WHEN is_invalid THEN NULL
      WHEN owners = 1 THEN 'claim'
      WHEN alike_owner IS NOT NULL THEN 'address'
      WHEN named_owners = 1 THEN 'name'
      WHEN busiest IS NOT NULL THEN 'workspace'
    END AS evidence
  FROM compared
  WHERE place = 1
)
SELECT
  platform,
  identity_type,
  identity_value,
  workspace_id,
  records,
  cost_usd,
  first_day,
  last_day,
  gap_rank,
  CASE evidence
    WHEN 'claim' THEN owner
    WHEN 'address' THEN alike_owner
    WHEN 'name' THEN named_owner
    WHEN 'workspace' THEN busiest
  END AS suggested_owner,
  CASE evidence
    WHEN 'claim' THEN CONCAT(
      source,
      ' names them',
      IF(is_for_these_days OR begun IS NULL OR begun <= last_day, '', CONCAT(' from ', CAST(begun AS STRING), ' on')),
      IF(is_for_these_days OR ended IS NULL OR ended >= first_day, '', CONCAT(' until ', CAST(ended AS STRING))),
      IF(is_listed, '', ', whom no directory lists')
    )
    WHEN 'address' THEN IF(is_same_domain, 'the same mailbox but for dots or a plus tag', 'the same mailbox in another domain')
    WHEN 'name' THEN 'the key is named after their mailbox'
    WHEN 'workspace' THEN CONCAT('has ', CAST(DIV(tokens * 100, all_tokens) AS STRING), ' % of the tokens of the workspace')
  END AS suggestion_evidence,
  CASE evidence
    WHEN 'claim' THEN confidence * CAST(0.8 AS FLOAT64)
    WHEN 'address' THEN IF(is_same_domain, CAST(0.9 AS FLOAT64), CAST(0.7 AS FLOAT64))
    WHEN 'name' THEN CAST(0.5 AS FLOAT64)
    WHEN 'workspace' THEN SAFE_DIVIDE(CAST(tokens AS FLOAT64), CAST(all_tokens AS FLOAT64)) * CAST(0.5 AS FLOAT64)
  END AS suggestion_confidence,
  CASE
    WHEN is_invalid THEN 'invalid_record'
    WHEN identity_type = 'workspace' THEN 'no_identity'
    WHEN owners > 1 THEN 'contested'
    WHEN owners = 1 AND is_for_these_days AND NOT is_listed THEN 'unlisted_owner'
    WHEN owners = 1 THEN 'lapsed'
    ELSE 'unknown'
  END AS reason,
  key_name,
  IF(evidence = 'claim', intended_use, NULL) AS suggested_use
FROM judged
