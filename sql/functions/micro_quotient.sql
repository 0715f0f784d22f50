-- x / n in whole millionths, truncated: for US dollars.
CREATE TEMP FUNCTION micro_quotient(x NUMERIC, n NUMERIC) AS (
  whole_quotient(x * 1000000, n) * NUMERIC '0.000001'
);
