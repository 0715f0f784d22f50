CREATE TABLE raw_invoices (
  invoice_id STRING NOT NULL OPTIONS(description="Number of the invoice."),
  invoice_line INT64 NOT NULL OPTIONS(description="Ordinal of the line within the invoice, from 1. Unique with invoice_id and platform."),
  platform STRING NOT NULL OPTIONS(description="Platform that is billed."),
  billing_account_id STRING OPTIONS(description="Account at the vendor; NULL where the vendor has one only."),
  period_from DATE NOT NULL OPTIONS(description="First day of the billing cycle."),
  period_to DATE NOT NULL OPTIONS(description="Last day of the billing cycle."),
  line_kind STRING NOT NULL OPTIONS(description="usage, seat, tax, credit or commitment."),
  amount NUMERIC NOT NULL OPTIONS(description="Amount in currency_code; credits are negative."),
  currency_code STRING NOT NULL OPTIONS(description="ISO 4217 code."),
  amount_usd NUMERIC NOT NULL OPTIONS(description="Amount in US dollars."),
  exchange_rate NUMERIC NOT NULL OPTIONS(description="US dollars for one unit of currency_code; 1 for US dollars."),
  exchange_rate_date DATE OPTIONS(description="Day of the exchange rate. NULL for US dollars."),
  exchange_rate_source STRING OPTIONS(description="Where the exchange rate comes from. NULL for US dollars.")
)
OPTIONS (
  description="Invoices of the vendors, from invoices.csv: one row a line. Vendors bill cycles, not months."
);
