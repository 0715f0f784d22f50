"""`fx_rates.csv`: what a unit of a foreign currency is worth in US dollars, one line per day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.reference.column import CURRENCY, DATE, RATE, TEXT, Column, Row
from ai_usage.reference.currencies import USD
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.periods import earliest
from ai_usage.reference.problems import CellError, Problem


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    if row["currency"] == USD:
        yield "currency", CellError("USD is what amounts are converted to", "delete the line")
    if row["usd_per_unit"] == 0:
        yield "usd_per_unit", CellError("0 is no rate", "write US dollars for one unit")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    seen: dict[tuple[str, date], int] = {}
    for line in lines:
        key = (line.values["currency"], line.values["rate_date"])
        first = seen.setdefault(key, line.number)
        if first != line.number:
            what = f"{key[0]} of {key[1]} stands in line {first} too"
            yield Problem(line.number, "rate_date", what, "keep one of them")


FILE = ReferenceFile(
    name="fx_rates.csv",
    description="Exchange rates: an amount takes the newest rate on or before its day. One rate a "
    "month, of the month's first day, keeps seats and invoices equal to the cent; a rate older "
    "than 31 days lowers the confidence of what it converts.",
    columns=(
        Column("currency", CURRENCY, "The foreign currency.", required=True),
        Column("rate_date", DATE, "Day of the rate.", required=True),
        Column("usd_per_unit", RATE, "US dollars for one unit of the currency.", required=True),
        Column("source", TEXT, "Where the rate was read.", required=True),
    ),
    examples=(
        {
            "currency": "EUR",
            "rate_date": "2026-01-01",
            "usd_per_unit": "1.0843",
            "source": "ECB reference rate",
        },
        {
            "currency": "EUR",
            "rate_date": "2026-02-01",
            "usd_per_unit": "1.0791",
            "source": "ECB reference rate",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    changed_from=earliest("rate_date"),
)
