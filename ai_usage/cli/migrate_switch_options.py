"""The options of the steps that write old tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ai_usage.cli.migrate_options import DryRunOption, FileOption, WhyOption, migrate_app
from ai_usage.cli.options import console, load_settings

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
    migrate_switch.dual_write(console, load_settings(), file, on=on, why=why, dry_run=dry_run)


@migrate_app.command("cutover")
def cutover(file: FileOption = None, why: WhyOption = "", dry_run: DryRunOption = False) -> None:
    """Let views over the new tables have the old names.

    The gate is measured again; the old file is copied, the old tables move to the schema `legacy`,
    and dual write goes on there. A cutover that was stopped is finished by calling it again.

    \b
    Examples:
      ai-usage migrate cutover --dry-run
      ai-usage migrate cutover --note "agreed in the finance review"
    """
    from ai_usage.cli import migrate_switch

    migrate_switch.cutover(console, load_settings(), file, why=why, dry_run=dry_run)


@migrate_app.command("rollback")
def rollback(file: FileOption = None, why: WhyOption = "", dry_run: DryRunOption = False) -> None:
    """Let the old tables have their names again.

    Within 30 days of the cutover, with every day that was written since.

    \b
    Examples:
      ai-usage migrate rollback --dry-run
      ai-usage migrate rollback --note "the pivot sheet of finance broke"
    """
    from ai_usage.cli import migrate_switch

    migrate_switch.rollback(console, load_settings(), file, why=why, dry_run=dry_run)


@migrate_app.command("retire")
def retire(file: FileOption = None, why: WhyOption = "", dry_run: DryRunOption = False) -> None:
    """Archive the old tables as Parquet, and drop them.

    Not before 30 days after the cutover, nor while somebody reads the old names. What is dropped
    was read back from its file first.

    \b
    Examples:
      ai-usage migrate retire --dry-run --note "asked in finance and engineering"
      ai-usage migrate retire --note "asked in finance and engineering"
    """
    from ai_usage.cli import migrate_switch

    migrate_switch.retire_tables(console, load_settings(), file, why=why, dry_run=dry_run)


@migrate_app.command("rehearse")
def rehearse(file: FileOption = None) -> None:
    """Cut over and roll back a copy of the old tables, and compare.

    The exit code is 1 where a table is not as it was before.

    \b
    Example:
      ai-usage migrate rehearse
    """
    from ai_usage.cli import migrate_switch

    if not migrate_switch.rehearse_switch(console, load_settings(), file):
        raise typer.Exit(1)
