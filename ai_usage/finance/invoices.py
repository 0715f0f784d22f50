"""Rows of `raw_invoices` from `invoices.csv`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from ai_usage.finance.currency import ONE, Rates
from ai_usage.finance.exact import rounded_shares
from ai_usage.reference.column import Row
from ai_usage.reference.files.invoices import RECONCILED


def raw_invoices(rows: Iterable[Row], rates: Rates) -> list[dict[str, Any]]:
    """One row per line of an invoice, numbered within it in the file's order from 1.

    US dollars at the rate of `period_from`. What is converted is rounded to the cent line by line
    so that the usage lines of all invoices of an account, cycle and currency together are their
    rounded sum, and so are their seat lines and the other ones: as they are reconciled. Raises
    `ReferenceFileError` where a rate is missing.
    """
    rows = list(rows)
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        groups[_rounded_with(row)].append(at)
    dollars: dict[int, Decimal] = {}
    for places in groups.values():
        shares = _dollars([rows[at] for at in places], rates)
        dollars.update(zip(places, shares, strict=True))
    numbers: Counter[tuple[str, str]] = Counter()
    found = []
    for at, row in enumerate(rows):
        invoice = (row["platform"], row["invoice_id"])
        numbers[invoice] += 1
        rate = rates.usd(row["currency"], row["period_from"])
        found.append(
            {
                "invoice_id": row["invoice_id"],
                "invoice_line": numbers[invoice],
                "platform": row["platform"],
                "billing_account_id": row["billing_account_id"],
                "period_from": row["period_from"],
                "period_to": row["period_to"],
                "line_kind": row["line_kind"],
                "amount": row["amount"],
                "currency_code": row["currency"],
                "amount_usd": dollars[at],
                "exchange_rate": rate.rate,
                "exchange_rate_date": rate.rate_date,
                "exchange_rate_source": rate.source,
            }
        )
    return found


def _rounded_with(row: Row) -> tuple[Any, ...]:
    """Lines that are reconciled as one sum, whichever of the cycle's invoices they are on."""
    kind = row["line_kind"] if row["line_kind"] in RECONCILED else None
    cycle = (row["platform"], row["billing_account_id"], row["period_from"], row["period_to"])
    return (*cycle, row["currency"], kind)


def _dollars(rows: Sequence[Row], rates: Rates) -> list[Decimal]:
    rate = rates.usd(rows[0]["currency"], rows[0]["period_from"])
    amounts: list[Decimal] = [row["amount"] for row in rows]
    return amounts if rate is ONE else rounded_shares(amounts, rate.rate)
