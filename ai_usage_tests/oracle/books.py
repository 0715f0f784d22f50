"""What finance maintains of a company: rules, seats, budgets, prices and invoices."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from ai_usage_tests.oracle.draw import Draw
from ai_usage_tests.oracle.events import CONTEXTS, MODELS, TOKEN_TYPES
from ai_usage_tests.oracle.people import CENTERS, EMPTY_TEAM, WORKSPACES, Row, Staff, projects
from ai_usage_tests.sql.company import FIRST_DAY, LAST_DAY, complete

ONE_DAY = timedelta(days=1)
OTHER_KINDS = ("one_time", "tax", "credit", "commitment")
WHOLE = 100_000_000
"""A hundred percent, in millionths of a percent."""


def rules(draw: Draw, staff: Staff, first: date, today: date) -> list[Row]:
    """Rules of every scope and method; those of one scope never overlap."""
    keys = [key for key in staff.keys if key.key_id]
    scopes: list[tuple[str, str, str | None]] = [
        *((key.platform, "api_key", key.key_id) for key in draw.some(keys, 1, 3)),
        *(("anthropic", "workspace", space) for space in draw.some(WORKSPACES, 0, 2)),
        *((name, "platform", None) for name in draw.some(["anthropic", "cursor", "github"], 0, 2)),
    ]
    rows: list[Row] = []
    for n, (platform, scope_type, scope_value) in enumerate(scopes):
        middle = draw.day(first, today)
        periods = draw.pick(
            [
                [(FIRST_DAY, LAST_DAY)],
                [(middle, LAST_DAY)],
                [(FIRST_DAY, middle)],
                [(FIRST_DAY, middle), (middle + ONE_DAY, LAST_DAY)],
            ]
        )
        for begun, ended in periods:
            head = {
                "rule_id": f"rule {n}",
                "platform": platform,
                "scope_type": scope_type,
                "scope_value": scope_value,
                "cost_center": draw.pick([None, None, *CENTERS, "CC-rule"]),
                "project_codes": projects(draw),
                "valid_from": begun,
                "valid_to": ended,
            }
            rows += [head | bearer for bearer in _bearers(draw, staff)]
    return [complete("allocation_rules", row) for row in rows]


def _bearers(draw: Draw, staff: Staff) -> list[Row]:
    method = draw.pick(["equal_split", "equal_split", "manual", "manual", "usage_based"])
    if method == "equal_split":
        return [{"method": method, "team": draw.pick(["Core", "Core", "Web", "Data", EMPTY_TEAM])}]
    if method == "usage_based":
        return [{"method": method}]
    people = draw.some([*staff.people, "gone@x.io"], 1, 3)
    cuts = sorted(draw.number(1, WHOLE - 1) for _ in people[1:])
    weights = [b - a for a, b in zip([0, *cuts], [*cuts, WHOLE], strict=True)]
    if draw.chance(0.4):
        weights = [WHOLE // len(people)] * len(people)
        weights[0] += WHOLE - sum(weights)
    return [
        {"method": method, "user_email": email, "weight": weight}
        for email, weight in zip(people, weights, strict=True)
        if weight > 0
    ]


def seats(draw: Draw, staff: Staff, first: date, today: date) -> list[Row]:
    """Seats held, shared, given up, renewed, doubled, and still a leaver's."""
    rows: list[Row] = []
    leavers = [row["user_email"] for row in staff.users if not row["is_active"]]
    for n in range(draw.number(5, 10)):
        platform, product = draw.pick(
            [
                ("cursor", "cursor"),
                ("anthropic", "claude_web"),
                ("github", "copilot"),
                ("anthropic", "claude_code"),
                ("github", "novel"),
            ]
        )
        begun = draw.pick([FIRST_DAY, draw.day(first, today), today, today - ONE_DAY])
        seat: Row = {
            "contract_id": f"C-{draw.number(1, 3)}",
            "platform": platform,
            "platform_subtype": product,
            "plan": draw.pick([None, "business"]),
            "user_email": draw.pick([None, *staff.people, *staff.people, "nobody@else.org"]),
            "valid_from": begun,
            "valid_to": draw.pick([LAST_DAY, LAST_DAY, today, draw.day(first, today)]),
            "monthly_price_usd": draw.pick([Decimal(40), Decimal(19), draw.cents(60)]),
            "pricing": draw.pick(["daily", "full_month"]),
            "billing_day": draw.pick([None, 1, draw.number(2, 31)]),
            "assignment_source": draw.pick(["seat_assignments.csv", "the vendor's members"]),
        }
        if n == 0 and leavers:
            seat |= {"user_email": draw.pick(leavers), "valid_from": first, "valid_to": LAST_DAY}
        elif n == 1:
            seat |= {"user_email": None, "leaver_email": draw.pick([*leavers, *staff.people])}
            seat |= {"valid_from": first, "valid_to": LAST_DAY}
        rows.append(seat)
        if seat["user_email"] and draw.chance(0.5):
            # The same again: beside it, as its renewal, or after a gap.
            gap = draw.pick([None, 1, 1, 2, 9])
            again = seat | {"contract_id": "C-9", "monthly_price_usd": draw.cents(60)}
            if gap and seat["valid_to"] < today:
                again |= {"valid_from": seat["valid_to"] + gap * ONE_DAY, "valid_to": LAST_DAY}
            rows.append(again)
    rows = [row for row in rows if row["valid_from"] <= row["valid_to"]]
    return [complete("dim_seats", row | {"seat_id": draw.identifier("seat_")}) for row in rows]


def budgets(draw: Draw, staff: Staff, first: date) -> list[Row]:
    """Budgets of people, teams and cost centres, in several currencies and periods."""
    scopes = [("person", email) for email in draw.some([*staff.people, "gone@x.io"], 2, 5)]
    scopes += [("team", team) for team in draw.some(["Core", "Web", "Data", EMPTY_TEAM, "-"], 1, 3)]
    scopes += [("cost_center", name) for name in draw.some([*CENTERS[:3], "CC-budget"], 1, 3)]
    scopes += [(kind, draw.pick(["Eng", "atlas", "-"])) for kind in ("department", "project")]
    middle = (first.replace(day=1) + timedelta(days=64)).replace(day=1)
    rows = []
    for scope_type, scope_value in scopes:
        periods = draw.pick(
            [
                [(FIRST_DAY, LAST_DAY)],
                [(middle, LAST_DAY)],
                [(FIRST_DAY, middle - ONE_DAY)],
                [(FIRST_DAY, middle - ONE_DAY), (middle, LAST_DAY)],
            ]
        )
        for begun, ended in periods:
            amount = draw.pick([Decimal(0), draw.cents(100), draw.cents(900), Decimal(5000)])
            row = {
                "scope_type": scope_type,
                "scope_value": scope_value,
                "monthly_budget_usd": amount,
                "budget_category": draw.pick([None, "tools"]),
                "valid_from": begun,
                "valid_to": ended,
                "budget_source": "budgets.csv",
                "amount": amount,
                "currency_code": "USD",
            }
            if draw.chance(0.4):
                rate = draw.pick([Decimal("1.0837"), Decimal("0.0067")])
                row |= {
                    "currency_code": "EUR",
                    "monthly_budget_usd": (amount * rate).quantize(Decimal("1e-9")),
                    "exchange_rate": rate,
                    "exchange_rate_date": begun,
                    "exchange_rate_source": "rates.csv",
                    "is_rate_stale": draw.chance(0.5),
                }
            rows.append(complete("dim_budgets", row))
    return rows


def prices(draw: Draw, first: date, today: date) -> list[Row]:
    """List prices by model, class, tier and context; some are missing, some change."""
    rows = []
    complete_models = draw.some(MODELS, 1, 3)
    for model in MODELS:
        for token_type in TOKEN_TYPES:
            for tier in ("standard", "batch"):
                for context in (None, *draw.some(CONTEXTS[1:3], 0, 1)):
                    if model not in complete_models and draw.chance(0.4):
                        continue
                    middle = draw.day(first, today)
                    periods = draw.pick(
                        [
                            [(FIRST_DAY, LAST_DAY)],
                            [(FIRST_DAY, middle), (middle + ONE_DAY, LAST_DAY)],
                        ]
                    )
                    rows += [
                        {
                            "platform": "anthropic",
                            "model": model,
                            "token_type": token_type,
                            "service_tier": tier,
                            "context_window": context,
                            "usd_per_million": Decimal(draw.number(1, 30_000)).scaleb(-3),
                            "valid_from": begun,
                            "valid_to": ended,
                        }
                        for begun, ended in periods
                    ]
    return [complete("dim_model_prices", row) for row in rows]


def invoices(draw: Draw, events: list[Row], first: date, today: date) -> list[Row]:
    """Invoices by cycle and account: exact ones, disputed ones, credits and corrections."""
    rows: list[Row] = []
    numbers = iter(range(1, 1000))
    for platform in ("anthropic", "cursor", "github"):
        plan = draw.pick(["months", "months", "crossing", "accounts", "few", "year"])
        for begun, ended in _cycles(draw, plan, first, today):
            accounts: list[str | None] = [draw.pick([None, None, "org"])]
            if plan == "accounts":
                # Several that nothing names, billed for the same days, share the cost.
                accounts = draw.some([None, "org", "sub-a", "sub-b"], 1, 3)
            for account in accounts:
                rows += _invoice(draw, events, platform, account, begun, ended, numbers)
    return [complete("raw_invoices", row) for row in rows]


def _cycles(draw: Draw, plan: str, first: date, today: date) -> list[tuple[date, date]]:
    months = sorted({(first + n * ONE_DAY).replace(day=1) for n in range((today - first).days + 1)})
    if plan in ("months", "accounts"):
        cycles = [(m, m.replace(day=monthrange(m.year, m.month)[1])) for m in months]
    elif plan == "crossing":
        starts = [m.replace(day=15) for m in months]
        cycles = [(a, b - ONE_DAY) for a, b in pairwise(starts)]
    elif plan == "year":
        begun = months[0].replace(month=1)
        cycles = [(begun, date(begun.year, 12, 31)), *_cycles(draw, "months", first, today)]
    else:
        cycles = [
            (begun, begun + draw.number(0, 40) * ONE_DAY)
            for begun in (draw.day(first, today) for _ in range(2))
        ]
    return draw.some(cycles, 1)


def _invoice(
    draw: Draw,
    events: list[Row],
    platform: str,
    account: str | None,
    begun: date,
    ended: date,
    numbers: Any,
) -> list[Row]:
    """The invoices of one account and cycle: one, or one by kind, or a correction too."""
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for event in events:
        if (
            event["platform"] == platform
            and begun <= event["event_date"] <= ended
            and event["cost_usd"] is not None
            and event["cost_type"] not in OTHER_KINDS
        ):
            kind = "seat" if event["cost_type"] == "subscription" else "usage"
            billed[kind] += event["cost_usd"]
    cents = {
        kind: billed[kind].quantize(Decimal("0.01"), ROUND_HALF_UP) for kind in ("usage", "seat")
    }
    off = draw.pick([Decimal(0), Decimal(0), Decimal("0.01"), draw.cents(50)])
    kinds = draw.pick([["usage", "seat"], ["usage", "seat"], ["usage"], ["seat"], []])
    lines: list[tuple[str, Decimal]] = [(kind, cents[kind]) for kind in kinds]
    if kinds and off:
        lines.append((kinds[0], off))
    lines += [
        (kind, draw.cents(90) * (-1 if kind == "credit" else 1))
        for kind in draw.some(["tax", "credit", "commitment"], 0 if kinds else 1, 2)
    ]
    groups = [lines]
    if len(lines) > 1 and draw.chance(0.4):
        groups = [lines[:1], lines[1:]]
    if draw.chance(0.15):
        # A correction: taken back and billed again.
        groups.append([(lines[0][0], -lines[0][1]), (lines[0][0], lines[0][1] + off)])
    in_euros = draw.chance(0.2)
    rate = Decimal("1.25")
    rows = []
    for group in groups:
        number = f"INV-{next(numbers):03d}"
        for n, (kind, amount) in enumerate(group, 1):
            rows.append(
                {
                    "invoice_id": number,
                    "invoice_line": n,
                    "platform": platform,
                    "billing_account_id": account,
                    "period_from": begun,
                    "period_to": ended,
                    "line_kind": kind,
                    "amount": amount / rate if in_euros else amount,
                    "currency_code": "EUR" if in_euros else "USD",
                    "amount_usd": amount,
                    "exchange_rate": rate if in_euros else Decimal(1),
                }
            )
    return rows
