-- Every billed dollar of the days @start to @end (not included), exactly once: one row a cost event
-- and bearer. Reads from @month_start, the first of @start's month, because the budget columns
-- count from there.
WITH costs AS (
  SELECT
    event_id, event_timestamp, event_date, platform, platform_subtype, event_type, user_email,
    actor_name, api_key_id, workspace_id, model, context_window, cost_usd, cost_type,
    billing_period, billing_account_id, billing_month_days, cost_center, project_codes,
    cost_currency, exchange_rate, exchange_rate_date, exchange_rate_source, is_rate_stale,
    is_provisional, ingest_timestamp, attribution_method, data_quality_score,
    COALESCE(workspace_id, '') AS workspace,
    CASE WHEN service_tier = 'batch' THEN 'batch' WHEN service_tier IS NOT NULL THEN 'standard' END
      AS tier,
    -- What the line counts, so that it can be split by the same count of each key's usage.
    CASE
      WHEN token_type IS NOT NULL THEN token_type
      WHEN cost_type = 'web_search' THEN 'web_search_requests'
      WHEN cost_type = 'input_tokens' THEN 'uncached_input_tokens'
      WHEN cost_type = 'output_tokens' THEN 'output_tokens'
      ELSE 'unclassed'
    END AS class,
    -- A line of a cost report names no bearer and is split; everything else bears its own cost.
    event_type = 'cost' AND user_email IS NULL AND api_key_id IS NULL AND actor_name IS NULL
      AND attribution_method != 'shared' AND data_quality_score > 0 AS is_line
  FROM raw_ai_events
  WHERE event_date >= @month_start AND event_date < @end
    AND cost_usd IS NOT NULL
),
lines AS (
  SELECT
    *,
    COUNT(*) OVER (
      PARTITION BY event_date, platform, workspace, model, tier, context_window, billed
    ) AS alike
  FROM (
    SELECT *, IF(class = 'unclassed', COALESCE(cost_type, ''), class) AS billed
    FROM costs
    WHERE is_line
  ) AS report_lines
),
usage_rows AS (
  SELECT
    e.event_date, e.platform, e.user_email, e.api_key_id, e.actor_name,
    COALESCE(e.workspace_id, '') AS workspace,
    COALESCE(e.model, '') AS model,
    COALESCE(e.context_window, '') AS context_window,
    COALESCE(e.service_tier, 'standard') AS service_tier,
    e.input_tokens, e.output_tokens, e.cache_read_tokens, e.cached_input_tokens,
    e.cache_write_5m_tokens, e.cache_write_1h_tokens, e.web_search_requests,
    CAST(ROUND(f.list_cost_usd * 1000000) AS INT64) AS list_micros,
    -- Dollars and tokens cannot be mixed: one usage row without a price, and the workspace's day
    -- falls back to tokens.
    COUNTIF(f.list_cost_usd IS NULL) OVER (
      PARTITION BY e.event_date, e.platform, COALESCE(e.workspace_id, '')
    ) AS unpriced
  FROM raw_ai_events AS e
  -- The days stand in a WHERE of their own: on an outer join they would not prune partitions.
  LEFT JOIN (
    SELECT event_id, list_cost_usd
    FROM fact_ai_usage
    WHERE event_timestamp >= TIMESTAMP(@month_start, 'UTC') AND event_timestamp < TIMESTAMP(@end, 'UTC')
  ) AS f
    ON f.event_id = e.event_id
  WHERE e.event_date >= @month_start AND e.event_date < @end
    AND e.event_type = 'usage'
    -- Priority-tier tokens are paid by commitment: no line of the cost report is theirs. Those on
    -- demand are billed.
    AND COALESCE(e.service_tier, '') != 'priority'
),
weights AS (
  SELECT
    event_date, platform, workspace, class, model, service_tier, context_window,
    user_email, api_key_id, actor_name,
    CAST(SUM(weight) AS INT64) AS weight
  FROM (
    SELECT
      u.*, class,
      CASE class
        WHEN 'uncached_input_tokens' THEN input_tokens
        WHEN 'output_tokens' THEN output_tokens
        WHEN 'cache_read_input_tokens' THEN cache_read_tokens
        WHEN 'cache_creation.ephemeral_5m_input_tokens' THEN cache_write_5m_tokens
        WHEN 'cache_creation.ephemeral_1h_input_tokens' THEN cache_write_1h_tokens
        WHEN 'web_search_requests' THEN web_search_requests
        ELSE IF(
          unpriced = 0, list_micros,
          COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)
            + COALESCE(cache_read_tokens, 0) + COALESCE(cached_input_tokens, 0)
        )
      END AS weight
    FROM usage_rows AS u
    CROSS JOIN UNNEST([
      'uncached_input_tokens', 'output_tokens', 'cache_read_input_tokens',
      'cache_creation.ephemeral_5m_input_tokens', 'cache_creation.ephemeral_1h_input_tokens',
      'web_search_requests', 'unclassed'
    ]) AS class
  ) AS counted
  WHERE weight > 0
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
-- Lines meet what the usage report tells apart, without its bearers: few rows decide how a line is
-- widened and which lines bill the same.
matches AS (
  SELECT
    l.event_id, l.cost_usd, l.class, l.billed, l.alike,
    s.event_date, s.platform, s.workspace, s.model, s.service_tier, s.context_window,
    l.model IS NULL OR l.model = s.model AS is_model,
    (l.model IS NULL OR l.model = s.model)
      AND (l.tier IS NULL OR l.tier = IF(s.service_tier = 'batch', 'batch', 'standard'))
      AND (l.context_window IS NULL OR l.context_window = s.context_window) AS is_exact
  FROM lines AS l
  JOIN (
    SELECT event_date, platform, workspace, class, model, service_tier, context_window
    FROM weights
    GROUP BY 1, 2, 3, 4, 5, 6, 7
  ) AS s
    ON s.event_date = l.event_date AND s.platform = l.platform
    AND s.workspace = l.workspace AND s.class = l.class
),
-- The widenings: all that the line names, its model, its workspace.
levelled AS (
  SELECT
    *,
    CASE
      WHEN COUNTIF(is_exact) OVER (PARTITION BY event_id) > 0 THEN 1
      WHEN COUNTIF(is_model) OVER (PARTITION BY event_id) > 0 THEN 2
      ELSE 3
    END AS level,
    COUNTIF(is_exact) OVER (
      PARTITION BY event_date, platform, workspace, billed, model, service_tier, context_window
    ) AS claims,
    MIN(IF(is_exact, event_id, NULL)) OVER (
      PARTITION BY event_date, platform, workspace, billed, model, service_tier, context_window
    ) AS first_claim
  FROM matches
),
fitting AS (
  SELECT
    *,
    -- A line may name what usage does not (speed, geography, what comes next): it stands beside
    -- another one that bills the same usage, and nothing tells whose usage is whose.
    IF(level = 1, MAX(claims) OVER (PARTITION BY event_id), alike) > 1 AS is_indistinct,
    -- Every tier but batch counts as standard, whatever a token of it costs.
    class NOT IN ('web_search_requests', 'unclassed') AND COALESCE(
      MIN(IF(service_tier = 'batch', NULL, service_tier)) OVER (PARTITION BY event_id)
      != MAX(IF(service_tier = 'batch', NULL, service_tier)) OVER (PARTITION BY event_id), FALSE
    ) AS mixes_tiers
  FROM levelled
  WHERE CASE level WHEN 1 THEN is_exact WHEN 2 THEN is_model ELSE TRUE END
),
weighted AS (
  SELECT
    f.event_id, f.cost_usd, f.level, f.is_indistinct, f.mixes_tiers,
    w.user_email, w.api_key_id, w.actor_name,
    CAST(SUM(w.weight) AS INT64) AS weight,
    -- What several lines bill is counted with the first.
    CAST(SUM(IF(f.first_claim = f.event_id, w.weight, 0)) AS INT64) AS counted
  FROM fitting AS f
  JOIN weights AS w
    ON w.event_date = f.event_date AND w.platform = f.platform AND w.workspace = f.workspace
    AND w.class = f.class AND w.model = f.model AND w.service_tier = f.service_tier
    AND w.context_window = f.context_window
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
scaled AS (
  SELECT
    *,
    CAST(ABS(cost_usd) * weight * 1000000 AS NUMERIC) AS x,
    CAST(SUM(weight) OVER (PARTITION BY event_id) AS NUMERIC) AS w_total,
    ROW_NUMBER() OVER (
      PARTITION BY event_id ORDER BY weight DESC, api_key_id, user_email, actor_name
    ) AS place
  FROM weighted
),
-- Shares are truncated to a millionth of a dollar: exact on both engines because the remainder is
-- taken off before the division.
truncated AS (
  SELECT
    *,
    CAST(
      CAST(SIGN(cost_usd) AS INT64) * CAST(ROUND((x - MOD(x, w_total)) / w_total) AS INT64)
      * NUMERIC '0.000001' AS NUMERIC
    ) AS share
  FROM scaled
),
split AS (
  SELECT
    *,
    CAST(
      share + IF(place = 1, cost_usd - SUM(share) OVER (PARTITION BY event_id), 0) AS NUMERIC
    ) AS part_usd
  FROM truncated
),
-- The parts by usage, and whole events where there is nothing to split by.
used AS (
  SELECT
    c.* EXCEPT (user_email, api_key_id, actor_name),
    IF(s.event_id IS NULL, c.user_email, s.user_email) AS user_email,
    IF(s.event_id IS NULL, c.api_key_id, s.api_key_id) AS api_key_id,
    IF(s.event_id IS NULL, c.actor_name, s.actor_name) AS actor_name,
    IF(s.event_id IS NULL, c.cost_usd, s.part_usd) AS part_usd,
    IF(
      s.level = 1 AND c.class NOT IN ('web_search_requests', 'unclassed'), s.counted, NULL
    ) AS tokens,
    CASE
      WHEN s.level = 1 AND c.class = 'web_search_requests' THEN s.counted
      WHEN c.cost_type = 'overage' THEN 1
    END AS requests,
    COALESCE(s.level, 0) AS level,
    COALESCE(s.place, 1) AS place,
    COALESCE(s.is_indistinct, FALSE) AS is_indistinct,
    COALESCE(s.mixes_tiers, FALSE) AS mixes_tiers
  FROM costs AS c
  LEFT JOIN split AS s ON s.event_id = c.event_id
),
-- Rules: of a key before those of its workspace, those before the platform's. A key's and a
-- workspace's split what usage has given to the key, so that the parts still say whose usage it
-- was; a platform's splits whatever else the platform costs, seats and other costs too.
rule_heads AS (
  SELECT
    rule_id, platform, scope_type, COALESCE(scope_value, '') AS scope_value, method,
    valid_from, valid_to,
    MAX(team) AS team, MAX(cost_center) AS cost_center, ANY_VALUE(project_codes) AS project_codes
  FROM allocation_rules
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
rule_bearers AS (
  SELECT rule_id, platform, valid_from, valid_to, user_email, weight
  FROM allocation_rules
  WHERE method = 'manual'
  UNION ALL
  SELECT
    r.rule_id, r.platform,
    -- A first version reaches back to before the person had begun.
    GREATEST(r.valid_from, u.effective_date, COALESCE(u.start_date, u.effective_date))
      AS valid_from,
    LEAST(r.valid_to, u.expiration_date) AS valid_to,
    u.user_email, 1 AS weight
  FROM rule_heads AS r
  JOIN dim_users AS u ON u.team = r.team AND u.is_active AND u.user_sk > 0
  WHERE r.method = 'equal_split'
),
ruled AS (
  SELECT
    u.*,
    COALESCE(k.rule_id, w.rule_id, p.rule_id) AS rule_id,
    CASE WHEN k.rule_id IS NOT NULL THEN k.method WHEN w.rule_id IS NOT NULL THEN w.method
      ELSE p.method END AS rule_method,
    CASE WHEN k.rule_id IS NOT NULL THEN k.cost_center
      WHEN w.rule_id IS NOT NULL THEN w.cost_center ELSE p.cost_center END AS rule_cost_center,
    CASE WHEN k.rule_id IS NOT NULL THEN k.project_codes
      WHEN w.rule_id IS NOT NULL THEN w.project_codes ELSE p.project_codes END AS rule_projects
  FROM used AS u
  LEFT JOIN rule_heads AS k
    ON k.scope_type = 'api_key' AND k.platform = u.platform AND k.scope_value = u.api_key_id
    AND u.event_date BETWEEN k.valid_from AND k.valid_to AND u.data_quality_score > 0
  LEFT JOIN rule_heads AS w
    ON w.scope_type = 'workspace' AND w.platform = u.platform AND w.scope_value = u.workspace
    AND u.event_date BETWEEN w.valid_from AND w.valid_to AND u.is_line
  LEFT JOIN rule_heads AS p
    ON p.scope_type = 'platform' AND p.platform = u.platform
    AND u.event_date BETWEEN p.valid_from AND p.valid_to AND u.data_quality_score > 0
),
rule_weighted AS (
  SELECT
    r.*,
    b.user_email AS rule_email, b.weight AS rule_weight,
    CAST(SUM(b.weight) OVER (PARTITION BY r.event_id, r.place) AS NUMERIC) AS rule_total,
    ROW_NUMBER() OVER (
      PARTITION BY r.event_id, r.place ORDER BY b.weight DESC, b.user_email
    ) AS rule_place
  FROM ruled AS r
  LEFT JOIN rule_bearers AS b
    ON b.rule_id = r.rule_id AND b.platform = r.platform
    AND r.event_date BETWEEN b.valid_from AND b.valid_to
),
rule_scaled AS (
  SELECT
    *,
    CAST(ABS(part_usd) * rule_weight * 1000000 AS NUMERIC) AS x,
    CAST(CAST(tokens AS NUMERIC) * rule_weight AS NUMERIC) AS x_tokens,
    CAST(CAST(requests AS NUMERIC) * rule_weight AS NUMERIC) AS x_requests
  FROM rule_weighted
),
rule_truncated AS (
  SELECT
    *,
    IF(rule_weight IS NULL, part_usd, CAST(
      CAST(SIGN(part_usd) AS INT64) * CAST(ROUND((x - MOD(x, rule_total)) / rule_total) AS INT64)
      * NUMERIC '0.000001' AS NUMERIC
    )) AS share,
    IF(rule_weight IS NULL, tokens, CAST(
      ROUND((x_tokens - MOD(x_tokens, rule_total)) / rule_total) AS INT64
    )) AS share_tokens,
    IF(rule_weight IS NULL, requests, CAST(
      ROUND((x_requests - MOD(x_requests, rule_total)) / rule_total) AS INT64
    )) AS share_requests
  FROM rule_scaled
),
-- What truncation leaves goes to the largest share, counts like dollars.
parts AS (
  SELECT
    * EXCEPT (part_usd, tokens, requests),
    CAST(
      share
      + IF(rule_place = 1, part_usd - SUM(share) OVER (PARTITION BY event_id, place), 0) AS NUMERIC
    ) AS part_usd,
    CAST(
      share_tokens
      + IF(rule_place = 1, tokens - SUM(share_tokens) OVER (PARTITION BY event_id, place), 0)
      AS INT64
    ) AS tokens,
    CAST(
      share_requests
      + IF(rule_place = 1, requests - SUM(share_requests) OVER (PARTITION BY event_id, place), 0)
      AS INT64
    ) AS requests,
    COALESCE(
      SAFE_DIVIDE(CAST(rule_weight AS FLOAT64), CAST(rule_total AS FLOAT64)), CAST(1 AS FLOAT64)
    ) AS rule_share,
    -- A step of a fifth with each widening, and with each thing that usage cannot tell. A line
    -- that counts no class, as code execution, has no usage of its own: split by what else was
    -- spent, it is no surer than the widening to what it names, its model or the whole workspace.
    CAST(5 - CASE
      WHEN level = 0 THEN 0
      WHEN level = 3 OR (class = 'unclassed' AND model IS NULL) THEN 2
      WHEN level = 2 OR class = 'unclassed' THEN 1
      ELSE 0
    END - IF(is_indistinct, 1, 0) - IF(mixes_tiers, 1, 0) AS FLOAT64) / 5 AS split_confidence,
    -- An equal split over a team without an active member has no bearer: it is shared.
    CASE WHEN rule_email IS NOT NULL OR rule_method = 'equal_split' THEN rule_method END
      AS applied_rule,
    ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY place, rule_place) AS event_part
  FROM rule_truncated
),
named AS (
  SELECT
    *,
    CASE
      WHEN rule_email IS NOT NULL THEN 'email'
      WHEN applied_rule IS NOT NULL THEN NULL
      WHEN user_email IS NOT NULL THEN 'email'
      WHEN api_key_id IS NOT NULL THEN 'api_key_id'
      WHEN actor_name IS NOT NULL THEN 'api_key_name'
    END AS identity_type,
    COALESCE(rule_email, user_email, api_key_id, actor_name) AS identity_value,
    CASE
      WHEN data_quality_score <= 0 THEN FALSE
      WHEN applied_rule IS NOT NULL THEN rule_email IS NULL
      ELSE attribution_method = 'shared'
    END AS is_shared,
    IF(applied_rule IS NOT NULL, CAST(1 AS FLOAT64), split_confidence) AS bearer_confidence,
    NULLIF(
      IF(
        applied_rule IS NULL,
        ARRAY_TO_STRING([
          IF(level = 2, 'widened_to_model', NULL),
          IF(level = 3, 'widened_to_workspace', NULL),
          IF(level > 0 AND class = 'unclassed', 'no_usage_of_its_own', NULL),
          IF(is_indistinct, 'lines_usage_cannot_tell_apart', NULL),
          IF(mixes_tiers, 'tiers_share_the_line', NULL)
        ], ', '),
        IF(rule_email IS NULL, 'nobody_active_in_team', '')
      ), ''
    ) AS allocation_note
  FROM parts
),
identified AS (
  SELECT
    p.*,
    CASE WHEN p.data_quality_score <= 0 THEN 0 WHEN p.is_shared THEN -1
      ELSE COALESCE(b.user_sk, 0) END AS user_sk,
    CASE
      WHEN p.is_shared THEN CAST(1 AS FLOAT64)
      WHEN p.data_quality_score <= 0 OR COALESCE(b.user_sk, 0) = 0 THEN CAST(0 AS FLOAT64)
      ELSE b.confidence_score * (
        1 - CAST(
          LEAST(GREATEST(COALESCE(DATE_DIFF(p.event_date, b.last_verified_date, DAY), 0), 0), 180)
          AS FLOAT64
        ) / 360
      )
      -- A rule says who bears it, however it was used.
      * p.bearer_confidence
    END AS allocation_confidence,
    CASE
      WHEN p.data_quality_score <= 0 THEN 'unallocated'
      WHEN p.applied_rule IS NOT NULL THEN p.applied_rule
      WHEN p.level > 0 THEN 'usage_based'
      WHEN p.is_shared OR COALESCE(b.user_sk, 0) != 0 THEN 'direct'
      ELSE 'unallocated'
    END AS allocation_method,
    IF(p.api_key_id IS NULL, NULL, k.platform_subtype) AS key_product,
    -- The rule's, else what the contract or entry names, else the key's own (whoever a rule lets
    -- bear its cost), else the bearer's.
    COALESCE(
      p.rule_cost_center, p.cost_center,
      IF(COALESCE(k.is_owners_cost_center, FALSE), NULL, k.cost_center), b.cost_center
    ) AS charged_cost_center,
    CASE
      WHEN ARRAY_LENGTH(p.rule_projects) > 0 THEN p.rule_projects
      WHEN ARRAY_LENGTH(p.project_codes) > 0 THEN p.project_codes
      WHEN ARRAY_LENGTH(k.project_codes) > 0 THEN k.project_codes
      ELSE b.project_codes
    END AS charged_projects
  FROM named AS p
  LEFT JOIN bridge_user_identity AS b
    ON b.identity_type = p.identity_type AND b.identity_value = p.identity_value
    AND b.platform = IF(p.identity_type = 'email', '*', p.platform)
    AND p.event_date BETWEEN b.valid_from AND b.valid_to
  LEFT JOIN bridge_user_identity AS k
    ON k.identity_type = IF(p.api_key_id IS NULL, 'api_key_name', 'api_key_id')
    AND k.identity_value = COALESCE(p.api_key_id, p.actor_name)
    AND k.platform = p.platform AND p.event_date BETWEEN k.valid_from AND k.valid_to
),
borne AS (
  SELECT
    i.event_id, i.event_part, i.event_date, i.platform, i.user_sk, i.api_key_id, i.part_usd,
    i.tokens, i.requests, i.rule_share, i.allocation_confidence, i.allocation_method,
    i.allocation_note,
    COALESCE(i.key_product, i.platform_subtype) AS product,
    i.charged_cost_center AS cost_center,
    i.charged_projects AS project_codes,
    i.event_timestamp, i.workspace_id, i.billing_account_id, i.billing_month_days, i.model,
    i.cost_usd, i.cost_type, i.billing_period, i.cost_currency, i.exchange_rate,
    i.exchange_rate_date, i.exchange_rate_source, i.is_rate_stale, i.is_provisional,
    i.ingest_timestamp,
    CASE
      WHEN i.cost_type IN ('subscription', 'overage') THEN i.cost_type
      WHEN i.cost_type IN ('one_time', 'tax', 'credit', 'commitment') THEN 'one_time'
      ELSE 'usage'
    END AS kind,
    CAST(DATE_TRUNC(i.event_date, MONTH) AS DATE) AS month,
    CASE WHEN i.user_sk > 0 THEN u.user_email END AS bearer_email
  FROM identified AS i
  LEFT JOIN dim_users AS u ON u.user_sk = i.user_sk
),
months AS (
  SELECT month
  FROM UNNEST(
    GENERATE_DATE_ARRAY(@month_start, DATE_SUB(@end, INTERVAL 1 DAY), INTERVAL 1 MONTH)
  ) AS month
),
-- A person's budget of a month: budgets.csv before the directory, and of each the last version
-- that the month saw.
directory_budgets AS (
  SELECT month, user_email, budget_usd
  FROM (
    SELECT
      m.month, u.user_email, u.ai_budget_monthly_usd AS budget_usd,
      ROW_NUMBER() OVER (
        PARTITION BY m.month, u.user_email ORDER BY u.effective_date DESC
      ) AS newest
    FROM months AS m
    JOIN dim_users AS u
      ON u.effective_date <= LAST_DAY(m.month) AND u.expiration_date >= m.month AND u.user_sk > 0
  ) AS versions
  WHERE newest = 1 AND budget_usd IS NOT NULL
),
maintained_budgets AS (
  SELECT month, user_email, budget_usd, budget_category
  FROM (
    SELECT
      m.month, b.scope_value AS user_email, b.monthly_budget_usd AS budget_usd, b.budget_category,
      ROW_NUMBER() OVER (
        PARTITION BY m.month, b.scope_value ORDER BY b.valid_from DESC
      ) AS newest
    FROM months AS m
    JOIN dim_budgets AS b
      ON b.valid_from <= LAST_DAY(m.month) AND b.valid_to >= m.month AND b.scope_type = 'person'
  ) AS versions
  WHERE newest = 1
),
budgets AS (
  SELECT
    COALESCE(b.month, d.month) AS month,
    COALESCE(b.user_email, d.user_email) AS user_email,
    COALESCE(b.budget_usd, d.budget_usd) AS budget_usd,
    IF(b.user_email IS NULL, 'directory', COALESCE(b.budget_category, 'person')) AS budget_category
  FROM maintained_budgets AS b
  FULL OUTER JOIN directory_budgets AS d
    ON d.month = b.month AND d.user_email = b.user_email
),
spent_to_date AS (
  SELECT
    month, bearer_email, event_date,
    CAST(SUM(spent_usd) OVER (
      PARTITION BY month, bearer_email ORDER BY event_date
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS NUMERIC) AS to_date_usd
  FROM (
    SELECT month, bearer_email, event_date, CAST(SUM(part_usd) AS NUMERIC) AS spent_usd
    FROM borne
    WHERE bearer_email IS NOT NULL
    GROUP BY 1, 2, 3
  ) AS by_day
),
-- The cycle that invoice_days gives a cost, and how it is judged.
invoiced AS (
  SELECT d.platform, d.account, d.cost_kind, d.day, d.invoice_id, r.reconciliation_status
  FROM invoice_days AS d
  JOIN invoice_reconciliation AS r
    ON r.platform = d.platform AND r.invoice_id = d.invoice_id
    AND r.period_from = d.period_from AND r.period_to = d.period_to
  WHERE d.is_first AND d.day >= @start AND d.day < @end
)
SELECT
  f.user_sk,
  COALESCE(pl.platform_sk, 0) AS platform_sk,
  CAST(FORMAT_DATE('%Y%m%d', f.event_date) AS INT64) AS date_sk,
  COALESCE(cc.cost_center_sk, 0) AS cost_center_sk,
  f.event_id,
  f.event_part,
  f.api_key_id,
  f.model,
  COALESCE(f.billing_account_id, f.workspace_id) AS billing_account_id,
  n.invoice_id,
  CAST(IF(f.kind = 'overage', 0, f.part_usd) AS NUMERIC) AS base_cost_usd,
  CAST(IF(f.kind = 'overage', f.part_usd, 0) AS NUMERIC) AS overage_cost_usd,
  f.part_usd AS total_cost_usd,
  CAST(IF(f.user_sk > 0, f.part_usd, 0) AS NUMERIC) AS allocated_cost_usd,
  IF(f.cost_usd = 0, CAST(100 AS FLOAT64),
    SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.cost_usd AS FLOAT64)) * 100)
    AS allocation_percentage,
  f.allocation_method,
  f.tokens AS billable_tokens,
  f.requests AS billable_requests,
  CAST(NULL AS INT64) AS billable_sessions,
  -- An event written before the column was there is taken to be billed by the calendar month.
  CASE WHEN f.kind = 'subscription'
    THEN SAFE_DIVIDE(f.rule_share, CAST(
      COALESCE(f.billing_month_days, EXTRACT(DAY FROM LAST_DAY(f.event_date))) AS FLOAT64
    )) END
    AS subscription_units,
  SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.tokens AS FLOAT64)) AS cost_per_token,
  SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.requests AS FLOAT64)) AS cost_per_request,
  CAST(NULL AS FLOAT64) AS cost_per_session,
  f.kind AS cost_type,
  CASE
    WHEN f.kind = 'one_time' OR f.billing_period = 'usage_based' THEN 'transaction'
    WHEN f.billing_period = 'monthly' THEN 'monthly'
    ELSE 'daily'
  END AS billing_period,
  COALESCE(f.cost_currency, 'USD') AS currency_code,
  COALESCE(f.exchange_rate, CAST(1 AS NUMERIC)) AS exchange_rate,
  f.exchange_rate_date,
  f.exchange_rate_source,
  bu.budget_category,
  bu.budget_usd AS budget_allocated_usd,
  CAST(bu.budget_usd - st.to_date_usd AS NUMERIC) AS budget_remaining_usd,
  st.to_date_usd > bu.budget_usd AS is_over_budget,
  f.project_codes,
  CASE
    WHEN f.is_provisional THEN CAST(0.8 AS FLOAT64)
    WHEN f.is_rate_stale THEN CAST(0.9 AS FLOAT64)
    ELSE CAST(1 AS FLOAT64)
  END AS cost_confidence,
  f.allocation_confidence,
  f.allocation_note,
  COALESCE(n.reconciliation_status, 'pending') AS reconciliation_status,
  f.is_provisional,
  f.event_timestamp AS cost_timestamp,
  f.ingest_timestamp,
  @run_id AS pipeline_run_id
FROM borne AS f
LEFT JOIN dim_platforms AS pl
  -- What is for no single product is the whole platform's.
  ON pl.platform_code = f.platform AND pl.platform_subtype = COALESCE(f.product, 'all')
LEFT JOIN dim_cost_centers AS cc ON cc.cost_center = f.cost_center
LEFT JOIN budgets AS bu ON bu.month = f.month AND bu.user_email = f.bearer_email
LEFT JOIN spent_to_date AS st
  ON st.month = f.month AND st.bearer_email = f.bearer_email AND st.event_date = f.event_date
LEFT JOIN invoiced AS n
  ON n.platform = f.platform AND n.account = COALESCE(f.billing_account_id, '')
  AND n.day = f.event_date
  AND n.cost_kind
    = CASE f.kind WHEN 'subscription' THEN 'seat' WHEN 'one_time' THEN 'other' ELSE 'usage' END
WHERE f.event_date >= @start
