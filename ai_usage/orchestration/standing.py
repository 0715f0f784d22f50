"""What a run does that has nothing to build: it says so of every asset, and keeps the hour true."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagster as dg

from ai_usage.dashboard.published import renew
from ai_usage.days.windows import Window
from ai_usage.instance.dagster_private import (
    AssetCheckEvaluationTargetMaterializationData,
    AssetGraph,
)
from ai_usage.instance.event_log import stored_together
from ai_usage.instance.one_writer import WRITES
from ai_usage.instance.partitions import range_tags
from ai_usage.orchestration.alerting import alert_on_run
from ai_usage.orchestration.assets.reported_spend import REPORTED_SPEND
from ai_usage.orchestration.checks.metrics import FRESHNESS
from ai_usage.orchestration.checks.sql_checks import COMPLETENESS
from ai_usage.orchestration.named_jobs import QUIET
from ai_usage.orchestration.outcome import CheckResult, RunResult, outcome
from ai_usage.orchestration.resources import Resources
from ai_usage.orchestration.run_states import states
from ai_usage.orchestration.stages import STAGE, is_input
from ai_usage.orchestration.unchanged import FailedCheck, note_kept_up, remembered
from ai_usage.settings import Settings

UNCHANGED_SINCE = "ai_usage/unchanged_since"
"""Tag of a run that had nothing to build: the run that built what stands."""

_TELL_WHEN_ASKED = ("loaded_days", *REPORTED_SPEND)
"""Tables whose rows tell when a vendor was last asked: built though all answers are the same."""
_OF_THE_HOUR = (FRESHNESS, COMPLETENESS)
"""Checks of what may have become otherwise though nothing was built."""


@dataclass(frozen=True)
class Due:
    """What is built and checked though nothing has changed."""

    assets: frozenset[dg.AssetKey]
    checks: frozenset[dg.AssetCheckKey]


def due(graph: AssetGraph) -> Due:
    """What tells when vendors were asked, and the checks of that and of the hour."""
    assets = frozenset(map(dg.AssetKey, _TELL_WHEN_ASKED))
    checks = frozenset(
        key for key in graph.asset_check_keys if key.asset_key in assets or key.name in _OF_THE_HOUR
    )
    return Due(assets, checks)


def keep_up(
    defs: dg.Definitions,
    job: dg.JobDefinition,
    settings: Settings,
    instance: dg.DagsterInstance,
    window: Window,
    tags: Mapping[str, str],
    since: str,
    listen: Callable[[dg.EventLogEntry], None],
) -> RunResult:
    """Do what is due in a run of its own, instead of building what stands; and say so.

    `window` are the days that vendors were asked for, `since` is the run that built what stands.
    """
    graph, run_id = defs.resolve_asset_graph(), str(uuid.uuid4())
    own = due(graph)
    instance.add_event_listener(run_id, listen)
    result = job.get_subset(
        asset_selection=set(own.assets), asset_check_selection=set(own.checks)
    ).execute_in_process(
        run_id=run_id,
        instance=instance,
        raise_on_error=False,
        run_config=QUIET,
        tags={**tags, **range_tags(window), **WRITES, STAGE: "warehouse", UNCHANGED_SINCE: since},
    )
    found = outcome(defs, result, window)
    if result.success:
        given = Resources.named(defs.resources or {})
        failing = say_unchanged(
            instance, graph, settings, given, window, run_id=run_id, since=since
        )
        standing = tuple(key.path[-1] for key in _standing(graph))
        known = remembered(instance)
        earlier = still_failing(known.failing if known else [])
        named = {(check.asset, check.name) for check in failing}
        failing += [check for check in earlier if (check.asset, check.name) not in named]
        found = replace(found, since=since, standing=standing, still_failing=tuple(failing))
    alert_on_run(settings, defs, instance, run_id)
    return found


def say_unchanged(
    instance: dg.DagsterInstance,
    graph: AssetGraph,
    settings: Settings,
    given: Resources,
    window: Window,
    *,
    run_id: str,
    since: str,
) -> list[CheckResult]:
    """After the run of what is due: one event an asset, its newest day, and the pages' copy.

    What the checks of these assets found holds for what stands, and is said of it again; those
    that did not pass are returned by their names.
    """
    own, standing = due(graph), _standing(graph)
    newest = window.days()[-1].isoformat()
    with stored_together(instance):
        for key in standing:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    key,
                    partition=newest,
                    metadata={
                        **_told_by_the_newest(instance, key),
                        "unchanged": True,
                        "unchanged_since": dg.MetadataValue.dagster_run(since),
                    },
                    tags=_versions(instance, key, newest),
                )
            )
    failing = _still_true(instance, graph, standing, own)
    note_kept_up(instance, given.warehouse, run_id)
    # A copy that may stand for hours need not be of the run that built what stands: its own time
    # stays true.
    if not settings.copy_stands_for:
        renew(
            given.warehouse,
            settings.published_path,
            as_of=given.clock.today,
            now=given.clock.now,
            run_id=since,
            states=states(instance, map(graph.get_check_spec, graph.asset_check_keys)),
        )
    return failing


def _standing(graph: AssetGraph) -> list[dg.AssetKey]:
    """The assets that are not built where nothing has changed, in order."""
    built = {key for key in graph.executable_asset_keys if not is_input(key)}
    return sorted(built - due(graph).assets)


def still_failing(failed: Sequence[FailedCheck]) -> list[CheckResult]:
    """The checks that failed on days that stand, as what a run found."""
    return [
        CheckResult(
            asset=one.asset,
            name=one.name,
            passed=False,
            blocking=one.blocking,
            is_error=one.is_error,
            days=tuple(one.days),
        )
        for one in failed
    ]


_OF_THE_UI = "dagster/column_lineage"
"""Metadata that the UI reads from an asset's newest materialisation alone."""


def _told_by_the_newest(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> Mapping[str, dg.MetadataValue]:
    event = instance.get_latest_materialization_event(key)
    found = event.asset_materialization if event else None
    lineage = found.metadata.get(_OF_THE_UI) if found else None
    return {} if lineage is None else {_OF_THE_UI: lineage}


def _versions(instance: dg.DagsterInstance, key: dg.AssetKey, day: str) -> Mapping[str, str]:
    """The tags of the day's last materialisation: by which code and from what it was built."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, asset_partitions=[day]), limit=1
    ).records
    found = records[0].asset_materialization if records else None
    return dict(found.tags or {}) if found else {}


def _still_true(
    instance: dg.DagsterInstance, graph: AssetGraph, standing: Sequence[dg.AssetKey], own: Due
) -> list[CheckResult]:
    """Say again what the checks found last: the UI drops what is of an older materialisation."""
    keys = [
        key for key in graph.asset_check_keys if key.asset_key in standing and key not in own.checks
    ]
    storage = instance.event_log_storage
    newest = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization_storage_id
        for record in instance.get_asset_records(list(standing))
    }
    now = datetime.now(UTC).timestamp()
    failing = []
    found = storage.get_latest_asset_check_execution_by_key(keys)
    with stored_together(instance):
        for key, record in sorted(found.items()):
            event = record.event.dagster_event if record.event else None
            if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                continue
            last = event.asset_check_evaluation_data
            if not last.passed:
                failing.append(
                    CheckResult(
                        asset=key.asset_key.path[-1],
                        name=key.name,
                        passed=False,
                        blocking=graph.get_check_spec(key).blocking,
                        is_error=last.severity == dg.AssetCheckSeverity.ERROR,
                    )
                )
            at = newest.get(key.asset_key)
            if at is not None:
                instance.report_runless_asset_event(_of(last, at, now))
    return failing


def _of(last: dg.AssetCheckEvaluation, storage_id: int, now: float) -> dg.AssetCheckEvaluation:
    """What a check found, of the materialisation that says that nothing has changed."""
    return dg.AssetCheckEvaluation(
        asset_key=last.asset_key,
        check_name=last.check_name,
        passed=last.passed,
        severity=last.severity,
        metadata=dict(last.metadata),
        description=last.description,
        blocking=last.blocking,
        partition=last.partition,
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            storage_id=storage_id, run_id="", timestamp=now
        ),
    )
