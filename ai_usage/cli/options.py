"""What commands share: the consoles, options that several have, how a day is written, settings."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ai_usage.cli.harmless import HarmlessConsole
from ai_usage.errors import AiUsageError

if TYPE_CHECKING:
    from ai_usage.settings import Settings

console = HarmlessConsole()
errors = HarmlessConsole(stderr=True)


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    csv = "csv"
    json = "json"


def day_of(text: str | date) -> date:
    """A day of the command line. Raises `BadParameter` where it is none."""
    if isinstance(text, date):
        return text
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day: write YYYY-MM-DD.") from None


def month_of(text: str | date) -> date:
    """A month of the command line, as its first day. Raises `BadParameter` where it is none."""
    if isinstance(text, date):
        return text
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month: write YYYY-MM.") from None


FirstDayOption = Annotated[
    date, typer.Option("--from", parser=day_of, metavar="YYYY-MM-DD", help="First UTC day.")
]
LastDayOption = Annotated[
    date | None,
    typer.Option("--to", parser=day_of, metavar="YYYY-MM-DD", help="Last UTC day. Default: today."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]
ExcelOption = Annotated[
    bool,
    typer.Option(
        "--excel",
        help="CSV that a spreadsheet opens as it is: UTF-8 mark, money in cents, ISO dates.",
    ),
]


def load_settings() -> Settings:
    """What the environment and `.env` say. Raises `SettingsError` where that is wrong.

    Imported by the command that asks: to import what reads them takes longer than a command's help.
    """
    from ai_usage.settings import Settings

    return Settings.load()


def how_of(format_: Format, excel: bool) -> str:
    """How rows are printed: a format's name, or `excel`."""
    if excel and format_ is Format.json:
        raise AiUsageError("--excel writes CSV: leave --format json out.")
    return "excel" if excel else format_.value


def messages_of(how: str) -> Console:
    """Where words about the rows go: beside the table, or apart from what a program reads."""
    return console if how == Format.table else errors
