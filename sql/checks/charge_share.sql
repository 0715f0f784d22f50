-- Days on which far less of an endpoint's records carry a charge than usual, or they carry far fewer
-- dollars each: less than half of the median of the last eight same weekdays, of five at least. Days
-- that the vendor may still change, and days with few records, are not judged. Whatever the cause:
-- a field that was renamed, a kind of event that is read as not billed, a price in another unit.
WITH counted AS (
  SELECT
    platform, source_endpoint, event_date AS day,
    COUNT(*) AS records,
    SAFE_DIVIDE(CAST(COUNTIF(cost_usd IS NOT NULL) AS FLOAT64), CAST(COUNT(*) AS FLOAT64))
      AS charged_share,
    -- With what the seat or a pool covers, which at a month's beginning is nearly everything.
    SAFE_DIVIDE(
      CAST(COALESCE(SUM(cost_usd), 0) + COALESCE(SUM(included_value_usd), 0) AS FLOAT64),
      CAST(COUNT(*) AS FLOAT64)
    ) AS usd_per_record,
    LOGICAL_OR(is_provisional) AS is_provisional
  FROM raw_ai_events
  WHERE event_date >= DATE_SUB(@start, INTERVAL 56 DAY) AND event_date < @end
  GROUP BY 1, 2, 3
),
compared AS (
  SELECT
    d.platform, d.source_endpoint, d.day, d.records, d.charged_share, d.usd_per_record,
    PERCENTILE_CONT(h.charged_share, 0.5)
      OVER (PARTITION BY d.platform, d.source_endpoint, d.day) AS usual_share,
    PERCENTILE_CONT(h.usd_per_record, 0.5)
      OVER (PARTITION BY d.platform, d.source_endpoint, d.day) AS usual_usd
  FROM counted AS d
  INNER JOIN counted AS h
    ON h.platform = d.platform AND h.source_endpoint = d.source_endpoint
    AND h.day < d.day AND h.day >= DATE_SUB(d.day, INTERVAL 56 DAY)
    AND MOD(DATE_DIFF(d.day, h.day, DAY), 7) = 0
  WHERE d.day >= @start AND NOT d.is_provisional AND d.records >= @minimum_records
),
judged AS (
  SELECT
    platform, source_endpoint, day,
    MAX(records) AS records,
    MAX(charged_share) AS charged_share,
    MAX(usual_share) AS usual_share,
    MAX(usd_per_record) AS usd_per_record,
    MAX(usual_usd) AS usual_usd,
    COUNT(*) AS weeks
  FROM compared
  GROUP BY 1, 2, 3
)
SELECT
  day, platform, source_endpoint, records,
  ROUND(CAST(charged_share AS NUMERIC), 4) AS charged_share,
  ROUND(CAST(usual_share AS NUMERIC), 4) AS usual_share,
  ROUND(CAST(usd_per_record AS NUMERIC), 6) AS usd_per_record,
  ROUND(CAST(usual_usd AS NUMERIC), 6) AS usual_usd
FROM judged
WHERE weeks >= @minimum_weeks
  AND (
    charged_share * 2 < usual_share
    OR (usual_usd > 0 AND usd_per_record * 2 < usual_usd)
  )
