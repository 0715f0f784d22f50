"""A comparison as CSV and as one page: every difference, dollars unexplained on top, no harm."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree

from ai_usage.migration.classes import Cell, Finding
from ai_usage.migration.comparing import Comparison
from ai_usage.migration.report import as_csv, as_html
from ai_usage.migration.trend import Verdict

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


def test_the_trend_of_green_days_is_a_picture_and_the_same_in_words() -> None:
    """Three green days, a red one, seven green ones, and one that may still change."""
    first = date(2026, 3, 1)
    states = [True] * 3 + [False] + [True] * 7
    verdicts = [
        Verdict(first + timedelta(days=n), True, [] if green else ["x"])
        for n, green in enumerate(states)
    ]
    verdicts.append(Verdict(first + timedelta(days=11), False, []))
    page = as_html([replace(COMPARED, findings=[], verdicts=verdicts)], "Old and new")
    words = (
        "7 green final days without a break up to the newest final one. The gate asks for 7; the "
        "longest run was 7. Not green: 2026-03-04. May still change: 2026-03-12."
    )
    assert f"<figcaption>{words}" in page
    assert f'role="img" aria-label="Green final days in a row: cursor_costs. {words}"' in page
    drawn = page[page.index("<svg") : page.index("</svg>") + 6]
    svg = ElementTree.fromstring(drawn)  # noqa: S314
    bars = [float(bar.attrib["height"]) for bar in svg.iter("rect")]
    # Each bar is as high as the days in a row: of ten green days the fourth begins anew.
    assert [round(bar / bars[0], 1) for bar in bars] == [1, 2, 3, 1, 2, 3, 4, 5, 6, 7]
    # Neither a red nor an open day is told by its colour alone.
    assert len(list(svg.iter("path"))) == len(list(svg.iter("circle"))) == 1


def test_a_table_without_dollars_is_told_by_its_lines() -> None:
    old, new = Cell(), Cell()
    old.add({"lines": Decimal(1200)})
    new.add({"lines": Decimal(1000)})
    found = Finding((DAY, ("ann@x.io",)), "unexplained", old, new)
    page = as_html(
        [replace(COMPARED, findings=[found], verdicts=[], measures=["lines"])], "Old and new"
    )
    assert '<td class="n">1,200</td><td class="n">1,000</td><td class="n">+200</td>' in page
    assert '<p class="red">' in page


def test_what_others_wrote_is_text_on_the_page() -> None:
    page = as_html([COMPARED], "<script>")
    assert "<b>@x.io" not in page
    assert "&lt;b&gt;@x.io" in page
    assert "<script>" not in page
