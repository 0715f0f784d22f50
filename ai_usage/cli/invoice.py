"""`ai-usage invoice`: every invoice and whether it ties, or one of them, explained to the day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console

from ai_usage.cli.filled import filled_warehouse
from ai_usage.cli.harmless import say
from ai_usage.cli.invoices import Bill, find_bills
from ai_usage.cli.show import print_rows
from ai_usage.ledger.disputes import (
    COMPARED,
    Day,
    PartedDay,
    Parting,
    days_of_cycles,
    is_unloaded,
    partings,
)
from ai_usage.settings import Settings
from ai_usage.text.figures import money
from ai_usage.text.words import counted, ranges
from ai_usage.warehouse.base import Query, Warehouse

MOST_LINES = 10
"""Lines of a parted day that are shown, the largest first."""

_ALL = """
SELECT invoice_ids, CONCAT(CAST(period_from AS STRING), '..', CAST(period_to AS STRING)) AS period,
  invoice_total_usd AS billed, difference_usd AS difference, reconciliation_status AS status,
  platform_code AS platform, billing_account_id AS account
FROM vw_reconciliation
WHERE invoice_ids IS NOT NULL
ORDER BY period_from DESC, platform, account
"""
_ONE = """
SELECT *
FROM vw_reconciliation
WHERE invoice_ids IS NOT NULL AND platform_code = @platform
  AND COALESCE(billing_account_id, '') = @account
  AND period_from = @period_from AND period_to = @period_to
"""
_OTHER = ("invoiced_tax_usd", "invoiced_credit_usd", "invoiced_commitment_usd")


def list_invoices(console: Console, settings: Settings, how: str) -> None:
    """Print every invoiced cycle of the last two years, the newest first."""
    warehouse = filled_warehouse(settings, "vw_reconciliation")
    rows = warehouse.query(Query(_ALL))
    # What fits a terminal; CSV and JSON name platform and account, too.
    print_rows(console, rows.select(range(5)) if how == "table" else rows, how, in_cents=True)


def explain_invoice(
    console: Console,
    settings: Settings,
    invoice_id: str,
    platform: str | None,
    *,
    explain: bool,
) -> None:
    """Print what the invoice bills beside the facts; with `explain` where they part, and by what.

    Raises `AiUsageError` where there is no such invoice.
    """
    warehouse = filled_warehouse(settings, "vw_reconciliation")
    for bill in find_bills(warehouse, invoice_id, platform):
        for line in _told(warehouse, bill, explain=explain):
            say(console, line)


def _told(warehouse: Warehouse, bill: Bill, *, explain: bool) -> Iterator[str]:
    cycle = bill.cycle
    account = f", account {cycle.account}" if cycle.account else ""
    yield f"Invoice {bill.invoice_id} of {cycle.platform}{account}, {bill.period}"
    for line in bill.lines:
        yield f"  {line['line_kind']:<12}{_billed(line):>18}"
    yield f"  {'to pay':<12}{money(bill.total):>18}"
    if bill.others:
        yield (
            f"  With it {', '.join(bill.others)} bill the same cycle: they are compared with the "
            "facts together."
        )
    known = list(warehouse.rows(Query(_ONE, cycle.bound)))
    if not known:
        yield "  The cycle lies outside of vw_reconciliation, which holds two years."
        return
    (row,) = known
    yield from _compared(row)
    if explain:
        yield from _explained(warehouse, bill, row)
    elif row["reconciliation_status"] == "disputed":
        yield f"  `ai-usage invoice {bill.invoice_id} --explain` says where they part."


def _billed(line: Mapping[str, Any]) -> str:
    if line["currency_code"] == "USD":
        return money(line["amount_usd"])
    return f"{line['amount']:,.2f} {line['currency_code']} = {money(line['amount_usd'])}"


def _compared(row: Mapping[str, Any]) -> Iterator[str]:
    """Billed, in the facts, and the difference, by what is reconciled; then the status."""
    yield f"  {'':<12}{'billed':>18}{'in the facts':>18}{'difference':>18}"
    for name, _kind, billed, facts in COMPARED:
        if row[billed] or row[facts]:
            apart = row[billed] - row[facts]
            amounts = (money(row[billed]), money(row[facts]), money(apart, signed=True))
            yield f"  {name:<12}" + "".join(f"{amount:>18}" for amount in amounts)
    other = sum((row[name] for name in _OTHER), Decimal())
    if other or row["facts_other_usd"]:
        amounts = (
            money(other),
            money(row["facts_other_usd"]),
            money(row["other_difference_usd"], signed=True),
        )
        yield f"  {'other':<12}" + "".join(f"{amount:>18}" for amount in amounts)
    status, apart = row["reconciliation_status"], row["difference_usd"]
    if status == "reconciled":
        yield "  Reconciled: usage and seats tie to the cent."
    elif status == "disputed":
        yield f"  Disputed: usage and seats part by {money(apart, signed=True)}."
    else:
        yield f"  Pending: usage and seats part by {money(apart, signed=True)} so far."


def _explained(warehouse: Warehouse, bill: Bill, row: Mapping[str, Any]) -> Iterator[str]:
    """Where invoice and facts part, the lines of those days, and what is known to be open."""
    if is_unloaded(row):
        yield "  Days of the cycle were not loaded: what they cost is not known."
    for found in partings(warehouse, row):
        yield from _parted(found)
    yield from _restated(days_of_cycles(warehouse, bill.period).get(bill.cycle, []))
    yield from _residues(row)


def _parted(found: Parting) -> Iterator[str]:
    """The days on which usage, or seats, part, and what the facts have on them."""
    name = found.name.capitalize()
    if not found.days:
        apart = money(found.invoiced_usd - found.facts_usd, signed=True)
        yield f"  {name} part by {apart}: {found.reason}."
        return
    yield f"  {name} part on {ranges([day.day for day in found.days])}: {found.reason}."
    for day in found.days:
        yield from _lines_of(day)


def _lines_of(day: PartedDay) -> Iterator[str]:
    own = day.lines
    none = "" if own else ", nothing that it could bill"
    yield f"  {day.day}: {money(day.cost_usd)} in the facts{none}"
    for line in own[:MOST_LINES]:
        what = f"{line.what} {line.key}".strip()
        many = f" ({counted(line.lines, 'line')})" if line.lines > 1 else ""
        page = f"  {line.archive_page}" if line.archive_page else ""
        yield f"    {money(line.cost_usd):>14}  {what}{many}{page}"
    if len(own) > MOST_LINES:
        rest = sum((line.cost_usd for line in own[MOST_LINES:]), Decimal())
        yield f"    {money(rest):>14}  in {counted(len(own) - MOST_LINES, 'more line')}"


def _restated(days: list[Day]) -> Iterator[str]:
    changed = [day for day in days if day.restated_usd]
    if changed:
        total = sum((day.restated_usd for day in changed), Decimal())
        yield (
            f"  The vendor restated {ranges([day.day for day in changed])} by "
            f"{money(total, signed=True)} after they were final; `ai-usage changes` has what."
        )


def _residues(row: Mapping[str, Any]) -> Iterator[str]:
    """What is known to be missing or open, in dollars."""
    if row["provisional_usd"]:
        yield f"  The vendor may still change {money(row['provisional_usd'])} of it."
    if row["unallocated_usd"]:
        yield f"  {money(row['unallocated_usd'])} of it could be given to nobody."
    if row["code_execution_usd"]:
        yield f"  {money(row['code_execution_usd'])} is code execution, which no usage report has."
    if row["priority_tier_tokens"]:
        price = row["priority_tier_list_usd"]
        worth = f", {money(price)} at list price" if price is not None else ""
        yield (
            f"  {counted(row['priority_tier_tokens'], 'token')} of the Priority Tier{worth}: a "
            "commitment pays them, and no cost report has them."
        )
    if row["facts_difference_usd"]:
        yield (
            f"  The reports say {money(row['facts_difference_usd'], signed=True)} against the "
            "facts: `ai-usage run` rebuilds them."
        )
