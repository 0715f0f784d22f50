"""The runs that alerts speak of, read from Dagster's instance: what each found, and what ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg
from dagster import DagsterEventType

from ai_usage.alerts.findings import (
    BUILT,
    COMMAND_INPUTS,
    COMMAND_WAREHOUSE,
    STARTED_BY,
    UI_RUN,
    Asset,
    Catalogue,
    Failure,
    Judged,
    Rule,
    RunFindings,
)
from ai_usage.alerts.history import EndedRun
from ai_usage.alerts.routes import Severity
from ai_usage.days.windows import Window
from ai_usage.instance.dagster_private import (
    BACKFILL_ID_TAG,
    BULK_ACTION_TERMINAL_STATUSES,
    AssetGraph,
)
from ai_usage.instance.dead_runs import process_is_gone
from ai_usage.instance.names import WHOLE_GRAPH
from ai_usage.instance.partitions import window_of_run
from ai_usage.instance.step_errors import interrupted, step_error
from ai_usage.orchestration.checks.factory import DETAILS
from ai_usage.orchestration.stages import STAGE
from ai_usage.quality.consequences import CONSEQUENCES
from ai_usage.warehouse.schema import table_names, table_schema

_READ = {
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.RUN_FAILURE,
}


class DagsterRunHistory:
    """The runs of a Dagster instance, as far as they build or check assets of the catalogue."""

    def __init__(self, instance: dg.DagsterInstance, catalogue: Catalogue) -> None:
        self._instance = instance
        self._catalogue = catalogue

    def load(self, key: str) -> str | None:
        """What was kept under the key, in the instance's key-value store."""
        return self._instance.daemon_cursor_storage.get_cursor_values({key}).get(key)

    def save(self, key: str, text: str) -> None:
        """Keep a text under the key, where every process that shares the instance sees it."""
        self._instance.daemon_cursor_storage.set_cursor_values({key: text})

    def findings(self, run_id: str) -> RunFindings | None:
        """What a run found; None while it runs, or where it builds nothing of the catalogue."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or not run.is_finished:
            return None
        return read_run(self._instance, run, self._catalogue)

    def ended_since(self, since: datetime) -> Iterator[EndedRun]:
        """The runs that succeeded or failed since then, oldest first."""
        ended = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE],
            updated_after=since,
        )
        for record in self._instance.get_run_records(ended, ascending=True):
            run = record.dagster_run
            yield EndedRun(run.run_id, record.end_time or 0.0, process_is_gone(run))

    def backfill_ended(self, backfill: str) -> bool:
        """Whether a backfill has ended, or is not known any more."""
        known = self._instance.get_backfill(backfill)
        return known is None or known.status in BULK_ACTION_TERMINAL_STATUSES


def catalogue_of(graph: AssetGraph) -> Catalogue:
    """The assets of a graph: their groups, owners and checks."""
    promises = _promises(graph.get_check_spec(key) for key in graph.asset_check_keys)
    return {
        key.path[-1]: Asset(
            graph.get(key).group_name or "",
            tuple(graph.get(key).owners),
            promises.get(key.path[-1], {}),
        )
        for key in graph.get_all_asset_keys()
    }


def catalogue_of_definitions(
    assets: Iterable[dg.AssetsDefinition], checks: Iterable[dg.AssetChecksDefinition]
) -> Catalogue:
    """The same, while the graph is being defined."""
    promises = _promises(spec for check in checks for spec in check.check_specs)
    return {
        spec.key.path[-1]: Asset(
            spec.group_name or "", tuple(spec.owners), promises.get(spec.key.path[-1], {})
        )
        for asset in assets
        for spec in asset.specs
    }


def _promises(specs: Iterable[dg.AssetCheckSpec]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for spec in specs:
        found.setdefault(spec.asset_key.path[-1], {})[spec.name] = spec.description or ""
    return found


def name_of(run: dg.DagsterRun) -> str:
    """What people call a run: a command's whichever it is, its job, or that it is of the UI.

    A command's job is named after it, and what `run` failed to do is well again where `backfill`
    does it.
    """
    if run.tags.get(STARTED_BY) == "cli":
        return COMMAND_INPUTS if run.tags.get(STAGE) == "inputs" else COMMAND_WAREHOUSE
    return UI_RUN if run.job_name == WHOLE_GRAPH else run.job_name


def read_run(
    instance: dg.DagsterInstance, run: dg.DagsterRun, catalogue: Catalogue
) -> RunFindings | None:
    """Read a run that has ended; None if it builds nothing of ours.

    An instance may hold other people's code locations: their assets and runs are theirs to watch.
    """
    log = _Log(instance.all_logs(run.run_id, of_type=_READ), catalogue)
    if not log.ours():
        return None
    window = window_of_run(run.tags)
    failures = [*log.failed_checks(), *log.failed_steps(window)]
    stopped = any(interrupted(event) for event in log.of(DagsterEventType.STEP_FAILURE))
    days = frozenset(window.days()) if window else frozenset()
    built = [Judged(asset, BUILT, days) for asset in sorted(log.built())]
    succeeded = run.status == dg.DagsterRunStatus.SUCCESS
    if succeeded:
        built.append(Judged(name_of(run), BUILT, days))
    elif not failures and not stopped:
        failures.append(_whole_run(run, log, days))
    return RunFindings(
        run_id=run.run_id,
        job=name_of(run),
        succeeded=succeeded,
        failures=tuple(failures),
        judged=(*log.judged(), *built),
        not_built=tuple(sorted(log.planned() - log.built())),
        window=window,
        backfill=run.tags.get(BACKFILL_ID_TAG),
        started_by=run.tags.get(STARTED_BY, ""),
        assets=frozenset(log.planned()),
        stopped=stopped,
    )


class _Log:
    """The events of a run, by type."""

    def __init__(self, entries: Iterable[dg.EventLogEntry], catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._events: dict[DagsterEventType, list[dg.DagsterEvent]] = {}
        for entry in entries:
            if entry.dagster_event is not None:
                event = entry.dagster_event
                self._events.setdefault(event.event_type, []).append(event)

    def of(self, type_: DagsterEventType) -> Sequence[dg.DagsterEvent]:
        """The events of a type, in order."""
        return self._events.get(type_, ())

    def ours(self) -> bool:
        """Whether the run builds or checks anything of the catalogue."""
        return bool(self._asset_of_step() or self._checks_of_step())

    def planned(self) -> set[str]:
        """The assets that the run was to build."""
        return set(self._asset_of_step().values())

    def built(self) -> set[str]:
        """The assets whose step succeeded."""
        assets = self._asset_of_step()
        done = {event.step_key for event in self.of(DagsterEventType.STEP_SUCCESS)}
        return {assets[step] for step in done if step in assets}

    def _asset_of_step(self) -> dict[str | None, str]:
        return {
            event.step_key: event.asset_key.path[-1]
            for event in self.of(DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
            if event.asset_key is not None and event.asset_key.path[-1] in self._catalogue
        }

    def _checks_of_step(self) -> dict[str | None, list[tuple[str, str]]]:
        planned: dict[str | None, list[tuple[str, str]]] = {}
        for event in self.of(DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED):
            data = event.asset_check_planned_data
            if data.asset_key.path[-1] in self._catalogue:
                check = data.asset_key.path[-1], data.check_name
                planned.setdefault(event.step_key, []).append(check)
        return planned

    def _evaluations(self) -> dict[tuple[str, str], list[dg.AssetCheckEvaluation]]:
        found: dict[tuple[str, str], list[dg.AssetCheckEvaluation]] = {}
        for event in self.of(DagsterEventType.ASSET_CHECK_EVALUATION):
            evaluation = event.asset_check_evaluation_data
            key = evaluation.asset_key.path[-1], evaluation.check_name
            if key[0] not in self._catalogue:
                continue
            found.setdefault(key, []).append(evaluation)
        return found

    def judged(self) -> list[Judged]:
        """Every check that came to a result."""
        return [
            Judged(asset, check, frozenset(_by_day(asset, results)))
            for (asset, check), results in self._evaluations().items()
        ]

    def failed_checks(self) -> list[Failure]:
        """The checks that came to a bad result, asset by asset."""
        return [
            _failure(asset, check, results, self._catalogue[asset].promises.get(check, ""))
            for (asset, check), results in sorted(self._evaluations().items())
            if not all(result.passed for result in results)
        ]

    def failed_steps(self, window: Window | None) -> list[Failure]:
        """The assets and checks whose step failed by itself."""
        days = frozenset(window.days()) if window else frozenset()
        assets, checks = self._asset_of_step(), self._checks_of_step()
        found = []
        for event in self.of(DagsterEventType.STEP_FAILURE):
            error = step_error(event)
            if error is None:
                # A check's own result says it, or a person stopped the run.
                continue
            steps = [(assets[event.step_key], BUILT)] if event.step_key in assets else []
            for asset, check in steps or checks.get(event.step_key, []):
                rule = BUILT if check == BUILT else f"{check} could not run"
                found.append(
                    Failure(
                        asset,
                        check,
                        "error",
                        {rule: Rule(1, days)},
                        detail=error.line,
                        cause=error.cause,
                    )
                )
        return found


def _whole_run(run: dg.DagsterRun, log: _Log, days: frozenset[date]) -> Failure:
    """A run that failed outside of any step: it could not start, or its process died."""
    messages = [event.message for event in log.of(DagsterEventType.RUN_FAILURE) if event.message]
    detail = messages[-1].strip().splitlines()[0] if messages else "The run failed."
    return Failure(name_of(run), BUILT, "error", {BUILT: Rule(1, days)}, detail=detail)


def _by_day(
    asset: str, results: Sequence[dg.AssetCheckEvaluation]
) -> dict[date, dg.AssetCheckEvaluation]:
    """The results of single days; none where the check is of the asset as a whole."""
    if asset in table_names() and table_schema(asset).partition_column is None:
        return {}
    return {
        date.fromisoformat(result.partition): result
        for result in results
        if result.partition is not None
    }


def _failure(
    asset: str, check: str, results: Sequence[dg.AssetCheckEvaluation], promise: str
) -> Failure:
    # A range of days has a result a day and a last one without a day, which sums them up.
    summary = results[-1]
    counts: dict[str, int] = {}
    days: dict[str, set[date]] = {}
    for day, result in _by_day(asset, results).items():
        if not result.passed:
            for rule, count in _broken(result, check).items():
                counts[rule] = counts.get(rule, 0) + count
                days.setdefault(rule, set()).add(day)
    if not counts:
        counts = _broken(next(r for r in reversed(results) if not r.passed), check)
    follows = [
        CONSEQUENCES[name] for name in dict.fromkeys((*counts, check)) if name in CONSEQUENCES
    ]
    severity: Severity = "error" if summary.severity == dg.AssetCheckSeverity.ERROR else "warning"
    return Failure(
        asset,
        check,
        severity,
        {rule: Rule(count, frozenset(days.get(rule, ()))) for rule, count in counts.items()},
        detail=summary.description or promise,
        sample=tuple(_value(summary, "sample") or ()),
        details=dict(_value(summary, DETAILS) or {}),
        follows=" ".join(follows),
    )


def _broken(result: dg.AssetCheckEvaluation, check: str) -> dict[str, int]:
    return {str(rule): int(n) for rule, n in (_value(result, "failures") or {check: 1}).items()}


def _value(result: dg.AssetCheckEvaluation, name: str) -> Any:
    value = result.metadata.get(name)
    return None if value is None else value.value
