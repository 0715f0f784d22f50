"""Dagster's UI over this graph, as `ai-usage dev` serves it."""
