CREATE VIEW int_pace_days (
  date OPTIONS(description="The UTC day. Unique."),
  month OPTIONS(description="First day of its month."),
  days_in_month OPTIONS(description="Days that the month has."),
  is_loaded OPTIONS(description="As in vw_loaded_days, for the whole company."),
  loaded_days OPTIONS(description="Days of the month up to as_of that are loaded. The same on all days of the month: never sum it."),
  is_partial OPTIONS(description="True for the running month and for one with days that are not loaded. The same on all days of the month."),
  is_comparable OPTIONS(description="True if the month can be set against the month before. The same on all days of the month."),
  growth_note OPTIONS(description="Why the month cannot be set against the month before. NULL where it can, and in the first month with a loaded day."),
  sets_pace OPTIONS(description="True for a final day: a loaded one; in the running month up to the last of which every cost line is final, without those that the vendor may still change. A loaded day without cost in between cost nothing."),
  final_days OPTIONS(description="Final days of the month. The same on all its days: never sum it.")
)
OPTIONS(
  description="Which days a month's pace stands on, for the whole company: one row per UTC day, from the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "12")]
)
AS
WITH open_days AS (
  SELECT date, LOGICAL_OR(is_provisional) AS is_open
  FROM agg_costs_daily
  WHERE date BETWEEN @window_start AND @as_of
  GROUP BY 1
),
closing AS (
  -- Days after the last final one with cost are not known yet.
  SELECT
    k.*,
    COALESCE(c.is_open, FALSE) AS is_open,
    k.month = CAST(DATE_TRUNC(@as_of, MONTH) AS DATE) AS is_running,
    MAX(IF(k.is_loaded AND NOT c.is_open, k.day_of_month, 0)) OVER (PARTITION BY k.month)
      AS last_final_day
  FROM vw_loaded_days AS k
  LEFT JOIN open_days AS c ON c.date = k.date
  WHERE k.platform_code = 'all' AND k.date BETWEEN @window_start AND @as_of
),
paced AS (
  SELECT
    *,
    is_loaded AND (NOT is_running OR (NOT is_open AND day_of_month <= last_final_day)) AS sets_pace
  FROM closing
)
SELECT
  date, month, days_in_month, is_loaded, loaded_days, is_partial, is_comparable, growth_note,
  sets_pace,
  CAST(COUNTIF(sets_pace) OVER (PARTITION BY month) AS INT64) AS final_days
FROM paced
