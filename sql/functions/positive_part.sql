-- A count as a weight: nothing reported, or less than nothing, weighs 0.
CREATE TEMP FUNCTION positive_part(x INT64) AS (
  IF(x > 0, x, 0)
);
