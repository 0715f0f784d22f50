CREATE TABLE dim_seats (
  seat_id STRING NOT NULL OPTIONS(description="Hex SHA-256 of contract, holder, ordinal and first day. Unique."),
  contract_id STRING NOT NULL OPTIONS(description="Contract in seats.csv."),
  platform STRING NOT NULL OPTIONS(description="Platform that the seat is for."),
  platform_subtype STRING NOT NULL OPTIONS(description="Product that the seat is for."),
  plan STRING OPTIONS(description="Plan of the contract."),
  user_email STRING OPTIONS(description="Holder of the seat; NULL for a seat that nobody holds."),
  valid_from DATE NOT NULL OPTIONS(description="First day on which the holder holds it."),
  valid_to DATE NOT NULL OPTIONS(description="Last day on which the holder holds it."),
  monthly_price_usd NUMERIC NOT NULL OPTIONS(description="Price of the seat a billing month at valid_to's exchange rate, US dollars."),
  pricing STRING NOT NULL OPTIONS(description="daily, or full_month."),
  assignment_source STRING NOT NULL OPTIONS(description="seat_assignments.csv, the vendor's members, or none."),
  leaver_email STRING OPTIONS(description="Whom the source still gives the seat though they have left: nobody holds it. NULL otherwise."),
  billing_day INT64 OPTIONS(description="Day of the month on which the contract's billing month begins; a shorter month begins it on its last day. NULL in rows of an earlier version: 1.")
)
OPTIONS (
  description="Seats bought and who held them: one row a seat, holder and period."
);
