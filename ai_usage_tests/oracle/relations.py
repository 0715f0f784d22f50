"""What is compared: each relation of before, its unique key, its name today, what may differ."""

from __future__ import annotations

from dataclasses import dataclass

CLOSING_TOTALS = "closing_totals"
"""The query by which a month is closed; not a table."""

RENAMED = {"invoice_days": "int_cycle_days"}
"""Relations of before that have another name today."""

ALLOWED: dict[tuple[str, str], str] = {
    ("fact_ai_costs", "billing_account_id"): "holds the account alone; the workspace stands beside",
    ("fact_ai_costs", "pipeline_run_id"): "says who wrote the row",
    ("fact_ai_usage", "pipeline_run_id"): "says who wrote the row",
}
"""Columns that may differ, and why. Columns and relations that are new are never compared."""


@dataclass(frozen=True)
class Relation:
    """A relation of before by name, and the columns that tell its rows apart."""

    name: str
    key: tuple[str, ...]

    @property
    def is_view(self) -> bool:
        return self.name.startswith("vw_")

    @property
    def today(self) -> str:
        """What it is called now."""
        return RENAMED.get(self.name, self.name)

    @property
    def ignored(self) -> frozenset[str]:
        """Its columns that may differ."""
        return frozenset(column for name, column in ALLOWED if name == self.name)


RELATIONS = tuple(
    Relation(name, tuple(key.split()))
    for name, key in {
        "invoice_days": "platform account cost_kind day invoice_id",
        "invoice_reconciliation": "platform invoice_id period_from period_to",
        "fact_ai_usage": "event_id",
        "fact_ai_costs": "event_id event_part",
        CLOSING_TOTALS: "month platform_code platform_name user_sk cost_center",
        "vw_adjustments": "month platform_code user_email cost_center status",
        "vw_attribution_gaps": "platform identity_type identity_value workspace_id reason",
        "vw_budget_status": "month scope_type scope_value",
        "vw_cost_allocation_detailed": "month department cost_center user_email platform_name",
        "vw_cost_by_project": (
            "month project_code department team cost_center platform_name platform_code"
        ),
        "vw_executive_dashboard": "month",
        "vw_idle_seats": "seat_id",
        "vw_loaded_days": "date platform_code",
        "vw_member_spend": "platform_code cycle_start member",
        "vw_reconciliation": "platform_code billing_account_id period_from period_to covers",
        "vw_team_productivity": "month user_email",
    }.items()
)
