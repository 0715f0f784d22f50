"""A comparison for people: as CSV for whoever looks into it, as one HTML page for who signs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape

from ai_usage.migration.classes import MEANINGS, Cell, Finding, Sums
from ai_usage.migration.comparing import Comparison
from ai_usage.migration.description import MEASURES
from ai_usage.migration.trend import trend
from ai_usage.migration.trend_chart import figure
from ai_usage.text.csv_cells import csv_cell, text
from ai_usage.text.figures import count, exact_money, money
from ai_usage.text.words import ranges

MOST_ROWS = 500
"""Findings of a table that the page shows, the dearest first; the CSV has them all."""

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; }
body { padding: 0 1rem; }
table { border-collapse: collapse; margin: 0 0 1.5rem; }
th, td { border-bottom: 1px solid #bbb; padding: .25rem .7rem; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.red { color: #9b1c1c; } .green { color: #176b37; }
.wide { overflow-x: auto; }
figure { margin: 0 0 1.5rem; overflow-x: auto; } figcaption { max-width: 46rem; }
svg text { font: 12px system-ui, sans-serif; }
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
    """One page that needs nothing else.

    Dollars unexplained are on top, then the trend of green days, then classes, days and rows.
    """
    unexplained = sum((one.unexplained_usd for one in comparisons), Decimal(0))
    some = any(f.class_ == "unexplained" for one in comparisons for f in one.findings)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="{"red" if some else "green"}"><strong>{escape(exact_money(unexplained))}'
        "</strong> unexplained</p>",
        "<p>Old tables against what the vendors say, day by day. A day is green when every "
        "difference has an explanation that migration.yaml declares, within its limit.</p>",
    ]
    if len(comparisons) > 1:
        together = trend(one.verdicts for one in comparisons)
        parts += ["<h2>All tables together</h2>", figure(together, "all tables together")]
    parts += [line for one in comparisons for line in _section(one)]
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _section(comparison: Comparison) -> Iterator[str]:
    yield f"<h2>{escape(comparison.table)}</h2>"
    key = escape(", ".join(["day", *comparison.columns]))
    unexplained = escape(exact_money(comparison.unexplained_usd))
    yield f"<p>{unexplained} unexplained. Compared by {key}: each is a key below.</p>"
    yield figure(trend([comparison.verdicts]), comparison.table)
    measures = _measures(comparison)
    yield _table(
        ["class", "what it is", "days", "keys", *_figures_of(measures)],
        [
            [
                one.class_,
                MEANINGS[one.class_],
                ranges(one.days),
                f"{one.keys:,}",
                *_figures(measures, one.old, one.new),
            ]
            for one in comparison.totals
        ],
        words=3,
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
            ["day", *comparison.columns, "class", "note", *_figures_of(measures)],
            [_cells(one, measures) for one in differing[:MOST_ROWS]],
            words=3 + len(comparison.columns),
        )


def _measures(comparison: Comparison) -> list[str]:
    """What the page shows: dollars where the table has any, and what differs beside them."""
    others = [
        measure
        for measure in comparison.measures
        if measure != "usd"
        and (
            "usd" not in comparison.measures
            or any(one.difference(measure) for one in comparison.findings)
        )
    ]
    return ["usd", *others] if "usd" in comparison.measures else others


def _figures_of(measures: Sequence[str]) -> list[str]:
    names = {measure: "" if measure == "usd" else f"{measure} " for measure in measures}
    return [f"{n}{side}" for n in names.values() for side in ("old", "new", "difference")]


def _figures(measures: Sequence[str], old: Sums | None, new: Sums | None) -> list[str]:
    """Old, new and old less new; a side that has no row is a dash."""
    found = []
    for measure in measures:
        told = _money if measure == "usd" else _number
        one, other = (None if sums is None else sums.get(measure) for sums in (old, new))
        difference = (one or Decimal(0)) - (other or Decimal(0))
        found += [told(one), told(other), told(difference, signed=True)]
    return found


def _money(usd: Decimal | None, *, signed: bool = False) -> str:
    return money(usd, signed=signed)


def _number(value: Decimal | None, *, signed: bool = False) -> str:
    plus = "+" if signed and value is not None and value > 0 else ""
    return plus + count(value)


def _cells(finding: Finding, measures: Sequence[str]) -> list[str]:
    sides = [None if cell is None else cell.sums for cell in (finding.old, finding.new)]
    return [
        str(finding.day),
        *finding.key[1],
        finding.class_,
        finding.note,
        *_figures(measures, *sides),
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
    head = row("th", headings)
    table = f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody></table>"
    return f'<div class="wide">{table}</div>'


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
