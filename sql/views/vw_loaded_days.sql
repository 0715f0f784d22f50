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
  description="Which days are loaded, and so what a month knows: one row per UTC day and platform, and one per day for all platforms together. An endpoint belongs to the months from its first loaded day to its last. From the first of the month, {months} months before as_of, up to as_of; days before the first partition have no row.",
  labels=[("months", "24")]
)
AS
WITH loaded AS (
  SELECT day, platform, source_endpoint
  FROM loaded_days
  WHERE day BETWEEN @window_start AND @as_of
),
endpoints AS (
  -- Before its first loaded month a vendor was not connected, after its last it was given up.
  SELECT
    platform,
    source_endpoint,
    CAST(DATE_TRUNC(MIN(day), MONTH) AS DATE) AS first_month,
    CAST(DATE_TRUNC(MAX(day), MONTH) AS DATE) AS last_month
  FROM loaded
  GROUP BY 1, 2
),
expected AS (
  -- The endpoints that belong to a month, by what they speak for: their platform and the company,
  -- or, of what finance maintains, everybody (*). One month more says which have gone.
  SELECT
    scope,
    month,
    COUNTIF(month <= e.last_month) AS endpoints,
    STRING_AGG(
      IF(month = e.first_month, CONCAT(e.platform, ' ', e.source_endpoint), NULL), ', '
      ORDER BY e.platform, e.source_endpoint
    ) AS joined,
    STRING_AGG(
      IF(month > e.last_month, CONCAT(e.platform, ' ', e.source_endpoint), NULL), ', '
      ORDER BY e.platform, e.source_endpoint
    ) AS gone
  FROM endpoints AS e
  CROSS JOIN UNNEST(IF(e.platform = '*', ['*'], [e.platform, 'all'])) AS scope
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    e.first_month, CAST(DATE_ADD(e.last_month, INTERVAL 1 MONTH) AS DATE), INTERVAL 1 MONTH
  )) AS month
  GROUP BY 1, 2
),
answered AS (
  SELECT
    scope,
    l.day,
    COUNT(*) AS answers
  FROM loaded AS l
  CROSS JOIN UNNEST(IF(l.platform = '*', ['*'], [l.platform, 'all'])) AS scope
  GROUP BY 1, 2
),
counted AS (
  SELECT
    d.date_sk,
    d.date,
    d.month,
    d.day_of_month,
    d.days_in_month,
    d.is_weekday,
    p.platform_code,
    SUM(x.endpoints) AS endpoints,
    SUM(IF(asked = '*', NULL, x.endpoints)) AS own_endpoints,
    SUM(a.answers) AS answers,
    STRING_AGG(x.joined, ', ' ORDER BY asked) AS joined,
    STRING_AGG(x.gone, ', ' ORDER BY asked) AS gone
  FROM dim_dates AS d
  CROSS JOIN (
    SELECT DISTINCT code AS platform_code
    FROM dim_platforms
    CROSS JOIN UNNEST([platform_code, 'all']) AS code
  ) AS p
  CROSS JOIN UNNEST(['*', p.platform_code]) AS asked
  LEFT JOIN expected AS x ON x.month = d.month AND x.scope = asked
  LEFT JOIN answered AS a ON a.day = d.date AND a.scope = asked
  WHERE d.date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
days AS (
  -- A platform with endpoints of its own is not known while none of them is loaded.
  SELECT
    * EXCEPT (endpoints, own_endpoints, answers),
    COALESCE(
      answers = endpoints
      AND (own_endpoints > 0 OR MAX(own_endpoints) OVER (PARTITION BY platform_code) IS NULL),
      FALSE
    ) AS is_loaded,
    month = CAST(DATE_TRUNC(@as_of, MONTH) AS DATE) AS is_running
  FROM counted
),
months AS (
  SELECT
    *,
    CAST(COUNTIF(is_loaded) OVER up_to_day AS INT64) AS loaded_to_date,
    CAST(COUNTIF(is_loaded) OVER (PARTITION BY platform_code, month) AS INT64) AS loaded_days,
    MIN(IF(is_loaded, month, NULL)) OVER (PARTITION BY platform_code) AS first_month,
    COUNTIF(is_loaded) OVER month_before AS loaded_before,
    MAX(days_in_month) OVER month_before AS days_before
  FROM days
  WINDOW
    up_to_day AS (PARTITION BY platform_code, month ORDER BY date),
    month_before AS (
      PARTITION BY platform_code ORDER BY DATE_DIFF(month, DATE '1900-01-01', MONTH)
      RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING
    )
)
SELECT
  date_sk,
  date,
  month,
  day_of_month,
  days_in_month,
  is_weekday,
  platform_code,
  is_loaded,
  loaded_to_date,
  loaded_days,
  is_running OR loaded_days < days_in_month AS is_partial,
  COALESCE(loaded_before = days_before, FALSE)
  AND (is_running OR loaded_days = days_in_month) AND joined IS NULL AND gone IS NULL
    AS is_comparable,
  -- The first note that fits: what the month itself lacks, what the month before lacks, who is new.
  CASE
    WHEN first_month IS NULL OR month <= first_month THEN CAST(NULL AS STRING)
    WHEN NOT is_running AND loaded_days < days_in_month THEN CONCAT(
      'the month is loaded on ', CAST(loaded_days AS STRING),
      ' of ', CAST(days_in_month AS STRING), ' days'
    )
    WHEN COALESCE(loaded_before < days_before, TRUE) THEN CONCAT(
      'the month before is loaded on ', CAST(loaded_before AS STRING),
      ' of ', CAST(days_before AS STRING), ' days'
    )
    WHEN joined IS NOT NULL THEN CONCAT('not loaded in the month before: ', joined)
    WHEN gone IS NOT NULL THEN CONCAT('loaded in the month before alone: ', gone)
  END AS growth_note
FROM months
