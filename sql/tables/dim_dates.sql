CREATE TABLE dim_dates (
  date_sk INT64 NOT NULL OPTIONS(description="The day as YYYYMMDD. Unique."),
  date DATE NOT NULL OPTIONS(description="The UTC day."),
  year INT64 NOT NULL OPTIONS(description="Calendar year."),
  quarter INT64 NOT NULL OPTIONS(description="Quarter, 1 to 4."),
  month DATE NOT NULL OPTIONS(description="First day of the month."),
  month_number INT64 NOT NULL OPTIONS(description="Month, 1 to 12."),
  iso_week STRING NOT NULL OPTIONS(description="ISO week as GGGG-Www."),
  day_of_month INT64 NOT NULL OPTIONS(description="Day of the month, 1 to 31."),
  day_of_week INT64 NOT NULL OPTIONS(description="0 is Monday, 6 is Sunday."),
  is_weekday BOOL NOT NULL OPTIONS(description="Monday to Friday."),
  is_month_end BOOL NOT NULL OPTIONS(description="Last day of its month."),
  days_in_month INT64 NOT NULL OPTIONS(description="Days that the month has.")
)
OPTIONS (
  description="Calendar, one row a UTC day from the first partition to the end of the running year."
);
