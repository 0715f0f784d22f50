CREATE TABLE identity_days (
  platform STRING NOT NULL OPTIONS(description="Platform that reported the events: anthropic, cursor."),
  identity_type STRING NOT NULL OPTIONS(description="What the events carry: email, api_key_id, api_key_name or vendor_user_id; none where they carry nothing that could name a person."),
  identity_value STRING NOT NULL OPTIONS(description="The e-mail address, key id or key name; empty for none."),
  day DATE NOT NULL OPTIONS(description="UTC day of the events, and the partition."),
  records INT64 NOT NULL OPTIONS(description="Events of the identity on the day, cost and seats included."),
  usage_records INT64 NOT NULL OPTIONS(description="Those of records that are usage or sessions: 0 where only cost names the identity.")
)
PARTITION BY day
CLUSTER BY platform, identity_type, identity_value
OPTIONS (
  description="Who and what was seen when: one row per platform, identity as the vendor reports it, and UTC day. Identities are not resolved to people here: people and keys are built from this.",
  require_partition_filter=TRUE
);
