CREATE TABLE dim_budgets (
  scope_type STRING NOT NULL OPTIONS(description="Whose budget: person, team, department, cost_center or project."),
  scope_value STRING NOT NULL OPTIONS(description="E-mail address, team, department, cost centre or project."),
  monthly_budget_usd NUMERIC NOT NULL OPTIONS(description="Budget a month, US dollars, at the exchange rate of the month's first day."),
  budget_category STRING OPTIONS(description="Label of the budget."),
  valid_from DATE NOT NULL OPTIONS(description="First month of the row, as its first day: of the budget, or of an exchange rate of it."),
  valid_to DATE NOT NULL OPTIONS(description="Last day of the last month of the row; 9999-12-31 until further notice."),
  budget_source STRING NOT NULL OPTIONS(description="budgets.csv, or directory for the field of the person's entry."),
  amount NUMERIC OPTIONS(description="Budget a month in currency_code, as budgets.csv has it."),
  currency_code STRING OPTIONS(description="ISO 4217 code of the budget's currency."),
  exchange_rate NUMERIC OPTIONS(description="US dollars for one unit of currency_code on the first day of the row's months: the newest rate on or before it."),
  exchange_rate_date DATE OPTIONS(description="Day of the exchange rate. NULL for US dollars."),
  exchange_rate_source STRING OPTIONS(description="Where the exchange rate comes from. NULL for US dollars."),
  is_rate_stale BOOL OPTIONS(description="True where the exchange rate was more than 31 days old on the first day of the row's months, as in months that no newer rate is known for. NULL for US dollars.")
)
OPTIONS (
  description="Budgets of budgets.csv: one row a person, team, department, cost centre or project and period of equal terms and exchange rate; periods of one scope never overlap. A budget in another currency takes the rate of each month's first day. The directory's own budgets stand in dim_users."
);
