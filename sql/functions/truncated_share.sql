-- The part of an amount in proportion to a weight, in whole micro-dollars towards 0; credits too.
-- What truncation leaves goes to one of the parts where they are numbered.
CREATE TEMP FUNCTION truncated_share(amount NUMERIC, weight INT64, weight_total NUMERIC) AS (
  CAST(
    CAST(SIGN(amount) AS INT64)
    * micro_quotient(CAST(ABS(amount) * weight AS NUMERIC), weight_total) AS NUMERIC
  )
);
