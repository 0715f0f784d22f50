"""A company as the views' references read it: people, costs, usage and books in readable rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ai_usage_tests.oracle.companies import Company
from ai_usage_tests.oracle.cost_reference import kind_of
from ai_usage_tests.oracle.event_reference import certainty, identity, list_micros
from ai_usage_tests.oracle.people import PRODUCTS, product_name
from ai_usage_tests.sql import reference
from ai_usage_tests.sql.adjustments_reference import Ledger
from ai_usage_tests.sql.company import FIRST_DAY
from ai_usage_tests.sql.finance_reference import (
    BILLS,
    MEASURES,
    Books,
    cycles_of,
    reconciliation_view,
)

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]
ALL_MONTHS = 24
ODD_PRODUCTS = {
    "novel": (0, "github", "novel"),
    "mystery_all": (0, "mystery", "mystery"),
}
"""What seats and events name and the dimension lacks."""


def all_products() -> dict[str, tuple[int, str, str]]:
    """Every product that readable rows name: for `company.PLATFORMS`."""
    return PRODUCTS | ODD_PRODUCTS


def cycles(company: Company) -> dict[tuple[str, str, str, date], Row]:
    """Invoice and status by platform, account, kind and day of cost, as seen today."""
    events = [e for e in company.tables["raw_ai_events"] if e["cost_usd"] is not None]
    invoices = company.tables["raw_invoices"]
    lines: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for line in invoices:
        account = line["billing_account_id"] or ""
        lines[line["platform"], account, line["period_from"], line["period_to"]].append(line)
    named = {(e["platform"], e["billing_account_id"] or "") for e in events}
    costs = [
        {
            "day": e["event_date"],
            "person": "Shared",
            "platform": f"{e['platform']}_all",
            "cost_type": kind_of(e),
            "base_cost_usd": e["cost_usd"],
            "billing_account_id": e["billing_account_id"],
            "is_provisional": e["is_provisional"],
        }
        for e in events
    ]
    nobody = reference.Company([], costs, [], company.era.today, ALL_MONTHS, loaded(company.tables))
    judged = reconciliation_view(Books(nobody, [], [], invoices, [], []))
    status = {
        key[:4]: row["reconciliation_status"] for key, row in judged.items() if row["invoice_ids"]
    }
    found = {}
    for event in events:
        said, account = kind_of(event), event["billing_account_id"] or ""
        kind = {"subscription": "seat", "one_time": "other"}.get(said, "usage")
        place = (event["platform"], account, kind, event["event_date"])
        fitting = cycles_of(
            lines, named, event["platform"], account, BILLS.get(said), event["event_date"]
        )
        if fitting:
            cycle = fitting[0]
            own = lines[cycle]
            billing = [
                line["invoice_id"]
                for line in own
                if (line["line_kind"] if line["line_kind"] in ("usage", "seat") else "other")
                == kind
            ]
            found[place] = {
                "invoice_id": min(billing or [line["invoice_id"] for line in own]),
                "reconciliation_status": status[cycle[0], cycle[1] or None, *cycle[2:]],
            }
    return found


def loaded(tables: Tables) -> list[Row]:
    """Loaded days as `loaded_reference` takes them."""
    return [
        {
            "platform": row["platform"],
            "source_endpoint": row["source_endpoint"],
            "from": row["day"],
            "to": row["day"],
            "cost_kind": row["cost_kind"],
            "is_provisional": row["is_provisional"],
        }
        for row in tables["loaded_days"]
    ]


def people(tables: Tables) -> list[Row]:
    """Versions, each from its first day on."""
    return [
        {**row, "from": row["effective_date"]} if row["effective_date"] > FIRST_DAY else dict(row)
        for row in tables["dim_users"]
        if row["user_sk"] > 0
    ]


def usage(tables: Tables) -> list[Row]:
    """The usage and session events, by whom and of which product, with what they measure."""
    rows = []
    emails = {row["user_sk"]: row["user_email"] for row in tables["dim_users"]}
    for event in tables["raw_ai_events"]:
        if event["event_type"] not in ("usage", "session"):
            continue
        day, platform = event["event_date"], event["platform"]
        kind, value = next(
            (
                (kind, event[name])
                for kind, name in (
                    ("email", "user_email"),
                    ("api_key_id", "api_key_id"),
                    ("api_key_name", "actor_name"),
                    ("vendor_user_id", "vendor_user_id"),
                )
                if event[name] is not None
            ),
            ("email", None),
        )
        who = None if value is None else identity(tables, kind, value, platform, day)
        is_valid = event["data_quality_score"] > 0
        sk = who["user_sk"] if who and is_valid else 0
        product = event["platform_subtype"]
        if kind == "api_key_id" and who and who["platform_subtype"]:
            product = who["platform_subtype"]
        tokens = [
            event[name]
            for name in (
                "input_tokens", "output_tokens", "cached_input_tokens", "cache_read_tokens",
            )
        ]  # fmt: skip
        micros = list_micros(event, tables["dim_model_prices"])
        rows.append(
            {
                **{name: event[name] for name in MEASURES if name != "total_tokens"},
                "lines_added": event["lines_added"],
                "event_id": event["event_id"],
                "day": day,
                "person": {0: "Unattributed", -1: "Shared"}.get(sk, emails[sk]),
                "platform": product_name(platform, product),
                "user_sk": sk,
                "platform_sk": PRODUCTS[product_name(platform, product)][0],
                "total_tokens": None
                if tokens == [None] * 4
                else sum(number or 0 for number in tokens),
                "list_cost_usd": None if micros is None else Decimal(micros).scaleb(-6),
                "attribution_confidence": certainty(who, day) if who and sk else 0.0,
            }
        )
    return rows


def readable(company: Company, costs: list[Row], as_of: date, months: int) -> reference.Company:
    """People, costs and usage as seen from a day, in a window of so many months before."""
    tables = company.tables
    rows = [
        {
            **cost,
            "person": cost["email"] or ("Shared" if cost["user_sk"] == -1 else "Unattributed"),
            "platform": cost["product"],
            "cost_center": cost["cost_center"] or "Unassigned",
            "allocation_confidence": _in_millionths(cost["allocation_confidence"]),
            "billing_account_id": cost["account"] or None,
        }
        for cost in costs
    ]
    unknown = [e["event_date"] for e in tables["raw_ai_events"] if e["is_charge_unknown"]]
    return reference.Company(
        people(tables), rows, usage(tables), as_of, months, loaded(tables), unknown
    )


def _in_millionths(confidence: float) -> float:
    """As the finance view counts it: sums of floats differ in their last digits."""
    return float(Decimal(str(confidence)).quantize(Decimal("0.000001"), ROUND_HALF_UP))


def books(company: Company, seen: reference.Company) -> Books:
    """What finance maintains, with what the readable company has in its window."""
    tables = company.tables
    return Books(
        seen,
        seats=[{**s, "platform": s["platform_subtype"]} for s in tables["dim_seats"]],
        budgets=tables["dim_budgets"],
        invoices=tables["raw_invoices"],
        spend=[
            {**s, "user_email": s["user_email"] or s["vendor_user_id"]}
            for s in tables["raw_member_spend"]
            if seen.start <= s["snapshot_date"] <= seen.as_of and s["cycle_start"] >= seen.start
        ],
        reports=[
            e
            for e in tables["raw_ai_events"]
            if e["platform"] == "cursor"
            and e["event_type"] == "usage"
            and seen.start <= e["event_date"] <= seen.as_of
            and (e["cost_usd"] is not None or e["included_value_usd"] is not None)
        ],
    )


def ledger(company: Company, seen: reference.Company, closed: list[Row]) -> Ledger:
    """What was closed and what vendors said later."""
    tables = company.tables

    def of_vendor(row: Row, code: str) -> Row:
        return {**row, "platform": "unknown" if code == "unknown" else f"{code}_all"}

    return Ledger(
        seen,
        closed=[of_vendor(row, row["platform_code"]) for row in closed],
        restatements=[of_vendor(row, row["platform"]) for row in tables["raw_restatements"]],
        reports=[
            of_vendor(e, e["platform"]) | {"day": e["event_date"]} for e in tables["raw_ai_events"]
        ],
    )
