"""Three LookML dashboards: the company, its spend, its adoption."""

from __future__ import annotations

from dataclasses import dataclass

from ai_usage.looker.lookml import HEADER


@dataclass(frozen=True)
class Tile:
    """One picture: of which explore, which fields, drawn how, with a note that says what it is."""

    title: str
    explore: str
    kind: str
    fields: tuple[str, ...]
    note: str
    pivots: tuple[str, ...] = ()
    wide: bool = True


@dataclass(frozen=True)
class Dashboard:
    """A page of tiles, two a row where they are not wide."""

    name: str
    title: str
    description: str
    tiles: tuple[Tile, ...]


_COLUMNS, _BARS, _LINES, _TABLE = (
    "looker_column",
    "looker_bar",
    "looker_line",
    "looker_grid",
)

DASHBOARDS = (
    Dashboard(
        "company",
        "AI tools: the company",
        "What AI tools cost and give, month by month.",
        (
            Tile(
                "Cost by month",
                "vw_executive_dashboard",
                _COLUMNS,
                ("month_month", "sum_total_monthly_cost"),
                "US dollars; the running month holds the days so far.",
            ),
            Tile(
                "Active people by month",
                "vw_executive_dashboard",
                _LINES,
                ("month_month", "people"),
                "People with any usage in the month.",
                wide=False,
            ),
            Tile(
                "What people bear of the cost",
                "vw_executive_dashboard",
                _LINES,
                ("month_month", "attributed"),
                "The rest is shared or belongs to nobody known.",
                wide=False,
            ),
            Tile(
                "Invoices that do not tie",
                "vw_reconciliation",
                _TABLE,
                (
                    "invoice_ids",
                    "period_from_date",
                    "reconciliation_status",
                    "sum_invoiced_usd",
                    "sum_facts_usd",
                    "sum_difference_usd",
                ),
                "Usage and seats as billed and as reported, US dollars.",
            ),
        ),
    ),
    Dashboard(
        "spend",
        "AI tools: spend",
        "Cost by cost centre, project and product, budgets and idle seats.",
        (
            Tile(
                "Cost by cost centre and product",
                "vw_cost_allocation_detailed",
                _BARS,
                ("cost_center", "platform_name", "sum_total_cost"),
                "US dollars, organisation as it was on the day of the cost.",
                pivots=("platform_name",),
            ),
            Tile(
                "Cost by project",
                "vw_cost_by_project",
                _BARS,
                ("project_code", "sum_total_cost"),
                "Cost of several projects is split equally.",
                wide=False,
            ),
            Tile(
                "Budgets",
                "vw_budget_status",
                _TABLE,
                (
                    "month_month",
                    "scope_type",
                    "scope_value",
                    "sum_budget_usd",
                    "sum_cost_to_date",
                    "sum_forecast_cost",
                    "used",
                ),
                "Of cost centres and projects; never sum over both.",
                wide=False,
            ),
            Tile(
                "Seats that nobody needs",
                "vw_idle_seats",
                _TABLE,
                (
                    "platform_name",
                    "idle_reason",
                    "saves_from_date",
                    "exact_wasted_monthly_usd",
                ),
                "US dollars a month, and the first day that saves if they are given back before.",
            ),
        ),
    ),
    Dashboard(
        "adoption",
        "AI tools: adoption",
        "How teams use the tools, and what a line costs.",
        (
            Tile(
                "Lines kept by team",
                "vw_team_productivity",
                _BARS,
                ("team", "sum_monthly_lines_produced"),
                "Lines written by the AI and kept.",
            ),
            Tile(
                "Engagement by month",
                "vw_team_productivity",
                _LINES,
                ("month_month", "engagement"),
                "Active weekdays / weekdays that are loaded.",
                wide=False,
            ),
            Tile(
                "Proposals taken by month",
                "vw_team_productivity",
                _LINES,
                ("month_month", "suggestions_taken"),
                "Proposals accepted / proposals shown.",
                wide=False,
            ),
            Tile(
                "Teams",
                "vw_team_productivity",
                _TABLE,
                (
                    "team",
                    "people",
                    "engagement",
                    "sum_commits",
                    "sum_pull_requests",
                    "cost_of_a_line",
                ),
                "Teams below the smallest number of people show nothing.",
            ),
        ),
    ),
)
_COLUMNS_OF_A_ROW, _HEIGHT = 24, 8


def dashboard_text(dashboard: Dashboard) -> str:
    """The dashboard as LookML, which is YAML."""
    lines = [
        f"- dashboard: {dashboard.name}",
        f"  title: {_quoted(dashboard.title)}",
        "  layout: newspaper",
        f"  description: {_quoted(dashboard.description)}",
        "  elements:",
    ]
    row, column = 0, 0
    for number, tile in enumerate(dashboard.tiles, 1):
        width = _COLUMNS_OF_A_ROW if tile.wide else _COLUMNS_OF_A_ROW // 2
        if column + width > _COLUMNS_OF_A_ROW:
            row, column = row + _HEIGHT, 0
        lines += _tile(tile, number, row, column, width)
        column += width
    return HEADER + "\n" + "\n".join(lines) + "\n"


def _tile(tile: Tile, number: int, row: int, column: int, width: int) -> list[str]:
    lines = [
        f"  - name: tile_{number}",
        f"    title: {_quoted(tile.title)}",
        f"    note_text: {_quoted(tile.note)}",
        "    note_state: expanded",
        "    note_display: above",
        "    model: ai_usage",
        f"    explore: {tile.explore}",
        f"    type: {tile.kind}",
        f"    fields: [{_fields(tile, tile.fields)}]",
    ]
    if tile.pivots:
        lines.append(f"    pivots: [{_fields(tile, tile.pivots)}]")
    lines += [
        f"    sorts: [{_fields(tile, tile.fields[:1])}]",
        f"    row: {row}",
        f"    col: {column}",
        f"    width: {width}",
        f"    height: {_HEIGHT}",
    ]
    return lines


def _fields(tile: Tile, names: tuple[str, ...]) -> str:
    return ", ".join(f"{tile.explore}.{name}" for name in names)


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '\\"') + '"'
