"""Files for a spreadsheet: read back by another library, to the cent, and nothing in them runs."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from ai_usage.cli.workbook import Cell, write_rows
from ai_usage.errors import AiUsageError

NAMES = ("cost_center", "day", "amount")
HOSTILE = ["=1+1", "+CMD|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "a;=1", "＝1"]  # noqa: RUF001
ROWS: list[tuple[Cell, ...]] = [
    ("CC-1", date(2026, 10, 1), Decimal("1234567.89")),
    ("CC-2", None, Decimal("-0.10")),
    *((text, None, Decimal("0.00")) for text in HOSTILE),
]


def test_a_workbook_has_every_cent_as_a_number_and_every_text_as_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_rows(path, "Chargeback 2026-10", NAMES, ROWS)
    page = openpyxl.load_workbook(path)["Chargeback 2026-10"]
    read = list(page.iter_rows(values_only=True))
    assert read[0] == NAMES
    assert [Decimal(str(row[2])) for row in read[1:]] == [row[2] for row in ROWS]
    assert read[1][1].date() == date(2026, 10, 1)
    assert {cell.number_format for cell in page["C"][1:]} == {"#,##0.00;[Red]-#,##0.00"}
    kinds = {cell.data_type for row in page.iter_rows() for cell in row if cell.value is not None}
    assert "f" not in kinds, "a formula would run"
    for text, row in zip(HOSTILE, read[3:], strict=True):
        assert "'" in str(row[0]), f"{text!r} would run in what is saved as CSV from it"


def test_a_csv_has_two_places_and_nothing_that_a_spreadsheet_runs(tmp_path: Path) -> None:
    path = tmp_path / "a.CSV"
    write_rows(path, "x", NAMES, ROWS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.reader(file))
    assert read[0] == list(NAMES)
    assert [row[2] for row in read[1:3]] == ["1234567.89", "-0.10"]
    assert not [row[0] for row in read[3:] if row[0].lstrip()[:1] in "=+-@"]


def test_another_ending_and_a_place_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(AiUsageError, match=r"must end in \.csv or \.xlsx"):
        write_rows(tmp_path / "a.ods", "x", NAMES, ROWS)
    with pytest.raises(AiUsageError, match="cannot be written: No such file"):
        write_rows(tmp_path / "nowhere" / "a.csv", "x", NAMES, ROWS)
