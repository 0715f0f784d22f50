"""The door that `dagster.yaml` names."""

from ai_usage.instance.one_writer import OneWriterCoordinator as OneWriterCoordinator
