"""What each vendor bills for a day's use, by its own books: what its reports and invoices come to.

Seats and other contracts are in `purchases`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from ai_usage.simulator import github_copilot_books
from ai_usage.simulator.analytics_api import FIRST_DAY
from ai_usage.simulator.company import Company
from ai_usage.simulator.enterprise_books import enterprise_dollars

Billed = Callable[[Company, date], Decimal]
"""Exact dollars of a UTC day."""


def by_cursor(company: Company, day: date) -> Decimal:
    """Events that are charged: what a plan includes is not."""
    charged = (e.charged_cents for e in company.cursor_events(day) if e.is_chargeable)
    return sum(charged, Decimal()) / 100


def by_anthropic(company: Company, day: date) -> Decimal:
    """The Console's lines of cost."""
    return sum((line.cents for line in company.cost_lines(day)), Decimal()) / 100


def by_openai(company: Company, day: date) -> Decimal:
    """The organization's lines of cost."""
    return sum((line.dollars for line in company.openai_lines(day)), Decimal())


def by_github_copilot(company: Company, day: date) -> Decimal:
    """What goes beyond the month's pool."""
    spent = github_copilot_books.spending(company, day)
    return sum((spend.net for spend in spent), Decimal())


def by_claude_enterprise(company: Company, day: date) -> Decimal:
    """What goes beyond the seats, from the first day of the reports on."""
    dollars = enterprise_dollars(company, day).values() if day >= FIRST_DAY else ()
    return sum(dollars, Decimal())
