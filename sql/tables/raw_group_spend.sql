CREATE TABLE raw_group_spend (
  snapshot_date DATE NOT NULL OPTIONS(description="UTC day on which the vendor was asked, and the partition."),
  platform STRING NOT NULL OPTIONS(description="Platform that reports the spend."),
  group_kind STRING NOT NULL OPTIONS(description="billing_group: a team's members grouped at the vendor. team: a team of an organisation."),
  group_id STRING NOT NULL OPTIONS(description="The group's id at the vendor."),
  group_name STRING OPTIONS(description="The group's name at the vendor, where it has one."),
  directory_group_id STRING OPTIONS(description="The directory's group that the vendor fills it from."),
  is_unassigned BOOL NOT NULL OPTIONS(description="True for the vendor's own group of who is in no other; what deleted groups had is moved there."),
  current_members ARRAY<STRING> OPTIONS(description="Addresses of the members of the day; the vendor's ids where it names no address."),
  former_members ARRAY<STRING> OPTIONS(description="Addresses of who was a member in the cycle and left: what they used before stays the group's."),
  cycle_started_at TIMESTAMP OPTIONS(description="When the running billing cycle began; of a team, the organisation's contract."),
  cycle_ends_at TIMESTAMP OPTIONS(description="When it ends."),
  spend_usd NUMERIC OPTIONS(description="What the vendor says the group has spent in the cycle so far, US dollars. The same dollars as its members' events."),
  included_spend_usd NUMERIC OPTIONS(description="What of the organisation's pool the team has used in the contract so far, US dollars. The same dollars as its members' events."),
  budget_usd NUMERIC OPTIONS(description="The team's limit at the vendor for the contract, US dollars."),
  ingest_timestamp TIMESTAMP NOT NULL OPTIONS(description="When the vendor was asked."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row.")
)
PARTITION BY snapshot_date
CLUSTER BY platform, group_id
OPTIONS (
  description="What a vendor says each of its groups has spent in the running cycle, and who is in it: one row per group and day. Evidence beside the events, never added to a cost.",
  require_partition_filter=TRUE
);
