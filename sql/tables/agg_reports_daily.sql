CREATE TABLE agg_reports_daily (
  date DATE NOT NULL OPTIONS(description="UTC day of the events, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Vendor's code, as in the vendor's reports and invoices."),
  account STRING NOT NULL OPTIONS(description="Account that the event names; empty if it names none, as a vendor's report."),
  cost_kind STRING NOT NULL OPTIONS(description="Kind of the cost, as in int_cycle_days: usage, seat or other."),
  cost_records INT64 NOT NULL OPTIONS(description="Events that bill something."),
  reported_usd NUMERIC NOT NULL OPTIONS(description="What they bill, US dollars."),
  code_execution_usd NUMERIC NOT NULL OPTIONS(description="Part of reported_usd that is code execution, US dollars."),
  unknown_charges INT64 NOT NULL OPTIONS(description="Events that bill, or may bill, an amount that is not known: they are in no cost."),
  committed_records INT64 NOT NULL OPTIONS(description="Usage events that a commitment pays: their cost is in no report."),
  committed_tokens INT64 NOT NULL OPTIONS(description="Their tokens."),
  committed_list_usd NUMERIC OPTIONS(description="Those tokens at the list prices of fact_ai_usage, US dollars. NULL if no price is known."),
  committed_unpriced_tokens INT64 NOT NULL OPTIONS(description="Those of committed_tokens that committed_list_usd lacks, because a price is not known.")
)
PARTITION BY date
CLUSTER BY platform, account, cost_kind
OPTIONS (
  description="What vendors' reports and finance's files bill on a day, and what they do not say: one row per day, platform, account and kind of cost. Follows accounts, not events.",
  require_partition_filter=TRUE
);
