CREATE TABLE dim_budgets (
  scope_type STRING NOT NULL OPTIONS(description="Whose budget: person, team or cost_center."),
  scope_value STRING NOT NULL OPTIONS(description="E-mail address, team or cost centre."),
  monthly_budget_usd NUMERIC NOT NULL OPTIONS(description="Budget a month, US dollars."),
  budget_category STRING OPTIONS(description="Label of the budget."),
  valid_from DATE NOT NULL OPTIONS(description="First month of the budget, as its first day."),
  valid_to DATE NOT NULL OPTIONS(description="Last day of the last month; 9999-12-31 until further notice."),
  budget_source STRING NOT NULL OPTIONS(description="budgets.csv, or directory for the field of the person's entry.")
)
OPTIONS (
  description="Budgets of budgets.csv: one row a person, team or cost centre and period; periods of one scope never overlap. The directory's own budgets stand in dim_users."
);
