"""A comparison as CSV and as one page: every difference, dollars unexplained on top, no harm."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

from ai_usage.migration.classes import Cell, Finding
from ai_usage.migration.comparing import Comparison, Verdict
from ai_usage.migration.report import as_csv, as_html

DAY = date(2026, 3, 8)


def cell(usd: str, lines: int = 7) -> Cell:
    made = Cell()
    made.add({"usd": Decimal(usd), "lines": Decimal(lines)})
    return made


COMPARED = Comparison(
    table="cursor_costs",
    platform="cursor",
    columns=["user_email"],
    findings=[
        Finding((DAY, ("ann@x.io",)), "unexplained", cell("150"), cell("1.50"), "cents?"),
        Finding((DAY, ("<b>@x.io",)), "missing_in_old", None, cell("2.25")),
        Finding((DAY, ("cyd@x.io",)), "identical", cell("0.75"), cell("0.75")),
    ],
    verdicts=[Verdict(DAY, True, ["$148.5 unexplained"])],
)


def test_every_difference_is_a_line_and_what_is_identical_none() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv([COMPARED]))))
    told = [(r["key"], r["class"], r["usd_old"], r["usd_new"], r["usd_difference"]) for r in rows]
    assert told == [
        ("ann@x.io", "unexplained", "150", "1.5", "148.5"),
        ("<b>@x.io", "missing_in_old", "", "2.25", "-2.25"),
    ]
    # Tokens are not compared: nothing is said of them.
    assert {r["tokens_difference"] for r in rows} == {""}


def test_the_page_has_the_dollars_that_nobody_can_explain_on_top() -> None:
    page = as_html([COMPARED], "Old and new")
    assert page.index("$148.50") < page.index("<h2>")
    assert "<td>identical</td>" in page
    # Of the differences only two are rows of their own.
    assert page.count("ann@x.io") == 1
    assert "cyd@x.io" not in page


def test_what_others_wrote_is_text_on_the_page() -> None:
    page = as_html([COMPARED], "<script>")
    assert "<b>@x.io" not in page
    assert "&lt;b&gt;@x.io" in page
    assert "<script>" not in page
