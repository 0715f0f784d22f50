"""The options of what people say of a migration: accept, feedback, sample, confirm, validate."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ai_usage.cli.migrate_options import DryRunOption, FileOption, WhyOption, migrate_app
from ai_usage.cli.options import console, day_of, load_settings

attribution_app = typer.Typer(
    help="Whether records are attributed to the right people.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
SomeFromOption = Annotated[
    date | None,
    typer.Option("--from", parser=day_of, metavar="YYYY-MM-DD", help="First UTC day."),
]
SomeToOption = Annotated[
    date | None, typer.Option("--to", parser=day_of, metavar="YYYY-MM-DD", help="Last UTC day.")
]


class AcceptingRole(StrEnum):
    """For whom a person speaks."""

    finance = "finance"
    engineering = "engineering"


@migrate_app.command("accept")
def accept(
    role: Annotated[AcceptingRole, typer.Option("--role", help="For whom you speak.")],
    yes: Annotated[bool, typer.Option("--yes/--no", help="Whether the new tables will do.")],
    why: Annotated[str, typer.Option("--note", help="Why; a no needs it.")] = "",
) -> None:
    """Say whether the new tables will do.

    Your last answer for a role counts, until the migration goes back.

    \b
    Examples:
      ai-usage migrate accept --role finance --yes
      ai-usage migrate accept --role engineering --no --note "lines of March are missing"
    """
    from ai_usage.cli import acceptance

    acceptance.accept(console, load_settings(), role.value, yes=yes, why=why)


@migrate_app.command("validate")
def validate(
    from_: SomeFromOption = None,
    to: SomeToOption = None,
    file: FileOption = None,
    why: WhyOption = "",
    dry_run: DryRunOption = False,
) -> None:
    """Measure the cutover's conditions, and note that all are met.

    Without days it looks from the first of the month before to yesterday. The exit code is 1 where
    a condition is not met.

    \b
    Examples:
      ai-usage migrate validate --dry-run
      ai-usage migrate validate --note "signed off in the finance review"
    """
    from ai_usage.cli import migrate_gate

    migrate_gate.validate(console, load_settings(), from_, to, file, why=why, dry_run=dry_run)


@migrate_app.command("reopen")
def reopen(why: WhyOption = "", dry_run: DryRunOption = False) -> None:
    """Go back from validated to parallel.

    \b
    Examples:
      ai-usage migrate reopen --dry-run
      ai-usage migrate reopen --note "the vendor restated March"
    """
    from ai_usage.cli import migrate_gate

    migrate_gate.reopen(console, load_settings(), why, dry_run=dry_run)


def feedback(
    role: Annotated[
        AcceptingRole | None,
        typer.Option("--role", help="For whom you speak in the migration, too."),
    ] = None,
    yes: Annotated[
        bool | None, typer.Option("--yes/--no", help="Whether these tables answer your questions.")
    ] = None,
    why: Annotated[str, typer.Option("--note", help="Why; a no for a role needs it.")] = "",
) -> None:
    """Say whether these tables answer your questions.

    One vote a person and month, the last one counts, here or on the dashboard. Without an answer
    it says how the votes stand.

    \b
    Examples:
      ai-usage feedback
      ai-usage feedback --yes
      ai-usage feedback --role finance --no --note "seats of contractors are missing"
    """
    from ai_usage.cli.acceptance import give_feedback

    give_feedback(console, load_settings(), role.value if role else None, yes, why)


@attribution_app.command("sample")
def sample(
    count: Annotated[int, typer.Argument(min=1, max=10_000, help="How many records.")] = 100,
    from_: SomeFromOption = None,
    to: SomeToOption = None,
    out: Annotated[Path, typer.Option("--out", help="The sheet to write.")] = Path(
        "attribution.csv"
    ),
    seed: Annotated[
        str | None, typer.Option("--seed", help="Any text; the same one draws the same records.")
    ] = None,
) -> None:
    """Write random records into a sheet, for people to confirm.

    Coverage says how much belongs to anybody; only somebody who knows can say whether to the right
    person. Without days the last 30 are taken.

    \b
    Example:
      ai-usage attribution sample 100 --out march.csv
    """
    from ai_usage.cli.attribution import write_sample
    from ai_usage.instance.partitions import checked_window

    settings = load_settings()
    last = to or settings.today - timedelta(days=1)
    first = from_ or max(last - timedelta(days=29), settings.first_day)
    window = checked_window(settings, first, last)
    write_sample(console, settings, window, count, out, seed)


@attribution_app.command("confirm")
def confirm(
    sheet: Annotated[Path, typer.Argument(help="The sheet as people filled it in.")],
) -> None:
    """Count what people confirmed: the accuracy, with its interval.

    \b
    Example:
      ai-usage attribution confirm march.csv
    """
    from ai_usage.cli.attribution import note_confirmed

    note_confirmed(console, load_settings(), sheet)
