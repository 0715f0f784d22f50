CREATE VIEW int_unknown_charges (
  month OPTIONS(description="First day of the UTC month."),
  records OPTIONS(description="Records that bill, or may bill, an amount that is not known: they are in no cost.")
)
OPTIONS(
  description="Charges that are not known: one row per month that has any. From the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "12")]
)
AS
SELECT
  CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month,
  CAST(SUM(unknown_charges) AS INT64) AS records
FROM agg_reports_daily
WHERE date BETWEEN @window_start AND @as_of AND unknown_charges > 0
GROUP BY 1
