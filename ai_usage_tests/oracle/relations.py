"""What the references are held against: relations by name, and their unique keys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """A relation by name, and the columns that tell its rows apart."""

    name: str
    key: tuple[str, ...]

    @property
    def is_view(self) -> bool:
        return self.name.startswith("vw_")


RELATIONS = tuple(
    Relation(name, tuple(key.split()))
    for name, key in {
        "invoice_reconciliation": "platform invoice_id period_from period_to",
        "fact_ai_usage": "event_id",
        "fact_ai_costs": "event_id event_part",
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
