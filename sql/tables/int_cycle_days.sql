CREATE TABLE int_cycle_days (
  platform STRING NOT NULL OPTIONS(description="Platform that is billed."),
  account STRING NOT NULL OPTIONS(description="Account that the cost names; empty if it names none, as a vendor's report."),
  cost_kind STRING NOT NULL OPTIONS(description="Kind of the cost: usage, seat or other (one-time cost, tax, credits, commitments)."),
  day DATE NOT NULL OPTIONS(description="UTC day of the cost."),
  billing_account_id STRING OPTIONS(description="Account that the cycle's invoices name; NULL where the vendor has one only."),
  period_from DATE NOT NULL OPTIONS(description="First day of the billing cycle."),
  period_to DATE NOT NULL OPTIONS(description="Last day of the billing cycle."),
  invoice_id STRING NOT NULL OPTIONS(description="The first of the cycle's invoices that bills the kind, which the cost carries; the first of all for one-time cost that none of them bills."),
  is_first BOOL NOT NULL OPTIONS(description="The cycle that the cost carries. Others of the same cost are accounts that share it."),
  weight INT64 NOT NULL OPTIONS(description="The cycle's part of the cost, in proportion to the weights of all cycles of the same cost: millionths of a dollar that it bills of the kind, or 1 where none bills any."),
  cycle_month DATE NOT NULL OPTIONS(description="First day of the month in which the cycle begins.")
)
CLUSTER BY platform, day
OPTIONS (
  description="Which invoiced cycle a cost belongs to: one row per platform, account that the cost names, kind and day that an invoice covers; several where accounts that no contract or cost entry names are billed for one cycle, for they share it. A cost without a row here is not invoiced."
);
