-- A source's confidence falls linearly to half over the 180 days after it was last verified.
CREATE TEMP FUNCTION decayed_confidence(score FLOAT64, day DATE, verified DATE) AS (
  score * (
    1 - CAST(LEAST(GREATEST(COALESCE(DATE_DIFF(day, verified, DAY), 0), 0), 180) AS FLOAT64) / 360
  )
);
