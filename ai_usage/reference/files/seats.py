"""`seats.csv`: the contracts on seats, one line per contract and period of equal terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.days.cycles import LAST_BILLING_DAY, cycle_of
from ai_usage.reference.column import (
    CODE,
    CURRENCY,
    INTEGER,
    MONEY,
    RATE,
    TEXT,
    Column,
    Row,
    of_table,
)
from ai_usage.reference.currencies import USD
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.known import RATES, Others, missing_rates
from ai_usage.reference.periods import days_of, first_difference, in_order, overlaps
from ai_usage.reference.problems import Problem

_TABLE = "dim_seats"
_CONSTANT = ("platform", "platform_subtype", "currency", "pricing", "billing_day")
"""What a contract keeps while its quantity and price change: its months must close."""


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from overlaps(
        lines,
        lambda row: row["contract_id"],
        "the contract's days",
        "end the earlier terms with valid_to, or give the seats a contract_id of their own",
    )
    first: dict[str, Line] = {}
    for line in lines:
        known = first.setdefault(line.values["contract_id"], line)
        for column in _CONSTANT:
            if line.values[column] != known.values[column]:
                what = (
                    f"is {line.values[column]}, and {known.values[column]} in line {known.number} "
                    "of the same contract"
                )
                yield Problem(line.number, column, what, "begin a contract of another contract_id")


def _check_across(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
    yield from missing_rates(lines, others, _first_conversion)


def _first_conversion(row: Row) -> date:
    """A month's price is converted on the month's first day."""
    return cycle_of(row["valid_from"], row["billing_day"]).first


_FROM, _TO = days_of(_TABLE, start_required=True)

FILE = ReferenceFile(
    name="seats.csv",
    description="The contracts on seats: how many seats were bought, at what price a month, from "
    "when to when. A change of quantity or price is a further line of the contract.",
    columns=(
        of_table(_TABLE, "contract_id", description="Name of the contract.", required=True),
        of_table(_TABLE, "platform", kind=CODE, required=True),
        of_table(_TABLE, "platform_subtype", kind=CODE, required=True),
        of_table(_TABLE, "plan"),
        Column(
            "quantity",
            INTEGER,
            "Seats bought, whether or not somebody holds them.",
            required=True,
            maximum=1_000_000,
        ),
        Column("price", MONEY, "Price of one seat a month, in currency.", required=True),
        Column("currency", CURRENCY, "Currency of the prices.", default=USD),
        Column(
            _FROM.name,
            _FROM.kind,
            "First day on which the seats are bought on these terms.",
            required=True,
        ),
        Column(_TO.name, _TO.kind, "Last day of these terms. Empty: until further notice."),
        Column(
            "pricing",
            TEXT,
            "daily: each day of the month costs its share, borne by who holds the seat on it. "
            "full_month: a month is never charged in part: who first holds the seat in a month "
            "bears its whole price, spread over the days left, to the last day of the seats where "
            "they end within the month.",
            choices=("daily", "full_month"),
            default="daily",
        ),
        Column(
            "billing_day",
            INTEGER,
            "Day of the month on which the vendor's billing month begins: 1 is the calendar "
            "month. A month that does not have the day begins it on its last one. The price of a "
            "billing month is spread over its days exactly.",
            default=1,
            minimum=1,
            maximum=LAST_BILLING_DAY,
        ),
        Column(
            "billing_account_id",
            TEXT,
            "Account that the vendor bills for these seats, as invoices.csv names it.",
        ),
        Column("cost_center", TEXT, "Cost centre that bears the seats that nobody holds."),
        Column(
            "overage_rate",
            RATE,
            "Price of one unit, mostly a request, beyond what the seats cover, in currency. It "
            "describes the platform in dim_platforms; what overage costs, the vendor reports.",
        ),
    ),
    examples=(
        {
            "contract_id": "cursor-2026",
            "platform": "cursor",
            "platform_subtype": "cursor",
            "plan": "Business",
            "quantity": "40",
            "price": "40.00",
            "valid_from": "2026-01-01",
            "valid_to": "2026-06-30",
            "cost_center": "CC-100",
            "overage_rate": "0.04",
        },
        {
            "contract_id": "claude-team",
            "platform": "anthropic",
            "platform_subtype": "claude_web",
            "plan": "Team",
            "quantity": "12",
            "price": "25.00",
            "currency": "USD",
            "valid_from": "2026-01-01",
            "pricing": "full_month",
            "billing_account_id": "claude-team",
        },
    ),
    check_row=in_order,
    check_file=_check_file,
    check_across=_check_across,
    checked_against=(RATES,),
    changed_from=first_difference(),
)
