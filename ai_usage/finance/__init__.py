"""What the maintained files mean in money: seats, other costs, budgets, invoices, rules, prices.

Pure functions over the rows of the reference files: no clock, no network, no warehouse; money is
`Decimal`. Reading and refusing the files is in `ai_usage.reference`, writing tables in
`ai_usage.orchestration.assets`.
"""

from ai_usage.finance.budgets import dim_budgets
from ai_usage.finance.budgets import joined as joined_budgets
from ai_usage.finance.contracts import Contract, Terms, read_contracts
from ai_usage.finance.currency import Rate, Rates
from ai_usage.finance.events import OTHER_COSTS, SEATS, FinanceEvents
from ai_usage.finance.holders import Holders, read_holders
from ai_usage.finance.invoices import raw_invoices
from ai_usage.finance.list_prices import list_prices
from ai_usage.finance.other_costs import other_cost_events
from ai_usage.finance.prices import dim_model_prices
from ai_usage.finance.rules import allocation_rules
from ai_usage.finance.seating import Seating, affected_from, assign_seats
from ai_usage.finance.seats import dim_seats, seat_events
from ai_usage.finance.too_many import too_many_holders
from ai_usage.finance.untold import Untold, untold_seats
from ai_usage.finance.what_moved import Books, Metered, Moved, Part, what_moved

__all__ = [
    "OTHER_COSTS",
    "SEATS",
    "Books",
    "Contract",
    "FinanceEvents",
    "Holders",
    "Metered",
    "Moved",
    "Part",
    "Rate",
    "Rates",
    "Seating",
    "Terms",
    "Untold",
    "affected_from",
    "allocation_rules",
    "assign_seats",
    "dim_budgets",
    "dim_model_prices",
    "dim_seats",
    "joined_budgets",
    "list_prices",
    "other_cost_events",
    "raw_invoices",
    "read_contracts",
    "read_holders",
    "seat_events",
    "too_many_holders",
    "untold_seats",
    "what_moved",
]
