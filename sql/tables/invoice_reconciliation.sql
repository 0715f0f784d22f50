CREATE TABLE invoice_reconciliation (
  invoice_id STRING NOT NULL OPTIONS(description="Number of the invoice. Unique with platform."),
  platform STRING NOT NULL OPTIONS(description="Platform that is billed."),
  billing_account_id STRING OPTIONS(description="Account at the vendor; NULL where the vendor has one only."),
  period_from DATE NOT NULL OPTIONS(description="First day of the billing cycle."),
  period_to DATE NOT NULL OPTIONS(description="Last day of the billing cycle."),
  invoiced_usd NUMERIC NOT NULL OPTIONS(description="Usage and seat lines of the invoice, US dollars."),
  other_invoiced_usd NUMERIC NOT NULL OPTIONS(description="Tax, credit and commitment lines of the invoice, US dollars."),
  reported_usd NUMERIC NOT NULL OPTIONS(description="Cost of the period as raw events have it, without one-time cost, rounded to the cent, US dollars."),
  difference_usd NUMERIC NOT NULL OPTIONS(description="invoiced_usd - reported_usd."),
  reconciliation_status STRING NOT NULL OPTIONS(description="reconciled if the difference is 0, disputed if not, pending while the period holds provisional days or is not over.")
)
OPTIONS (
  description="Every invoice against the cost of its period: one row an invoice and platform."
);
