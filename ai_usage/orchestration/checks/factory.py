"""Turns promises about tables into Dagster asset checks, with a result recorded per partition.

In a run over a range Dagster records one evaluation without a partition and leaves each
partition's row open; so each day's evaluation is logged here, and one summary returned.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.instance.dagster_private import AssetCheckEvaluationTargetMaterializationData
from ai_usage.instance.event_log import stored_together
from ai_usage.orchestration.resources import Resources
from ai_usage.quality.counting import count_failing, within
from ai_usage.quality.flags import Severity
from ai_usage.quality.outcome import MAX_FAILURE_CASES, Outcome, Validation
from ai_usage.quality.rules import RELATIONS, rules_of
from ai_usage.text.masking import masked
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.schema import table_schema

Evaluate = Callable[[Resources, Window | None], Validation]
"""What a check finds in the run's days, asked of the resources that it needs."""

_EVERY_DAY_RECORDED = 62
"""Days of a run up to which the results of internal tables are recorded for every day too."""

DETAILS = "details"
"""Metadata: for a failure by its name, what a person wants to know of it."""
CONTRACT = "contract"
QUALITY = "quality"
UNIQUE = "unique_key"
FOREIGN = "foreign_keys"


def table_check(
    table: str,
    name: str,
    description: str,
    evaluate: Evaluate,
    *,
    severity: dg.AssetCheckSeverity,
    blocking: bool,
    partitions: dg.PartitionsDefinition[str],
    needs: Collection[str] = (),
    reads: Collection[str] = (),
) -> dg.AssetChecksDefinition:
    """An asset check over the run's days of a table, its result recorded for every day.

    `needs` are the resources that `evaluate` asks besides the warehouse, `reads` the relations that
    it looks at besides the table: it waits for them, as for rollups that are built of the table.
    """

    @dg.asset_check(
        asset=table,
        additional_deps=sorted(set(reads) - {table}),
        name=name,
        description=description,
        blocking=blocking,
        partitions_def=partitions,
        required_resource_keys={"warehouse", *needs},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        days = _days(context)
        window = Window(days[0], days[-1] + timedelta(days=1)) if days else None
        validation = evaluate(resources_of_check(context), window)
        _record_days(context, table, name, days, validation, severity)
        return dg.AssetCheckResult(
            passed=validation.whole.passed,
            severity=severity,
            metadata=_metadata(validation.whole, validation.rows),
        )

    return check


def resources_of_check(context: dg.AssetCheckExecutionContext) -> Resources:
    """The resources that the check said it needs."""
    return Resources(context.op_execution_context.resources)


def _days(context: dg.AssetCheckExecutionContext) -> list[date]:
    op = context.op_execution_context
    if not op.has_partition_key and not op.has_partition_key_range:
        return []
    return [date.fromisoformat(key) for key in op.partition_keys]


def _record_days(
    context: dg.AssetCheckExecutionContext,
    table: str,
    name: str,
    days: list[date],
    validation: Validation,
    severity: dg.AssetCheckSeverity,
) -> None:
    if context.op_execution_context.has_partition_key:
        # A run of one partition, not of a range: the evaluation that we return carries it.
        return
    partitioned = table_schema(table).partition_column is not None
    if is_internal(table) and len(days) > _EVERY_DAY_RECORDED:
        # Nobody looks up a year's good days of what stands between events and facts, and each is
        # an event to keep: of a long backfill the failing ones are recorded.
        failing = set(validation.by_day) if partitioned else set[date]()
        days = [day for day in days if day in failing]
    targets = _materializations(context, table, days)
    with stored_together(context.op_execution_context.instance):
        for day in days:
            outcome = validation.by_day.get(day, Outcome()) if partitioned else validation.whole
            # The signature does not name check evaluations; the event log takes them.
            context.op_execution_context.log_event(
                dg.AssetCheckEvaluation(  # type: ignore[arg-type]
                    asset_key=dg.AssetKey(table),
                    check_name=name,
                    passed=outcome.passed,
                    severity=severity,
                    partition=day.isoformat(),
                    target_materialization_data=targets.get(day),
                    metadata=_metadata(outcome, None),
                )
            )


def _materializations(
    context: dg.AssetCheckExecutionContext, table: str, days: list[date]
) -> dict[date, AssetCheckEvaluationTargetMaterializationData]:
    """Each day's newest materialisation; the UI drops a result that names an older one or none."""
    op = context.op_execution_context
    newest = op.instance.event_log_storage.get_latest_storage_id_by_partition(
        dg.AssetKey(table),
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        {day.isoformat() for day in days},
    )
    # The UI compares ids; run and time are of the check's run, in which the table is mostly made.
    now = datetime.now(UTC).timestamp()
    return {
        date.fromisoformat(day): AssetCheckEvaluationTargetMaterializationData(
            storage_id=storage_id, run_id=op.run_id, timestamp=now
        )
        for day, storage_id in newest.items()
    }


def _metadata(outcome: Outcome, rows: int | None) -> dict[str, dg.MetadataValue[Any]]:
    found: dict[str, dg.MetadataValue[Any]] = {}
    if rows is not None:
        found["rows"] = dg.MetadataValue.int(rows)
    if outcome.failures:
        found["failing_rows"] = dg.MetadataValue.int(sum(outcome.failures.values()))
        found["failures"] = dg.MetadataValue.json(dict(outcome.failures))
    if outcome.details:
        found[DETAILS] = dg.MetadataValue.json(dict(outcome.details))
    if outcome.sample:
        found["sample"] = dg.MetadataValue.json([masked(row) for row in outcome.sample])
    return found


def rule_checks(
    table: str, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetChecksDefinition]:
    """The table's contract (blocking) and, where it has rules of quality, their check."""

    def by(severity: Severity) -> Evaluate:
        def evaluate(given: Resources, window: Window | None) -> Validation:
            # Pandera takes a second to import: who judges nothing does not wait for it.
            from ai_usage.quality.contract import validate

            warehouse = given.warehouse
            with warehouse.ibis() as connection:
                return validate(connection, table, severity, window, warehouse.dataset_of(table))

        return evaluate

    checks = [
        table_check(
            table,
            CONTRACT,
            "Types and nullability as the DDL declares them, and the rules of the contract: "
            + " ".join(rule.description for rule in rules_of(table, "error")),
            by("error"),
            severity=dg.AssetCheckSeverity.ERROR,
            blocking=True,
            partitions=partitions,
        )
    ]
    warnings = rules_of(table, "warning")
    if warnings:
        checks.append(
            table_check(
                table,
                QUALITY,
                " ".join(rule.description for rule in warnings),
                by("warning"),
                severity=dg.AssetCheckSeverity.WARN,
                blocking=False,
                partitions=partitions,
            )
        )
    return checks


def unique_key_check(
    table: str, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetChecksDefinition:
    """No two rows of the table share the values of its key."""
    key = UNIQUE_KEYS[table]

    def evaluate(given: Resources, window: Window | None) -> Validation:
        whole = Outcome()
        by_day: dict[date, Outcome] = {}
        schema = table_schema(table)
        warehouse = given.warehouse
        with warehouse.ibis() as connection:
            rows = within(_table(warehouse, connection, table), schema, window)
            groups = rows.group_by(list(key)).agg(n=rows.count())
            doubled = groups.filter(groups.n > 1)
            whole.sample = doubled.limit(MAX_FAILURE_CASES).to_pyarrow().to_pylist()
            if whole.sample:
                failing = rows.semi_join(doubled, list(key))
                count_failing(failing, schema, f"{', '.join(key)} not unique", whole, by_day)
            total = int(rows.count().execute())
        return Validation(whole, by_day, total)

    return table_check(
        table,
        UNIQUE,
        f"No two rows share {', '.join(key)}.",
        evaluate,
        severity=dg.AssetCheckSeverity.ERROR,
        blocking=True,
        partitions=partitions,
    )


def foreign_key_check(
    table: str, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetChecksDefinition:
    """Every key of the table stands in the dimension it points to."""
    relations = RELATIONS[table]

    def evaluate(given: Resources, window: Window | None) -> Validation:
        whole = Outcome()
        by_day: dict[date, Outcome] = {}
        schema = table_schema(table)
        warehouse = given.warehouse
        with warehouse.ibis() as connection:
            rows = within(_table(warehouse, connection, table), schema, window)
            for relation in relations:
                target = _table(warehouse, connection, relation.target)
                orphans = rows.anti_join(
                    target, rows[relation.column] == target[relation.target_column]
                )
                name = f"{relation.column} not in {relation.target}"
                count_failing(orphans, schema, name, whole, by_day)
                if name in whole.failures:
                    wanted = MAX_FAILURE_CASES - len(whole.sample)
                    sample = orphans.limit(wanted).to_pyarrow().to_pylist() if wanted else []
                    whole.sample.extend({"rule": name, **row} for row in sample)
            total = int(rows.count().execute())
        return Validation(whole, by_day, total)

    return table_check(
        table,
        FOREIGN,
        " ".join(f"{r.column} stands in {r.target}." for r in relations),
        evaluate,
        severity=dg.AssetCheckSeverity.ERROR,
        blocking=True,
        partitions=partitions,
    )


def _table(warehouse: Warehouse, connection: Any, name: str) -> Any:
    """The product's table as an ibis connection to the warehouse finds it."""
    return connection.table(name, database=warehouse.dataset_of(name))


def warehouse_checks(
    tables: Iterable[str], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetChecksDefinition]:
    """The checks of the tables that follow from their DDL, rules, key and relations."""
    checks: list[dg.AssetChecksDefinition] = []
    for table in tables:
        checks.extend(rule_checks(table, partitions))
        if table in UNIQUE_KEYS:
            checks.append(unique_key_check(table, partitions))
        if table in RELATIONS:
            checks.append(foreign_key_check(table, partitions))
    return checks
