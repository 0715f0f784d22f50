"""Asset checks: what `quality` promises, evaluated for each day and recorded in Dagster."""
