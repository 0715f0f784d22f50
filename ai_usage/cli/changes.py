"""`ai-usage changes`: what vendors said later of days that they had already reported."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pyarrow as pa
from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.cli.show import print_rows
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import history
from ai_usage.ledger.restatements import Restatements
from ai_usage.ledger.rows import restatement_batches
from ai_usage.settings import Settings
from ai_usage.text.words import counted
from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.schema import table_schema

WHO = ("user_email", "actor_name", "api_key_id", "workspace_id")
"""Whom the vendor names, most telling first."""
ORDER = ("event_date", "platform", "source_endpoint", *WHO, "model", "measure", "seen_at")


def show_changes(
    console: Console,
    messages: Console,
    settings: Settings,
    window: Window,
    since: datetime | None,
    format_: str,
) -> None:
    """Print the restatements of the window that were seen from `since` on, from the archive alone.

    What is said beside them goes to `messages`, so that CSV and JSON stay clean.
    """
    archive = Archive.of(settings)
    found = Restatements(discovered_vendors(), archive, window, history(archive), since)
    batches = list(restatement_batches(found))
    schema = table_schema("raw_restatements").arrow_schema
    rows = pa.Table.from_batches(batches, schema).drop_columns("pipeline_run_id")
    rows = rows.sort_by([(name, "ascending") for name in ORDER])
    if format_ == "table" and rows.num_rows:
        print_rows(console, _short(rows), format_)
    elif format_ != "table":
        print_rows(console, rows, format_)
    for line in [*found.unreadable, _summary(rows, window)]:
        say(messages, line)


def _short(rows: pa.Table) -> pa.Table:
    """What fits into a terminal; the other formats give every column."""
    who = [next((row[n] for n in WHO if row[n]), None) for row in rows.select(WHO).to_pylist()]
    seen = [f"{at:%Y-%m-%d %H:%M}" for at in rows["seen_at"].to_pylist()]
    return pa.table(
        {
            "day": rows["event_date"],
            "endpoint": rows["source_endpoint"],
            "who": pa.array(who, pa.string()),
            "measure": rows["measure"],
            "before": rows["value_before"],
            "after": rows["value_after"],
            "difference": rows["difference"],
            "seen": pa.array(seen, pa.string()),
            "closed": pa.array(
                ["closed" if closed else "" for closed in rows["month_closed"].to_pylist()],
                pa.string(),
            ),
        }
    )


def _summary(rows: pa.Table, window: Window) -> str:
    if not rows.num_rows:
        return f"{window}: no vendor has restated a day that it had reported."
    dollars: dict[str, Decimal] = {}
    for row in rows.select(["platform", "measure", "difference"]).to_pylist():
        if row["measure"] == "cost_usd":
            dollars[row["platform"]] = dollars.get(row["platform"], Decimal()) + row["difference"]
    days = len(set(rows["event_date"].to_pylist()))
    said = ", ".join(f"{name} {amount:+,.2f}" for name, amount in sorted(dollars.items()))
    return (
        f"{counted(rows.num_rows, 'change')} on {counted(days, 'day')} of {window}; "
        f"cost in US dollars: {said or 'unchanged'}."
    )
