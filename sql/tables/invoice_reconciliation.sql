CREATE TABLE invoice_reconciliation (
  invoice_id STRING NOT NULL OPTIONS(description="Number of the invoice. Unique with platform, period_from and period_to."),
  platform STRING NOT NULL OPTIONS(description="Platform that is billed."),
  billing_account_id STRING OPTIONS(description="Account at the vendor; NULL where the vendor has one only."),
  period_from DATE NOT NULL OPTIONS(description="First day of the billing cycle."),
  period_to DATE NOT NULL OPTIONS(description="Last day of the billing cycle."),
  covers_usage BOOL NOT NULL OPTIONS(description="The invoice has usage lines: its cycle is compared with all cost but seats."),
  covers_seats BOOL NOT NULL OPTIONS(description="The invoice has seat lines: its cycle is compared with the cost of seats."),
  invoiced_usd NUMERIC NOT NULL OPTIONS(description="Usage and seat lines of this invoice, each kind rounded to the cent, US dollars."),
  other_invoiced_usd NUMERIC NOT NULL OPTIONS(description="Tax, credit and commitment lines of this invoice, US dollars."),
  reported_usd NUMERIC NOT NULL OPTIONS(description="Cost of the cycle and of the kinds that its invoices cover, as raw events have it, usage and seats each summed and rounded to the cent, US dollars. The same on every invoice of the cycle: never sum it."),
  difference_usd NUMERIC NOT NULL OPTIONS(description="cycle_invoiced_usd - reported_usd. The same on every invoice of the cycle: never sum it."),
  reconciliation_status STRING NOT NULL OPTIONS(description="Of the cycle, as in vw_reconciliation: reconciled if the difference is 0, disputed if not, pending while the period is not over, holds provisional days, or has a day that was not loaded."),
  cycle_invoiced_usd NUMERIC OPTIONS(description="Usage and seat lines of all invoices of this account and cycle, each kind summed and rounded to the cent, US dollars."),
  account_is_named BOOL OPTIONS(description="A contract or cost entry names the account: cost that names none goes to another one first.")
)
OPTIONS (
  description="Every invoice against the cost of its cycle, together with the other invoices of it: one row per invoice, platform and cycle."
);
