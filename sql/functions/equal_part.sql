-- What of an amount one of so many equal ways has, by its number from 1: whole micro-dollars; what
-- does not divide goes to the first.
CREATE TEMP FUNCTION equal_part(amount NUMERIC, number INT64, ways INT64) AS (
  CASE
    WHEN ways = 1 THEN amount
    WHEN number = 1 THEN amount - truncated_share(amount, 1, ways) * (ways - 1)
    ELSE truncated_share(amount, 1, ways)
  END
);
