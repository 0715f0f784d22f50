-- Days on which a person, a key or a platform spent far more than usual: the robust z-score of the
-- day's spend against the days with spend among the 28 before it. Quiet days (weekends, holidays,
-- leave) are no part of the usual, and whoever has spent on too few days has no usual yet. Seats
-- and other fixed cost are not spent by anybody's doing.
WITH spend AS (
  SELECT 'person' AS subject_type, u.person AS subject, a.date AS day, a.total_cost_usd AS usd
  FROM agg_costs_daily AS a
  INNER JOIN dim_users AS u ON u.user_sk = a.user_sk
  WHERE a.user_sk > 0 AND a.cost_type IN ('usage', 'overage')
    AND a.date >= DATE_SUB(@start, INTERVAL 28 DAY) AND a.date < @end
  UNION ALL
  SELECT
    'key' AS subject_type, f.api_key_id AS subject, DATE(f.cost_timestamp, 'UTC') AS day,
    f.total_cost_usd AS usd
  FROM fact_ai_costs AS f
  WHERE f.api_key_id IS NOT NULL AND f.cost_type IN ('usage', 'overage')
    AND f.cost_timestamp >= TIMESTAMP(DATE_SUB(@start, INTERVAL 28 DAY), 'UTC')
    AND f.cost_timestamp < TIMESTAMP(@end, 'UTC')
  UNION ALL
  SELECT
    'platform' AS subject_type, p.platform_name AS subject, a.date AS day, a.total_cost_usd AS usd
  FROM agg_costs_daily AS a
  INNER JOIN dim_platforms AS p ON p.platform_sk = a.platform_sk
  WHERE a.cost_type IN ('usage', 'overage')
    AND a.date >= DATE_SUB(@start, INTERVAL 28 DAY) AND a.date < @end
),
daily AS (
  SELECT subject_type, subject, day, CAST(SUM(usd) AS FLOAT64) AS usd
  FROM spend
  GROUP BY 1, 2, 3
),
compared AS (
  SELECT
    d.subject_type, d.subject, d.day, d.usd, h.usd AS before_usd,
    PERCENTILE_CONT(h.usd, 0.5) OVER (PARTITION BY d.subject_type, d.subject, d.day) AS usual_usd
  FROM daily AS d
  INNER JOIN daily AS h
    ON h.subject_type = d.subject_type AND h.subject = d.subject
    AND h.day < d.day AND h.day >= DATE_SUB(d.day, INTERVAL 28 DAY) AND h.usd > 0
  WHERE d.day >= @start AND d.usd >= @minimum_usd
),
spread AS (
  SELECT
    subject_type, subject, day, usd, usual_usd,
    PERCENTILE_CONT(ABS(before_usd - usual_usd), 0.5)
      OVER (PARTITION BY subject_type, subject, day) AS deviation_usd
  FROM compared
),
scored AS (
  SELECT
    subject_type, subject, day,
    COUNT(*) AS days_with_spend,
    MAX(usd) AS usd,
    MAX(usual_usd) AS usual_usd,
    -- A spread of nothing would make every cent unusual: a tenth of the usual is the least.
    SAFE_DIVIDE(
      CAST(0.6745 AS FLOAT64) * (MAX(usd) - MAX(usual_usd)),
      GREATEST(MAX(deviation_usd), MAX(usual_usd) * CAST(0.1 AS FLOAT64))
    ) AS score
  FROM spread
  GROUP BY 1, 2, 3
)
SELECT
  day, subject_type, subject,
  ROUND(CAST(usd AS NUMERIC), 2) AS usd,
  ROUND(CAST(usual_usd AS NUMERIC), 2) AS usual_usd,
  ROUND(CAST(score AS NUMERIC), 1) AS score
FROM scored
WHERE days_with_spend >= @minimum_days AND score >= @score AND usd - usual_usd >= @minimum_usd
