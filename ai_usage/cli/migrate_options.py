"""The options of `ai-usage migrate`; `migrate` does the work."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ai_usage.cli.options import FirstDayOption, console, day_of, load_settings

migrate_app = typer.Typer(
    help="The way from your old tables to these, and back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FileOption = Annotated[
    Path | None,
    typer.Option("--file", help="The description. Default: migration.yaml in AI_USAGE_HOME."),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="duckdb:FILE#SCHEMA, files:FOLDER or bigquery:PROJECT.DATASET. Default: that of the "
        "description.",
    ),
]
ToOption = Annotated[
    date, typer.Option("--to", parser=day_of, metavar="YYYY-MM-DD", help="Last UTC day.")
]
TableOption = Annotated[
    list[str] | None, typer.Option("--table", help="Only this old table; may be repeated.")
]

WhyOption = Annotated[str, typer.Option("--note", help="Why; it is kept with the step.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
]


@migrate_app.command("inventory")
def inventory(source: SourceOption = None, file: FileOption = None) -> None:
    """Say what the old tables hold, and who reads them.

    Rows, days, gaps, doubled rows, what tells rows apart, units and zone against the vendors' own
    figures where they are loaded; on BigQuery who read the tables in 90 days.

    \b
    Examples:
      ai-usage migrate inventory --source duckdb:old.duckdb#finance
      ai-usage migrate inventory --source bigquery:acme-data.ai_costs
    """
    from ai_usage.cli.migrate import show_inventory

    show_inventory(console, load_settings(), source, file)


@migrate_app.command("init")
def init(source: SourceOption = None, file: FileOption = None) -> None:
    """Write a first migration.yaml from what is there.

    \b
    Example:
      ai-usage migrate init --source files:exports
    """
    from ai_usage.cli.migrate import write_description

    write_description(console, load_settings(), source, file)


@migrate_app.command("plan")
def plan(
    from_: FirstDayOption, to: ToOption, table: TableOption = None, file: FileOption = None
) -> None:
    """Show what a load would bring; nothing is written.

    Twenty rows old and new side by side, and what of them comes back through `write:`.

    \b
    Example:
      ai-usage migrate plan --from 2025-01-01 --to 2025-12-31
    """
    from ai_usage.cli.migrate import show_plan

    show_plan(console, load_settings(), from_, to, table, file)


@migrate_app.command("load")
def load(
    from_: FirstDayOption,
    to: ToOption,
    table: TableOption = None,
    file: FileOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read ranges that are there already, too.")
    ] = False,
    closed: Annotated[
        bool, typer.Option("--closed", help="Also for days of closed months, as adjustments.")
    ] = False,
) -> None:
    """Take old rows into archive and warehouse, month by month.

    Where a vendor's own endpoint has answered a day, it wins. A load that was stopped goes on
    where it was. Sheets of keys and people become files that you maintain.

    \b
    Example:
      ai-usage migrate load --from 2025-01-01 --to 2025-12-31
    """
    from ai_usage.cli.migrate import load_tables

    load_tables(console, load_settings(), from_, to, table, file, again=again, closed=closed)


@migrate_app.command("unload")
def unload(
    from_: FirstDayOption,
    to: ToOption,
    table: TableOption = None,
    file: FileOption = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="Also for days of closed months, as adjustments.")
    ] = False,
) -> None:
    """Take old rows out again; the archive keeps them.

    \b
    Example:
      ai-usage migrate unload --from 2025-01-01 --to 2025-01-31
    """
    from ai_usage.cli.migrate import unload_tables

    unload_tables(console, load_settings(), from_, to, table, file, closed=closed)


@migrate_app.command("compare")
def compare(
    from_: FirstDayOption,
    to: ToOption,
    table: TableOption = None,
    file: FileOption = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every difference into this file.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the report into this file.")
    ] = None,
) -> None:
    """Compare old tables with the events, day by day.

    Every difference has one class; dollars that nobody can explain come first. The exit code is 1
    if there are any.

    \b
    Example:
      ai-usage migrate compare --from 2026-03-01 --to 2026-03-31 --html march.html
    """
    from ai_usage.cli.migrate import compare_tables

    if not compare_tables(console, load_settings(), from_, to, table, file, csv=csv, html=html):
        raise typer.Exit(1)


@migrate_app.command("status")
def status() -> None:
    """Say where the migration stands, and what was done.

    \b
    Example:
      ai-usage migrate status
    """
    from ai_usage.cli.migrate import show_status

    show_status(console, load_settings())
