"""The cloud's bills as files in the FOCUS format, and what the company says of them.

Source of the columns: the FOCUS 1.0 specification's Cost and Usage dataset. A first and a
corrected file of a month lie side by side, each with the time at which it came.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from ai_usage.simulator.cloud_books import (
    ACCOUNT,
    COMMITMENT,
    ELSEWHERE,
    MODELS,
    PLATFORM,
    PROVIDER,
    TEAMS,
    UNMAPPED,
    Bill,
    Charge,
    bills,
)
from ai_usage.simulator.company import Company
from ai_usage.simulator.money_files import Cell, Rows
from ai_usage.simulator.purchases import contract_start, month_first

COLUMNS: Final = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountId",
    "EffectiveCost",
    "ListCost",
    "ProviderName",
    "RegionId",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "Tags",
)
MAPPING_COLUMNS: Final = (
    "provider",
    "service",
    "treatment",
    "platform",
    "platform_subtype",
    "person_tag",
    "team_tag",
    "project_tag",
    "key_tag",
    "valid_from",
    "valid_to",
)


def write_bills(company: Company, folder: str | Path, since: date) -> list[Path]:
    """Write the bills that have come, of months from that of `since` on, into the folder."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    return [_write(target, bill) for bill in bills(company, since)]


def mapping_rows() -> Rows:
    """Which services are AI tools; of `UNMAPPED` nobody has said it."""
    tool: dict[str, Cell] = {
        "service": MODELS,
        "treatment": "include",
        "platform": PLATFORM,
        "platform_subtype": PLATFORM,
        "person_tag": "owner",
        "team_tag": "team",
        "project_tag": "project",
    }
    others: Rows = [{"service": service, "treatment": "exclude"} for service in ELSEWHERE]
    return [
        {**dict.fromkeys(MAPPING_COLUMNS), "provider": PROVIDER, **row} for row in (tool, *others)
    ]


def cloud_platform() -> dict[str, Cell]:
    """The platform, as platforms.csv declares it."""
    return {
        "platform_code": PLATFORM,
        "platform_subtype": PLATFORM,
        "platform_name": MODELS,
        "vendor": PROVIDER,
        "category": "llm_api",
        "primary_use_case": "Models that run in the cloud",
        "cost_model": "usage_based",
        "unit_type": "tokens",
        "billing_cycle": "monthly",
    }


def cloud_rules(company: Company) -> Rows:
    """What a team is tagged with, its members share."""
    return [
        {
            "rule_id": f"cloud-{team.lower().replace(' ', '-')}",
            "platform": PLATFORM,
            "scope_type": "workspace",
            "scope_value": team,
            "method": "equal_split",
            "team": team,
            "valid_from": contract_start(company),
        }
        for team in TEAMS
    ]


def _write(folder: Path, bill: Bill) -> Path:
    name = f"cloud-{bill.month:%Y-%m}{'' if bill.version == 1 else '-corrected'}.csv"
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_lines(bill))
    at = bill.came.timestamp()
    os.utime(path, (at, at))
    return path


def _lines(bill: Bill) -> Iterator[dict[str, str]]:
    for charge in bill.charges:
        start, end = _period(charge)
        billed = Decimal(charge.micros).scaleb(-6)
        tags = {"owner": charge.email, "team": charge.team, "project": charge.project}
        said = {key: value for key, value in tags.items() if value}
        is_bought = charge.category == "Purchase"
        yield {
            "BilledCost": f"{billed:f}",
            "BillingAccountId": ACCOUNT,
            "BillingAccountName": "Example Group",
            "BillingCurrency": "EUR",
            "BillingPeriodStart": _text(bill.month),
            "BillingPeriodEnd": _text(month_first(bill.month, 1)),
            "ChargeCategory": charge.category,
            "ChargeClass": "Correction" if charge.is_correction else "",
            "ChargeDescription": charge.description,
            "ChargeFrequency": "Recurring" if is_bought else "Usage-Based",
            "ChargePeriodStart": start,
            "ChargePeriodEnd": end,
            "CommitmentDiscountId": COMMITMENT if is_bought and charge.service == MODELS else "",
            "EffectiveCost": f"{billed:f}",
            "ListCost": f"{billed * Decimal('1.25'):f}" if charge.category == "Usage" else "",
            "ProviderName": PROVIDER,
            "RegionId": "europe-west4",
            "ServiceCategory": "AI and Machine Learning"
            if charge.service in (MODELS, UNMAPPED)
            else "Compute",
            "ServiceName": charge.service,
            "SkuId": charge.description.lower().replace(" ", "-"),
            "Tags": json.dumps(said) if said else "",
        }


def _period(charge: Charge) -> tuple[str, str]:
    if charge.hour is not None:
        start = datetime.combine(charge.first, time(charge.hour), UTC)
        return _instant(start), _instant(start + timedelta(hours=1))
    return _text(charge.first), _text(charge.last + timedelta(days=1))


def _text(day: date) -> str:
    return _instant(datetime.combine(day, time(), UTC))


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
