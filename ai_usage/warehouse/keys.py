"""The unique key of each table: what tells its rows apart."""

from __future__ import annotations

UNIQUE_KEYS: dict[str, tuple[str, ...]] = {
    "raw_ai_events": ("event_id",),
    "loaded_days": ("day", "platform", "source_endpoint"),
    "fact_ai_usage": ("event_id",),
    "fact_ai_costs": ("event_id", "event_part"),
    "closed_months": ("month", "platform_code", "platform_name", "user_sk", "cost_center"),
    "dim_users": ("user_sk",),
    "dim_platforms": ("platform_sk",),
    "dim_dates": ("date_sk",),
    "dim_cost_centers": ("cost_center_sk",),
    "api_key_mappings": ("mapping_id",),
    "bridge_user_identity": ("identity_type", "platform", "identity_value", "valid_from"),
    "dim_seats": ("seat_id",),
    "dim_budgets": ("scope_type", "scope_value", "valid_from"),
    "raw_invoices": ("platform", "invoice_id", "invoice_line"),
    "invoice_days": ("platform", "account", "cost_kind", "day", "invoice_id"),
    "invoice_reconciliation": ("platform", "invoice_id", "period_from", "period_to"),
}
"""The columns whose values identify a row."""
