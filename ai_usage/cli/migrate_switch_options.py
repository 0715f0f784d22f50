"""The options of the steps that write old tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ai_usage.cli.migrate_options import DryRunOption, FileOption, WhyOption, migrate_app
from ai_usage.cli.options import console
from ai_usage.settings import Settings

app = migrate_app
"""With the commands of this file, and of those that it imports."""


class Switch(StrEnum):
    """Whether runs write the old tables, too."""

    on = "on"
    off = "off"


@migrate_app.command("dual-write")
def dual_write(
    switch: Annotated[Switch, typer.Argument(help="on or off.")],
    file: FileOption = None,
    why: WhyOption = "",
    dry_run: DryRunOption = False,
) -> None:
    """Let each run write the old tables in their old shape, too.

    After the new ones, and never failing them. Refused while somebody else writes the old tables:
    stop your old pipeline first.

    \b
    Examples:
      ai-usage migrate dual-write on --dry-run
      ai-usage migrate dual-write on --note "the old pipeline ran last on Friday"
      ai-usage migrate dual-write off
    """
    from ai_usage.cli import migrate_switch

    on = switch is Switch.on
    migrate_switch.dual_write(console, Settings.load(), file, on=on, why=why, dry_run=dry_run)
