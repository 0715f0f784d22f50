"""Inputs first, each by itself, then all that is made of them: commands and ticks alike.

An input is whatever is asked or read from outside: a vendor's endpoint, a directory, a file that a
person maintains. It is kept in the archive, so that its last good state is there when it fails, and
none needs another within a run: one that fails holds back nothing but itself. That is why inputs
are built by runs of their own, and what stands in the warehouse by a run that starts when they have
ended, well or badly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import dagster as dg

from ai_usage.instance.names import MADE_TO_BE_READ
from ai_usage.instance.one_writer import WRITES, writes

STAGE = "ai_usage/stage"
"""Tag of a command's run: which of its stages it is."""
COMMAND = "ai_usage/stages_of"
"""Tag that the runs of one command share, each with a value of its own."""
GOES_ON = "ai_usage/goes_on"
"""Tag of a command's run that its next stage follows."""

ASKED_FIRST: Mapping[str, str] = {"dagster/priority": "1"}
"""Op tags of vendors and directories: within a run they come before the files, which are judged by
what the directories know. An order and no dependency: a file is read whatever they answered."""


@dataclass(frozen=True)
class Stage:
    """Assets that one run builds."""

    name: Literal["inputs", "warehouse"]
    keys: Sequence[dg.AssetKey]

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that its run needs."""
        return WRITES if self.name == "warehouse" else {}


def is_input(key: dg.AssetKey) -> bool:
    """Whether the asset is an input: no table or view of the warehouse, nor made of them."""
    return not writes([key]) and key.path[-1] not in MADE_TO_BE_READ


def stages(keys: Iterable[dg.AssetKey]) -> list[Stage]:
    """The assets by the run that builds them, in order; a stage without assets is left out."""
    ordered = sorted(keys)
    inputs = [key for key in ordered if is_input(key)]
    built = [key for key in ordered if not is_input(key)]
    found = [Stage("inputs", inputs), Stage("warehouse", built)]
    return [stage for stage in found if stage.keys]
