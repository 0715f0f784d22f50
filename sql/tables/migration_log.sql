CREATE TABLE migration_log (
  noted_at TIMESTAMP NOT NULL OPTIONS(description="When it was noted. Unique."),
  step STRING NOT NULL OPTIONS(description="What was done: load, unload, compare, confirm, accept, dual_write, validate, reopen, cutover, rollback, retire."),
  outcome STRING NOT NULL OPTIONS(description="begun, done or failed. A step that is begun and neither done nor failed was broken off, and resumes."),
  state STRING NOT NULL OPTIONS(description="Where the migration stood afterwards: parallel, validated, cutover, retired."),
  table_name STRING OPTIONS(description="The old table, where the step is about one."),
  first_day DATE OPTIONS(description="First day that the step is about."),
  last_day DATE OPTIONS(description="Last day that the step is about."),
  done_by STRING NOT NULL OPTIONS(description="Who did it: AI_USAGE_USER, else the operating system's user."),
  reason STRING OPTIONS(description="Why, as the person said."),
  details JSON NOT NULL OPTIONS(description="What the step counted or chose, by name."),
  pipeline_run_id STRING OPTIONS(description="Dagster run that wrote the row.")
)
CLUSTER BY step, noted_at
OPTIONS (
  description="What was done in the migration from old tables: one row a step and outcome. The archive keeps every entry; internal."
);
