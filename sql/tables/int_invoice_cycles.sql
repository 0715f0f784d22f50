CREATE TABLE int_invoice_cycles (
  platform STRING NOT NULL OPTIONS(description="Platform that is billed."),
  account STRING NOT NULL OPTIONS(description="Account at the vendor; empty where the vendor has one only."),
  period_from DATE NOT NULL OPTIONS(description="First day of the billing cycle."),
  period_to DATE NOT NULL OPTIONS(description="Last day of the billing cycle."),
  invoice_ids STRING NOT NULL OPTIONS(description="Numbers of the cycle's invoices, between commas."),
  usage_invoice_id STRING OPTIONS(description="The first of the invoices that bills usage. NULL if none does."),
  seat_invoice_id STRING OPTIONS(description="The first of the invoices that bills seats. NULL if none does."),
  other_invoice_id STRING NOT NULL OPTIONS(description="The first of the invoices that bills tax, credits or commitments, else the first of all: it carries one-time cost."),
  bills_usage BOOL NOT NULL OPTIONS(description="The invoices have usage lines."),
  bills_seats BOOL NOT NULL OPTIONS(description="The invoices have seat lines."),
  usage_usd NUMERIC NOT NULL OPTIONS(description="Usage lines, US dollars."),
  seats_usd NUMERIC NOT NULL OPTIONS(description="Seat lines, US dollars."),
  tax_usd NUMERIC NOT NULL OPTIONS(description="Tax lines, US dollars."),
  credit_usd NUMERIC NOT NULL OPTIONS(description="Credit lines, below 0, US dollars."),
  commitment_usd NUMERIC NOT NULL OPTIONS(description="Commitment lines, US dollars."),
  total_usd NUMERIC NOT NULL OPTIONS(description="All lines: what is paid, US dollars.")
)
OPTIONS (
  description="Billing cycles with all invoices that have exactly this one: one row per platform, account and cycle."
);
