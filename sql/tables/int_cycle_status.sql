CREATE TABLE int_cycle_status (
  platform STRING NOT NULL OPTIONS(description="Platform that is billed."),
  account STRING NOT NULL OPTIONS(description="Account at the vendor; empty where the vendor has one only."),
  period_from DATE NOT NULL OPTIONS(description="First day of the billing cycle."),
  period_to DATE NOT NULL OPTIONS(description="Last day of the billing cycle."),
  invoiced_usd NUMERIC NOT NULL OPTIONS(description="Usage and seat lines of the cycle's invoices, each kind summed and rounded to the cent, US dollars."),
  reported_usd NUMERIC NOT NULL OPTIONS(description="Cost that int_cycle_days gives the cycle, as raw events have it, usage and seats each summed and rounded to the cent, US dollars."),
  difference_usd NUMERIC NOT NULL OPTIONS(description="invoiced_usd - reported_usd."),
  reconciliation_status STRING NOT NULL OPTIONS(description="reconciled if the difference is 0, disputed if not, pending while the period is not over, holds provisional days, or has a day that was not loaded."),
  account_is_named BOOL NOT NULL OPTIONS(description="A contract or cost entry names the account: cost that names none goes to another one first.")
)
OPTIONS (
  description="What is invoiced against what is reported: one row per platform, account and billing cycle."
);
