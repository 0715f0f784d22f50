"""Where a migration stands, and which steps lead on and back. Pure: entries in, states out.

`parallel → validated → cutover → retired`. A step is begun, and then done or failed; what was
begun and not done resumes, and nothing else may be begun meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from ai_usage.migration.sources import MigrationError

State = Literal["parallel", "validated", "cutover", "retired"]
AnyStep = Literal[
    "load",
    "unload",
    "compare",
    "confirm",
    "accept",
    "dual_write",
    "validate",
    "reopen",
    "cutover",
    "rollback",
    "retire",
]
Outcome = Literal["begun", "done", "failed"]

ROLLBACK_DAYS = 30
"""How long the way back is kept after the cutover."""


@dataclass(frozen=True)
class Move:
    """A step that changes the state: from where, and to where."""

    start: State
    end: State


MOVES: dict[AnyStep, Move] = {
    "validate": Move("parallel", "validated"),
    "reopen": Move("validated", "parallel"),
    "cutover": Move("validated", "cutover"),
    "rollback": Move("cutover", "parallel"),
    "retire": Move("cutover", "retired"),
}
"""Every other step leaves the state as it is."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done: a row of `migration_log`."""

    at: datetime
    step: AnyStep
    outcome: Outcome
    by: str
    why: str = ""
    table: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    details: dict[str, str] = {}


def state_of(entries: Sequence[Entry]) -> State:
    """The state after all that is done, oldest first."""
    state: State = "parallel"
    for entry in entries:
        move = MOVES.get(entry.step)
        if move is not None and entry.outcome == "done":
            state = move.end
    return state


def unfinished(entries: Sequence[Entry]) -> Entry | None:
    """The step that was begun and is neither done nor failed; its process was ended."""
    begun: Entry | None = None
    for entry in entries:
        if entry.step in MOVES:
            begun = entry if entry.outcome == "begun" else None
    return begun


def cutover_at(entries: Sequence[Entry]) -> datetime | None:
    """When the names were switched; None where they are not, or not any more."""
    if state_of(entries) != "cutover":
        return None
    return max(e.at for e in entries if e.step == "cutover" and e.outcome == "done")


def check_step(entries: Sequence[Entry], step: AnyStep, now: datetime) -> bool:
    """Whether the step resumes one that was broken off.

    Raises `MigrationError` where it does not lead on from here, another is unfinished, or it comes
    too late (a rollback) or too early (to retire). A rollback is always allowed to end a cutover
    that was broken off.
    """
    move, state, open_ = MOVES[step], state_of(entries), unfinished(entries)
    if open_ is not None:
        if open_.step == step:
            return True
        if (open_.step, step) == ("cutover", "rollback"):
            return False
        raise MigrationError(
            f"{step}: the {open_.step} of {open_.at:%Y-%m-%d %H:%M} UTC by {open_.by} was broken "
            f"off; finish it with `ai-usage migrate {open_.step}`."
        )
    if state != move.start:
        raise MigrationError(
            f"{step} is a step from {move.start} to {move.end}, and the migration is {state}; "
            f"`ai-usage migrate status` says what can be done."
        )
    switched = cutover_at(entries)
    if switched is not None:
        kept_until = switched + timedelta(days=ROLLBACK_DAYS)
        if step == "rollback" and now > kept_until:
            raise MigrationError(
                f"rollback: the way back was kept until {kept_until:%Y-%m-%d %H:%M} UTC."
            )
        if step == "retire" and now < kept_until:
            raise MigrationError(
                f"retire: the way back is kept until {kept_until:%Y-%m-%d %H:%M} UTC; retire the "
                "old tables after it."
            )
    return False
