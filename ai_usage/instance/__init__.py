"""Dagster's instance: event log, partitions, runs whose process is gone, errors, progress."""
