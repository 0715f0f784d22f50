"""Charges that are not known: the check that names them, and what they are of a window.

Which records those are is `raw_ai_events.is_charge_unknown`, worked out when they are scored; they
are in no cost, and nothing that is built from the others waits for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import msgspec

from ai_usage.days.windows import Window
from ai_usage.orchestration.checks.metrics import MINIMUM_WEEKS
from ai_usage.orchestration.checks.sql_checks import subject_check
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.files import load

CHARGES_KNOWN = "charges_known"
CHARGE_SHARE = "charge_share"


@dataclass(frozen=True)
class UnknownCharges:
    """Records of a vendor's endpoint whose charge is not known: how many, and on which days."""

    platform: str
    source_endpoint: str
    days: tuple[date, ...]
    count: int

    @property
    def source(self) -> str:
        """The endpoint with its vendor, as checks and messages name it."""
        return f"{self.platform}.{self.source_endpoint}"


def unknown_charges(warehouse: Warehouse, window: Window) -> list[UnknownCharges]:
    """Of each endpoint, the window's records that bill or may bill an amount that is not known.

    By vendor and endpoint; empty where every charge is known. Days are UTC.
    """
    # A table of an older version has the column from now on.
    warehouse.ensure_table("raw_ai_events")
    bound = {"start": window.start, "end": window.end}
    found: dict[tuple[str, str], dict[date, int]] = {}
    for row in warehouse.rows(Query(load("checks", CHARGES_KNOWN), bound)):
        days = found.setdefault((row["platform"], row["source_endpoint"]), {})
        days[row["day"]] = row["records"]
    return [
        UnknownCharges(*source, tuple(sorted(days)), sum(days.values()))
        for source, days in sorted(found.items())
    ]


def charges_known_check(
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetChecksDefinition:
    """What every record bills is known: an error that holds back nothing."""
    return subject_check(
        "fact_ai_costs",
        CHARGES_KNOWN,
        "What every record bills is known. What is not known is in no cost; the month cannot be "
        "closed without saying why.",
        lambda window, today: {},
        lambda row: f"{row['platform']}.{row['source_endpoint']}",
        partitions,
        severity=dg.AssetCheckSeverity.ERROR,
        count=lambda row: int(row["records"]),
        shown=_example,
    )


MINIMUM_RECORDS = 20
"""Records of a day below which chance alone halves the share of those that are charged."""


def charge_share_check(
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetChecksDefinition:
    """An endpoint charges about as often, and as much a record, as on the same weekdays before.

    The second guard: it needs no flag, and sees what a reader takes for uncharged by mistake. Days
    that have settled are judged alone.
    """
    return subject_check(
        "raw_ai_events",
        CHARGE_SHARE,
        "The share of an endpoint's records with a charge, and their dollars a record, are at "
        "least half of the median of the last eight same weekdays.",
        lambda window, today: {"minimum_weeks": MINIMUM_WEEKS, "minimum_records": MINIMUM_RECORDS},
        lambda row: f"{row['platform']}.{row['source_endpoint']}",
        partitions,
    )


def _example(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a person needs to find the record and to see what is odd about it."""
    return {
        "day": row["day"],
        "source": f"{row['platform']}.{row['source_endpoint']}",
        "records": row["records"],
        "flags": _listed(row["validation_errors"] or ()),
        "record": record_text(row["raw_response"]),
    }


def record_text(raw: str | None) -> str | None:
    """A vendor's record in few words: its plain fields, or the text where it is no object."""
    if raw is None:
        return None
    try:
        record = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw
    if not isinstance(record, dict):
        return record if isinstance(record, str) else raw
    plain = [
        f"{name}: {value}"
        for name, value in record.items()
        if value is not None and not isinstance(value, dict | list)
    ]
    return ", ".join(plain) or raw


def _listed(flags: Sequence[str]) -> str:
    return ", ".join(flags)
