CREATE TABLE int_spend_to_date (
  user_email STRING NOT NULL OPTIONS(description="Person who bears the cost, by their newest address: person of dim_users."),
  event_date DATE NOT NULL OPTIONS(description="UTC day with cost of the person, and the partition."),
  to_date_usd NUMERIC NOT NULL OPTIONS(description="What the person bears from the month's first day to this one, US dollars."),
  budget_usd NUMERIC OPTIONS(description="The person's budget of the month, US dollars. NULL without a budget."),
  budget_category STRING OPTIONS(description="Label of the budget: that of budgets.csv, person for one without a label, directory for the directory's. NULL without a budget.")
)
PARTITION BY event_date
OPTIONS (
  description="Spend against budget within the month: one row per person and day with cost. A change of a day moves those after it in its month.",
  require_partition_filter=TRUE
);
