"""Tables are written exactly, sorted as asked, cut by pages and added up over all rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.pages.parts import Badge
from ai_usage.dashboard.pages.tables import Column, table_of, written
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage_tests.dashboard.copies import Made

MONTH = Filters.of_month(date(2026, 11, 1))
COLUMNS = [Column("team", "Team"), Column("cost", "Cost", "money", bar=True)]
ROWS = [
    {"team": "Beta", "cost": Decimal("1.005")},
    {"team": "Alpha", "cost": None},
    {"team": "Gamma", "cost": Decimal(3)},
]


def cells(rows: object) -> list[list[str]]:
    return [[cell.text for cell in row] for row in rows]  # type: ignore[attr-defined]


def test_values_are_written_by_kind() -> None:
    assert written(Decimal("1234.5"), "money") == "$1,234.50"
    assert written(Decimal("1234.5"), "change") == "+$1,234.50"
    assert written(Decimal("0.125"), "share") == "12 %"
    assert written(date(2026, 11, 1), "month") == "November 2026"
    assert written(date(2026, 11, 1), "day") == "1 Nov 2026"
    assert written(datetime(2026, 11, 1, 6, 5, tzinfo=UTC)) == "1 Nov 2026 06:05"
    assert written(None, "money") == "\u2013"
    assert [written(flag, "flag") for flag in (True, False)] == ["Yes", "No"]


def test_rows_are_sorted_as_the_address_asks_and_unknown_ones_stand_last() -> None:
    for sort, order in (
        ("team", ["Alpha", "Beta", "Gamma"]),
        ("cost", ["Beta", "Gamma", "Alpha"]),
        ("-cost", ["Gamma", "Beta", "Alpha"]),
        ("nothing", ["Beta", "Alpha", "Gamma"]),
    ):
        shown = table_of(ROWS, COLUMNS, name="t", caption="t", filters=MONTH.having(sort=sort))
        assert [row[0] for row in cells(shown.rows)] == order, sort


def test_a_head_leads_to_the_other_order() -> None:
    shown = table_of(
        ROWS, COLUMNS, name="t", caption="t", filters=MONTH.having(sort="-cost"), path="/spend"
    )
    assert [(head.sort, head.order) for head in shown.head] == [
        ("/spend?month=2026-11&sort=team", ""),
        ("/spend?month=2026-11&sort=cost", "descending"),
    ]


def test_pages_cut_the_rows_and_never_the_total() -> None:
    rows = [{"team": f"T{number:03}", "cost": Decimal("0.01")} for number in range(450)]
    shown = table_of(
        rows,
        COLUMNS,
        name="t",
        caption="t",
        filters=MONTH.having(page=3),
        path="/spend",
        total=("cost",),
    )
    assert shown.pager is not None
    assert (shown.pager.first, shown.pager.last, shown.pager.of) == (401, 450, 450)
    assert shown.pager.before.endswith("page=2")
    assert shown.pager.after == ""
    assert cells([shown.foot]) == [["Total", "$4.50"]]
    beyond = table_of(rows, COLUMNS, name="t", caption="t", filters=MONTH.having(page=99))
    assert len(beyond.rows) == 50


def test_a_page_of_one_month_shows_the_rows_that_its_tables_pages_lead_to(tmp_path: Path) -> None:
    published = Made([]).publish(tmp_path / "copy.duckdb")
    address = [("from", "2026-01"), ("to", "2026-02"), ("sort", "-cost"), ("page", "2")]
    filters = Filters.parse(address, published.about.as_of)
    what = Asked(published, Viewer("", Role.ADMIN, Mode.OPEN), filters, published.about)
    february = date(2026, 2, 1)
    assert what.in_one_month.filters == Filters(february, february, sort="-cost", page=2)


def test_a_state_is_a_badge_and_a_bar_is_part_of_the_largest() -> None:
    shown = table_of(
        ROWS,
        COLUMNS,
        name="t",
        caption="t",
        badges={"team": {"Beta": Badge("Beta team", "warn")}},
    )
    assert shown.rows[0][0].badge == Badge("Beta team", "warn")
    assert [row[1].bar for row in shown.rows] == [0.335, None, 1.0]
