"""Dagster's UI, driven as a person does, through its own GraphQL."""
