"""The command line: thin commands, each with examples in its help.

Every error that a person can cause is one line on standard error and exit code 1; `--debug` shows
where it came from. 0 is success, 2 a wrong use of the command line, 130 a run that was stopped.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
import warnings
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ai_usage.cli import money_commands
from ai_usage.cli.harmless import say
from ai_usage.cli.logs import quiet_libraries
from ai_usage.cli.migrate_gate_options import attribution_app, feedback
from ai_usage.cli.migrate_switch_options import app as migrate_app
from ai_usage.cli.options import (
    ExcelOption,
    FirstDayOption,
    Format,
    FormatOption,
    LastDayOption,
    console,
    day_of,
    errors,
    how_of,
    load_settings,
    messages_of,
    month_of,
)
from ai_usage.errors import AiUsageError

# Dagster warns that partitioned checks are a preview; the version is pinned.
warnings.filterwarnings("ignore", module="dagster")
warnings.filterwarnings("ignore", message=".*(preview|beta|supersed|deprecat).*")
quiet_libraries()

app = typer.Typer(
    name="ai-usage",
    help="""The usage and cost of AI coding tools, as a warehouse that finance and engineering
    trust.

    \b
    First look, without keys:  ai-usage demo
    Your own data:             ai-usage doctor, then ai-usage backfill
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
reference_app = typer.Typer(
    help="The files that you maintain: people, keys, platforms.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(reference_app, name="reference")
notify_app = typer.Typer(
    help="Alerts: do they arrive, and what is failing now.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(notify_app, name="notify")
keys_app = typer.Typer(
    help="API keys, and whose they are.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(keys_app, name="keys")

archive_app = typer.Typer(
    help="The archive of vendors' answers.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(archive_app, name="archive")
app.add_typer(migrate_app, name="migrate")
app.add_typer(attribution_app, name="attribution")
app.command()(feedback)


class Unit(StrEnum):
    """What an amount counts."""

    cents = "cents"
    usd = "usd"


def _instant(text: str | datetime) -> datetime:
    if isinstance(text, datetime):
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no instant: write YYYY-MM-DD or YYYY-MM-DDTHH:MM, UTC."
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ai-usage {version('ai-usage')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, for a bug report.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    global _debug
    _debug = debug


_debug = False


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=1, max=400, help="Days of history to fetch.")] = 90,
    home: Annotated[Path, typer.Option(help="Folder of the demo's own state.")] = Path(".demo"),
) -> None:
    """See it work: simulated vendors, real pipeline, no keys.

    The warehouse is an embedded file. The demo's state lives in a folder of its own; your keys,
    archive and warehouse are not touched.

    \b
    Examples:
      ai-usage demo
      ai-usage demo --days 30
    """
    from ai_usage.cli.demo import run_demo

    run_demo(console, home, days)


@app.command()
def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
    of_demo: Annotated[
        bool, typer.Option("--demo", help="The demo's state, the simulated vendors beside it.")
    ] = False,
    home: Annotated[Path, typer.Option(help="With --demo: the demo's folder.")] = Path(".demo"),
) -> None:
    """Open Dagster's UI on this machine.

    The graph, its partitions, materialisations and checks, and the daemon that runs backfills.

    \b
    Examples:
      ai-usage dev
      ai-usage dev --demo
      ai-usage dev --port 3001
    """
    if of_demo:
        from ai_usage.cli.demo import serve_demo_ui

        serve_demo_ui(console, home, port)
    else:
        from ai_usage.cli.dev import serve_ui

        serve_ui(console, load_settings(), port)


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3100,
    looking_as: Annotated[
        str | None, typer.Option("--as", metavar="EMAIL", help="See the pages as this person.")
    ] = None,
    of_demo: Annotated[bool, typer.Option("--demo", help="Over the demo's state.")] = False,
    home: Annotated[Path, typer.Option(help="With --demo: the demo's folder.")] = Path(".demo"),
) -> None:
    """Open the dashboard: spend, budgets, invoices, seats, teams.

    It reads a copy that every run publishes beside the warehouse: neither waits for the other.

    \b
    Examples:
      ai-usage dashboard
      ai-usage dashboard --demo
      ai-usage dashboard --as ada.byron@example.com
    """
    from ai_usage.cli.dashboard import serve_dashboard, serve_demo_dashboard

    if of_demo:
        serve_demo_dashboard(console, home, port, looking_as)
    else:
        serve_dashboard(console, load_settings(), port, looking_as)


@app.command()
def simulate(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 8765,
    people: Annotated[int, typer.Option(min=30, help="People of the simulated company.")] = 40,
    seed: Annotated[str, typer.Option(help="Another seed, another company.")] = "ai-usage",
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="Let requests go wrong; may be given several times."),
    ] = None,
) -> None:
    """Serve the simulated vendors on this machine.

    For your own trials: it prints what to put into .env.

    A FAULT is KIND[:VALUE][@PATH][#REQUESTS]. PATH is a part of the request's path, by default
    all. REQUESTS counts those that match from 1: #2 is the second, #2-4 the second to the fourth,
    #2- all from the second on; by default all.

    A KIND is a status, of which the VALUE is its Retry-After in seconds, or one of:
    timeout (VALUE: seconds), cut, truncated, html, empty, repeated-page, shifting-page,
    stray-token, wrong-type, unknown-enum, unknown-field, late and restated (VALUE: days), vanished,
    clock (VALUE: seconds that the vendor's is ahead), revoked, limit (VALUE: requests a minute).

    \b
    Examples:
      ai-usage simulate
      ai-usage simulate --port 8766 --people 200 --seed another
      ai-usage simulate --fault 429:30@filtered-usage-events#1-2 --fault revoked@anthropic#5-
    """
    from ai_usage.cli.demo import run_simulator
    from ai_usage.simulator.faults import Fault

    try:
        faults = tuple(Fault.parse(text) for text in fault or ())
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--fault") from None
    run_simulator(console, port, people, seed, faults)


@app.command()
def backfill(
    from_: FirstDayOption,
    to: LastDayOption = None,
    select: Annotated[
        str, typer.Option(metavar="ASSETS", help="Assets, in Dagster's selection syntax.")
    ] = "*",
    refetch: Annotated[
        bool, typer.Option("--refetch", help="Ask vendors again for days already held.")
    ] = False,
    closed: Annotated[
        bool, typer.Option("--closed", help="Build closed months anew: changes are adjustments.")
    ] = False,
) -> None:
    """Fetch and materialise a range of days.

    Days that the archive holds are not fetched again, so a stopped backfill goes on where it was.
    Days of closed months are refused unless asked for.

    \b
    Examples:
      ai-usage backfill --from 2026-01-01
      ai-usage backfill --from 2026-01-01 --to 2026-03-31 --refetch
      ai-usage backfill --from 2026-01-01 --select "raw_ai_events*"
      ai-usage backfill --from 2026-02-01 --to 2026-02-28 --closed
    """
    from ai_usage.cli.progress import refuse_closed, run_with_progress
    from ai_usage.cli.unattended import unattended
    from ai_usage.instance.partitions import checked_window
    from ai_usage.orchestration.definitions import build_defs
    from ai_usage.orchestration.runs import Refetch

    with unattended("backfill"):
        settings = load_settings()
        window = checked_window(settings, from_, to or settings.today)
        if not closed:
            refuse_closed(settings, window)
        again = Refetch.since(window.start) if refetch else Refetch.nothing()
        run_with_progress(
            console, build_defs(settings), settings, select, window, again, command="backfill"
        )


@app.command()
def run(
    select: Annotated[
        str, typer.Option(metavar="ASSETS", help="Assets, in Dagster's selection syntax.")
    ] = "*",
    closed: Annotated[
        bool,
        typer.Option("--closed", help="Take in what closed months hold back, as adjustments."),
    ] = False,
) -> None:
    """Fetch and materialise today and the look-back.

    This is what a schedule runs: vendors restate the last days, so they are asked again. A changed
    reference file is adopted from the first day that it affects. Closed months are asked for
    again, but stay locked unless --closed is given.

    \b
    Examples:
      ai-usage run
      ai-usage run --select "group:views"
      ai-usage run --closed
    """
    from ai_usage.cli.progress import run_with_progress, window_of_run
    from ai_usage.cli.rebuild import note_missing_history
    from ai_usage.cli.unattended import unattended
    from ai_usage.instance.partitions import lookback_window
    from ai_usage.orchestration.definitions import build_defs
    from ai_usage.orchestration.runs import Refetch

    with unattended("run"):
        settings = load_settings()
        window = window_of_run(console, settings, lookback_window(settings), closed=closed)
        note_missing_history(console, settings, window)
        run_with_progress(
            console,
            build_defs(settings),
            settings,
            select,
            window,
            Refetch.lookback(settings),
            leave_closed=not closed,
            spare=True,
        )


@app.command()
def rebuild(
    from_: Annotated[
        date | None,
        typer.Option(
            "--from",
            parser=day_of,
            metavar="YYYY-MM-DD",
            help="First UTC day. Default: the first that the archive holds.",
        ),
    ] = None,
    to: LastDayOption = None,
) -> None:
    """Make the warehouse from the archive.

    No vendor, directory or file is asked: what they said is in the archive. Closed months that the
    warehouse holds stay as they are; those that it lost are built from what was known when they
    were closed, and what was said later is held back as before.

    \b
    Examples:
      ai-usage rebuild
      ai-usage rebuild --from 2026-01-01 --to 2026-03-31
    """
    from ai_usage.cli.rebuild import rebuild as rebuild_warehouse
    from ai_usage.cli.unattended import unattended

    with unattended("rebuild"):
        rebuild_warehouse(console, load_settings(), from_, to)


@archive_app.command("verify")
def archive_verify() -> None:
    """Read every archived page; say which are lost or damaged.

    And what fixes each. The exit code is 1 if there is any.

    \b
    Example:
      ai-usage archive verify
    """
    from ai_usage.cli.archive import verify_archive

    if not verify_archive(console, load_settings()):
        raise typer.Exit(1)


@app.command(name="import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Saved vendor answers (JSON, JSON.gz), FOCUS bills (CSV, CSV.gz, Parquet).",
        ),
    ],
    amount_unit: Annotated[
        Unit, typer.Option("--amounts-in", help="Unit of the amounts in cost reports.")
    ] = Unit.cents,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the archive says otherwise.")
    ] = False,
    closed: Annotated[
        bool, typer.Option("--closed", help="Also for days of closed months, as adjustments.")
    ] = False,
    from_: Annotated[
        date | None,
        typer.Option(
            "--from",
            parser=day_of,
            metavar="YYYY-MM-DD",
            help="First whole UTC day of answers that do not say which time they are about.",
        ),
    ] = None,
    to: Annotated[
        date | None,
        typer.Option("--to", parser=day_of, metavar="YYYY-MM-DD", help="Their last whole UTC day."),
    ] = None,
) -> None:
    """Take saved vendor answers and bills into archive and warehouse.

    They are recognised by their shape. All pages of an answer are needed, in their order, in one
    file one after another or in several files. Whole UTC days are taken; a day that a file has
    not, or not whole, stays open and is asked for by the next backfill. Of a day that is there
    already, a file must say the same; then it counts once. What is not whole, or says something
    else, is refused before anything is taken.

    Bills are FOCUS 1.0 to 1.4, CSV or Parquet, a whole billing period each: a file takes the place
    of the one before of its account and period. focus_mapping.csv says which of its services are
    AI tools; what it does not name is listed with its dollars and is no cost.

    \b
    Examples:
      ai-usage import cloud-march.parquet
      ai-usage import usage-september.json cost-september.json
      ai-usage import events-page1.json events-page2.json events-page3.json
      ai-usage import cost-in-dollars.json --amounts-in usd
      ai-usage import events-without-period.json --from 2026-09-01 --to 2026-09-30
    """
    from ai_usage.cli.importer import import_files
    from ai_usage.instance.partitions import checked_window

    settings, stated = load_settings(), None
    if from_ is not None:
        stated = checked_window(settings, from_, to or from_)
    elif to is not None:
        raise AiUsageError("--to needs --from: the first of the days.")
    import_files(
        console,
        settings,
        files,
        amount_unit.value,
        replace=replace,
        closed=closed,
        stated=stated,
    )


@app.command()
def changes(
    from_: FirstDayOption,
    to: LastDayOption = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=_instant, metavar="INSTANT", help="Only what was seen from then on."),
    ] = None,
    format_: FormatOption = Format.table,
    excel: ExcelOption = False,
) -> None:
    """Show what vendors said later of days already reported.

    From the archive alone: which day, endpoint, person and amount changed between two fetches, by
    how much, when it was seen, and whether the month was closed by then.

    \b
    Examples:
      ai-usage changes --from 2026-02-01 --to 2026-02-28
      ai-usage changes --from 2026-01-01 --since 2026-03-02T09:00 --format csv > changes.csv
    """
    from ai_usage.cli.changes import show_changes
    from ai_usage.instance.partitions import checked_window

    settings = load_settings()
    window = checked_window(settings, from_, to or settings.today)
    how = how_of(format_, excel)
    show_changes(console, messages_of(how), settings, window, since, how)


@app.command()
def close(
    month: Annotated[
        date, typer.Argument(parser=month_of, metavar="MONTH", help="The month, YYYY-MM.")
    ],
    with_earlier: Annotated[
        bool, typer.Option("--with-earlier", help="Close open months before it, too, in order.")
    ] = False,
    accept: Annotated[
        str | None,
        typer.Option(metavar="WHY", help="Close it though something is open: say why."),
    ] = None,
    reopen: Annotated[bool, typer.Option("--reopen", help="Open a closed month again.")] = False,
) -> None:
    """Close a month: record its totals, and lock it.

    Refused while the month runs, days of it are missing or provisional, a blocking check fails, or
    an earlier month is loaded and open. What is open in it (disputed invoices, cost of nobody,
    late endpoints, unknown charges) is shown; then it closes with --accept, and who closed it and
    why is recorded. What vendors or files say of it later is reported, and booked only by
    `ai-usage run --closed`; vw_adjustments has the differences.

    \b
    Examples:
      ai-usage close 2026-02
      ai-usage close 2026-03 --with-earlier
      ai-usage close 2026-02 --accept "I-7 is disputed with the vendor, ticket 4711"
      ai-usage close 2026-02 --reopen
    """
    from ai_usage.cli.close import close_month, reopen_month

    if reopen and (with_earlier or accept is not None):
        raise AiUsageError("--reopen goes alone: --with-earlier and --accept are about closing.")
    settings = load_settings()
    if reopen:
        reopen_month(console, settings, month)
    else:
        close_month(console, settings, month, with_earlier=with_earlier, accept=accept)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A SELECT in BigQuery's dialect.")],
    format_: FormatOption = Format.table,
    excel: ExcelOption = False,
    internal: Annotated[
        bool, typer.Option("--internal", help="Let it name internal tables and views too.")
    ] = False,
) -> None:
    """Ask the warehouse; nothing can be changed this way.

    In CSV, text that a spreadsheet would run as a formula gets a quote in front, and control
    characters become a mark. JSON has every text to the letter. --excel rounds money to cents;
    CSV and JSON have every digit. Columns of one name become a, a_2, a_3.

    \b
    Examples:
      ai-usage query "SELECT month, total_monthly_cost FROM vw_executive_dashboard ORDER BY month"
      ai-usage query "SELECT * FROM vw_team_productivity" --format csv > productivity.csv
      ai-usage query "SELECT * FROM vw_cost_allocation_detailed" --excel > costs.csv
    """
    from ai_usage.cli.query import ask

    ask(console, load_settings(), sql, how_of(format_, excel), internal=internal)


@app.command()
def tables(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A table or view: show its columns.")
    ] = None,
    internal: Annotated[
        bool, typer.Option("--internal", help="List internal tables and views too.")
    ] = False,
) -> None:
    """List tables and views, or the columns of one.

    \b
    Examples:
      ai-usage tables
      ai-usage tables vw_cost_allocation_detailed
      ai-usage tables --internal
    """
    from ai_usage.cli.query import list_columns, list_relations

    if name is None:
        list_relations(console, internal=internal)
    else:
        list_columns(console, name)


@app.command()
def lineage(
    name: Annotated[
        str, typer.Argument(metavar="NAME[.COLUMN]", help="A table or view, or one of its columns.")
    ],
) -> None:
    """Show what a column is computed from, down to raw columns.

    Read from the SQL: each line stands below what is computed from it. What rows are joined or left
    out by is not shown. Without a column: the ways of all of them.

    \b
    Examples:
      ai-usage lineage vw_executive_dashboard.total_monthly_cost
      ai-usage lineage fact_ai_usage.total_tokens
      ai-usage lineage vw_budget_status
    """
    from ai_usage.cli.lineage import ways

    for line in ways(name):
        say(console, line)


@app.command()
def looker(
    folder: Annotated[Path, typer.Option("--to", help="Folder of the Looker project.")] = Path(
        "looker"
    ),
) -> None:
    """Write a Looker project: views, explores, dashboards.

    From the SQL: keys, descriptions and types are those of the tables and views. Who may see what
    is said in its README.

    \b
    Examples:
      ai-usage looker
      ai-usage looker --to ../looker-project
    """
    from ai_usage.cli.looker import write_looker

    write_looker(console, folder)


@app.command("compare-warehouses")
def compare_warehouses(
    other: Annotated[Path, typer.Argument(help="Settings of the other one: a file like .env.")],
    from_: Annotated[
        date | None, typer.Option("--from", parser=day_of, metavar="YYYY-MM-DD", help="First day.")
    ] = None,
    to: Annotated[
        date | None,
        typer.Option(parser=day_of, metavar="YYYY-MM-DD", help="Last day. Default: today."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Differences to print.")] = 20,
    internal: Annotated[
        bool, typer.Option("--internal", help="Compare internal tables and views too.")
    ] = False,
) -> None:
    """Say whether another warehouse holds the same, value by value.

    Money and counts must be equal, fractions to a billionth. Exit code 1 if anything differs.

    \b
    Example:
      ai-usage compare-warehouses bigquery.env --from 2026-01-01
    """
    from ai_usage.cli.compare import compare_installations
    from ai_usage.instance.partitions import checked_window

    settings = load_settings()
    window = checked_window(settings, from_, to or settings.today) if from_ else None
    if to and not from_:
        raise AiUsageError("--to needs --from: give the first day too.")
    if not compare_installations(console, settings, other, window, limit, internal=internal):
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Check keys, vendors, warehouse and reference files.

    Every line is ok, a note, or says what to fix; the exit code is 1 if something is to be fixed.

    \b
    Example:
      ai-usage doctor
    """
    from ai_usage.cli.doctor import examine

    if not examine(console, load_settings()):
        raise typer.Exit(1)


@reference_app.command("check")
def reference_check() -> None:
    """Read every reference file and say what is wrong, by line.

    Of each allocation rule it says what it would have split in the last 30 days, in dollars.

    \b
    Example:
      ai-usage reference check
    """
    from ai_usage.cli.reference import check_files

    if not check_files(console, load_settings()):
        raise typer.Exit(1)


@reference_app.command("init")
def reference_init() -> None:
    """Write a sample of every reference file not there yet.

    \b
    Example:
      ai-usage reference init
    """
    from ai_usage.cli.reference import write_sample_files

    write_sample_files(console, load_settings())


@reference_app.command("propose-budgets")
def reference_propose_budgets() -> None:
    """Propose the next quarter's budgets, as lines of budgets.csv.

    For each person, team, department, cost centre and project the mean of the last three final
    months without one-time cost, rounded up to the dollar: a CSV to edit.

    \b
    Example:
      ai-usage reference propose-budgets > next-quarter.csv
    """
    from ai_usage.cli.budgets import print_proposal

    print_proposal(load_settings())


@keys_app.command("gaps")
def keys_gaps(
    format_: FormatOption = Format.table,
    excel: ExcelOption = False,
    write: Annotated[
        bool, typer.Option("--write", help="Append the suggestions to api_keys.csv, as comments.")
    ] = False,
) -> None:
    """Show keys and addresses that are nobody's, or a doubtful owner's.

    By dollars, with the owner whom the evidence points to. An owner is doubtful who made a key that
    looks like a service's and bears its cost. What --write appends is commented out
    and counts only once you take the comment sign off. A suggestion that you leave there as a
    comment is not made again.

    \b
    Examples:
      ai-usage keys gaps
      ai-usage keys gaps --format csv > gaps.csv
      ai-usage keys gaps --write
    """
    from ai_usage.cli.keys import show_gaps

    how = how_of(format_, excel)
    show_gaps(console, messages_of(how), load_settings(), how, write=write)


@notify_app.command("test")
def notify_test() -> None:
    """Send a test message to every channel and say where it went.

    The channels are the Apprise URLs of AI_USAGE_NOTIFY_URLS; the exit code is 1 if one is not
    reached.

    \b
    Example:
      ai-usage notify test
    """
    from ai_usage.cli.notify import send_test

    if not send_test(console, load_settings()):
        raise typer.Exit(1)


@notify_app.command("open")
def notify_open() -> None:
    """List the failures that were told and are not over.

    \b
    Example:
      ai-usage notify open
    """
    from ai_usage.cli.notify import print_open

    print_open(console, load_settings())


money_commands.register(app)


OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""Python's own 700 are few: what a command imports and defines is a quarter of a million objects,
and to look through these for garbage again and again took an eighth of a run with nothing new."""


def main() -> None:
    """Run the command line; a person's error is one line and exit code 1."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        try:
            app()
        finally:
            # Here, where a reader that has gone away is no error; not while Python shuts down.
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if isinstance(error, AiUsageError) and not _debug:
            said, style = f"error: {error}", "red"
        else:
            # Python itself would print a vendor's text in it as it came.
            said, style = traceback.format_exc(), None
        errors.print(said, style=style, markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


__all__ = ["app", "main"]
