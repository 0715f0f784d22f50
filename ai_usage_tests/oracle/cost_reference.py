"""What `fact_ai_costs` must say of a company, worked out in plain Python from the design.

Works on the base tables' rows. The split of lines and rules is `reference_allocation`'s, the rule
of invoices `finance_reference`'s; the rest is loops over rows, one event at a time.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage_tests.oracle.budget_reference import add_budgets
from ai_usage_tests.oracle.event_reference import certainty, identity, list_micros
from ai_usage_tests.oracle.people import PRODUCTS, product_name
from ai_usage_tests.support.reference_allocation import (
    NOBODY,
    Bearer,
    Line,
    Part,
    Usage,
    allocate,
    moved,
)

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]
ZERO = Decimal(0)
ONE_TIME = ("one_time", "tax", "credit", "commitment")
NOTES = (
    "widened_to_model",
    "widened_to_workspace",
    "no_usage_of_its_own",
    "lines_usage_cannot_tell_apart",
    "tiers_share_the_line",
)
"""The words of a split's note, in their order."""


def costs(tables: Tables, cycles: Mapping[tuple[str, str, str, date], Row]) -> list[Row]:
    """The rows of the fact; `cycles`: invoice and status by platform, account, kind and day."""
    split = split_lines(tables)
    parts = [
        part
        for event in _billed(tables)
        for part in _parts_of(event, split.get(event["event_id"]), tables)
    ]
    rows = [_row(part, tables) for part in parts]
    add_budgets(rows, tables)
    for row in rows:
        place = (row["platform"], row["account"], row["invoiced_as"], row["day"])
        row |= cycles.get(place, {"invoice_id": None, "reconciliation_status": "pending"})
    return rows


def kind_of(event: Row) -> str:
    """The fact's cost_type of what raw events name in the vendor's words."""
    said = event["cost_type"]
    if said in ("subscription", "overage"):
        return str(said)
    return "one_time" if said in ONE_TIME else "usage"


# --- Lines, split by usage ---------------------------------------------------------------------


@dataclass
class _Piece:
    """A part of an event before somebody is looked up: who used it, what it costs and counts."""

    event: Row
    bearer: Bearer
    part: Part
    number: int = 1
    is_split: bool = False
    rule: Row | None = None
    rule_email: str | None = None
    rule_share: float = 1.0
    is_ruled: bool = False


def _billed(tables: Tables) -> list[Row]:
    return [event for event in tables["raw_ai_events"] if event["cost_usd"] is not None]


def is_line(event: Row) -> bool:
    """A line of a cost report names no bearer and is split; everything else bears its own cost.

    What a report leaves unnamed that names whom it can is nobody's: no other's usage is behind it.
    """
    return (
        event["event_type"] == "cost"
        and event["user_email"] is None
        and event["api_key_id"] is None
        and event["actor_name"] is None
        and event["vendor_user_id"] is None
        and event["attribution_method"] not in ("shared", "unnamed")
        and event["data_quality_score"] > 0
    )


def split_lines(tables: Tables) -> dict[str, list[Part]]:
    """The parts of every line, by event id."""
    return allocate(
        [
            Line(
                event_id=e["event_id"],
                day=e["event_date"],
                platform=e["platform"],
                workspace=e["workspace_id"],
                model=e["model"],
                tier=e["service_tier"],
                context=e["context_window"],
                token_type=e["token_type"],
                cost_type=e["cost_type"],
                dollars=e["cost_usd"],
            )
            for e in _billed(tables)
            if is_line(e)
        ],
        [
            Usage(
                day=e["event_date"],
                platform=e["platform"],
                workspace=e["workspace_id"],
                model=e["model"] or "",
                tier=e["service_tier"],
                context=e["context_window"] or "",
                bearer=Bearer(e["api_key_id"], e["user_email"], e["actor_name"]),
                uncached=e["input_tokens"],
                output=e["output_tokens"],
                cache_read=e["cache_read_tokens"],
                cache_write=e["cached_input_tokens"],
                write_5m=e["cache_write_5m_tokens"],
                write_1h=e["cache_write_1h_tokens"],
                searches=e["web_search_requests"],
                list_micros=list_micros(e, tables["dim_model_prices"]),
            )
            for e in tables["raw_ai_events"]
            if e["event_type"] == "usage"
        ],
    )


def _parts_of(event: Row, split: list[Part] | None, tables: Tables) -> list[_Piece]:
    """The event's parts as rules leave them; `split`: those of a line, by usage."""
    if split is None or split[0].level == 0:
        bearer = (
            Bearer(event["api_key_id"], event["user_email"], event["actor_name"])
            if split is None
            else NOBODY
        )
        requests = 1 if event["cost_type"] == "overage" else None
        whole = Part(bearer, event["cost_usd"], 0, searches=requests, confidence=Decimal(1))
        pieces = [_Piece(event, bearer, whole)]
    else:
        pieces = [_Piece(event, part.bearer, part, is_split=True) for part in split]
    found = [ruled for piece in pieces for ruled in _ruled(piece, tables)]
    for number, piece in enumerate(found, 1):
        piece.number = number
    return found


# --- Rules -------------------------------------------------------------------------------------


def _ruled(piece: _Piece, tables: Tables) -> list[_Piece]:
    event = piece.event
    rule = _rule_of(piece, tables["allocation_rules"])
    if rule is None:
        return [piece]
    weights = _bearers(rule, event["event_date"], tables)
    if not weights:
        return [replace(piece, rule=rule, is_ruled=rule["method"] == "equal_split")]
    whole = sum(weights.values())
    return [
        replace(
            piece,
            part=replace(piece.part, dollars=m.dollars, tokens=m.tokens, searches=m.searches),
            rule=rule,
            rule_email=m.email,
            rule_share=float(weights[m.email]) / float(whole),
            is_ruled=True,
        )
        for m in moved(piece.part, weights)
    ]


def _rule_of(piece: _Piece, rules: list[Row]) -> Row | None:
    """A key's rule before its workspace's, that before the platform's."""
    event = piece.event
    if event["data_quality_score"] <= 0:
        return None
    scopes = [("api_key", piece.bearer.api_key_id)] if piece.bearer.api_key_id else []
    if is_line(event):
        scopes.append(("workspace", event["workspace_id"]))
    for scope_type, value in [*scopes, ("platform", None)]:
        for rule in rules:
            if (
                rule["scope_type"] == scope_type
                and rule["platform"] == event["platform"]
                and (rule["scope_value"] or "") == (value or "")
                and rule["valid_from"] <= event["event_date"] <= rule["valid_to"]
            ):
                return rule
    return None


def _bearers(rule: Row, day: date, tables: Tables) -> dict[str, Decimal]:
    if rule["method"] == "manual":
        return {
            row["user_email"]: Decimal(row["weight"])
            for row in tables["allocation_rules"]
            if all(row[n] == rule[n] for n in ("rule_id", "platform", "valid_from", "valid_to"))
        }
    if rule["method"] == "equal_split":
        return {
            user["user_email"]: Decimal(1)
            for user in tables["dim_users"]
            if user["team"] == rule["team"]
            and user["is_active"]
            and user["user_sk"] > 0
            and user["effective_date"] <= day <= user["expiration_date"]
            and (user["start_date"] is None or user["start_date"] <= day)
        }
    return {}


# --- Who bears it ------------------------------------------------------------------------------


def _row(piece: _Piece, tables: Tables) -> Row:
    event, part, rule = piece.event, piece.part, piece.rule
    day, platform = event["event_date"], event["platform"]
    is_valid = event["data_quality_score"] > 0
    kind, value = "email", piece.rule_email
    if not piece.is_ruled:
        kind, value = next(
            (
                (kind, value)
                for kind, value in (
                    ("email", piece.bearer.user_email),
                    ("api_key_id", piece.bearer.api_key_id),
                    ("api_key_name", piece.bearer.key_name),
                    ("vendor_user_id", event["vendor_user_id"]),
                )
                if value is not None
            ),
            ("email", None),
        )
    if not is_valid:
        is_shared = False
    elif piece.is_ruled:
        is_shared = piece.rule_email is None
    else:
        is_shared = event["attribution_method"] == "shared"
    who = None if value is None else identity(tables, kind, value, platform, day)
    sk = who["user_sk"] if who else 0
    key_kind = "api_key_id" if piece.bearer.api_key_id else "api_key_name"
    key_value = piece.bearer.api_key_id or piece.bearer.key_name
    key = None if key_value is None else identity(tables, key_kind, key_value, platform, day)
    confidence = 0.0
    if is_shared:
        confidence = 1.0
    elif is_valid and who and sk != 0:
        confidence = certainty(who, day) * (1.0 if piece.is_ruled else float(part.confidence))
    user_sk = 0 if not is_valid else -1 if is_shared else sk
    person = next((u for u in tables["dim_users"] if u["user_sk"] == user_sk), None)
    if not is_valid:
        method = "unallocated"
    elif piece.is_ruled:
        method = str(rule and rule["method"])
    elif piece.is_split:
        method = "usage_based"
    else:
        method = "direct" if is_shared or sk != 0 else "unallocated"
    note = "nobody_active_in_team" if piece.is_ruled and piece.rule_email is None else None
    if not piece.is_ruled:
        note = ", ".join(word for word in NOTES if word in part.notes) or None
    own_center = key["cost_center"] if key and not key["is_owners_cost_center"] else None
    center = (
        (rule and rule["cost_center"])
        or event["cost_center"]
        or own_center
        or (who and who["cost_center"])
    )
    centers = {row["cost_center"]: row["cost_center_sk"] for row in tables["dim_cost_centers"]}
    product = event["platform_subtype"]
    if piece.bearer.api_key_id and key and key["platform_subtype"]:
        product = key["platform_subtype"]
    product = product_name(platform, product)
    said, dollars = kind_of(event), part.dollars
    days = event["billing_month_days"] or monthrange(day.year, day.month)[1]
    return {
        # What only the views' readable rows need.
        "day": day,
        "platform": platform,
        "product": product,
        "account": event["billing_account_id"] or "",
        "invoiced_as": {"subscription": "seat", "one_time": "other"}.get(said, "usage"),
        "email": person["user_email"] if person and user_sk > 0 else None,
        "cost_center": center if center in centers else None,
        # The fact's columns.
        "user_sk": user_sk,
        "platform_sk": PRODUCTS[product][0],
        "date_sk": day.year * 10_000 + day.month * 100 + day.day,
        "cost_center_sk": centers.get(center, 0),
        "event_id": event["event_id"],
        "event_part": piece.number,
        "api_key_id": piece.bearer.api_key_id,
        "model": event["model"],
        "billing_account_id": event["billing_account_id"],
        "workspace_id": event["workspace_id"],
        "base_cost_usd": ZERO if said == "overage" else dollars,
        "overage_cost_usd": dollars if said == "overage" else ZERO,
        "total_cost_usd": dollars,
        "allocated_cost_usd": dollars if user_sk > 0 else ZERO,
        "allocation_percentage": 100.0
        if event["cost_usd"] == 0
        else float(dollars / event["cost_usd"] * 100),
        "allocation_method": method,
        "billable_tokens": part.tokens,
        "billable_requests": part.searches,
        "billable_sessions": None,
        "subscription_units": piece.rule_share / days
        if said == "subscription" and event["billing_period"] in (None, "monthly")
        else None,
        "cost_per_token": _each(dollars, part.tokens),
        "cost_per_request": _each(dollars, part.searches),
        "cost_per_session": None,
        "cost_type": said,
        "billing_period": "transaction"
        if said == "one_time" or event["billing_period"] == "usage_based"
        else "monthly"
        if event["billing_period"] == "monthly"
        else "daily",
        "currency_code": event["cost_currency"] or "USD",
        "exchange_rate": event["exchange_rate"] or Decimal(1),
        "exchange_rate_date": event["exchange_rate_date"],
        "exchange_rate_source": event["exchange_rate_source"],
        "project_codes": next(
            (
                named
                for named in (
                    rule and rule["project_codes"],
                    event["project_codes"],
                    key and key["project_codes"],
                )
                if named
            ),
            who and who["project_codes"],
        ),
        "cost_confidence": 0.8
        if event["is_provisional"]
        else 0.9
        if event["is_rate_stale"]
        else 1.0,
        "allocation_confidence": confidence,
        "allocation_note": note,
        "is_provisional": event["is_provisional"],
        "cost_timestamp": event["event_timestamp"],
        "ingest_timestamp": event["ingest_timestamp"],
    }


def _each(dollars: Decimal, number: int | None) -> float | None:
    return float(dollars / number) if number else None
