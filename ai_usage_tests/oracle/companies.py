"""Whole companies from a number: every base table, a few hundred events over three to four months.

The same seed gives the same company. An even one's readers know the vendor's words alone; an odd
one's have filled the neutral columns of `raw_ai_events` too, which must change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ai_usage_tests.oracle import books, history
from ai_usage_tests.oracle.draw import Draw
from ai_usage_tests.oracle.events import events
from ai_usage_tests.oracle.people import cost_centers, platforms, staff
from ai_usage_tests.sql.company import calendar_rows

Row = dict[str, Any]


@dataclass(frozen=True)
class Era:
    """The days that companies of a kind live through. Few, so that statements are rendered once."""

    first: date
    as_of: tuple[date, date]
    """Two days that the views are seen from, a month's end among them; the last one is today."""

    @property
    def today(self) -> date:
        return self.as_of[-1]

    @property
    def months(self) -> list[date]:
        """The first days of the months from the first day to today."""
        days = (self.today - self.first).days + 1
        return sorted({(self.first + timedelta(days=n)).replace(day=1) for n in range(days)})


ERAS = (
    Era(date(2025, 12, 5), (date(2026, 2, 28), date(2026, 3, 17))),
    Era(date(2024, 1, 1), (date(2024, 3, 13), date(2024, 4, 30))),
)
"""Over a turn of the year, begun and left within a month; over a leap day, up to a month's end."""


@dataclass(frozen=True)
class Company:
    """Base tables by name, and what is done with them."""

    seed: int
    era: Era
    tables: dict[str, list[Row]]
    closes: dict[date, datetime]
    """Months that are closed once the facts are built, and when."""


def company(seed: int) -> Company:
    """The company of the seed."""
    draw = Draw(seed)
    era = ERAS[seed // 2 % len(ERAS)]
    first, today = era.first, era.today
    people = staff(draw, first, today)
    raw = events(draw, people, first, today, neutral=seed % 2 == 1)
    rules = books.rules(draw, people, first, today)
    closed = history.closes(draw, first, today)
    named = [
        *(row["cost_center"] for row in (*people.users, *people.mappings, *raw, *rules)),
        "CC-budget",
    ]
    return Company(
        seed,
        era,
        {
            "dim_users": people.users,
            "bridge_user_identity": people.bridge,
            "api_key_mappings": people.mappings,
            "dim_platforms": platforms(),
            "dim_cost_centers": cost_centers(named),
            "dim_dates": calendar_rows(first.replace(day=1), date(today.year, 12, 31)),
            "dim_model_prices": books.prices(draw, first, today),
            "dim_seats": books.seats(draw, people, first, today),
            "dim_budgets": books.budgets(draw, people, first),
            "allocation_rules": rules,
            "raw_ai_events": raw,
            "raw_invoices": books.invoices(draw, raw, first, today),
            "raw_restatements": history.restatements(draw, raw, closed),
            "raw_member_spend": history.member_spend(draw, people, first, today),
            "loaded_days": history.loaded_days(draw, first, today),
        },
        closed,
    )
