-- Priority-tier tokens are paid by commitment, those on demand are billed. For rows written before
-- is_committed existed.
CREATE TEMP FUNCTION legacy_is_committed(service_tier STRING) AS (
  COALESCE(service_tier = 'priority', FALSE)
);
