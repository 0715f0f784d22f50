CREATE TABLE int_budgets (
  month DATE NOT NULL OPTIONS(description="First day of the UTC month."),
  scope_type STRING NOT NULL OPTIONS(description="Whose budget: person, team, department, cost_center or project."),
  scope_value STRING NOT NULL OPTIONS(description="The person as in dim_users, under their newest address; team, department, cost centre or project."),
  budget_usd NUMERIC NOT NULL OPTIONS(description="Budget of the month, US dollars: of budgets.csv, for a person before the directory's; the last that the month saw."),
  budget_category STRING OPTIONS(description="Label of the budget in budgets.csv. NULL without one."),
  budget_source STRING NOT NULL OPTIONS(description="budgets.csv, or directory."),
  is_rate_stale BOOL OPTIONS(description="True if the budget is in another currency and its exchange rate was more than 31 days old on the month's first day. NULL for US dollars."),
  is_shown BOOL NOT NULL OPTIONS(description="True for a budget of budgets.csv, and for one of the directory while the person is with the company in the month: who is not there is shown for cost alone.")
)
CLUSTER BY month, scope_type
OPTIONS (
  description="Budgets month by month, for the months of dim_dates: one row per month and person, team, department, cost centre or project with a budget."
);
