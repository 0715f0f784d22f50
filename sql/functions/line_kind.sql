-- The kind of invoice line that bills a cost: usage (overage too), seat or other. From the raw
-- cost_type or the fact's.
CREATE TEMP FUNCTION line_kind(cost_type STRING) AS (
  CASE cost_kind(cost_type) WHEN 'subscription' THEN 'seat' WHEN 'one_time' THEN 'other'
    ELSE 'usage' END
);
