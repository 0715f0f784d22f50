"""`platforms.csv`: adds to the platforms that the vendors' modules bring, and overrides them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ai_usage.reference.column import CODE, Row, of_table
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.problems import CellError, Problem
from ai_usage.warehouse.schema import PROVENANCE, table_schema

_TABLE = "dim_platforms"

_DERIVED = {"platform_sk", "base_subscription_cost_usd", "overage_rate_per_unit", *PROVENANCE}
"""Not for a person to set: a hash, the clock, and prices that come from the contracts."""

_OWN = {
    "platform_code": of_table(_TABLE, "platform_code", kind=CODE, required=True),
    "platform_subtype": of_table(_TABLE, "platform_subtype", kind=CODE, required=True),
    "category": of_table(
        _TABLE, "category", choices=("coding_assistant", "llm_api", "chat_interface")
    ),
    "cost_model": of_table(_TABLE, "cost_model", choices=("subscription", "usage_based", "hybrid")),
    "unit_type": of_table(_TABLE, "unit_type", choices=("tokens", "requests", "lines")),
    "billing_cycle": of_table(_TABLE, "billing_cycle", choices=("monthly", "annual")),
}


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    start, end = row["contract_start_date"], row["contract_end_date"]
    if start and end and end < start:
        what = f"{end} lies before contract_start_date {start}"
        yield "contract_end_date", CellError(what, "swap or fix them")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.values["platform_code"], line.values["platform_subtype"])
        first = seen.setdefault(key, line.number)
        if first != line.number:
            what = f"{'/'.join(key)} stands in line {first} too"
            yield Problem(line.number, "platform_subtype", what, "keep one of them")


FILE = ReferenceFile(
    name="platforms.csv",
    description="Platforms beyond those that the vendors' modules bring, and corrections to "
    "those: a filled cell overrides, an empty one leaves what is known.",
    columns=tuple(
        _OWN.get(name) or of_table(_TABLE, name)
        for name in ["platform_code", "platform_subtype"]
        + [
            name
            for name in table_schema(_TABLE).column_names
            if name not in _DERIVED | {"platform_code", "platform_subtype"}
        ]
    ),
    examples=(
        {
            "platform_code": "cursor",
            "platform_subtype": "cursor",
            "contract_start_date": "2026-01-01",
            "contract_end_date": "2026-12-31",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
)
