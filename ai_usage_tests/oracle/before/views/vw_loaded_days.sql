CREATE VIEW vw_loaded_days (
  date_sk OPTIONS(description="The UTC day as YYYYMMDD."),
  date OPTIONS(description="The UTC day."),
  month OPTIONS(description="First day of its month."),
  day_of_month OPTIONS(description="Day of the month, 1 to 31."),
  days_in_month OPTIONS(description="Days that the month has."),
  is_weekday OPTIONS(description="Monday to Friday."),
  platform_code OPTIONS(description="Platform that is_loaded and the columns after it speak of; all for the whole company, to which every platform belongs that is loaded in the month."),
  is_loaded OPTIONS(description="True if every endpoint of the platform has answered for the day that was loaded before or in the day's month, and in it or after. What a day lacks that is not loaded is unknown, not 0."),
  loaded_to_date OPTIONS(description="Days of the month up to this one that are loaded."),
  loaded_days OPTIONS(description="Days of the month up to as_of that are loaded. The same on all days of the month: never sum it."),
  is_partial OPTIONS(description="True for the running month, and for a month with days that are not loaded, as the one in which a vendor was connected. The same on all days of the month."),
  is_comparable OPTIONS(description="True if the month can be set against the month before: that one is loaded from its first to its last day, by the same endpoints, and so is this one, if it is over. The same on all days of the month."),
  growth_note OPTIONS(description="Why the month cannot be set against the month before. NULL where it can, and in the first month with a loaded day.")
)
OPTIONS(
  description="Which days are loaded, and so what a month knows: one row a UTC day and platform, and one a day for all platforms together. An endpoint belongs to the months from its first loaded day to its last. From the first of the month, so many months before as_of, up to as_of; days before the first partition have no row.",
  labels=[("months", "24")]
)
AS
WITH calendar AS (
  SELECT
    date_sk,
    date,
    month,
    day_of_month,
    days_in_month,
    is_weekday
  FROM dim_dates
  WHERE date BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
),
answered AS (
  SELECT
    day,
    platform,
    source_endpoint,
    CAST(DATE_TRUNC(day, MONTH) AS DATE) AS month
  FROM loaded_days
  WHERE day BETWEEN CAST(DATE_TRUNC(DATE_SUB(@as_of, INTERVAL @months MONTH), MONTH) AS DATE) AND @as_of
),
endpoints AS (
  -- Before its first loaded month a vendor was not connected, after its last it was given up.
  SELECT
    platform,
    source_endpoint,
    MIN(month) AS first_month,
    MAX(month) AS last_month
  FROM answered
  GROUP BY 1, 2
),
scopes AS (
  SELECT platform_code
  FROM dim_platforms
  GROUP BY 1
  UNION ALL
  SELECT 'all'
  FROM dim_platforms
  GROUP BY 1
),
members AS (
  -- What finance maintains, platform *, speaks for every platform.
  SELECT
    s.platform_code,
    e.*
  FROM scopes AS s
  JOIN endpoints AS e ON s.platform_code IN ('all', e.platform) OR e.platform = '*'
),
months AS (
  SELECT
    month,
    MAX(days_in_month) AS days_in_month
  FROM calendar
  GROUP BY 1
),
expected AS (
  -- A platform with endpoints of its own is not known while none of them is loaded.
  SELECT
    m.month,
    e.platform_code,
    COUNTIF(m.month BETWEEN e.first_month AND e.last_month) AS endpoints,
    COUNTIF(e.platform != '*') = 0
    OR COUNTIF(e.platform != '*' AND m.month BETWEEN e.first_month AND e.last_month) > 0 AS is_connected,
    STRING_AGG(
      IF(m.month = e.first_month, CONCAT(e.platform, ' ', e.source_endpoint), NULL), ', '
      ORDER BY e.platform, e.source_endpoint
    ) AS joined,
    STRING_AGG(
      IF(m.month = CAST(DATE_ADD(e.last_month, INTERVAL 1 MONTH) AS DATE), CONCAT(e.platform, ' ', e.source_endpoint), NULL), ', '
      ORDER BY e.platform, e.source_endpoint
    ) AS gone
  FROM months AS m
  CROSS JOIN members AS e
  GROUP BY 1, 2
),
counted AS (
  SELECT
    a.day,
    e.platform_code,
    COUNT(*) AS endpoints
  FROM answered AS a
  JOIN members AS e ON e.platform = a.platform AND e.source_endpoint = a.source_endpoint
  GROUP BY 1, 2
),
days AS (
  SELECT
    c.*,
    s.platform_code,
    COALESCE(x.is_connected AND n.endpoints = x.endpoints, FALSE) AS is_loaded
  FROM calendar AS c
  CROSS JOIN scopes AS s
  LEFT JOIN expected AS x ON x.month = c.month AND x.platform_code = s.platform_code
  LEFT JOIN counted AS n ON n.day = c.date AND n.platform_code = s.platform_code
),
loaded_months AS (
  SELECT
    d.month,
    d.platform_code,
    MAX(d.days_in_month) AS days_in_month,
    CAST(COUNTIF(d.is_loaded) AS INT64) AS loaded_days,
    d.month = CAST(DATE_TRUNC(@as_of, MONTH) AS DATE) AS is_running,
    MAX(x.joined) AS joined,
    MAX(x.gone) AS gone
  FROM days AS d
  LEFT JOIN expected AS x ON x.month = d.month AND x.platform_code = d.platform_code
  GROUP BY 1, 2
),
paired AS (
  SELECT
    *,
    LAG(days_in_month) OVER (PARTITION BY platform_code ORDER BY month) AS days_before,
    LAG(loaded_days) OVER (PARTITION BY platform_code ORDER BY month) AS loaded_before,
    MIN(IF(loaded_days > 0, month, NULL)) OVER (PARTITION BY platform_code) AS first_month
  FROM loaded_months
),
noted AS (
  -- The first note that fits: what the month itself lacks, what the month before lacks, who is new.
  SELECT
    month,
    platform_code,
    loaded_days,
    is_running OR loaded_days < days_in_month AS is_partial,
    COALESCE(loaded_before = days_before, FALSE)
    AND (is_running OR loaded_days = days_in_month) AND joined IS NULL AND gone IS NULL AS is_comparable,
    CASE
      WHEN first_month IS NULL OR month <= first_month THEN CAST(NULL AS STRING)
      WHEN NOT is_running AND loaded_days < days_in_month
        THEN CONCAT('the month is loaded on ', CAST(loaded_days AS STRING), ' of ', CAST(days_in_month AS STRING), ' days')
      WHEN COALESCE(loaded_before < days_before, TRUE)
        THEN CONCAT('the month before is loaded on ', CAST(COALESCE(loaded_before, 0) AS STRING), ' of ', CAST(days_before AS STRING), ' days')
      WHEN joined IS NOT NULL THEN CONCAT('not loaded in the month before: ', joined)
      WHEN gone IS NOT NULL THEN CONCAT('loaded in the month before alone: ', gone)
    END AS growth_note
  FROM paired
)
SELECT
  d.date_sk,
  d.date,
  d.month,
  d.day_of_month,
  d.days_in_month,
  d.is_weekday,
  d.platform_code,
  d.is_loaded,
  CAST(COUNTIF(d.is_loaded) OVER (PARTITION BY d.platform_code, d.month ORDER BY d.date) AS INT64) AS loaded_to_date,
  n.loaded_days,
  n.is_partial,
  n.is_comparable,
  n.growth_note
FROM days AS d
JOIN noted AS n ON n.month = d.month AND n.platform_code = d.platform_code
