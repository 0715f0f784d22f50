"""What the three views must say, worked out in plain Python from the design, not from the SQL.

Works on the readable rows that `company.tables` takes. Money is Decimal, a ratio is a Fraction
until the end; nothing here is set-based, everything is a loop that a person can follow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from ai_usage_tests.sql.company import FIRST_DAY, MEMBERS, PLATFORMS, all_loaded
from ai_usage_tests.sql.loaded_reference import COMPANY, Loaded

Row = dict[str, Any]
Key = tuple[Any, ...]
ZERO = Decimal(0)
MICRO = Decimal("0.000001")


@dataclass
class Company:
    """People by version, and the readable rows of both facts."""

    people: list[Row]
    costs: list[Row]
    usage: list[Row]
    as_of: date
    months: int
    loaded: list[Row] | None = None
    unknown_charges: list[date] = field(default_factory=list)
    """Days of the records whose charge is not known, one a record."""
    start: date = field(init=False)
    costs_seen: list[Row] = field(init=False)
    usage_seen: list[Row] = field(init=False)
    known: Loaded = field(init=False)
    people_given: list[Row] = field(init=False)
    """As they were given; the others are by the newest address of each person."""
    costs_given: list[Row] = field(init=False)
    usage_given: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        if self.loaded is None:
            self.loaded = all_loaded(
                (*(r["day"] for r in (*self.costs, *self.usage)), *self.unknown_charges), self.as_of
            )
        self._call_everybody_by_their_newest_address()
        self.known = Loaded(self.loaded, self.as_of)
        start = month_of(self.as_of)
        for _ in range(self.months):
            start = previous(start)
        self.start = start
        self.costs_seen = [r for r in self.costs if start <= r["day"] <= self.as_of]
        self.usage_seen = [r for r in self.usage if start <= r["day"] <= self.as_of]

    def _call_everybody_by_their_newest_address(self) -> None:
        """Rows with one `person_id` are one person's: then nothing else need know of renames."""
        newest = {
            row.get("person_id") or row["user_email"]: row["user_email"]
            for row in sorted(self.people, key=lambda r: r.get("from") or FIRST_DAY)
        }
        self.people_given = self.people
        self.costs_given, self.usage_given = self.costs, self.usage
        self.people = [
            {**row, "user_email": newest[row.get("person_id") or row["user_email"]]}
            for row in self.people
        ]
        self.costs = [{**r, "person": newest.get(r["person"], r["person"])} for r in self.costs]
        self.usage = [{**r, "person": newest.get(r["person"], r["person"])} for r in self.usage]

    def unknown_in(self, month: date) -> int:
        """Records of the month, up to `as_of`, whose charge is not known."""
        return sum(month_of(day) == month and day <= self.as_of for day in self.unknown_charges)

    def on(self, person: str, day: date) -> tuple[str, str, str | None]:
        """Department, team and cost centre of the person on a day."""
        if person in MEMBERS:
            return person, person, None
        held = [r for r in self.people if r["user_email"] == person]
        held.sort(key=lambda r: r.get("from") or FIRST_DAY)
        then = held[0]
        for version in held[1:]:
            if version["from"] <= day:
                then = version
        return (
            then.get("department") or "Unassigned",
            then.get("team") or "Unassigned",
            then.get("cost_center"),
        )

    def name(self, person: str) -> str:
        """The person's name today."""
        if person in MEMBERS:
            return person
        held = [r for r in self.people if r["user_email"] == person]
        return max(held, key=lambda r: r.get("from") or FIRST_DAY).get("full_name") or person


def month_of(day: date) -> date:
    return day.replace(day=1)


def previous(month: date) -> date:
    return month_of(month - timedelta(days=1))


def total_of(row: Row) -> Decimal:
    return (row.get("base_cost_usd") or ZERO) + (row.get("overage_cost_usd") or ZERO)


def ratio(over: Any, under: Any) -> float | None:
    """A quotient, or None if a term is missing or the lower one is 0."""
    if over is None or under is None or under == 0:
        return None
    return float(Fraction(over) / Fraction(under))


def known_sum(values: Iterable[Any]) -> Any:
    """The sum of what is reported; None if nothing is."""
    reported = [value for value in values if value is not None]
    return sum(reported) if reported else None


def split(amount: Decimal, weights: list[tuple[int, Key]]) -> list[Decimal]:
    """Parts in whole micro-dollars; what is left goes to the heaviest, the first by key."""
    if sum(weight for weight, _ in weights) == 0:
        weights_used = [1] * len(weights)
    else:
        weights_used = [weight for weight, _ in weights]
    whole = sum(weights_used)
    parts = [
        Decimal(int(Fraction(amount) * weight * 1_000_000 / whole)) * MICRO
        for weight in weights_used
    ]
    heaviest = min(range(len(weights)), key=lambda i: (-weights[i][0], weights[i][1]))
    parts[heaviest] += amount - sum(parts)
    return parts


def cost_view(company: Company) -> dict[Key, Row]:
    """vw_cost_allocation_detailed by (month, department, cost centre, person, product)."""
    lines: dict[Key, list[Row]] = defaultdict(list)
    for row in company.costs_seen:
        department, _, own_center = company.on(row["person"], row["day"])
        center = row.get("cost_center") or own_center or "Unassigned"
        product = PLATFORMS[row["platform"]][2]
        lines[month_of(row["day"]), department, center, row["person"], product].append(row)
    view: dict[Key, Row] = {}
    for key, rows in lines.items():
        month, department, center, person, product = key
        total = sum((total_of(r) for r in rows), ZERO)
        is_person = person not in MEMBERS
        last_team = company.on(person, max(r["day"] for r in rows))[1]
        today = company.on(person, date(9999, 1, 1))
        on_platform = [
            (k[0], total_of(r)) for k, v in lines.items() if (k[3], k[4]) == key[3:] for r in v
        ]
        now = sum((c for m, c in on_platform if m == month), ZERO)
        before = sum((c for m, c in on_platform if m == previous(month)), ZERO)
        vendor = PLATFORMS[rows[0]["platform"]][1]
        comparable = month > company.start and company.known.is_comparable(vendor, month)
        prev = before if comparable else None
        tokens = [r for r in rows if r.get("billable_tokens") is not None]
        requests = [r for r in rows if r.get("billable_requests") is not None]
        trust = _confidence(rows, lambda r: Fraction(str(_identity(r))))
        final = _confidence(rows, lambda r: Fraction(str(r.get("cost_confidence", 1.0))))
        status = {
            word: sum((total_of(r) for r in rows if _status(r) == word), ZERO)
            for word in ("reconciled", "pending", "disputed")
        }
        kinds = {
            word: sum((r.get("base_cost_usd") or ZERO for r in rows if _kind(r) == word), ZERO)
            for word in ("subscription", "usage", "one_time")
        }
        allocated = total if is_person else ZERO
        per_token = ratio(_total(tokens), known_sum(r["billable_tokens"] for r in tokens))
        view[key] = {
            "month": month,
            "department": department,
            "cost_center": center,
            "user_email": person,
            "platform_name": product,
            "base_cost": sum((r.get("base_cost_usd") or ZERO for r in rows), ZERO),
            "overage_cost": sum((r.get("overage_cost_usd") or ZERO for r in rows), ZERO),
            "total_cost": total,
            "allocated_cost": allocated,
            "avg_allocation_confidence": float(trust),
            "avg_cost_confidence": float(final),
            "billable_tokens": known_sum(r["billable_tokens"] for r in tokens),
            "billable_requests": known_sum(r["billable_requests"] for r in requests),
            "reconciled_cost": status["reconciled"],
            "pending_cost": status["pending"],
            "disputed_cost": status["disputed"],
            "cost_per_1k_tokens": None if per_token is None else per_token * 1000,
            "cost_per_request": ratio(
                _total(requests), known_sum(r["billable_requests"] for r in requests)
            ),
            "allocation_rate": ratio(allocated, total),
            "data_quality_tier": next(
                (
                    word
                    for limit, word in (("0.9", "High Confidence"), ("0.7", "Medium Confidence"))
                    if min(trust, final) >= Fraction(limit)
                ),
                "Low Confidence",
            ),
            "reconciliation_rate": ratio(status["reconciled"], total),
            "dispute_rate": ratio(status["disputed"], total),
            "prev_month_cost": prev,
            "cost_growth_mom": None if prev is None else ratio(now - prev, prev),
            "is_partial": company.known.is_partial(vendor, month),
            "loaded_days": len(company.known.days(vendor, month)),
            "growth_note": company.known.note(vendor, month),
            "unknown_charge_records": company.unknown_in(month),
            "platform_code": vendor,
            "full_name": company.name(person),
            "team": last_team,
            "current_department": today[0] if is_person else department,
            "current_team": today[1] if is_person else last_team,
            "current_cost_center": (today[2] or "Unassigned") if is_person else center,
            "subscription_cost": kinds["subscription"],
            "usage_cost": kinds["usage"],
            "one_time_cost": kinds["one_time"],
            "provisional_cost": _total([r for r in rows if r.get("is_provisional")]),
        }
    _add_budgets(view, lines)
    return view


def _add_budgets(view: dict[Key, Row], lines: dict[Key, list[Row]]) -> None:
    """A person's budget of a month, once, over that person's rows of the month."""
    people: dict[Key, list[Key]] = defaultdict(list)
    for key in view:
        people[key[0], key[3]].append(key)
    for keys in people.values():
        budgets = [r["budget_allocated_usd"] for k in keys for r in lines[k] if _budgeted(r)]
        spent = sum((view[k]["total_cost"] for k in keys), ZERO)
        budget = budgets[0] if budgets else None
        if budget is None:
            shares: list[Any] = [None] * len(keys)
            excess: list[Any] = [None] * len(keys)
        else:
            weights = [
                (
                    int(
                        (max(view[k]["total_cost"], ZERO) / MICRO).quantize(
                            Decimal(1), ROUND_HALF_UP
                        )
                    ),
                    (k[1], k[2], view[k]["platform_code"], k[4]),
                )
                for k in keys
            ]
            shares = split(budget, weights)
            excess = split(max(ZERO, spent - budget), weights)
        for key, share, over in zip(keys, shares, excess, strict=True):
            row = view[key]
            row["budget_allocated"] = share
            row["over_budget_amount"] = over
            row["budget_variance_pct"] = (
                None if share is None else ratio(row["total_cost"] - share, share)
            )
            row["budget_status"] = _budget_status(spent, budget)
            row["person_month_cost"] = spent
            row["person_month_budget"] = budget


def _budget_status(spent: Decimal, budget: Decimal | None) -> str:
    if budget is None:
        return "No Budget"
    if spent > budget * Decimal("1.1"):
        return "Over Budget"
    if spent > budget * Decimal("0.9"):
        return "Near Budget"
    return "Under Budget"


def _budgeted(row: Row) -> bool:
    return row.get("budget_allocated_usd") is not None


def _total(rows: list[Row]) -> Decimal:
    return sum((total_of(r) for r in rows), ZERO)


def _confidence(rows: list[Row], of: Callable[[Row], Fraction]) -> Fraction:
    dollars = sum(abs(total_of(r)) for r in rows)
    if dollars == 0:
        return sum((of(r) for r in rows), Fraction(0)) / len(rows)
    weighed = sum((of(r) * Fraction(abs(total_of(r))) for r in rows), Fraction(0))
    return weighed / Fraction(dollars)


def _identity(row: Row) -> float:
    default = 0.0 if row["person"] == "Unattributed" else 1.0
    return float(row.get("allocation_confidence", default))


def _status(row: Row) -> str:
    return str(row.get("reconciliation_status", "pending"))


def _kind(row: Row) -> str:
    return str(row.get("cost_type", "overage" if row.get("overage_cost_usd") else "usage"))


def team_view(company: Company) -> dict[Key, Row]:
    """vw_team_productivity by (month, person)."""
    used: dict[Key, list[Row]] = defaultdict(list)
    paid: dict[Key, list[Row]] = defaultdict(list)
    for row in company.usage_seen:
        used[month_of(row["day"]), row["person"]].append(row)
    for row in company.costs_seen:
        paid[month_of(row["day"]), row["person"]].append(row)
    view: dict[Key, Row] = {}
    for key in used.keys() | paid.keys():
        month, person = key
        rows = used.get(key, [])
        is_person = person not in MEMBERS
        department, team, _ = company.on(person, max(r["day"] for r in [*rows, *paid.get(key, [])]))
        lines = known_sum(r.get("lines_accepted") for r in rows)
        accepted, added = _both(rows, "lines_accepted", "lines_added")
        in_sessions, sessions = _both(rows, "lines_accepted", "session_count")
        taken, shown = _both(rows, "suggestions_accepted", "suggestions_shown")
        total = _total(paid.get(key, []))
        cost = total if is_person else ZERO
        days = {r["day"] for r in rows}
        counted = {day for day in company.known.days(COMPANY, month) if day.weekday() < 5}
        before = used.get((previous(month), person), [])
        comparable = month > company.start and company.known.is_comparable(COMPANY, month)
        prev = known_sum(r.get("lines_accepted") for r in before) if comparable else None
        view[key] = {
            "month": month,
            "department": department,
            "team": team,
            "user_email": person,
            "full_name": company.name(person),
            "monthly_sessions": known_sum(r.get("session_count") for r in rows),
            "monthly_lines_produced": lines,
            "monthly_tokens": known_sum(r.get("total_tokens") for r in rows),
            "avg_acceptance_rate": ratio(accepted, added),
            "avg_productivity_score": ratio(in_sessions, sessions),
            "active_days": len(days),
            "engagement_rate": ratio(len(days & counted), len(counted)) if is_person else None,
            "monthly_allocated_cost": cost,
            "cost_per_line": ratio(cost, lines),
            "lines_per_session": ratio(in_sessions, sessions),
            "prev_month_productivity": prev,
            "productivity_growth_mom": (
                None if lines is None or prev is None else ratio(lines - prev, prev)
            ),
            "is_partial": company.known.is_partial(COMPANY, month),
            "loaded_days": len(company.known.days(COMPANY, month)),
            "growth_note": company.known.note(COMPANY, month),
            "suggestion_acceptance_rate": ratio(taken, shown),
            "commits": known_sum(r.get("commits") for r in rows),
            "pull_requests": known_sum(r.get("pull_requests") for r in rows),
            "monthly_requests": known_sum(r.get("request_count") for r in rows),
            "monthly_total_cost": total,
            "active_weekdays": len(days & counted),
            "weekdays_so_far": len(counted),
            "acceptance_lines_accepted": accepted,
            "acceptance_lines_added": added,
            "session_lines_accepted": in_sessions,
            "session_count_with_lines": sessions,
            "suggestions_accepted": taken,
            "suggestions_shown": shown,
        }
    for row in view.values():
        mates = [
            other
            for other in view.values()
            if all(other[name] == row[name] for name in ("month", "department", "team"))
            and (other["user_email"] in MEMBERS) == (row["user_email"] in MEMBERS)
        ]
        _add_team(row, mates)
    return view


def _both(rows: list[Row], over: str, under: str) -> tuple[Any, Any]:
    """Both terms of a ratio, over the events that report both."""
    whole = [r for r in rows if r.get(over) is not None and r.get(under) is not None]
    return known_sum(r[over] for r in whole), known_sum(r[under] for r in whole)


def _add_team(row: Row, mates: list[Row]) -> None:
    is_person = row["user_email"] not in MEMBERS
    rate = row["avg_acceptance_rate"]
    rates = sorted(r["avg_acceptance_rate"] for r in mates if r["avg_acceptance_rate"] is not None)
    lines = sorted(
        r["monthly_lines_produced"] for r in mates if r["monthly_lines_produced"] is not None
    )
    costs = sorted(r["monthly_allocated_cost"] for r in mates)
    middle = median(rates)
    if not is_person or rate is None or middle is None:
        tier = "No Data"
    elif rate >= middle * 1.2 and rate > middle:
        tier = "Top Performer"
    elif rate >= middle:
        tier = "Above Average"
    elif rate >= middle * 0.8:
        tier = "Below Average"
    else:
        tier = "Needs Support"
    own_lines = row["monthly_lines_produced"]
    row |= {
        "team_size": len(mates) if is_person else 0,
        "team_total_lines": known_sum(r["monthly_lines_produced"] for r in mates),
        "team_total_cost": sum((r["monthly_allocated_cost"] for r in mates), ZERO),
        "productivity_rank": (
            1 + sum(other > own_lines for other in lines)
            if is_person and own_lines is not None
            else None
        ),
        "acceptance_rank": (
            1 + sum(other > rate for other in rates) if is_person and rate is not None else None
        ),
        "cost_efficiency_rank": (
            1 + sum(other < row["monthly_allocated_cost"] for other in costs) if is_person else None
        ),
        "performance_tier": tier,
        "team_median_acceptance_rate": middle,
        "team_median_lines_produced": median([float(n) for n in lines]),
        "team_median_cost": median([float(c) for c in costs]),
    }


def median(values: list[float]) -> float | None:
    """The middle of sorted values, or halfway between the two middle ones."""
    if not values:
        return None
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    return low + (high - low) * 0.5


def executive_view(company: Company) -> dict[Key, Row]:
    """vw_executive_dashboard by (month,)."""
    seen = [month_of(r["day"]) for r in [*company.costs_seen, *company.usage_seen]]
    seen += [month_of(d) for d in company.unknown_charges if company.start <= d <= company.as_of]
    if not seen:
        return {}
    months = [month_of(company.as_of)]
    while months[0] > min(seen):
        months.insert(0, previous(months[0]))
    view: dict[Key, Row] = {}
    for month in months:
        paid = [r for r in company.costs_seen if month_of(r["day"]) == month]
        used = [r for r in company.usage_seen if month_of(r["day"]) == month]
        row = _executive(month, paid, used, company.known)
        row["unknown_charge_records"] = company.unknown_in(month)
        comparable = company.known.is_comparable(COMPANY, month)
        before = view.get((previous(month),)) if comparable else None
        for name, of in (
            ("cost_growth_mom", "total_monthly_cost"),
            ("user_growth_mom", "active_users"),
            ("daily_cost_growth_mom", "daily_cost"),
        ):
            prev = before[of] if before else None
            row[name] = None if prev is None or row[of] is None else ratio(row[of] - prev, prev)
        view[month,] = row
    return view


def final_days(month: date, paid: list[Row], known: Loaded) -> list[date]:
    """The days that a pace stands on: loaded ones, and in a running month only what is final."""
    days = known.days(COMPANY, month)
    if not known.is_running(month):
        return days
    open_days = {r["day"] for r in paid if r.get("is_provisional")}
    closed = {r["day"] for r in paid if r["day"] in days} - open_days
    return [day for day in days if closed and day <= max(closed) and day not in open_days]


def _executive(month: date, paid: list[Row], used: list[Row], known: Loaded) -> Row:
    total = _total(paid)
    active = len({r["person"] for r in used if r["person"] not in MEMBERS})
    lines = known_sum(r.get("lines_accepted") for r in used)
    vendor = {
        code: _total([r for r in paid if PLATFORMS[r["platform"]][1] == code])
        for code in ("cursor", "anthropic")
    }
    unattributed = _total([r for r in paid if r["person"] == "Unattributed"])
    shared = _total([r for r in paid if r["person"] == "Shared"])
    partial = known.is_partial(COMPANY, month)
    final = final_days(month, paid, known)
    final_cost = _total([r for r in paid if r["day"] in final])
    days = len(final)
    run_rate: Decimal | None = total * 12
    if partial:
        run_rate = (
            Decimal(int(Fraction(final_cost) * 365 * 1_000_000 / days)) * MICRO if days else None
        )
    per_line = None if not lines else Fraction(total) / lines
    return {
        "month": month,
        "total_monthly_cost": total,
        "allocated_monthly_cost": total - unattributed - shared,
        "cost_per_user": ratio(total, active),
        "cursor_cost_share": ratio(vendor["cursor"], total),
        "anthropic_cost_share": ratio(vendor["anthropic"], total),
        "total_lines_produced": lines,
        "cost_per_line_produced": ratio(total, lines),
        "avg_acceptance_rate": ratio(*_both(used, "lines_accepted", "lines_added")),
        "annual_run_rate": run_rate,
        "roi_status": (
            "No Data"
            if per_line is None
            else next(
                (
                    word
                    for limit, word in (
                        ("0.10", "Excellent ROI"),
                        ("0.25", "Good ROI"),
                        ("0.50", "Acceptable ROI"),
                    )
                    if per_line <= Fraction(limit)
                ),
                "Review Required",
            )
        ),
        "is_partial": partial,
        "loaded_days": len(known.days(COMPANY, month)),
        "growth_note": known.note(COMPANY, month),
        "active_users": active,
        "unattributed_cost": unattributed,
        "shared_cost": shared,
        "attribution_rate": ratio(total - unattributed, total),
        "cursor_cost": vendor["cursor"],
        "anthropic_cost": vendor["anthropic"],
        "other_platforms_cost": total - vendor["cursor"] - vendor["anthropic"],
        "suggestion_acceptance_rate": ratio(
            *_both(used, "suggestions_accepted", "suggestions_shown")
        ),
        "final_days": days,
        "daily_cost": ratio(final_cost, days),
    }
