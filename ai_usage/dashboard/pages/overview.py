"""Overview: the company's month on one screen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.months import months
from ai_usage.dashboard.charts.palettes import colours
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.frame import filter_bar, notes, respond
from ai_usage.dashboard.pages.moved import moved_card
from ai_usage.dashboard.pages.parts import Card, Gauge, Page, Tile, Tone
from ai_usage.dashboard.pages.spend import (
    NOTHING,
    bearers,
    days_chart,
    is_running,
    mix,
    month_totals,
)
from ai_usage.dashboard.pages.tie import tie
from ai_usage.dashboard.queries import overview as queries
from ai_usage.dashboard.queries import spend as spending
from ai_usage.days.months import months_before
from ai_usage.text.figures import (
    count,
    money,
    month_name,
    share,
    short_count,
    short_money,
)

PATH = "/"


def page(request: Request) -> Response:
    """`/`."""
    what = asked(request).in_one_month
    by_month = queries.months(what.published, what.viewer, what.filters)
    body = Page(
        "overview",
        "Overview",
        f"What do AI tools cost in {month_name(what.filters.last)}, and where is it going?",
        [
            tie(what),
            *notes(by_month),
            tiles(what, {row["month"]: row["total"] for row in by_month.to_pylist()}),
            months_card(what, by_month.to_pylist()),
            *([] if (step := moved_card(what)) is None else [step]),
            [days_chart(what), mix(what)],
        ],
        filters=filter_bar(what, PATH),
    )
    return respond(what, body)


def months_card(what: Asked, rows: list[dict[str, Any]]) -> Card:
    """Twelve months; `rows` are those of `queries.months`."""
    budgets = queries.budgets(what.published, what.viewer, what.filters)
    parts = spending.platforms_by_month(what.published, what.viewer, what.filters)
    totals = month_totals(
        what,
        {row["month"]: row["total"] for row in rows},
        {month: row["budget"] for month, row in budgets.items()},
        {month: row["forecast"] for month, row in budgets.items() if row["is_partial"]},
    )
    covered = _covered(budgets.get(what.filters.last))
    drawn = months(
        parts.select(["month", "platform", "total"]).rename_columns(["month", "part", "cost"]),
        totals,
        colours(spending.platforms(what.published)),
        # A budget of some cost centres is no measure of all cost.
        budget_covers=covered if covered is not None and covered < 1 else None,
    )
    return Card.of(drawn, empty=NOTHING)


def _covered(row: dict[str, Any] | None) -> Decimal | None:
    """Which share of the month's cost has a budget."""
    if row is None or row["budget"] is None:
        return None
    whole: Decimal = row["cost"] + row["without"]
    return row["cost"] / whole if whole else Decimal(1)


def tiles(what: Asked, totals: dict[Any, Decimal]) -> tuple[Tile, ...]:
    """The month in figures; `totals` are the months' costs."""
    month = what.filters.last
    company = queries.company(what.published, what.viewer, what.filters)
    of = company.get(month)
    found = [_so_far(what, totals)]
    if (row := queries.budgets(what.published, what.viewer, what.filters).get(month)) is not None:
        found.append(_pace(what, row))
    if of is not None:
        before = company.get(months_before(month, 1))
        found += [
            Tile(
                "Run rate",
                short_money(of["annual_run_rate"]),
                f"a year at {month_name(month).split()[0]}’s pace",  # noqa: RUF001
            ),
            _per_user(of, before),
            _per_line(of),
            _attribution(of),
        ]
    else:
        found += bearers(what, totals.get(month, Decimal(0)))
    return tuple(found)


def _so_far(what: Asked, totals: dict[Any, Decimal]) -> Tile:
    month = what.filters.last
    total = totals.get(month, Decimal(0))
    label = f"{month_name(month)}" + (" so far" if is_running(what) else "")
    same = queries.same_days(what.published, what.viewer, what.filters, what.about.as_of)
    earlier = month_name(months_before(month, 1)).split()[0]
    if same is None or not same.before:
        before = totals.get(months_before(month, 1))
        return Tile(label, money(total), f"all of {earlier}: {money(before)}")
    change = same.total / same.before - 1
    until = f"the same days of {earlier}" if is_running(what) else earlier
    return Tile(
        label,
        money(total),
        f"{'above' if change > 0 else 'below'} {until}, {money(same.before)}",
        share(abs(change)),
    )


def _pace(what: Asked, row: dict[str, Any]) -> Tile:
    """Where the month ends, and the budget on the same line."""
    label = "At this pace" if row["is_partial"] else "Month’s end"  # noqa: RUF001
    covered = _covered(row)
    if not row["budget"] or covered is None:
        return Tile(label, money(row["forecast"]), "no budget is set", href="/budgets")
    reached = row["budgeted_forecast"]
    if reached is None:
        return Tile(label, money(row["forecast"]), "no day is final yet")
    over = reached - row["budget"]
    tone: Tone = "bad" if over > 0 else "good"
    whose = "" if covered == 1 else f"; budgets cover {share(covered)} of the cost"
    return Tile(
        label,
        money(row["forecast"]),
        f"{'over' if over > 0 else 'left of'} {money(row['budget'])}{whose}",
        short_money(abs(over)),
        tone,
        gauge=Gauge(float(reached / row["budget"])),
    )


def _per_user(of: dict[str, Any], before: dict[str, Any] | None) -> Tile:
    earlier = f"; {money(_decimal(before['cost_per_user']))} the month before" if before else ""
    return Tile(
        "Cost per active user",
        money(_decimal(of["cost_per_user"])),
        f"{count(of['active_users'])} people active{earlier}",
    )


_ROI: dict[str, Tone] = {
    "Excellent ROI": "good",
    "Good ROI": "good",
    "Acceptable ROI": "warn",
    "Review Required": "bad",
}


def _per_line(of: dict[str, Any]) -> Tile:
    return Tile(
        "Cost per accepted line",
        short_money(_decimal(of["cost_per_line_produced"])),
        f"{short_count(of['total_lines_produced'])} lines",
        of["roi_status"],
        _ROI.get(of["roi_status"], "quiet"),
    )


def _attribution(of: dict[str, Any]) -> Tile:
    rate = of["attribution_rate"]
    return Tile(
        "Has an owner",
        share(rate),
        f"of the cost; {money(of['unattributed_cost'])} has none",
        "" if rate is None else "aim 90 % met" if rate >= 0.9 else "below the aim of 90 %",
        "" if rate is None else "good" if rate >= 0.9 else "bad",
        href="/trust",
    )


def _decimal(value: float | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
