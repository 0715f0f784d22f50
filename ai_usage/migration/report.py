"""A comparison for people: as CSV for whoever looks into it, as one HTML page for who signs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape

from ai_usage.migration.classes import Cell, Finding
from ai_usage.migration.comparing import Comparison
from ai_usage.migration.description import MEASURES
from ai_usage.text.csv_cells import csv_cell, text
from ai_usage.text.figures import money
from ai_usage.text.words import counted

MOST_ROWS = 500
"""Findings of a table that the page shows, the dearest first; the CSV has them all."""

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; }
table { border-collapse: collapse; margin: 0 0 1.5rem; }
th, td { border-bottom: 1px solid #bbb; padding: .25rem .7rem; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.red { color: #9b1c1c; } .green { color: #176b37; }
"""


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """Every difference, a line each; what is identical is left out."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "day", "platform", "key", "class", "note", *_headings()])
    for comparison in comparisons:
        for finding in _differing(comparison):
            key = " ".join(part for part in finding.key[1] if part)
            told = [comparison.table, finding.day, comparison.platform, key]
            figures = [
                text(figure)
                for measure in MEASURES
                for figure in (
                    _of(finding.old, measure),
                    _of(finding.new, measure),
                    _difference(finding, measure),
                )
            ]
            cells = [*told, finding.class_, finding.note, _rows(finding.old), _rows(finding.new)]
            writer.writerow([*map(csv_cell, cells), *figures])
    return out.getvalue()


def as_html(comparisons: Sequence[Comparison], title: str) -> str:
    """One page that needs nothing else: dollars unexplained on top, then classes, days and rows."""
    unexplained = sum((one.unexplained_usd for one in comparisons), Decimal(0))
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="{"red" if unexplained else "green"}"><strong>{escape(money(unexplained))}'
        "</strong> unexplained</p>",
        *(line for one in comparisons for line in _section(one)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(comparison: Comparison) -> Iterator[str]:
    yield f"<h2>{escape(comparison.table)}</h2>"
    unexplained = escape(money(comparison.unexplained_usd))
    green = counted(comparison.green_days, "green final day")
    yield f"<p>{unexplained} unexplained; {green} without a break.</p>"
    yield _table(
        ["class", "keys", "old", "new", "difference"],
        [
            [
                one.class_,
                f"{one.keys:,}",
                money(one.usd_old),
                money(one.usd_new),
                money(one.usd, signed=True),
            ]
            for one in comparison.totals
        ],
        words=1,
    )
    red = [verdict for verdict in comparison.verdicts if not verdict.green]
    if red:
        yield "<h3>Days that are not green</h3>"
        rows = [
            [str(one.day), "final" if one.final else "may change", "; ".join(one.reasons)]
            for one in red
        ]
        yield _table(["day", "state", "why"], rows, words=3)
    differing = sorted(_differing(comparison), key=lambda f: -abs(f.difference("usd")))
    if differing:
        yield "<h3>Differences</h3>"
        if len(differing) > MOST_ROWS:
            yield f"<p>The dearest {MOST_ROWS} of {len(differing):,}; the CSV has all.</p>"
        yield _table(
            ["day", *comparison.columns, "class", "note", "old", "new", "difference"],
            [_cells(one) for one in differing[:MOST_ROWS]],
            words=3 + len(comparison.columns),
        )


def _cells(finding: Finding) -> list[str]:
    return [
        str(finding.day),
        *finding.key[1],
        finding.class_,
        finding.note,
        money(_of(finding.old, "usd")),
        money(_of(finding.new, "usd")),
        money(finding.difference("usd"), signed=True),
    ]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, words: int) -> str:
    """An HTML table; the columns after so many are figures."""

    def row(tag: str, cells: Sequence[str]) -> str:
        figures = [' class="n"' if n >= words else "" for n in range(len(cells))]
        told = "".join(
            f"<{tag}{figure}>{escape(cell)}</{tag}>"
            for cell, figure in zip(cells, figures, strict=True)
        )
        return f"<tr>{told}</tr>"

    body = "\n".join(row("td", cells) for cells in rows)
    return f"<table>\n<thead>{row('th', headings)}</thead>\n<tbody>\n{body}\n</tbody></table>"


def _headings() -> list[str]:
    sides = ("old", "new", "difference")
    return ["rows_old", "rows_new", *(f"{m}_{side}" for m in MEASURES for side in sides)]


def _differing(comparison: Comparison) -> list[Finding]:
    return [one for one in comparison.findings if one.class_ != "identical"]


def _of(cell: Cell | None, measure: str) -> Decimal | None:
    """The sum; None where the side has no row, or the measure is not compared."""
    return None if cell is None else cell.sums.get(measure)


def _difference(finding: Finding, measure: str) -> Decimal | None:
    """Old less new; None for a measure that is not compared."""
    compared = any(cell is not None and measure in cell.sums for cell in (finding.old, finding.new))
    return finding.difference(measure) if compared else None


def _rows(cell: Cell | None) -> int:
    return 0 if cell is None else cell.rows
