"""What a run found: failed checks, failed steps, and what passed; and the assets it is about.

Nothing is decided here: what was known before, and who wants to hear it, are others' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ai_usage.alerts.routes import Severity
from ai_usage.days.windows import Window

STARTED_BY = "ai_usage/started_by"
"""Tag of a run that tells who started it; `cli` where a command did."""

BUILT = "built"
"""The promise that an asset was built at all, as if it were a check."""


COMMAND_LINE = "command line"
"""A command that failed before or besides its runs, as if it were an asset that is not built."""
COMMAND_INPUTS = "command line (inputs)"
COMMAND_WAREHOUSE = "command line (warehouse)"
"""The two runs of a command, where one failed as a whole."""
UI_RUN = "run from the UI"
"""What somebody materialised in Dagster's UI, where it failed as a whole."""
HEARTBEAT = "heartbeat"
"""The check that runs end at all, of the asset of the same name."""


def is_run(name: str) -> bool:
    """Whether what is told of is no asset or job but a run or command, named in words."""
    return not name.isidentifier()


@dataclass(frozen=True)
class Asset:
    """What of an asset decides who hears of it, and what its checks promise."""

    group: str = ""
    owners: tuple[str, ...] = ()
    promises: Mapping[str, str] = field(default_factory=dict)


Catalogue = Mapping[str, Asset]
"""The assets of the graph by name."""


@dataclass(frozen=True)
class Rule:
    """How often a rule of a check was broken, and on which days; none where days mean nothing."""

    count: int
    days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Failure:
    """A check of an asset that failed, or the asset that was not built (`check` is `BUILT`).

    `detail` says why, or what was promised, in a line; `sample` shows a few failing rows as the
    check masked them. `cause` is what other failures may have in common with it: those that do are
    told as one.
    """

    asset: str
    check: str
    severity: Severity
    rules: Mapping[str, Rule]
    detail: str = ""
    sample: tuple[Mapping[str, str], ...] = ()
    cause: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    """Of a rule by its name what a person wants to know of it, in plain words."""
    follows: str = ""
    """What follows from it, and what to do."""


@dataclass(frozen=True)
class Judged:
    """A check that ran: over which days, none where it judged the asset as a whole."""

    asset: str
    check: str
    days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class RunFindings:
    """What a run found. `judged` is all that was checked or built, failing or not."""

    run_id: str
    job: str
    succeeded: bool
    failures: tuple[Failure, ...]
    judged: tuple[Judged, ...]
    not_built: tuple[str, ...] = ()
    window: Window | None = None
    backfill: str | None = None
    started_by: str = ""
    assets: frozenset[str] = field(default=frozenset())
    """Every asset that the run was to build."""
    stopped: bool = False
    """True where a person interrupted the run: nothing that they need to be told."""
