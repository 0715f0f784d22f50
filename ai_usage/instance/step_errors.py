"""Why a step of a run failed, as one line for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dagster as dg

CAUSE = "cause"
"""In the metadata of a failed step: what it has in common with others, where its line says more."""

_INTERRUPTED = "DagsterExecutionInterruptedError"
_BLOCKED = "DagsterAssetCheckFailedError"


@dataclass(frozen=True)
class StepError:
    """Why a step failed: its own line, and the cause, which several steps may share."""

    line: str
    cause: str


def interrupted(event: dg.DagsterEvent) -> bool:
    """Whether the step failed because a person stopped the run."""
    return _cause(event) == _INTERRUPTED


def step_error(event: dg.DagsterEvent) -> StepError | None:
    """Why a step failed; None where another line says it: a check's, or the person's."""
    said = event.step_failure_data.user_failure_data
    if said is not None and said.description:
        cause = said.metadata.get(CAUSE)
        return StepError(said.description, str(cause.value) if cause else said.description)
    if _cause(event) in (_INTERRUPTED, _BLOCKED):
        return None
    line = _line_of_exception(event)
    return StepError(line, line)


def _line_of_exception(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    # What a person can fix is said by our own error, not by what caused it.
    while error is not None and error.cause is not None and not _is_ours(error):
        error = error.cause
    if error is None:
        return f"{event.step_key} failed."
    message = error.message.strip().splitlines()[0]
    known = message.removeprefix(f"ai_usage.errors.{error.cls_name}: ")
    return known if known != message else f"{event.step_key}: {message}"


def _is_ours(error: Any) -> bool:
    return str(error.message).startswith("ai_usage.errors.")


def _cause(event: dg.DagsterEvent) -> str | None:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.cls_name if error is not None else None
