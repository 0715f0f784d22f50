CREATE TABLE int_rule_bearers (
  rule_id STRING NOT NULL OPTIONS(description="The rule in int_allocation_rules."),
  platform STRING NOT NULL OPTIONS(description="Platform whose cost the rule splits."),
  user_email STRING NOT NULL OPTIONS(description="Person who bears a part."),
  weight INT64 NOT NULL OPTIONS(description="The person's part among all that bear the rule's cost on the day: a percentage in millionths of a percent (manual), or 1 (equal split)."),
  valid_from DATE NOT NULL OPTIONS(description="First day on which the person bears it."),
  valid_to DATE NOT NULL OPTIONS(description="Last day on which the person bears it.")
)
OPTIONS (
  description="Who bears a rule's cost: one row per rule, person and period. On a day without a row the rule has no bearer."
);
