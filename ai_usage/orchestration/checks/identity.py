"""Whether it is known who is who: accounts that bear one id and are kept apart all the same."""

from __future__ import annotations

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.orchestration.checks.factory import table_check
from ai_usage.orchestration.checks.sql_checks import told_apart
from ai_usage.orchestration.resources import Resources
from ai_usage.quality.outcome import MAX_FAILURE_CASES, Outcome, Validation
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.files import load

ONE_IDENTITY = "one_identity"


def one_identity_check(partitions: dg.PartitionsDefinition[str]) -> dg.AssetChecksDefinition:
    """Nobody's accounts contradict each other; whose do is named, and what is said of them."""

    def evaluate(given: Resources, _window: Window | None) -> Validation:
        rows = sorted(
            given.warehouse.rows(Query(load("checks", ONE_IDENTITY))),
            key=lambda row: (row["subject"], row["doubt"]),
        )
        found = Outcome()
        for row in rows:
            who = told_apart(row["subject"])
            found.failures[who] = found.failures.get(who, 0) + 1
        found.sample = [dict(row) for row in rows[:MAX_FAILURE_CASES]]
        return Validation(found, {})

    return table_check(
        "dim_users",
        ONE_IDENTITY,
        "Sources agree on who is one person: no id stands on two accounts that are kept apart.",
        evaluate,
        severity=dg.AssetCheckSeverity.WARN,
        blocking=False,
        partitions=partitions,
    )
