"""`ai-usage reference propose-budgets`: the next quarter's budgets as a CSV to edit."""

from __future__ import annotations

import sys

from ai_usage.cli.filled import filled_warehouse
from ai_usage.errors import AiUsageError
from ai_usage.finance.proposal import MONTHS, proposal_csv, propose, spent
from ai_usage.settings import Settings


def print_proposal(settings: Settings) -> None:
    """Print lines of budgets.csv. Raises `AiUsageError` where no month is final."""
    warehouse = filled_warehouse(settings, "vw_budget_status")
    proposal = propose(map(spent, warehouse.rows("SELECT * FROM vw_budget_status")), settings.today)
    if not proposal.months:
        raise AiUsageError(
            "no month is final yet: a proposal stands on the last "
            f"{MONTHS} months that are over, loaded whole, and no longer provisional."
        )
    sys.stdout.write(proposal_csv(proposal))
