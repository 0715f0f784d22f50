CREATE TABLE dim_cost_centers (
  cost_center_sk INT64 NOT NULL OPTIONS(description="Surrogate key: 60 bits of the SHA-256 of cost_center; 0 is Unknown. Unique."),
  cost_center STRING NOT NULL OPTIONS(description="Code of the cost centre, as people and keys name it."),
  departments ARRAY<STRING> OPTIONS(description="Departments whose people name it today."),
  is_active BOOL NOT NULL OPTIONS(description="A current person or an active key names it."),
  created_timestamp TIMESTAMP NOT NULL OPTIONS(description="When this row was first written."),
  updated_timestamp TIMESTAMP NOT NULL OPTIONS(description="When this row was last written.")
)
CLUSTER BY cost_center
OPTIONS (
  description="Cost centres named by people or keys, with Unknown (0)."
);
