"""The door that `dagster.yaml` names."""

from ai_usage.instance.event_log import PooledSqliteEventLogStorage as PooledSqliteEventLogStorage
