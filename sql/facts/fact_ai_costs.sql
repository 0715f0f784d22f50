-- Every billed dollar of the days @start to @end (not included), exactly once: one row a cost event
-- and bearer. Reads from @month_start, the first of @start's month, because the budget columns
-- count from there.
WITH costs AS (
  SELECT
    *,
    user_email IS NOT NULL OR api_key_id IS NOT NULL OR actor_name IS NOT NULL AS names_somebody,
    COALESCE(workspace_id, '') AS workspace,
    CASE WHEN service_tier = 'batch' THEN 'batch' WHEN service_tier IS NOT NULL THEN 'standard' END
      AS tier,
    -- What the line counts, so that it can be split by the same count of each key's usage.
    CASE
      WHEN token_type IS NOT NULL THEN token_type
      WHEN cost_type = 'web_search' THEN 'web_search_requests'
      WHEN cost_type = 'input_tokens' THEN 'uncached_input_tokens'
      WHEN cost_type = 'output_tokens' THEN 'output_tokens'
    END AS named_class
  FROM raw_ai_events
  WHERE event_date >= @month_start AND event_date < @end
    AND cost_usd IS NOT NULL
),
usage_rows AS (
  SELECT
    event_id, event_date, platform, model, context_window, user_email, api_key_id, actor_name,
    COALESCE(workspace_id, '') AS workspace,
    CASE WHEN service_tier = 'batch' THEN 'batch' ELSE 'standard' END AS tier,
    input_tokens, output_tokens, cache_read_tokens, cached_input_tokens,
    cache_write_5m_tokens, cache_write_1h_tokens, web_search_requests
  FROM raw_ai_events
  WHERE event_date >= @month_start AND event_date < @end
    AND event_type = 'usage'
    -- Priority-tier tokens are paid by commitment: no line of the cost report is theirs.
    AND (service_tier IS NULL OR NOT STARTS_WITH(service_tier, 'priority'))
),
-- The list price of a usage row in millionths of a dollar, for lines that count no token class.
list_costs AS (
  SELECT
    u.event_id, u.event_date, u.platform, u.workspace,
    CAST(ROUND(f.list_cost_usd * 1000000) AS INT64) AS list_micros
  FROM usage_rows AS u
  -- The days stand in a WHERE of their own: on an outer join they would not prune partitions.
  LEFT JOIN (
    SELECT event_id, list_cost_usd
    FROM fact_ai_usage
    WHERE event_timestamp >= TIMESTAMP(@month_start, 'UTC') AND event_timestamp < TIMESTAMP(@end, 'UTC')
  ) AS f
    ON f.event_id = u.event_id
),
-- Dollars and tokens cannot be mixed: one usage row without a price, and the workspace's day falls
-- back to tokens.
unpriced AS (
  SELECT event_date, platform, workspace
  FROM list_costs
  WHERE list_micros IS NULL
  GROUP BY 1, 2, 3
),
-- A line of a cost report names no bearer and is split; everything else bears its own cost.
lines AS (
  SELECT
    c.*,
    COALESCE(
      c.named_class, IF(u.workspace IS NULL, 'list_cost', 'all_tokens')
    ) AS class
  FROM costs AS c
  LEFT JOIN unpriced AS u
    ON u.event_date = c.event_date AND u.platform = c.platform AND u.workspace = c.workspace
  WHERE c.event_type = 'cost' AND NOT c.names_somebody AND c.attribution_method != 'shared'
    AND c.data_quality_score > 0
),
counts AS (
  SELECT *, 'uncached_input_tokens' AS class, input_tokens AS weight FROM usage_rows
  UNION ALL
  SELECT *, 'output_tokens' AS class, output_tokens AS weight FROM usage_rows
  UNION ALL
  SELECT *, 'cache_read_input_tokens' AS class, cache_read_tokens AS weight FROM usage_rows
  UNION ALL
  SELECT *, 'cache_creation.ephemeral_5m_input_tokens' AS class, cache_write_5m_tokens AS weight
  FROM usage_rows
  UNION ALL
  SELECT *, 'cache_creation.ephemeral_1h_input_tokens' AS class, cache_write_1h_tokens AS weight
  FROM usage_rows
  UNION ALL
  SELECT *, 'web_search_requests' AS class, web_search_requests AS weight FROM usage_rows
  UNION ALL
  SELECT
    *, 'all_tokens' AS class,
    COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)
      + COALESCE(cache_read_tokens, 0) + COALESCE(cached_input_tokens, 0) AS weight
  FROM usage_rows
  UNION ALL
  SELECT u.*, 'list_cost' AS class, l.list_micros AS weight
  FROM usage_rows AS u
  JOIN list_costs AS l ON l.event_id = u.event_id
),
weights AS (
  SELECT
    event_date, platform, workspace, model, tier, context_window, class,
    user_email, api_key_id, actor_name,
    CAST(SUM(weight) AS INT64) AS weight
  FROM counts
  WHERE weight > 0
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
-- The same join serves the three widenings: all that the line names, its model, its workspace.
candidates AS (
  SELECT
    l.event_id, w.user_email, w.api_key_id, w.actor_name,
    CAST(SUM(IF(
      (l.model IS NULL OR l.model = w.model)
      AND (l.tier IS NULL OR l.tier = w.tier)
      AND (l.context_window IS NULL OR l.context_window = w.context_window), w.weight, 0
    )) AS INT64) AS weight_exact,
    CAST(SUM(IF(l.model IS NULL OR l.model = w.model, w.weight, 0)) AS INT64) AS weight_model,
    CAST(SUM(w.weight) AS INT64) AS weight_workspace
  FROM lines AS l
  JOIN weights AS w
    ON w.event_date = l.event_date AND w.platform = l.platform
    AND w.workspace = l.workspace AND w.class = l.class
  GROUP BY 1, 2, 3, 4
),
levels AS (
  SELECT
    event_id,
    CASE
      WHEN SUM(weight_exact) > 0 THEN 1
      WHEN SUM(weight_model) > 0 THEN 2
      ELSE 3
    END AS level
  FROM candidates
  GROUP BY 1
),
weighted AS (
  SELECT
    b.event_id, b.user_email, b.api_key_id, b.actor_name, b.level, b.weight, l.cost_usd, l.class,
    CAST(SUM(b.weight) OVER (PARTITION BY b.event_id) AS INT64) AS weight_total,
    ROW_NUMBER() OVER (
      PARTITION BY b.event_id
      ORDER BY b.weight DESC, b.api_key_id, b.user_email, b.actor_name
    ) AS place
  FROM (
    SELECT
      c.event_id, c.user_email, c.api_key_id, c.actor_name, v.level,
      CASE v.level WHEN 1 THEN c.weight_exact WHEN 2 THEN c.weight_model
        ELSE c.weight_workspace END AS weight
    FROM candidates AS c
    JOIN levels AS v ON v.event_id = c.event_id
  ) AS b
  JOIN lines AS l ON l.event_id = b.event_id
  WHERE b.weight > 0
),
scaled AS (
  SELECT
    *,
    CAST(ABS(cost_usd) * weight * 1000000 AS NUMERIC) AS x,
    CAST(weight_total AS NUMERIC) AS w_total
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
    event_id, user_email, api_key_id, actor_name, level, weight, class, place,
    CAST(
      share + IF(place = 1, cost_usd - SUM(share) OVER (PARTITION BY event_id), 0) AS NUMERIC
    ) AS part_usd
  FROM truncated
),
-- The parts by usage, and whole events where there is nothing to split by.
used AS (
  SELECT
    c.event_id, c.event_date, c.platform, c.workspace_id, c.event_type, c.attribution_method,
    c.data_quality_score, c.names_somebody, c.model,
    IF(s.event_id IS NULL, c.user_email, s.user_email) AS user_email,
    IF(s.event_id IS NULL, c.api_key_id, s.api_key_id) AS api_key_id,
    IF(s.event_id IS NULL, c.actor_name, s.actor_name) AS actor_name,
    IF(s.event_id IS NULL, c.cost_usd, s.part_usd) AS part_usd,
    s.weight, s.class, COALESCE(s.level, 0) AS level, COALESCE(s.place, 1) AS place
  FROM costs AS c
  LEFT JOIN split AS s ON s.event_id = c.event_id
),
-- Rules: of a key before those of its workspace, those before the platform's. A rule splits what
-- usage has given to the key, so that the parts still say whose usage it was.
rule_heads AS (
  SELECT
    rule_id, platform, scope_type, COALESCE(scope_value, '') AS scope_value, method,
    valid_from, valid_to,
    MAX(team) AS team, MAX(cost_center) AS cost_center, ANY_VALUE(project_codes) AS project_codes
  FROM allocation_rules
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
ruled AS (
  SELECT
    u.*,
    COALESCE(k.rule_id, w.rule_id, p.rule_id) AS rule_id,
    CASE WHEN k.rule_id IS NOT NULL THEN k.method WHEN w.rule_id IS NOT NULL THEN w.method
      ELSE p.method END AS rule_method,
    CASE WHEN k.rule_id IS NOT NULL THEN k.team WHEN w.rule_id IS NOT NULL THEN w.team
      ELSE p.team END AS rule_team,
    CASE WHEN k.rule_id IS NOT NULL THEN k.cost_center
      WHEN w.rule_id IS NOT NULL THEN w.cost_center ELSE p.cost_center END AS rule_cost_center,
    CASE WHEN k.rule_id IS NOT NULL THEN k.project_codes
      WHEN w.rule_id IS NOT NULL THEN w.project_codes ELSE p.project_codes END AS rule_projects
  FROM used AS u
  LEFT JOIN rule_heads AS k
    ON k.scope_type = 'api_key' AND k.platform = u.platform AND k.scope_value = u.api_key_id
    AND u.event_date BETWEEN k.valid_from AND k.valid_to AND u.event_type = 'cost'
    AND u.data_quality_score > 0
  LEFT JOIN rule_heads AS w
    ON w.scope_type = 'workspace' AND w.platform = u.platform
    AND w.scope_value = COALESCE(u.workspace_id, '') AND NOT u.names_somebody
    AND u.event_date BETWEEN w.valid_from AND w.valid_to AND u.event_type = 'cost'
    AND u.attribution_method != 'shared' AND u.data_quality_score > 0
  LEFT JOIN rule_heads AS p
    ON p.scope_type = 'platform' AND p.platform = u.platform AND NOT u.names_somebody
    AND u.event_date BETWEEN p.valid_from AND p.valid_to AND u.event_type = 'cost'
    AND u.attribution_method != 'shared' AND u.data_quality_score > 0
),
rule_shares AS (
  SELECT r.event_id, r.place, r.part_usd, m.user_email, m.weight
  FROM ruled AS r
  JOIN allocation_rules AS m
    ON m.rule_id = r.rule_id AND m.platform = r.platform AND m.method = 'manual'
    AND r.event_date BETWEEN m.valid_from AND m.valid_to
  WHERE r.rule_method = 'manual'
  UNION ALL
  SELECT r.event_id, r.place, r.part_usd, u.user_email, 1 AS weight
  FROM ruled AS r
  JOIN dim_users AS u
    ON u.team = r.rule_team AND u.is_active AND u.user_sk > 0
    AND r.event_date BETWEEN u.effective_date AND u.expiration_date
    -- A first version reaches back to before the person had begun.
    AND (u.start_date IS NULL OR r.event_date >= u.start_date)
  WHERE r.rule_method = 'equal_split'
),
rule_scaled AS (
  SELECT
    event_id, place, user_email, part_usd,
    CAST(ABS(part_usd) * weight * 1000000 AS NUMERIC) AS x,
    CAST(SUM(weight) OVER (PARTITION BY event_id, place) AS NUMERIC) AS w_total,
    ROW_NUMBER() OVER (PARTITION BY event_id, place ORDER BY weight DESC, user_email) AS rule_place
  FROM rule_shares
),
rule_truncated AS (
  SELECT
    *,
    CAST(
      CAST(SIGN(part_usd) AS INT64) * CAST(ROUND((x - MOD(x, w_total)) / w_total) AS INT64)
      * NUMERIC '0.000001' AS NUMERIC
    ) AS share
  FROM rule_scaled
),
rule_split AS (
  SELECT
    event_id, place, rule_place, user_email,
    CAST(
      share
      + IF(rule_place = 1, part_usd - SUM(share) OVER (PARTITION BY event_id, place), 0) AS NUMERIC
    ) AS part_usd
  FROM rule_truncated
),
parts AS (
  SELECT
    r.event_id, r.event_date, r.platform, r.attribution_method, r.data_quality_score,
    r.api_key_id, r.weight, r.class, r.level, r.rule_cost_center, r.rule_projects,
    -- A step of a fifth with each widening. A line that counts no class, as code execution, has
    -- no usage of its own: split by what else was spent, it is no surer than the widening to what
    -- it names, its model or the whole workspace.
    CASE
      WHEN r.level = 3 THEN CAST(0.6 AS FLOAT64)
      WHEN r.class IN ('all_tokens', 'list_cost')
        THEN IF(r.model IS NULL, CAST(0.6 AS FLOAT64), CAST(0.8 AS FLOAT64))
      WHEN r.level = 2 THEN CAST(0.8 AS FLOAT64)
      ELSE CAST(1 AS FLOAT64)
    END AS split_confidence,
    CASE WHEN s.event_id IS NOT NULL THEN r.rule_method END AS applied_rule,
    IF(s.event_id IS NULL, r.user_email, s.user_email) AS user_email,
    IF(s.event_id IS NULL, r.actor_name, NULL) AS actor_name,
    IF(s.event_id IS NULL, r.part_usd, s.part_usd) AS part_usd,
    ROW_NUMBER() OVER (PARTITION BY r.event_id ORDER BY r.place, s.rule_place) AS event_part
  FROM ruled AS r
  LEFT JOIN rule_split AS s ON s.event_id = r.event_id AND s.place = r.place
),
identified AS (
  SELECT
    p.*,
    CASE
      WHEN p.data_quality_score <= 0 THEN 0
      WHEN p.attribution_method = 'shared' THEN -1
      ELSE COALESCE(b.user_sk, 0)
    END AS user_sk,
    CASE
      WHEN p.data_quality_score <= 0 THEN CAST(0 AS FLOAT64)
      WHEN p.attribution_method = 'shared' THEN CAST(1 AS FLOAT64)
      WHEN b.user_sk IS NULL OR b.user_sk = 0 THEN CAST(0 AS FLOAT64)
      ELSE b.confidence_score * (
        1 - CAST(
          LEAST(GREATEST(COALESCE(DATE_DIFF(p.event_date, b.last_verified_date, DAY), 0), 0), 180)
          AS FLOAT64
        ) / 360
      )
      -- A rule says who bears it, however it was used.
      * IF(p.applied_rule IS NOT NULL, CAST(1 AS FLOAT64), p.split_confidence)
    END AS allocation_confidence,
    k.platform_subtype AS key_product,
    CASE
      WHEN p.data_quality_score <= 0 THEN 'unallocated'
      WHEN p.applied_rule IS NOT NULL THEN p.applied_rule
      WHEN p.level > 0 THEN 'usage_based'
      WHEN p.attribution_method = 'shared' OR COALESCE(b.user_sk, 0) != 0 THEN 'direct'
      ELSE 'unallocated'
    END AS allocation_method,
    -- A team's or service's key keeps its own cost centre, whoever a rule lets bear the cost.
    COALESCE(p.rule_cost_center, IF(k.user_sk = -1, k.cost_center, NULL), b.cost_center)
      AS bearer_cost_center,
    CASE
      WHEN ARRAY_LENGTH(p.rule_projects) > 0 THEN p.rule_projects
      WHEN ARRAY_LENGTH(k.project_codes) > 0 THEN k.project_codes
      ELSE b.project_codes
    END AS bearer_projects
  FROM parts AS p
  LEFT JOIN bridge_user_identity AS b
    ON b.identity_type = CASE
      WHEN p.user_email IS NOT NULL THEN 'email'
      WHEN p.api_key_id IS NOT NULL THEN 'api_key_id'
      WHEN p.actor_name IS NOT NULL THEN 'api_key_name'
    END
    AND b.identity_value = COALESCE(p.user_email, p.api_key_id, p.actor_name)
    AND b.platform = CASE WHEN p.user_email IS NOT NULL THEN '*' ELSE p.platform END
    AND p.event_date BETWEEN b.valid_from AND b.valid_to
  LEFT JOIN bridge_user_identity AS k
    ON k.identity_type = 'api_key_id' AND k.identity_value = p.api_key_id
    AND k.platform = p.platform AND p.event_date BETWEEN k.valid_from AND k.valid_to
),
borne AS (
  SELECT
    i.event_id, i.event_part, i.event_date, i.platform, i.user_sk, i.api_key_id, i.part_usd,
    i.weight, i.class, i.level, i.applied_rule, i.allocation_confidence, i.allocation_method,
    COALESCE(i.key_product, c.platform_subtype) AS product,
    COALESCE(c.cost_center, i.bearer_cost_center) AS cost_center,
    CASE WHEN ARRAY_LENGTH(c.project_codes) > 0 THEN c.project_codes ELSE i.bearer_projects END
      AS project_codes,
    c.event_timestamp, c.workspace_id, c.billing_account_id, c.model, c.cost_usd, c.cost_type,
    c.billing_period, c.cost_currency, c.exchange_rate, c.exchange_rate_date,
    c.exchange_rate_source, c.is_rate_stale, c.is_provisional, c.ingest_timestamp,
    CASE
      WHEN c.cost_type IN ('subscription', 'overage') THEN c.cost_type
      WHEN c.cost_type IN ('one_time', 'tax', 'credit', 'commitment') THEN 'one_time'
      ELSE 'usage'
    END AS kind,
    CAST(DATE_TRUNC(i.event_date, MONTH) AS DATE) AS month,
    CASE WHEN i.user_sk > 0 THEN u.user_email END AS bearer_email
  FROM identified AS i
  JOIN costs AS c ON c.event_id = i.event_id
  LEFT JOIN dim_users AS u ON u.user_sk = i.user_sk
),
months AS (
  SELECT month FROM borne GROUP BY 1
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
-- The cycle of a part is chosen as in vw_reconciliation, and of its invoices the first that bills
-- the part's kind. One-time cost has no period.
invoiced AS (
  SELECT event_id, event_part, invoice_id, reconciliation_status
  FROM (
    SELECT
      f.event_id, f.event_part, r.invoice_id, r.reconciliation_status,
      ROW_NUMBER() OVER (
        PARTITION BY f.event_id, f.event_part
        ORDER BY
          CASE
            WHEN COALESCE(r.billing_account_id, '') = COALESCE(f.billing_account_id, '') THEN 1
            WHEN r.billing_account_id IS NULL THEN 2
            WHEN NOT r.account_is_named THEN 3
            ELSE 4
          END,
          r.billing_account_id, r.period_from DESC, r.period_to, r.invoice_id
      ) AS place
    FROM borne AS f
    JOIN invoice_reconciliation AS r
      ON r.platform = f.platform AND f.event_date BETWEEN r.period_from AND r.period_to
      AND (r.billing_account_id IS NULL OR f.billing_account_id IS NULL
        OR r.billing_account_id = f.billing_account_id)
    WHERE f.kind != 'one_time' AND IF(f.kind = 'subscription', r.covers_seats, r.covers_usage)
  ) AS matches
  WHERE place = 1
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
  -- A part that a rule has split stands for no countable share of the key's tokens.
  CASE WHEN f.level = 1 AND f.applied_rule IS NULL
    AND f.class NOT IN ('web_search_requests', 'all_tokens', 'list_cost') THEN f.weight END
    AS billable_tokens,
  CASE
    WHEN f.level = 1 AND f.applied_rule IS NULL AND f.class = 'web_search_requests' THEN f.weight
    WHEN f.kind = 'overage' THEN 1
  END AS billable_requests,
  CAST(NULL AS INT64) AS billable_sessions,
  CASE WHEN f.kind = 'subscription'
    THEN SAFE_DIVIDE(
      CAST(1 AS FLOAT64), CAST(EXTRACT(DAY FROM LAST_DAY(f.event_date)) AS FLOAT64)
    ) END
    AS subscription_units,
  CASE WHEN f.level = 1 AND f.applied_rule IS NULL
    AND f.class NOT IN ('web_search_requests', 'all_tokens', 'list_cost')
    THEN SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.weight AS FLOAT64)) END AS cost_per_token,
  CASE
    WHEN f.level = 1 AND f.applied_rule IS NULL AND f.class = 'web_search_requests'
      THEN SAFE_DIVIDE(CAST(f.part_usd AS FLOAT64), CAST(f.weight AS FLOAT64))
    WHEN f.kind = 'overage' THEN CAST(f.part_usd AS FLOAT64)
  END AS cost_per_request,
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
  COALESCE(n.reconciliation_status, 'pending') AS reconciliation_status,
  f.is_provisional,
  f.event_timestamp AS cost_timestamp,
  f.ingest_timestamp,
  @run_id AS pipeline_run_id
FROM borne AS f
LEFT JOIN dim_platforms AS pl
  ON pl.platform_code = f.platform AND pl.platform_subtype = f.product
LEFT JOIN dim_cost_centers AS cc ON cc.cost_center = f.cost_center
LEFT JOIN budgets AS bu ON bu.month = f.month AND bu.user_email = f.bearer_email
LEFT JOIN spent_to_date AS st
  ON st.month = f.month AND st.bearer_email = f.bearer_email AND st.event_date = f.event_date
LEFT JOIN invoiced AS n ON n.event_id = f.event_id AND n.event_part = f.event_part
WHERE f.event_date >= @start
