CREATE TABLE bridge_user_identity (
  identity_type STRING NOT NULL OPTIONS(description="What the event carries: email, api_key_id, api_key_name or vendor_user_id."),
  identity_value STRING NOT NULL OPTIONS(description="The e-mail address (lower case), key id, key name, or what the vendor calls the person by: a login or an id of its member list."),
  platform STRING NOT NULL OPTIONS(description="Platform on which the identity is valid; * for e-mail addresses, which are the same everywhere."),
  valid_from DATE NOT NULL OPTIONS(description="First day on which the identity means this user."),
  valid_to DATE NOT NULL OPTIONS(description="Last day on which the identity means this user."),
  user_sk INT64 NOT NULL OPTIONS(description="Version of the person in dim_users; 0 is Unknown, -1 is Shared."),
  user_email STRING OPTIONS(description="The person's own address, aliases resolved. NULL for Unknown and Shared."),
  mapping_id STRING OPTIONS(description="Row of api_key_mappings that decided. NULL for e-mail addresses and logins."),
  platform_subtype STRING OPTIONS(description="Product that the key serves, where its mapping says so."),
  cost_center STRING OPTIONS(description="Cost centre of the key's mapping, where it has one, else the person's."),
  is_owners_cost_center BOOL OPTIONS(description="True where the key's mapping names no cost centre and cost_center is its owner's: it is not the key's own then. NULL for e-mail addresses and logins."),
  project_codes ARRAY<STRING> OPTIONS(description="Projects of the key's mapping."),
  confidence_score FLOAT64 NOT NULL OPTIONS(description="Confidence of the source, 0 to 1, before decay."),
  last_verified_date DATE OPTIONS(description="Confidence falls linearly to half over the 180 days after this day, counted at the event's date. NULL: no decay."),
  attribution_source STRING NOT NULL OPTIONS(description="Where the identity comes from: directory, alias, login, vendor_directory (an id in a vendor's member list), or the mapping's source.")
)
CLUSTER BY identity_type, platform, identity_value
OPTIONS (
  description="Every e-mail address, key id, key name and login joined to the user it means, by day: no two rows of one identity overlap."
);
