"""Where disputed invoices part from the facts: worked out when the copy is made, for these alone.

The days are told by the rule of the command (`ledger/disputes.py`), which needs the reported lines
of single days. The copy has no events, so that their answer is kept: a few rows an invoice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from ai_usage.ledger.disputes import partings
from ai_usage.warehouse.base import Warehouse

MOST_LINES = 10
"""Lines of a parted day that are kept, the largest first; the rest is one line."""

_CYCLE = [
    ("platform_code", pa.string()),
    ("billing_account_id", pa.string()),
    ("period_from", pa.date32()),
    ("period_to", pa.date32()),
    ("kind", pa.string()),
]
_USD = pa.decimal128(38, 9)
SCHEMAS: Mapping[str, pa.Schema] = {
    "partings": pa.schema(
        [
            *_CYCLE,
            ("invoiced_usd", _USD),
            ("facts_usd", _USD),
            ("reason", pa.string()),
            ("days", pa.list_(pa.date32())),
        ]
    ),
    "parted_lines": pa.schema(
        [
            *_CYCLE,
            ("day", pa.date32()),
            ("what", pa.string()),
            ("key", pa.string()),
            ("archive_page", pa.string()),
            ("lines", pa.int64()),
            ("cost_usd", _USD),
        ]
    ),
}
"""Tables of the copy: a disputed cycle's kinds (usage, seats), and the lines of their days.

What is beyond `MOST_LINES` has no `what`; a day without lines has no row.
"""


def parted_tables(warehouse: Warehouse, cycles: Iterable[Mapping[str, Any]]) -> dict[str, pa.Table]:
    """The tables of `SCHEMAS`, of those rows of `vw_reconciliation` that are disputed."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    for cycle in cycles:
        if cycle["reconciliation_status"] != "disputed":
            continue
        named = {name: cycle[name] for name, _type in _CYCLE if name != "kind"}
        for found in partings(warehouse, cycle):
            own = {**named, "kind": found.name}
            told = {
                "invoiced_usd": found.invoiced_usd,
                "facts_usd": found.facts_usd,
                "reason": found.reason,
                "days": [day.day for day in found.days],
            }
            rows["partings"].append({**own, **told})
            for day in found.days:
                kept, rest = day.lines[:MOST_LINES], day.lines[MOST_LINES:]
                lines = [line._asdict() for line in kept]
                if rest:
                    more = {"lines": len(rest), "cost_usd": sum(line.cost_usd for line in rest)}
                    lines.append({"what": None, "key": None, "archive_page": None, **more})
                rows["parted_lines"] += [{**own, "day": day.day, **line} for line in lines]
    return {name: pa.Table.from_pylist(rows[name], schema) for name, schema in SCHEMAS.items()}
