CREATE TABLE invoice_reconciliation (
  invoice_id STRING NOT NULL OPTIONS(description="Number of the invoice. Unique with platform."),
  platform STRING NOT NULL OPTIONS(description="Platform that is billed."),
  billing_account_id STRING OPTIONS(description="Account at the vendor; NULL where the vendor has one only."),
  period_from DATE NOT NULL OPTIONS(description="First day of the billing cycle."),
  period_to DATE NOT NULL OPTIONS(description="Last day of the billing cycle."),
  covers_usage BOOL NOT NULL OPTIONS(description="The invoice has usage lines: it is compared with all cost but seats."),
  covers_seats BOOL NOT NULL OPTIONS(description="The invoice has seat lines: it is compared with the cost of seats."),
  invoiced_usd NUMERIC NOT NULL OPTIONS(description="Usage and seat lines of the invoice, US dollars."),
  other_invoiced_usd NUMERIC NOT NULL OPTIONS(description="Tax, credit and commitment lines of the invoice, US dollars."),
  reported_usd NUMERIC NOT NULL OPTIONS(description="Cost of the period and of the kinds that the invoice covers, as raw events have it, rounded to the cent, US dollars."),
  difference_usd NUMERIC NOT NULL OPTIONS(description="invoiced_usd - reported_usd."),
  reconciliation_status STRING NOT NULL OPTIONS(description="reconciled if the difference is 0, disputed if not, pending while the period is not over, holds provisional days, or begins before the first loaded day.")
)
OPTIONS (
  description="Every invoice against the cost of its period: one row an invoice and platform."
);
