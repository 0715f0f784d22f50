CREATE TABLE int_allocation_rules (
  rule_id STRING NOT NULL OPTIONS(description="Name of the rule. Unique with platform and valid_from; periods of one rule never overlap."),
  platform STRING NOT NULL OPTIONS(description="Platform whose cost the rule splits."),
  scope_type STRING NOT NULL OPTIONS(description="What the rule is about: api_key, workspace or platform."),
  scope_value STRING NOT NULL OPTIONS(description="Key id or workspace id; empty for a platform's rule and for the default workspace."),
  method STRING NOT NULL OPTIONS(description="equal_split, manual or usage_based."),
  valid_from DATE NOT NULL OPTIONS(description="First day of the rule."),
  valid_to DATE NOT NULL OPTIONS(description="Last day of the rule; 9999-12-31 until further notice."),
  team STRING OPTIONS(description="Team whose active members share equally. NULL for other methods."),
  cost_center STRING OPTIONS(description="Cost centre that bears the cost instead of the person's. NULL where the rule names none."),
  project_codes ARRAY<STRING> OPTIONS(description="Projects that the cost counts for.")
)
OPTIONS (
  description="What an allocation rule is about, without its bearers: one row per rule and period."
);
