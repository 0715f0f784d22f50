CREATE TABLE api_key_mappings (
  mapping_id STRING NOT NULL OPTIONS(description="Hex SHA-256 of platform, key, source, owner and created_date. Unique."),
  api_key_id STRING NOT NULL OPTIONS(description="Vendor's id of the key; name:<key name> where a source knows only the name."),
  api_key_name STRING OPTIONS(description="Name of the key at the vendor. Not unique there."),
  user_email STRING NOT NULL OPTIONS(description="Owner of a personal key; the responsible contact of a shared one."),
  user_full_name STRING OPTIONS(description="Name of user_email's person today."),
  department STRING OPTIONS(description="Department of user_email's person today."),
  team STRING OPTIONS(description="Team of user_email's person today."),
  manager_email STRING OPTIONS(description="Manager of user_email's person today."),
  platform STRING NOT NULL OPTIONS(description="Platform whose key it is: anthropic, cursor."),
  platform_subtype STRING OPTIONS(description="Product that the key serves: claude_code, claude_api, claude_web. NULL if the source does not say."),
  workspace_id STRING OPTIONS(description="Workspace of the key. NULL means the default workspace, or unknown."),
  environment STRING OPTIONS(description="development, production or testing."),
  intended_use STRING OPTIONS(description="personal, project_specific, team or service. Cost of team and service keys belongs to Shared."),
  cost_center STRING OPTIONS(description="Cost centre that bears the key's cost, before the person's own."),
  project_codes ARRAY<STRING> OPTIONS(description="Projects that the key's cost counts for."),
  is_active BOOL NOT NULL OPTIONS(description="False once the key was switched off, expired, or was not seen for auto_deactivate_after_days."),
  created_date DATE OPTIONS(description="First day that the mapping holds; NULL means since ever."),
  last_verified_date DATE OPTIONS(description="Last day on which the source confirmed the mapping; confidence falls from here."),
  expires_date DATE OPTIONS(description="Last day that the mapping holds; NULL means until further notice."),
  auto_deactivate_after_days INT64 OPTIONS(description="Days without activity after which the key counts as inactive."),
  confidence_score FLOAT64 NOT NULL OPTIONS(description="Confidence of the source, 0 to 1, before it decays with the age of last_verified_date."),
  attribution_source STRING NOT NULL OPTIONS(description="manual_entry, sso_sync, google_sheets, vendor_directory, key_succession (what is said of the key of the same name and workspace before it) or key_name_pattern."),
  source_rank INT64 NOT NULL OPTIONS(description="Precedence of the source, 1 wins: manual_entry, sso_sync, google_sheets, key_succession of a key registered as a team's or a service's, vendor_directory, key_succession of another, key_name_pattern."),
  is_winner BOOL NOT NULL OPTIONS(description="True for the mapping that attributes; the others stay visible."),
  last_activity_date DATE OPTIONS(description="Last day on which the key was seen in the events."),
  created_by STRING OPTIONS(description="Who made the entry at its source."),
  updated_by STRING OPTIONS(description="Who changed the entry last at its source."),
  updated_timestamp TIMESTAMP NOT NULL OPTIONS(description="When this row was written."),
  change_history JSON OPTIONS(description="Changes of the entry, oldest first: the day, the field, the old and the new value.")
)
CLUSTER BY platform, user_email, api_key_id
OPTIONS (
  description="Who owns an API key: one row a key, source and period, with precedence and confidence."
);
