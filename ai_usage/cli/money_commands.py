"""The commands of a finance lead's month: spend, chargeback, invoice, seats, report.

Money is shown in cents, with thousands and the currency; `query` has every digit.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ai_usage.cli.options import (
    ExcelOption,
    Format,
    FormatOption,
    console,
    how_of,
    load_settings,
    messages_of,
    month_of,
)
from ai_usage.cli.spend_by import By
from ai_usage.errors import AiUsageError

PlatformOption = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Whose invoice, where two vendors have one number."),
]


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    for command in (spend, chargeback, invoice, seats, report):
        app.command()(command)


def spend(
    month: Annotated[
        date | None,
        typer.Argument(
            parser=month_of, metavar="[MONTH]", help="The month, YYYY-MM. Default: this one."
        ),
    ] = None,
    by: Annotated[By, typer.Option(help="What to sum by.")] = By.team,
    format_: FormatOption = Format.table,
    excel: ExcelOption = False,
) -> None:
    """Show a month's spend by team, person, project and more.

    Beside the month before, and by platform where there is room. Below it stands what the sum
    leaves out, and what may still change.

    \b
    Examples:
      ai-usage spend
      ai-usage spend 2026-10 --by cost-center
      ai-usage spend --by person --format csv > spend.csv
    """
    from ai_usage.cli.spend import show_spend

    how = how_of(format_, excel)
    show_spend(console, messages_of(how), load_settings(), month, by, how)


def chargeback(
    month: Annotated[
        date | None,
        typer.Argument(parser=month_of, metavar="[MONTH]", help="The month, YYYY-MM."),
    ] = None,
    invoice_id: Annotated[
        str | None,
        typer.Option("--invoice", metavar="ID", help="Charge what this invoice bills instead."),
    ] = None,
    platform: PlatformOption = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a file: .csv or .xlsx.")
    ] = None,
    format_: FormatOption = Format.table,
    excel: ExcelOption = False,
) -> None:
    """Charge a month or an invoice to cost centres, in cents.

    Rounded once by largest remainder: the lines sum to the month's cost, or to the invoice, to the
    cent. What no cost centre bears and what no invoice covers are lines of their own; so is what
    an invoice and the facts part by.

    \b
    Examples:
      ai-usage chargeback 2026-10
      ai-usage chargeback 2026-10 --to chargeback-2026-10.xlsx
      ai-usage chargeback --invoice 2026-10-4711 --format csv > invoice.csv
    """
    from ai_usage.cli.chargeback import charge

    how = how_of(format_, excel)
    if to is not None and how != Format.table:
        raise AiUsageError("--to writes the file by its name: leave --format and --excel out.")
    charge(console, messages_of(how), load_settings(), month, invoice_id, platform, to, how)


def invoice(
    invoice_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The invoice; without it all are listed.")
    ] = None,
    platform: PlatformOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say on which days and lines the two part.")
    ] = False,
    format_: FormatOption = Format.table,
    excel: ExcelOption = False,
) -> None:
    """Set an invoice beside the facts, and say where they part.

    \b
    Examples:
      ai-usage invoice
      ai-usage invoice 2026-10-4711
      ai-usage invoice 2026-10-4711 --explain
    """
    from ai_usage.cli.invoice import explain_invoice, list_invoices

    if invoice_id is None and (explain or platform):
        raise AiUsageError("--explain and --platform are about one invoice: name it.")
    how = how_of(format_, excel)
    if invoice_id is None:
        list_invoices(console, load_settings(), how)
        return
    if how != Format.table:
        raise AiUsageError("one invoice is told in words: leave --format and --excel out.")
    explain_invoice(console, load_settings(), invoice_id, platform, explain=explain)


def seats(
    every: Annotated[bool, typer.Option("--all", help="Also the seats that are in use.")] = False,
    format_: FormatOption = Format.table,
    excel: ExcelOption = False,
) -> None:
    """Show seats that nobody needs, in money.

    Idle, never used, doubled, given to a leaver or to nobody, the dearest first, each with the
    first day whose cost is saved if the seat is given back before.

    \b
    Examples:
      ai-usage seats
      ai-usage seats --all --format csv > seats.csv
    """
    from ai_usage.cli.seats import show_seats

    how = how_of(format_, excel)
    show_seats(console, messages_of(how), load_settings(), how, every=every)


def report(
    month: Annotated[
        date | None,
        typer.Argument(
            parser=month_of, metavar="[MONTH]", help="The month, YYYY-MM. Default: the last whole."
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Mail it there; may be given several times."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there.")] = None,
    cost_center: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this cost centre; may be given several times."),
    ] = None,
) -> None:
    """Write a month's report, or mail it.

    One file that opens offline: cost, what moved, products, cost centres, budgets, seats, invoices.
    By mail each address gets what its role in viewers.csv may see, through the mail server of
    AI_USAGE_NOTIFY_URLS. A file names no single people, and small groups are merged.

    \b
    Examples:
      ai-usage report
      ai-usage report 2026-10 --out october.html
      ai-usage report 2026-10 --to cfo@example.com --to finance@example.com
      ai-usage report 2026-10 --cost-center CC-100
    """
    from ai_usage.cli.report import write_report

    if to and out:
        raise AiUsageError("--to mails the report, --out writes it: give one of them.")
    write_report(console, load_settings(), month, to or (), out, cost_center or ())
