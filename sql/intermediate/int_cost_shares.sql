-- Lines of cost reports, split by the usage that they match. The shares of an event sum to it.
WITH weighed AS (
  SELECT
    m.event_id, m.event_date, m.split_class, m.match_level, m.is_indistinct, m.mixes_tiers,
    w.user_email, w.api_key_id, w.actor_name,
    CAST(SUM(w.weight) AS INT64) AS weight,
    CAST(SUM(IF(m.is_counted_here, w.weight, 0)) AS INT64) AS counted
  FROM int_line_matches AS m
  JOIN int_usage_weights AS w
    ON w.event_date = m.event_date AND w.platform = m.platform AND w.workspace = m.workspace
    AND w.split_class = m.split_class AND w.model = m.model AND w.service_tier = m.service_tier
    AND w.context = m.context
  WHERE m.event_date >= @start AND m.event_date < @end
    AND w.event_date >= @start AND w.event_date < @end
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
),
numbered AS (
  SELECT
    w.*, c.cost_usd, c.model,
    CAST(SUM(w.weight) OVER (PARTITION BY w.event_id) AS NUMERIC) AS weight_total,
    ROW_NUMBER() OVER (
      PARTITION BY w.event_id ORDER BY w.weight DESC, w.api_key_id, w.user_email, w.actor_name
    ) AS share_number
  FROM weighed AS w
  JOIN stg_cost_events AS c ON c.event_id = w.event_id AND c.event_date = w.event_date
  WHERE c.event_date >= @start AND c.event_date < @end AND c.is_splittable
),
truncated AS (
  SELECT *, truncated_share(cost_usd, weight, weight_total) AS truncated_usd
  FROM numbered
)
SELECT
  event_id, event_date, share_number,
  NULLIF(user_email, '') AS user_email,
  NULLIF(api_key_id, '') AS api_key_id,
  NULLIF(actor_name, '') AS actor_name,
  match_level,
  CAST(truncated_usd + IF(
    share_number = 1, cost_usd - SUM(truncated_usd) OVER (PARTITION BY event_id), 0
  ) AS NUMERIC) AS share_usd,
  IF(
    match_level = 1 AND split_class NOT IN ('web_search_requests', 'unclassed'), counted, NULL
  ) AS billable_tokens,
  IF(match_level = 1 AND split_class = 'web_search_requests', counted, NULL) AS billable_requests,
  -- A step of a fifth with each widening, and with each thing that usage cannot tell. A line that
  -- counts no class, as code execution, has no usage of its own: split by what else was spent, it
  -- is no surer than the widening to what it names, its model or the whole workspace.
  CAST(5 - CASE
    WHEN match_level = 3 OR (split_class = 'unclassed' AND model IS NULL) THEN 2
    WHEN match_level = 2 OR split_class = 'unclassed' THEN 1
    ELSE 0
  END - IF(is_indistinct, 1, 0) - IF(mixes_tiers, 1, 0) AS FLOAT64) / 5 AS split_confidence,
  NULLIF(ARRAY_TO_STRING([
    IF(match_level = 2, 'widened_to_model', NULL),
    IF(match_level = 3, 'widened_to_workspace', NULL),
    IF(split_class = 'unclassed', 'no_usage_of_its_own', NULL),
    IF(is_indistinct, 'lines_usage_cannot_tell_apart', NULL),
    IF(mixes_tiers, 'tiers_share_the_line', NULL)
  ], ', '), '') AS split_note
FROM truncated
