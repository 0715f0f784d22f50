CREATE TABLE dim_cost_centers (
  cost_center_sk INT64 NOT NULL OPTIONS(description="Surrogate key: 60 bits of the SHA-256 of cost_center; 0 is Unknown. Unique."),
  cost_center STRING NOT NULL OPTIONS(description="Code of the cost centre, as people, keys, contracts, cost entries, rules and budgets name it."),
  departments ARRAY<STRING> OPTIONS(description="Departments whose people name it today."),
  is_active BOOL NOT NULL OPTIONS(description="A current person, an active key or one of finance's files names it."),
  created_timestamp TIMESTAMP NOT NULL OPTIONS(description="When this row was first written."),
  updated_timestamp TIMESTAMP NOT NULL OPTIONS(description="When this row was last written.")
)
CLUSTER BY cost_center
OPTIONS (
  description="Cost centres that people, keys or finance's files name, with Unknown (0)."
);
