CREATE TABLE allocation_rules (
  rule_id STRING NOT NULL OPTIONS(description="Name of the rule in allocation_rules.csv; rows of one rule and period belong together."),
  platform STRING NOT NULL OPTIONS(description="Platform whose cost the rule splits."),
  scope_type STRING NOT NULL OPTIONS(description="What the rule is about, strongest first: api_key, workspace, platform. The first two split lines of the vendor's report; a platform's splits all its cost that no narrower rule splits, also seats, overage, other costs, and what names somebody."),
  scope_value STRING OPTIONS(description="Key id or workspace id; NULL for a platform's rule and for the default workspace."),
  method STRING NOT NULL OPTIONS(description="equal_split over the active members of team (Shared on a day without one), manual percentages, or usage_based."),
  team STRING OPTIONS(description="Team whose active members share equally."),
  user_email STRING OPTIONS(description="Person who bears weight of the cost (manual)."),
  weight INT64 OPTIONS(description="Percentage in millionths of a percent (manual); the rows of a rule and period sum to 100000000."),
  cost_center STRING OPTIONS(description="Cost centre that bears the cost instead of the person's."),
  project_codes ARRAY<STRING> OPTIONS(description="Projects that the cost counts for."),
  valid_from DATE NOT NULL OPTIONS(description="First day of the rule."),
  valid_to DATE NOT NULL OPTIONS(description="Last day of the rule; 9999-12-31 until further notice.")
)
OPTIONS (
  description="Rules that split the cost of a key, workspace or platform otherwise than by usage: one row a rule, period and bearer."
);
