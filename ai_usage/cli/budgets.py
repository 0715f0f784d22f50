"""`ai-usage reference propose-budgets`: the next quarter's budgets as a CSV to edit."""

from __future__ import annotations

import sys

from ai_usage.cli.filled import filled_warehouse
from ai_usage.errors import AiUsageError
from ai_usage.finance.proposal import MONTHS, Spent, proposal_csv, propose
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Warehouse

_SPENT = """
SELECT month, scope_type, scope_value, cost_to_date, one_time_cost, budget_usd, budget_category,
  is_partial, provisional_cost
FROM vw_budget_status
"""


def print_proposal(settings: Settings) -> None:
    """Print lines of budgets.csv. Raises `AiUsageError` where no month is final."""
    warehouse = filled_warehouse(settings, "vw_budget_status")
    proposal = propose(read_spent(warehouse), settings.today)
    if not proposal.months:
        raise AiUsageError(
            "no month is final yet: a proposal stands on the last "
            f"{MONTHS} months that are over, loaded whole, and no longer provisional."
        )
    sys.stdout.write(proposal_csv(proposal))


def read_spent(warehouse: Warehouse) -> list[Spent]:
    """What each scope cost in each month of the view."""
    return [
        Spent(
            row["month"],
            row["scope_type"],
            row["scope_value"],
            row["cost_to_date"],
            row["one_time_cost"],
            row["budget_usd"],
            row["budget_category"],
            is_final=not row["is_partial"] and row["provisional_cost"] == 0,
        )
        for row in warehouse.rows(_SPENT)
    ]
