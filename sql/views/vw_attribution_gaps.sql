CREATE VIEW vw_attribution_gaps (
  platform OPTIONS(description="Platform that reported the events: anthropic, cursor."),
  identity_type OPTIONS(description="What the events carry: email, api_key_id, api_key_name or vendor_user_id; workspace where they carry nothing that could name a person."),
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
  description="Who is not known: one row per platform, identity, workspace and whether the records could be read, over the events and cost of the Unknown member in the window. The window starts on the first of the month, {months} months before as_of.",
  labels=[("months", "12")]
)
AS
WITH workspace_tokens AS (
  -- Who used a workspace: its tokens by person, those of team and service keys as nobody's.
  SELECT
    k.platform,
    k.workspace AS workspace_id,
    IF(k.user_sk = -1, NULL, p.person) AS user_email,
    CAST(SUM(k.total_tokens) AS INT64) AS tokens
  FROM agg_keys_daily AS k
  LEFT JOIN dim_users AS p ON p.user_sk = k.user_sk
  WHERE k.date BETWEEN @window_start AND @as_of AND k.user_sk != 0 AND k.total_tokens > 0
  GROUP BY 1, 2, 3
),
token_shares AS (
  SELECT
    *,
    CAST(SUM(tokens) OVER (PARTITION BY platform, workspace_id) AS INT64) AS all_tokens
  FROM workspace_tokens
),
compared AS (
  SELECT
    c.*,
    l.user_email IS NOT NULL AS is_listed,
    a.user_email AS alike_owner,
    a.domain = mail_domain(c.identity_value) AS is_same_domain,
    w.user_email AS named_owner,
    COUNT(w.user_email) OVER (PARTITION BY c.gap_rank, w.dashed_length) AS named_owners,
    ROW_NUMBER() OVER (
      PARTITION BY c.gap_rank
      ORDER BY COALESCE(w.dashed_length, 0) DESC, COALESCE(w.user_email, '')
    ) AS match_number,
    s.user_email AS busiest,
    s.tokens,
    s.all_tokens
  FROM int_key_claims AS c
  LEFT JOIN int_mailboxes AS l ON l.user_email = c.owner
  -- An address like a known person's, but for dots, a plus tag or the domain: one in the same
  -- domain, else the only one in any.
  LEFT JOIN int_mailboxes AS a
    ON c.identity_type = 'email'
    AND a.plain = REPLACE(mailbox(c.identity_value), '.', '')
    AND IF(a.domain = mail_domain(c.identity_value), a.domain_owners, a.plain_owners) = 1
  -- A key's name that holds a person's mailbox, word by word. The first condition is only there
  -- because an outer join needs an equality.
  LEFT JOIN int_mailboxes AS w
    ON (w.dashed IS NOT NULL) = (c.dashed_name != '--') AND STRPOS(c.dashed_name, w.dashed) > 0
  LEFT JOIN token_shares AS s
    ON s.platform = c.platform
    AND s.workspace_id = c.workspace_id
    AND s.tokens * 2 > s.all_tokens
    AND s.user_email IS NOT NULL
),
scored_gaps AS (
  -- The strongest kind of evidence counts.
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
  WHERE match_number = 1
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
      IF(
        is_for_these_days OR begun IS NULL OR begun <= last_day,
        '',
        CONCAT(' from ', CAST(begun AS STRING), ' on')
      ),
      IF(
        is_for_these_days OR ended IS NULL OR ended >= first_day,
        '',
        CONCAT(' until ', CAST(ended AS STRING))
      ),
      IF(is_listed, '', ', whom no directory lists')
    )
    WHEN 'address' THEN IF(
      is_same_domain,
      'the same mailbox but for dots or a plus tag',
      'the same mailbox in another domain'
    )
    WHEN 'name' THEN 'the key is named after their mailbox'
    WHEN 'workspace' THEN CONCAT(
      'has ', CAST(DIV(tokens * 100, all_tokens) AS STRING), ' % of the tokens of the workspace'
    )
  END AS suggestion_evidence,
  CASE evidence
    WHEN 'claim' THEN confidence * CAST(0.8 AS FLOAT64)
    WHEN 'address' THEN IF(is_same_domain, CAST(0.9 AS FLOAT64), CAST(0.7 AS FLOAT64))
    WHEN 'name' THEN CAST(0.5 AS FLOAT64)
    WHEN 'workspace' THEN
      SAFE_DIVIDE(CAST(tokens AS FLOAT64), CAST(all_tokens AS FLOAT64)) * CAST(0.5 AS FLOAT64)
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
FROM scored_gaps
