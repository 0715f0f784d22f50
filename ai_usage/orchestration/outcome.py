"""What a command's runs did, as the command line says it: assets, errors by cause, checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.instance.step_errors import StepError, interrupted, step_error
from ai_usage.orchestration.checks.metrics import DETAILS
from ai_usage.text.words import counted


@dataclass(frozen=True)
class CheckResult:
    """How a check of a run went, over the run's whole range of days.

    `is_error` is its severity: an error says that something is wrong, whether or not it blocks.
    `promise` is what it checks, `failures` counts what broke it, `days` are the days that failed,
    `sample` a few failing rows, people's addresses masked, and `details` says more of a failure.
    """

    asset: str
    name: str
    passed: bool
    blocking: bool
    is_error: bool
    promise: str = ""
    failures: dict[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    sample: tuple[dict[str, str], ...] = ()
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """What a command's runs did.

    `runs` are their ids, in order, and `run_id` is that of the last one, which built the warehouse.
    `failed` are the steps that failed by themselves; `not_built` are the assets that were selected
    and not materialised; `interrupted` is true where a person stopped it. Where nothing had changed
    `since` is the run that built what is `standing`, and `still_failing` are checks of that which
    did not pass then.
    """

    run_id: str
    success: bool
    materialized: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    failed: tuple[StepError, ...]
    not_built: tuple[str, ...] = ()
    interrupted: bool = False
    runs: tuple[str, ...] = ()
    since: str | None = None
    standing: tuple[str, ...] = ()
    still_failing: tuple[CheckResult, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """One line for every step that failed by itself."""
        return tuple(error.line for error in self.failed)

    @property
    def causes(self) -> tuple[str, ...]:
        """One line for every cause: a vendor that is down fails all of its endpoints."""
        groups: dict[str, list[StepError]] = {}
        for error in self.failed:
            groups.setdefault(error.cause, []).append(error)
        return tuple(
            own[0].line if len(own) == 1 else f"{cause} ({counted(len(own), 'asset')})"
            for cause, own in groups.items()
        )

    @property
    def sound(self) -> bool:
        """Whether all was built and no check found an error, one that blocks nothing included."""
        judged = (*self.checks, *self.still_failing)
        return self.success and all(check.passed or not check.is_error for check in judged)


def outcome(defs: dg.Definitions, result: dg.ExecuteInProcessResult, window: Window) -> RunResult:
    """What one run did."""
    built = {e.asset_key for e in result.get_asset_materialization_events() if e.asset_key}
    failed = [event for event in result.all_events if event.is_step_failure]
    return RunResult(
        run_id=result.run_id,
        success=result.success,
        materialized=tuple(sorted(key.path[-1] for key in built)),
        checks=check_results(defs, result, window),
        failed=tuple(error for event in failed if (error := step_error(event)) is not None),
        interrupted=any(map(interrupted, failed)),
    )


def joined(results: Sequence[RunResult], selected: Sequence[str]) -> RunResult:
    """What the runs of a command did together, of the assets that it selected."""
    built = {name for result in results for name in result.materialized}
    return RunResult(
        run_id=results[-1].run_id,
        success=all(result.success for result in results),
        materialized=tuple(sorted(built)),
        checks=tuple(check for result in results for check in result.checks),
        failed=tuple(error for result in results for error in result.failed),
        not_built=tuple(name for name in selected if name not in built.union(results[-1].standing)),
        since=results[-1].since,
        standing=results[-1].standing,
        still_failing=results[-1].still_failing,
        interrupted=any(result.interrupted for result in results),
        runs=tuple(result.run_id for result in results),
    )


def check_results(
    defs: dg.Definitions, result: dg.ExecuteInProcessResult, window: Window
) -> tuple[CheckResult, ...]:
    """How the checks of a run went, by asset and name."""
    graph = defs.resolve_asset_graph()
    found: dict[tuple[str, str], CheckResult] = {}
    failing_days: dict[tuple[str, str], set[date]] = {}
    for evaluation in result.get_asset_check_evaluations():
        name = evaluation.asset_key.path[-1], evaluation.check_name
        days = failing_days.setdefault(name, set())
        if evaluation.partition is not None:
            if not evaluation.passed:
                days.add(date.fromisoformat(evaluation.partition))
            if len(window.days()) > 1:
                continue
        # The evaluations of single days are summed up by the last one, which has none.
        spec = graph.get_check_spec(evaluation.asset_check_key)
        found[name] = CheckResult(
            asset=name[0],
            name=name[1],
            passed=evaluation.passed,
            blocking=spec.blocking,
            is_error=evaluation.severity == dg.AssetCheckSeverity.ERROR,
            promise=spec.description or "",
            failures=dict(_metadata(evaluation, "failures") or {}),
            sample=tuple(_metadata(evaluation, "sample") or ()),
            details=dict(_metadata(evaluation, DETAILS) or {}),
        )
    return tuple(
        replace(found[name], days=tuple(sorted(failing_days[name]))) for name in sorted(found)
    )


def _metadata(evaluation: dg.AssetCheckEvaluation, name: str) -> Any:
    value = evaluation.metadata.get(name)
    return None if value is None else value.value
