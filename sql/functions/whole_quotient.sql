-- x / n in whole numbers, truncated; n is not 0. The remainder is taken off before the division, so
-- that nothing is left to round: exact on both engines.
CREATE TEMP FUNCTION whole_quotient(x NUMERIC, n NUMERIC) AS (
  CAST(ROUND((x - MOD(x, n)) / n) AS INT64)
);
