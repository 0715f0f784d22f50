"""A table in two forms, from the same rows: on the page, and as the CSV that equals it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.parts import Badge, Card, Empty, Link, Step, Table, Width
from ai_usage.dashboard.pages.tables import Column, ordered, table_of
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.text.csv_cells import csv_cell


@dataclass(frozen=True)
class Source:
    """Rows and how they are written. `total` names the columns that may be added up."""

    name: str
    caption: str
    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[Column]
    filters: Filters
    path: str
    total: Sequence[str] = ()
    badges: Mapping[str, Mapping[Any, Badge]] = field(default_factory=dict)

    @property
    def on_page(self) -> Table:
        """One page of the rows."""
        return table_of(
            self.rows,
            self.columns,
            name=self.name,
            caption=self.caption,
            filters=self.filters,
            path=self.path,
            total=self.total,
            badges=self.badges,
        )

    @property
    def csv(self) -> str:
        """All rows, sorted as on the page: the same columns, dollars to the last digit.

        No cell starts a formula, whatever separator a spreadsheet takes.
        """
        key = self.filters.sort.removeprefix("-")
        rows = list(self.rows)
        if key in {column.name for column in self.columns}:
            rows = ordered(rows, key, self.filters.sort.startswith("-"))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([csv_cell(column.label) for column in self.columns])
        for row in rows:
            writer.writerow([csv_cell(row.get(column.name)) for column in self.columns])
        return text.getvalue()

    def card(
        self,
        title: str,
        sentence: str = "",
        unit: str = "",
        *,
        empty: Empty | None = None,
        steps: Sequence[Step] = (),
        width: Width = "wide",
        has_file: bool = True,
        folded: str = "",
    ) -> Card:
        """A card with the table and its CSV; without rows what is said for them."""
        said = None if self.rows else empty or Empty("Nothing to show", "There are no such rows.")
        return Card(
            title,
            sentence if self.rows else "",
            unit,
            table=self.on_page if self.rows else None,
            folded=folded,
            empty=said,
            links=[Link("CSV of these rows", self.href, is_file=True)]
            if self.rows and has_file
            else (),
            steps=steps,
            width=width,
            anchor=self.name,
        )

    @property
    def href(self) -> str:
        """Where the CSV is."""
        return f"{self.path.rstrip('/')}/{self.name}.csv?{self.filters.address}"


def file_response(text: str, name: str) -> Response:
    """A CSV to download."""
    return PlainTextResponse(
        text,
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.csv"'},
    )


def csv_route(
    make: Callable[[Asked], Source], one_month: bool = False
) -> Callable[[Request], Response]:
    """The handler of a table's CSV. `one_month`: the page shows the filters' last month alone."""

    def handler(request: Request) -> Response:
        what = asked(request)
        if one_month:
            what = what.in_one_month
        try:
            source = make(what)
        except ForbiddenError as error:
            return PlainTextResponse(f"Not for your role: {error}\n", 403)
        month = f"{what.filters.last:%Y-%m}"
        page = source.path.strip("/") or "overview"
        return file_response(source.csv, f"ai-usage-{page}-{source.name}-{month}")

    return handler
