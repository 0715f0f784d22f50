-- Which usage splits a line of a cost report. Lines meet what the usage report tells apart, without
-- its bearers: few rows decide how a line is widened and which lines bill the same.
WITH lines AS (
  SELECT
    event_id, event_date, platform, workspace, model, price_tier, context_window, split_class,
    billed_item,
    COUNT(*) OVER (
      PARTITION BY
        event_date, platform, workspace, model, price_tier, context_window, billed_item
    ) AS alike
  FROM stg_cost_events
  WHERE event_date >= @start AND event_date < @end AND is_splittable
),
met AS (
  SELECT
    l.event_id, l.event_date, l.platform, l.workspace, l.split_class, l.billed_item, l.alike,
    s.model, s.service_tier, s.context,
    IF(s.price_tier = 'batch', NULL, s.service_tier) AS unbatched_tier,
    l.model IS NULL OR l.model = s.model AS is_model,
    (l.model IS NULL OR l.model = s.model)
      AND (l.price_tier IS NULL OR l.price_tier = s.price_tier)
      AND (l.context_window IS NULL OR l.context_window = s.context) AS is_exact
  FROM lines AS l
  JOIN (
    SELECT DISTINCT
      event_date, platform, workspace, split_class, model, service_tier, price_tier, context
    FROM int_usage_weights
    WHERE event_date >= @start AND event_date < @end
  ) AS s
    ON s.event_date = l.event_date AND s.platform = l.platform AND s.workspace = l.workspace
    AND s.split_class = l.split_class
),
-- The widenings: all that the line names, its model, its workspace.
levelled AS (
  SELECT
    *,
    CASE
      WHEN COUNTIF(is_exact) OVER (PARTITION BY event_id) > 0 THEN 1
      WHEN COUNTIF(is_model) OVER (PARTITION BY event_id) > 0 THEN 2
      ELSE 3
    END AS match_level,
    COUNTIF(is_exact) OVER (
      PARTITION BY event_date, platform, workspace, billed_item, model, service_tier, context
    ) AS claims,
    MIN(IF(is_exact, event_id, NULL)) OVER (
      PARTITION BY event_date, platform, workspace, billed_item, model, service_tier, context
    ) AS first_claim
  FROM met
)
SELECT
  event_id, event_date, platform, workspace, split_class, model, service_tier, context,
  CAST(match_level AS INT64) AS match_level,
  -- What several lines bill is counted with the first.
  COALESCE(first_claim = event_id, FALSE) AS is_counted_here,
  -- A line may name what usage does not (speed, geography, what comes next): it stands beside
  -- another one that bills the same usage, and nothing tells whose usage is whose.
  IF(match_level = 1, MAX(claims) OVER (PARTITION BY event_id), alike) > 1 AS is_indistinct,
  -- Every tier but batch counts as standard, whatever a token of it costs.
  split_class NOT IN ('web_search_requests', 'unclassed') AND COALESCE(
    MIN(unbatched_tier) OVER (PARTITION BY event_id)
    != MAX(unbatched_tier) OVER (PARTITION BY event_id), FALSE
  ) AS mixes_tiers
FROM levelled
WHERE CASE match_level WHEN 1 THEN is_exact WHEN 2 THEN is_model ELSE TRUE END
