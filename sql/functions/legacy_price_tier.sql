-- Every tier but batch is priced as standard; a cost line that names no tier may bill both. For
-- rows written before price_tier existed.
CREATE TEMP FUNCTION legacy_price_tier(service_tier STRING, event_type STRING) AS (
  CASE
    WHEN service_tier = 'batch' THEN 'batch'
    WHEN service_tier IS NOT NULL OR event_type != 'cost' THEN 'standard'
  END
);
