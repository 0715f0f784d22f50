CREATE TABLE raw_member_spend (
  snapshot_date DATE NOT NULL OPTIONS(description="UTC day on which the vendor was asked, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform that reports the spend."),
  vendor_user_id STRING OPTIONS(description="The member's id at the vendor."),
  user_email STRING OPTIONS(description="The member's address, lower case."),
  cycle_start DATE OPTIONS(description="UTC day on which the running billing cycle began; where an organisation is asked, its contract."),
  spend_usd NUMERIC OPTIONS(description="On-demand spend of the cycle so far, US dollars; NULL where an organisation is asked, which reports its pool alone."),
  overall_spend_usd NUMERIC OPTIONS(description="All spend of the cycle so far, included value too, US dollars."),
  included_spend_usd NUMERIC OPTIONS(description="Value covered by the seat, or by the organisation's pool, in the cycle so far, US dollars."),
  ingest_timestamp TIMESTAMP NOT NULL OPTIONS(description="When the vendor was asked."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row."),
  cycle_started_at TIMESTAMP OPTIONS(description="The instant at which the running billing cycle began: events of its first day from before belong to the cycle before.")
)
PARTITION BY snapshot_date
CLUSTER BY platform, user_email
OPTIONS (
  description="What a vendor says each member has spent in the running billing cycle: one row a member (of an organisation: and team) and day. Compared with the events' sum, never added to a cost.",
  require_partition_filter=TRUE
);
