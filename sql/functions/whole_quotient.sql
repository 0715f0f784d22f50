-- x / n in whole numbers, truncated; n is not 0. The remainder is taken off before the division, so
-- that nothing is left to round: exact on both engines. The cast is for DuckDB, which takes the
-- remainder by a sum of whole numbers in floating point.
CREATE TEMP FUNCTION whole_quotient(x NUMERIC, n NUMERIC) AS (
  CAST(ROUND((x - MOD(x, CAST(n AS NUMERIC))) / CAST(n AS NUMERIC)) AS INT64)
);
