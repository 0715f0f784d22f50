"""The whole Dagster graph: definitions, resources, assets, checks, automation, runs."""
