"""Turns promises about tables into Dagster asset checks, with a result recorded per partition.

In a run over a range Dagster records one evaluation without a partition and leaves each
partition's row open; so each day's evaluation is logged here, and one summary returned.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.instance.dagster_private import AssetCheckEvaluationTargetMaterializationData
from ai_usage.instance.event_log import stored_together
from ai_usage.orchestration.of_run import OfRun, of_run
from ai_usage.orchestration.resources import Resources
from ai_usage.quality.asking import judged
from ai_usage.quality.outcome import Outcome, Validation
from ai_usage.quality.promises import CONTRACT, FOREIGN, QUALITY, UNIQUE, promised
from ai_usage.quality.rules import RELATIONS, rules_of
from ai_usage.text.masking import masked
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.schema import table_schema

Evaluate = Callable[[Resources, Window | None], Validation]
"""What a check finds in the run's days, asked of the resources that it needs."""

_EVERY_DAY_RECORDED = 62
"""Days of a run up to which the results of internal tables are recorded for every day too."""

DETAILS = "details"
"""Metadata: for a failure by its name, what a person wants to know of it."""


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

    A table without partitions is judged as a whole, once a run.

    `needs` are the resources that `evaluate` asks besides the warehouse, `reads` the relations that
    it looks at besides the table: it waits for them, as for rollups that are built of the table.
    """

    @dg.asset_check(
        asset=table,
        additional_deps=sorted(set(reads) - {table}),
        name=name,
        description=description,
        blocking=blocking,
        partitions_def=_days_of(table, partitions),
        required_resource_keys={"warehouse", *needs},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        days = _days(context, table)
        given, window = resources_of_check(context), _window(days)
        validation = evaluate(given, window)
        rows = validation.rows
        if rows is None:
            known = of_run(context.op_execution_context.run_id)
            rows = known.rows(given.warehouse, table, window)
        _record_days(context, table, name, days, validation, severity)
        return dg.AssetCheckResult(
            passed=validation.whole.passed,
            severity=severity,
            metadata=_metadata(validation.whole, rows),
        )

    return check


def resources_of_check(context: dg.AssetCheckExecutionContext) -> Resources:
    """The resources that the check said it needs."""
    return Resources(context.op_execution_context.resources)


def _days(context: dg.AssetCheckExecutionContext, table: str) -> list[date]:
    """The run's days; none of a table that is judged as a whole."""
    op = context.op_execution_context
    if table_schema(table).partition_column is None:
        return []
    if not op.has_partition_key and not op.has_partition_key_range:
        return []
    return [date.fromisoformat(key) for key in op.partition_keys]


def _window(days: Sequence[date]) -> Window | None:
    return Window(days[0], days[-1] + timedelta(days=1)) if days else None


def _days_of(
    table: str, partitions: dg.PartitionsDefinition[str]
) -> dg.PartitionsDefinition[str] | None:
    """The partitions of a table's checks: a table that is one whole is judged once a run."""
    return partitions if table_schema(table).partition_column is not None else None


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
    if is_internal(table) and len(days) > _EVERY_DAY_RECORDED:
        # Nobody looks up a year's good days of what stands between events and facts, and each is
        # an event to keep: of a long backfill the failing ones are recorded.
        days = [day for day in days if day in validation.by_day]
    targets = _materializations(context, table, days)
    with stored_together(context.op_execution_context.instance):
        for day in days:
            outcome = validation.by_day.get(day, Outcome())
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


JUDGED_LATE: Mapping[str, str] = {"dagster/priority": "-1"}
"""Op tags of checks that wait until no table can be built without them: then as many as may be
are due at the same point. An order and no dependency."""


def promises_check(
    table: str, names: Sequence[str], partitions: dg.PartitionsDefinition[str]
) -> dg.AssetChecksDefinition:
    """Checks of a table that follow from its declarations, in one step that asks one query."""
    specs = [_promise_spec(table, name, _days_of(table, partitions)) for name in names]

    @dg.multi_asset_check(
        name=f"{table}_checks",
        specs=specs,
        can_subset=True,
        required_resource_keys={"warehouse"},
        op_tags=JUDGED_LATE,
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterable[dg.AssetCheckResult]:
        chosen = context.op_execution_context.selected_asset_check_keys
        asked = [spec.name for spec in specs if spec.key in chosen]
        days = _days(context, table)
        found = _judged(context, table, asked, _window(days))
        for name in asked:
            severity = _SEVERITIES[name]
            _record_days(context, table, name, days, found[name], severity)
            yield dg.AssetCheckResult(
                check_name=name,
                asset_key=table,
                passed=found[name].whole.passed,
                severity=severity,
                metadata=_metadata(found[name].whole, found[name].rows),
            )

    return checks


def _judged(
    context: dg.AssetCheckExecutionContext,
    table: str,
    checks: Sequence[str],
    window: Window | None,
) -> Mapping[str, Validation]:
    """What the checks find in the table.

    Where to ask has a price of its own, others that the run has written by now are judged with it.
    """
    known = of_run(context.op_execution_context.run_id)
    of = known.to_judge.pop(table, None)
    found = known.judged.pop(table, None)
    if found is not None and set(checks) <= set(found):
        return found
    warehouse = resources_of_check(context).warehouse

    def ask(asked: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Validation]]:
        # A table that is one whole is judged with others of the run's days.
        return judged(warehouse, asked, window or of)

    others: dict[str, Sequence[str]] = {}
    if of is not None and window in (of, None):
        others = dict(islice(_due(context, known, of), warehouse.asks_together - 1))
    try:
        told = ask({table: checks, **others})
    except WarehouseError:
        if not others:
            raise
        # What is wrong with another is told by its own checks.
        others = {}
        told = ask({table: checks})
    for other in others:
        known.judged[other] = told[other]
        del known.to_judge[other]
    return told[table]


def _due(
    context: dg.AssetCheckExecutionContext, known: OfRun, of: Window
) -> Iterator[tuple[str, Sequence[str]]]:
    """The tables that the run wrote for the same days and that wait to be judged, by their checks.

    One whose keys name a table that the run has still to write waits for that.
    """
    layer = context.op_execution_context.job_def.asset_layer
    to_write = {key.path[-1] for key in layer.executable_asset_keys} - known.written
    for table, own in known.to_judge.items():
        keys = [dg.AssetCheckKey(dg.AssetKey(table), name) for name in promised(table)]
        names = [key.name for key in keys if key in layer.asset_graph.asset_check_keys]
        named = {relation.target for relation in RELATIONS.get(table, ())}
        if own == of and names and not named & to_write:
            yield table, names


_SEVERITIES = {
    CONTRACT: dg.AssetCheckSeverity.ERROR,
    QUALITY: dg.AssetCheckSeverity.WARN,
    UNIQUE: dg.AssetCheckSeverity.ERROR,
    FOREIGN: dg.AssetCheckSeverity.ERROR,
}


def _promise_spec(
    table: str, name: str, partitions: dg.PartitionsDefinition[str] | None
) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        name,
        asset=table,
        description=_promise(table, name),
        blocking=_SEVERITIES[name] is dg.AssetCheckSeverity.ERROR,
        partitions_def=partitions,
    )


def _promise(table: str, name: str) -> str:
    """What a check promises, in words."""
    if name == UNIQUE:
        return f"No two rows share {', '.join(UNIQUE_KEYS[table])}."
    if name == FOREIGN:
        return " ".join(f"{r.column} stands in {r.target}." for r in RELATIONS[table])
    if name == QUALITY:
        return " ".join(rule.description for rule in rules_of(table, "warning"))
    return (
        "Types and nullability as the DDL declares them, and the rules of the contract: "
        + " ".join(rule.description for rule in rules_of(table, "error"))
    )


def warehouse_checks(
    tables: Iterable[str], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetChecksDefinition]:
    """The checks of the tables that follow from their DDL, rules, key and relations."""
    return [promises_check(table, promised(table), partitions) for table in tables]
