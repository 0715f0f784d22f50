"""Small companies as a finance person would write them, turned into rows of the warehouse's tables.

A row names the day, the person and the product; keys, versions and timestamps are filled in here,
every other column by the declared type. Belongs to no engine: the rows can be loaded into any.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from ai_usage.warehouse.schema import Column, table_schema

Row = dict[str, Any]

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(9999, 12, 31)
MEMBERS = {"Unattributed": 0, "Shared": -1}
PLATFORMS = {
    "cursor": (11, "cursor", "Cursor"),
    "claude_api": (21, "anthropic", "Claude API"),
    "claude_code": (22, "anthropic", "Claude Code"),
    "copilot": (31, "github", "Copilot"),
}
"""Product: its surrogate key, its vendor's code, its name."""
INVOICED_AS = {"subscription": "seat", "one_time": "other"}
"""The kind under which a cost_type is invoiced, where it is not usage."""


def tables(
    people: Iterable[Mapping[str, Any]],
    costs: Iterable[Mapping[str, Any]],
    usage: Iterable[Mapping[str, Any]],
    *,
    seats: Iterable[Mapping[str, Any]] = (),
    budgets: Iterable[Mapping[str, Any]] = (),
    invoices: Iterable[Mapping[str, Any]] = (),
    loaded: Iterable[Mapping[str, Any]] | None = None,
    reports: Iterable[Mapping[str, Any]] | None = None,
    spend: Iterable[Mapping[str, Any]] = (),
    keys: Iterable[Mapping[str, Any]] = (),
    closed: Iterable[Mapping[str, Any]] = (),
    restatements: Iterable[Mapping[str, Any]] = (),
    calendar: tuple[date, date] = (date(2024, 1, 1), date(2025, 12, 31)),
) -> dict[str, list[Row]]:
    """The tables that the views read.

    `people`: a row a version (user_email, from, full_name, department, team, cost_center); rows
    with one person_id are one person's, whose name in reports is the last one's address;
    `costs`: day, person, platform, optional cost_center, and columns of fact_ai_costs;
    `usage`: day, person, platform, and columns of fact_ai_usage;
    `seats`: seat_id, platform, and columns of dim_seats; `budgets`, `invoices`, `spend`, `keys`:
    columns of dim_budgets, raw_invoices, raw_member_spend, api_key_mappings; `closed`,
    `restatements`: platform, and columns of closed_months, raw_restatements; `reports`: day,
    platform, and columns of raw_ai_events. Without reports each cost was reported as it stands;
    `loaded`: platform (a vendor's code or *), from, to, and columns of loaded_days. Without it
    everybody has answered for all days from the first month with cost, usage or a report on.

    Any other platform of costs, usage, seats and reports is a product, one of `PLATFORMS`.
    """
    versions = _versions(people)
    costs, usage = list(costs), list(usage)
    reported = list(map(_reported, costs) if reports is None else reports)
    if loaded is None:
        loaded = all_loaded((row["day"] for row in (*costs, *usage, *reported)), calendar[1])
    centers = sorted(
        {row["cost_center"] for row in versions if row["cost_center"]}
        | {row["cost_center"] for row in costs if row.get("cost_center")}
    )
    center_sk = {center: 500 + index for index, center in enumerate(centers)}
    return {
        "dim_users": [complete("dim_users", row) for row in versions],
        "dim_dates": calendar_rows(*calendar),
        "dim_platforms": [
            complete(
                "dim_platforms",
                {
                    "platform_sk": sk,
                    "platform_code": code,
                    "platform_name": name,
                    "platform_subtype": subtype,
                },
            )
            for subtype, (sk, code, name) in PLATFORMS.items()
        ],
        "dim_cost_centers": [
            complete("dim_cost_centers", {"cost_center_sk": sk, "cost_center": center})
            for center, sk in [("Unknown", 0), *center_sk.items()]
        ],
        "fact_ai_costs": [_cost(row, versions, center_sk) for row in costs],
        "fact_ai_usage": [_usage(row, versions) for row in usage],
        "dim_seats": [_seat(row) for row in seats],
        "dim_budgets": [complete("dim_budgets", _open_ended(row)) for row in budgets],
        "raw_invoices": [_invoice_line(row, n) for n, row in enumerate(invoices, 1)],
        "raw_ai_events": [_report(row) for row in reported],
        "loaded_days": [row for given in loaded for row in _loaded(given)],
        "raw_member_spend": [_snapshot(row) for row in spend],
        "api_key_mappings": [complete("api_key_mappings", row) for row in keys],
        "closed_months": [_closed(row) for row in closed],
        "raw_restatements": [_restatement(row) for row in restatements],
    }


def all_loaded(seen: Iterable[date], until: date) -> list[Row]:
    """Everybody has answered from the first month with such a day on; `loaded` of `tables`."""
    first = min(seen, default=None)
    codes = {code for _sk, code, _name in PLATFORMS.values()}
    return [
        {"platform": code, "from": first.replace(day=1), "to": until}
        for code in (*sorted(codes), "*")
        if first
    ]


def judged(costs: Iterable[Mapping[str, Any]]) -> dict[str, list[Row]]:
    """Invoiced cycles that give each cost its `reconciliation_status`.

    One invoice a vendor, kind and day, so costs alike in these must have one status; vendors have
    one account.
    """
    statuses = {
        (
            PLATFORMS[cost["platform"]][1],
            INVOICED_AS.get(cost.get("cost_type") or "usage", "usage"),
            cost["day"],
        ): cost.get("reconciliation_status", "pending")
        for cost in costs
    }
    rows = [
        {
            "platform": vendor,
            "account": "",
            "cost_kind": kind,
            "day": day,
            "period_from": day,
            "period_to": day,
            "invoice_id": f"{kind} {day}",
            "is_first": True,
            "weight": 1,
            "reconciliation_status": status,
        }
        for (vendor, kind, day), status in statuses.items()
    ]
    found = {}
    for table in ("int_cycle_days", "int_cycle_status", "invoice_reconciliation"):
        columns = table_schema(table).column_names
        found[table] = [
            complete(table, {name: row[name] for name in columns if name in row}) for row in rows
        ]
    return found


def complete(table: str, row: Mapping[str, Any]) -> Row:
    """The row with every column that the DDL asks for: NULL where it may be, else a plain value."""
    if table == "dim_users" and row.keys() >= {"user_email"}:
        # Who is told of by one address has no other.
        row = {"person_id": row["user_email"], "person": row["user_email"], **row}
    columns = table_schema(table).columns
    unknown = row.keys() - {column.name for column in columns}
    if unknown:
        raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
    return {column.name: row.get(column.name, _default(column)) for column in columns}


def _default(column: Column) -> Any:
    if column.nullable:
        return None
    return {
        "STRING": "-",
        "INT64": 0,
        "FLOAT64": 1.0,
        "NUMERIC": Decimal(1),
        "BOOL": False,
        "DATE": FIRST_DAY,
        "TIMESTAMP": datetime(2025, 1, 1, tzinfo=UTC),
    }[column.type]


def _versions(people: Iterable[Mapping[str, Any]]) -> list[Row]:
    by_person: dict[str, list[Mapping[str, Any]]] = {}
    for row in people:
        by_person.setdefault(row.get("person_id") or row["user_email"], []).append(row)
    # Members 0 and -1 carry the dimension's own words, which no report may show.
    versions: list[Row] = [
        {"user_sk": 0, "user_email": "unknown", "is_current": True, "cost_center": None},
        {"user_sk": -1, "user_email": "shared", "is_current": True, "cost_center": None},
    ]
    for row in versions:
        row.update(effective_date=FIRST_DAY, expiration_date=LAST_DAY)
    sk = 1000
    for rows in by_person.values():
        rows = sorted(rows, key=lambda row: row.get("from") or FIRST_DAY)
        for index, row in enumerate(rows):
            sk += 1
            last = index == len(rows) - 1
            until = LAST_DAY if last else rows[index + 1]["from"] - timedelta(days=1)
            version = {key: value for key, value in row.items() if key != "from"}
            version.setdefault("cost_center", None)
            version.setdefault("is_active", True)
            version |= {
                "person_id": row.get("person_id") or row["user_email"],
                "person": rows[-1].get("person") or rows[-1]["user_email"],
            }
            version |= {
                "user_sk": sk,
                # The first version reaches back, so that early events find their person.
                "effective_date": row["from"] if index else FIRST_DAY,
                "expiration_date": until,
                "is_current": last,
            }
            versions.append(version)
    return versions


def version_on(versions: Iterable[Row], person: str, day: date) -> Row:
    """The version of the person that holds on the day."""
    member = MEMBERS.get(person)
    for row in versions:
        if member is not None and row["user_sk"] == member:
            return row
        named = person in (row["user_email"], row.get("person_id"))
        if named and row["effective_date"] <= day <= row["expiration_date"]:
            return row
    raise KeyError(f"nobody is called {person}")


def _cost(row: Mapping[str, Any], versions: list[Row], center_sk: Mapping[str, int]) -> Row:
    day, person = row["day"], row["person"]
    version = version_on(versions, person, day)
    base = row.get("base_cost_usd") or Decimal(0)
    overage = row.get("overage_cost_usd") or Decimal(0)
    center = row.get("cost_center") or version["cost_center"]
    values: Row = {
        "user_sk": version["user_sk"],
        "platform_sk": PLATFORMS[row["platform"]][0],
        "date_sk": _date_sk(day),
        "cost_center_sk": center_sk[center] if center else 0,
        "base_cost_usd": base,
        "overage_cost_usd": overage,
        "total_cost_usd": base + overage,
        "allocated_cost_usd": Decimal(0) if person in MEMBERS else base + overage,
        "allocation_confidence": 0.0 if person == "Unattributed" else 1.0,
        "cost_type": "overage" if overage else "usage",
        "reconciliation_status": "pending",
        "cost_timestamp": datetime(day.year, day.month, day.day, tzinfo=UTC),
    }
    given = {key: value for key, value in row.items() if value is not None}
    # How it is judged now is not the fact's to say: see `judged`.
    for name in ("day", "person", "platform", "cost_center", "reconciliation_status"):
        given.pop(name, None)
    return complete("fact_ai_costs", values | given)


def _usage(row: Mapping[str, Any], versions: list[Row]) -> Row:
    day = row["day"]
    values: Row = {
        "user_sk": version_on(versions, row["person"], day)["user_sk"],
        "platform_sk": PLATFORMS[row["platform"]][0],
        "date_sk": _date_sk(day),
        "event_timestamp": datetime(day.year, day.month, day.day, tzinfo=UTC),
    }
    given = {key: v for key, v in row.items() if key not in ("day", "person", "platform")}
    return complete("fact_ai_usage", values | given)


def _open_ended(row: Mapping[str, Any]) -> Row:
    return {"valid_from": FIRST_DAY, "valid_to": LAST_DAY, **row}


def _seat(row: Mapping[str, Any]) -> Row:
    product = row["platform"]
    vendor = {"platform": PLATFORMS[product][1], "platform_subtype": product}
    return complete("dim_seats", _open_ended(row) | vendor)


def _invoice_line(row: Mapping[str, Any], number: int) -> Row:
    values = {"invoice_line": number, "amount": row["amount_usd"], "currency_code": "USD"}
    return complete("raw_invoices", values | dict(row))


def _reported(cost: Mapping[str, Any]) -> Row:
    """The event that a cost came from, where every event has one part."""
    kind = cost.get("cost_type") or ("overage" if cost.get("overage_cost_usd") else "usage")
    own = kind in ("subscription", "one_time")
    amounts = (cost.get("base_cost_usd"), cost.get("overage_cost_usd"))
    return {
        "day": cost["day"],
        "platform": cost["platform"],
        "cost_usd": sum((a or Decimal(0) for a in amounts), Decimal(0)),
        "cost_type": "uncached_input_tokens" if kind == "usage" else kind,
        "billing_account_id": cost.get("billing_account_id") if own else None,
        "is_provisional": cost.get("is_provisional") or False,
    }


def _report(row: Mapping[str, Any]) -> Row:
    day, product = row["day"], row["platform"]
    values: Row = {
        "event_date": day,
        "event_timestamp": datetime(day.year, day.month, day.day, tzinfo=UTC),
        "platform": PLATFORMS[product][1],
        "platform_subtype": product,
        "event_type": "cost",
    }
    given = {key: value for key, value in row.items() if key not in ("day", "platform")}
    return complete("raw_ai_events", values | given)


def _snapshot(row: Mapping[str, Any]) -> Row:
    day = row["snapshot_date"]
    asked = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return complete("raw_member_spend", {"ingest_timestamp": asked, **row})


def _closed(row: Mapping[str, Any]) -> Row:
    _sk, code, name = PLATFORMS[row["platform"]]
    given = {key: value for key, value in row.items() if key != "platform"}
    return complete("closed_months", {"platform_code": code, "platform_name": name, **given})


def _restatement(row: Mapping[str, Any]) -> Row:
    before, after = (row.get(name) or Decimal(0) for name in ("value_before", "value_after"))
    values = {"measure": "cost_usd", "difference": after - before, **row}
    return complete("raw_restatements", values | {"platform": PLATFORMS[row["platform"]][1]})


def _loaded(row: Mapping[str, Any]) -> list[Row]:
    """The days of a platform's endpoint that brings cost: the vendor's, or finance's seats."""
    of_files = row["platform"] == "*"
    values = {
        "source_endpoint": "seats" if of_files else "costs",
        "cost_kind": "seat" if of_files else "usage",
        **{key: value for key, value in row.items() if key not in ("from", "to")},
    }
    days = range((row["to"] - row["from"]).days + 1)
    return [
        complete("loaded_days", values | {"day": row["from"] + timedelta(days=n)}) for n in days
    ]


def _date_sk(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


@cache
def calendar_rows(first: date, last: date) -> list[Row]:
    """One list for all companies: no test changes it."""
    days = ((first + timedelta(days=n)) for n in range((last - first).days + 1))
    return [
        complete(
            "dim_dates",
            {
                "date_sk": _date_sk(day),
                "date": day,
                "year": day.year,
                "month": day.replace(day=1),
                "day_of_month": day.day,
                "day_of_week": day.weekday(),
                "is_weekday": day.weekday() < 5,
                "days_in_month": monthrange(day.year, day.month)[1],
            },
        )
        for day in days
    ]
