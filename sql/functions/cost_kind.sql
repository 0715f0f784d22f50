-- The fact's cost_type from the raw one, which speaks as the vendor or file does.
CREATE TEMP FUNCTION cost_kind(cost_type STRING) AS (
  CASE
    WHEN cost_type IN ('subscription', 'overage') THEN cost_type
    WHEN cost_type IN ('one_time', 'tax', 'credit', 'commitment') THEN 'one_time'
    ELSE 'usage'
  END
);
