"""What finance's further views must say, worked out in plain Python from the design.

Like `reference`: loops over the readable rows of `company.tables`, one day or one dollar at a time;
nothing is shared with the SQL.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from ai_usage_tests.sql.company import FIRST_DAY, LAST_DAY, MEMBERS, PLATFORMS
from ai_usage_tests.sql.loaded_reference import COMPANY
from ai_usage_tests.sql.reference import (
    MICRO,
    Company,
    Key,
    Row,
    final_days,
    month_of,
    ratio,
    total_of,
)

ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
OWN_ACCOUNT = ("subscription", "one_time")
MEASURES = (
    "session_count",
    "request_count",
    "total_tokens",
    "lines_accepted",
    "suggestions_shown",
    "suggestions_accepted",
    "commits",
    "pull_requests",
)
"""What a seat is used for; lines typed by hand are not among them."""


@dataclass
class Books:
    """A company with what finance maintains."""

    company: Company
    seats: list[Row]
    budgets: list[Row]
    invoices: list[Row]
    spend: list[Row]
    reports: list[Row]

    @property
    def as_of(self) -> date:
        return self.company.as_of


def kind_of(cost: Row) -> str:
    return str(cost.get("cost_type") or ("overage" if cost.get("overage_cost_usd") else "usage"))


def month_end(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def cents(amount: Decimal) -> Decimal:
    """Whole cents, halves away from 0."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def truncated(amount: Fraction) -> Decimal:
    """Whole millionths, towards 0."""
    return Decimal(int(amount * 1_000_000)) * MICRO


# --- Projects ----------------------------------------------------------------------------------


def project_view(books: Books) -> dict[Key, Row]:
    """vw_cost_by_project: alike costs are added up, then split over their projects."""
    company, known = books.company, books.company.known
    view: dict[Key, Row] = {}
    for costs, codes in _alike(books):
        first = costs[0]
        month, person, product = month_of(first["day"]), first["person"], first["platform"]
        kind, provisional = kind_of(first), bool(first.get("is_provisional"))
        department, team, own_center = company.on(person, first["day"])
        center = first.get("cost_center") or own_center
        parts = _shared_out(sum((total_of(c) for c in costs), ZERO), len(codes))
        for code, part in zip(codes, parts, strict=True):
            place = (month, code, department, team, center or "Unassigned", PLATFORMS[product][2])
            row = view.setdefault(
                place,
                {
                    **dict.fromkeys(
                        (
                            "total_cost",
                            "allocated_cost",
                            "subscription_cost",
                            "usage_cost",
                            "overage_cost",
                            "one_time_cost",
                            "split_cost",
                            "provisional_cost",
                        ),
                        ZERO,
                    ),
                    "platform_code": PLATFORMS[product][1],
                    "people": set(),
                    "cost_lines": 0,
                    "is_partial": known.is_partial(PLATFORMS[product][1], month),
                    "loaded_days": len(known.days(PLATFORMS[product][1], month)),
                },
            )
            row["total_cost"] += part
            row[f"{kind}_cost"] += part
            row["split_cost"] += part if len(codes) > 1 else ZERO
            row["provisional_cost"] += part if provisional else ZERO
            row["cost_lines"] += len(costs)
            if person not in MEMBERS:
                row["allocated_cost"] += part
                row["people"].add(person)
    for row in view.values():
        row["people"] = len(row["people"])
    return view


def _alike(books: Books) -> list[tuple[list[Row], list[str]]]:
    """Costs that differ in nothing but day and amount, within a month, and their projects."""
    company = books.company
    alike: dict[Key, list[Row]] = defaultdict(list)
    for cost in company.costs_seen:
        version = max(
            (
                row.get("from") or FIRST_DAY
                for row in company.people
                if row["user_email"] == cost["person"]
                and (row.get("from") or FIRST_DAY) <= cost["day"]
            ),
            default=None,
        )
        center = cost.get("cost_center") or company.on(cost["person"], cost["day"])[2]
        same = (month_of(cost["day"]), cost["person"], version, center, cost["platform"])
        lists = (
            kind_of(cost),
            bool(cost.get("is_provisional")),
            tuple(cost.get("project_codes") or ()),
        )
        alike[same + lists].append(cost)
    return [(costs, sorted(set(key[-1])) or ["No project"]) for key, costs in alike.items()]


def _shared_out(amount: Decimal, ways: int) -> list[Decimal]:
    """Equal parts in whole millionths; the first has what does not divide."""
    share = truncated(Fraction(amount) / ways)
    return [amount - share * (ways - 1)] + [share] * (ways - 1)


# --- Products ----------------------------------------------------------------------------------


def platform_view(company: Company) -> dict[Key, Row]:
    """vw_platform_costs: each product is followed month by month from its first cost on."""
    view: dict[Key, Row] = {}
    known, last = company.known, month_of(company.as_of)
    for product in {cost["platform"] for cost in company.costs_seen}:
        _, vendor, name = PLATFORMS[product]
        month = min(month_of(c["day"]) for c in company.costs_seen if c["platform"] == product)
        before = ZERO
        while month <= last:
            everybodys = [c for c in company.costs_seen if month_of(c["day"]) == month]
            costs = [c for c in everybodys if c["platform"] == product]
            total = _sum(costs)
            comparable = month > company.start and known.is_comparable(vendor, month)
            prev = before if comparable else None
            row: Row = {
                "platform_code": vendor,
                "total_cost": total,
                "cost_share": ratio(total, _sum(everybodys)),
                "prev_month_cost": prev,
                "cost_change": None if prev is None else total - prev,
                "cost_growth_mom": None if prev is None else ratio(total - prev, prev),
                "shared_cost": _sum(c for c in costs if c["person"] == "Shared"),
                "unattributed_cost": _sum(c for c in costs if c["person"] == "Unattributed"),
                "allocated_cost": _sum(c for c in costs if c["person"] not in MEMBERS),
                "provisional_cost": _sum(c for c in costs if c.get("is_provisional")),
                "people": len({c["person"] for c in costs} - set(MEMBERS)),
                "is_partial": known.is_partial(vendor, month),
                "loaded_days": len(known.days(vendor, month)),
                "growth_note": known.note(vendor, month),
            }
            for kind in ("subscription", "usage", "overage", "one_time"):
                row[f"{kind}_cost"] = _sum(c for c in costs if kind_of(c) == kind)
            view[month, name] = row
            before, month = total, month_of(month_end(month) + ONE_DAY)
    return view


def _sum(costs: Iterable[Row]) -> Decimal:
    return sum((total_of(cost) for cost in costs), ZERO)


# --- Seats -------------------------------------------------------------------------------------


def seat_view(books: Books, idle_days: int) -> dict[Key, Row]:
    """vw_idle_seats: whoever holds a seat is followed back day by day."""
    today = books.as_of
    view: dict[Key, Row] = {}
    for seat in books.seats:
        if not seat["valid_from"] <= today <= (seat.get("valid_to") or LAST_DAY):
            continue
        leaver = seat.get("leaver_email")
        person, product = seat.get("user_email") or leaver, seat["platform"]
        since = seat["valid_from"]
        if person:
            while _holds(books, person, product, since - ONE_DAY):
                since -= ONE_DAY
        last = max(
            (
                use["day"]
                for use in books.company.usage_seen
                if use["person"] == person
                and PLATFORMS[use["platform"]][1] == PLATFORMS[product][1]
                and any((use.get(name) or 0) > 0 for name in MEASURES)
            ),
            default=None,
        )
        used = last is not None and last >= since
        idle = (today - (last if used and last else since)).days
        version = _version(books, person) if person else {}
        known_days = _days_known(books, PLATFORMS[product][1])
        if not person:
            reason: str | None = "unassigned"
        elif leaver or not version.get("is_active", True):
            reason = "assigned to a leaver"
        elif _dearest(books, person, product) != seat["seat_id"]:
            reason = "duplicate seat"
        elif min(idle, known_days) < idle_days:
            reason = None
        else:
            reason = "idle" if used else "never used"
        price = seat["monthly_price_usd"]
        view[seat["seat_id"],] = {
            "user_email": person,
            "team": (version.get("team") or "Unassigned") if person else "Shared",
            "cost_center": version.get("cost_center") or "Unassigned",
            "held_since": since,
            "last_activity_date": last,
            "idle_days": idle,
            "idle_reason": reason,
            "known_idle_days": min(idle, known_days) if person else idle,
            "wasted_monthly_usd": price if reason else ZERO,
            "saves_from": _saves_from(books, seat),
        }
    return view


def _saves_from(books: Books, seat: Row) -> date | None:
    """Day by day from tomorrow on: the first that is billed anew while the contract runs."""
    own = [s for s in books.seats if s.get("contract_id") == seat.get("contract_id")]
    last = max(s.get("valid_to") or LAST_DAY for s in own)
    day = books.as_of + ONE_DAY
    while seat.get("pricing") == "full_month" and not _begins(day, seat.get("billing_day") or 1):
        day += ONE_DAY
    return day if day <= last else None


def _begins(day: date, billing_day: int) -> bool:
    """Whether a billing month begins on the day: its day, or the last of a month without it."""
    return day.day == billing_day or (day.day < billing_day and (day + ONE_DAY).month != day.month)


def _days_known(books: Books, vendor: str) -> int:
    """How long the vendor's use has been known, in days."""
    day, found = books.company.start, books.as_of
    while day < found:
        if books.company.known.is_loaded(vendor, day):
            found = day
        day += ONE_DAY
    return (books.as_of - found).days


def _holds(books: Books, person: str, product: str, day: date) -> bool:
    return any(
        (seat.get("user_email") or seat.get("leaver_email")) == person
        and seat["platform"] == product
        and seat["valid_from"] <= day <= (seat.get("valid_to") or LAST_DAY)
        for seat in books.seats
    )


def _dearest(books: Books, person: str, product: str) -> str:
    own = [
        seat
        for seat in books.seats
        if (seat.get("user_email") or seat.get("leaver_email")) == person
        and seat["platform"] == product
        and seat["valid_from"] <= books.as_of <= (seat.get("valid_to") or LAST_DAY)
    ]
    dearest = min(
        own, key=lambda s: (-s["monthly_price_usd"], s.get("contract_id") or "", s["seat_id"])
    )
    return str(dearest["seat_id"])


def _version(books: Books, person: str) -> Row:
    held = [r for r in books.company.people if r["user_email"] == person]
    begun = [r for r in held if (r.get("from") or FIRST_DAY) <= books.as_of]
    # A seat may be held by somebody whom no directory lists.
    return max(begun, key=lambda r: r.get("from") or FIRST_DAY, default={})


# --- Budgets -----------------------------------------------------------------------------------


def budget_view(books: Books) -> dict[Key, Row]:
    """vw_budget_status by (month, scope_type, scope_value)."""
    company = books.company
    if not company.costs_seen:
        return {}
    scoped: dict[Key, list[Row]] = defaultdict(list)
    for cost in company.costs_seen:
        month, person = month_of(cost["day"]), cost["person"]
        department, team, own_center = company.on(person, cost["day"])
        center = cost.get("cost_center") or own_center or "Unassigned"
        scoped[month, "cost_center", center].append(cost)
        if person not in MEMBERS:
            scoped[month, "person", person].append(cost)
            scoped[month, "team", team].append(cost)
            scoped[month, "department", department].append(cost)
    for (month, project), parts in _project_costs(books).items():
        scoped[month, "project", project] = parts
    month = min(month_of(cost["day"]) for cost in company.costs_seen)
    months = []
    while month <= books.as_of:
        months.append(month)
        month = month_end(month) + ONE_DAY
    budgets: dict[Key, tuple[Decimal, str]] = {}
    for month in months:
        for budget in books.budgets:
            if budget["valid_from"] <= month <= budget["valid_to"]:
                scope = (month, budget["scope_type"], budget["scope_value"])
                budgets[scope] = (budget["monthly_budget_usd"], "budgets.csv")
        for person in {row["user_email"] for row in company.people}:
            last, is_here = _directory(books, person, month)
            scope = (month, "person", person)
            amount = last.get("ai_budget_monthly_usd")
            if scope not in budgets and amount is not None and (is_here or scope in scoped):
                budgets[scope] = (amount, "directory")
    return {
        scope: _budget_row(books, scope[0], scoped.get(scope, []), budgets.get(scope))
        for scope in scoped.keys() | budgets.keys()
    }


def _project_costs(books: Books) -> dict[tuple[date, str], list[Row]]:
    """Of each project and month its parts of the cost, as rows of their own.

    Alike costs are added up first, then those of final days by themselves, and shared: a part is a
    row on a final day for what sets the pace, and a row that corrects it to the whole part.
    """
    found: dict[tuple[date, str], list[Row]] = defaultdict(list)
    known = books.company.known
    for costs, codes in _alike(books):
        month = month_of(costs[0]["day"])
        all_costs = [c for c in books.company.costs_seen if month_of(c["day"]) == month]
        final = final_days(month, all_costs, known)
        whole = _shared_out(sum((total_of(c) for c in costs), ZERO), len(codes))
        on_final = [c for c in costs if c["day"] in final]
        paced = _shared_out(sum((total_of(c) for c in on_final), ZERO), len(codes))
        for code, part, pace in zip(codes, whole, paced, strict=True):
            for amount, rows in ((pace, on_final), (part - pace, None)):
                like = rows[0] if rows else costs[0]
                day = like["day"] if rows else None
                found[month, code].append(
                    {
                        **like,
                        "day": day,
                        "base_cost_usd": amount,
                        "overage_cost_usd": None,
                        "cost_type": kind_of(like),
                    }
                )
    return found


def _directory(books: Books, person: str, month: date) -> tuple[Row, bool]:
    """The last version that the month saw, and whether the person was there on a day of it."""
    held = sorted(
        (r for r in books.company.people if r["user_email"] == person),
        key=lambda r: r.get("from") or FIRST_DAY,
    )
    seen: list[Row] = []
    for n, version in enumerate(held):
        until = held[n + 1]["from"] - ONE_DAY if n + 1 < len(held) else LAST_DAY
        if (version.get("from") or FIRST_DAY) <= month_end(month) and until >= month:
            seen.append(version)
    is_here = any(
        version.get("is_active", True)
        and (version.get("start_date") or FIRST_DAY) <= month_end(month)
        and (version.get("end_date") or LAST_DAY) >= month
        for version in seen
    )
    return seen[-1], is_here


def _budget_row(
    books: Books, month: date, costs: list[Row], budget: tuple[Decimal, str] | None
) -> Row:
    spent = sum((total_of(c) for c in costs), ZERO)
    once = sum((total_of(c) for c in costs if kind_of(c) == "one_time"), ZERO)
    known = books.company.known
    all_costs = [c for c in books.company.costs_seen if month_of(c["day"]) == month]
    final = final_days(month, all_costs, known)
    partial = known.is_partial(COMPANY, month)
    forecast: Decimal | None = spent
    if partial:
        pace = [c for c in costs if c["day"] in final and kind_of(c) != "one_time"]
        steady = Fraction(sum((total_of(c) for c in pace), ZERO)) * month_end(month).day
        forecast = max(truncated(steady / len(final)) + once, spent) if final else None
    amount, source = budget or (None, None)
    return {
        "budget_usd": amount,
        "budget_source": source,
        "cost_to_date": spent,
        "remaining_usd": None if amount is None else amount - spent,
        "used_share": ratio(spent, amount),
        "is_over_budget": None if amount is None else spent > amount,
        "is_partial": partial,
        "loaded_days": len(known.days(COMPANY, month)),
        "one_time_cost": once,
        "provisional_cost": sum((total_of(c) for c in costs if c.get("is_provisional")), ZERO),
        "final_days": len(final),
        "forecast_cost": forecast,
        "forecast_remaining_usd": None if amount is None or forecast is None else amount - forecast,
        "is_forecast_over_budget": None
        if amount is None or forecast is None
        else forecast > amount,
    }


# --- Invoices ----------------------------------------------------------------------------------

BILLS = {"subscription": "seat", "usage": "usage", "overage": "usage"}


def account_of(cost: Row) -> str:
    """The account that a cost names: a vendor's report names none."""
    return (cost.get("billing_account_id") or "") if kind_of(cost) in OWN_ACCOUNT else ""


def reconciliation_view(books: Books) -> dict[Key, Row]:
    """vw_reconciliation by platform, account, days and what is covered."""
    company, today = books.company, books.as_of
    start = month_of(today)
    for _ in range(company.months):
        start = month_of(start - ONE_DAY)
    cycles: dict[Key, list[Row]] = defaultdict(list)
    for line in books.invoices:
        account = line.get("billing_account_id") or ""
        cycles[line["platform"], account, line["period_from"], line["period_to"]].append(line)
    named = {(PLATFORMS[c["platform"]][1], account_of(c)) for c in company.costs_seen}
    billed: dict[Key, list[Row]] = {cycle: [] for cycle in cycles if start <= cycle[2] <= today}
    shared: dict[Key, list[Row]] = defaultdict(list)
    free: dict[Key, list[Row]] = defaultdict(list)
    for cost in company.costs_seen:
        vendor, account, day = PLATFORMS[cost["platform"]][1], account_of(cost), cost["day"]
        bills = BILLS.get(kind_of(cost))
        fit = (cycles, named, vendor, account, bills)
        fitting = cycles_of(*fit, day)
        if not fitting:
            days = _days(month_of(day), month_end(day))
            uncovered = [d for d in days if not cycles_of(*fit, d)]
            free[vendor, account, uncovered[0], uncovered[-1]].append(cost)
        elif len(fitting) > 1:
            shared[bills, *fitting].append(cost)
        elif fitting[0] in billed:
            billed[fitting[0]].append(cost)
    for (bills, *group), costs in shared.items():
        _share(cycles, billed, bills, group, costs)
    view: dict[Key, Row] = {}
    for rows, lines_of in ((billed, cycles), (free, {})):
        for (vendor, account, start, end), costs in rows.items():
            lines = lines_of.get((vendor, account, start, end))
            kinds = {line["line_kind"] for line in lines or ()}
            covers = " and ".join(
                word for kind, word in (("usage", "usage"), ("seat", "seats")) if kind in kinds
            )
            covers = covers or ("other lines only" if lines else "not invoiced")
            is_known = _is_known(books, vendor, kinds, start, end)
            row = _reconciled(costs, lines, end, today, is_known)
            view[vendor, account or None, start, end, covers] = row
    return view


def _share(
    cycles: dict[Key, list[Row]],
    billed: dict[Key, list[Row]],
    bills: str,
    group: list[Key],
    costs: list[Row],
) -> None:
    """Give each cycle of the group its part of the costs, by what it bills of the kind."""
    weights = [
        max(sum((i["amount_usd"] for i in cycles[c] if i["line_kind"] == bills), ZERO), ZERO)
        for c in group
    ]
    if not any(weights):
        weights = [Decimal(1)] * len(group)
    heaviest = min(range(len(group)), key=lambda n: (-weights[n], group[n][1]))

    def parts(of: list[Row]) -> list[Decimal]:
        whole = sum((total_of(c) for c in of), ZERO)
        found = [truncated(Fraction(whole) * Fraction(w) / Fraction(sum(weights))) for w in weights]
        found[heaviest] += whole - sum(found, ZERO)
        return found

    # What is provisional is a part of the whole, and split as a sum of its own.
    is_open = any(c.get("is_provisional") for c in costs)
    all_parts = parts(costs)
    open_parts = parts([c for c in costs if c.get("is_provisional")])
    for cycle, part, open_part in zip(group, all_parts, open_parts, strict=True):
        if cycle in billed:
            billed[cycle].append(
                {
                    "cost_type": "subscription" if bills == "seat" else "usage",
                    "base_cost_usd": part,
                    "is_provisional": is_open,
                    "provisional_usd": open_part,
                }
            )


def _is_known(books: Books, vendor: str, kinds: set[str], start: date, end: date) -> bool:
    """Whether every day has its last answer, of the vendor for usage and of the files for seats."""
    asked = ({vendor} if "usage" in kinds else set()) | (
        {"*"} if "seat" in kinds or "usage" not in kinds else set()
    )
    for platform in asked:
        for day in _days(start, end):
            answers = [
                row
                for row in books.company.loaded or ()
                if row["platform"] == platform
                and row["from"] <= day <= row["to"]
                and row.get("cost_kind", "seat" if platform == "*" else "usage")
                == ("seat" if platform == "*" else "usage")
            ]
            if not answers:
                return False
            needs_final = platform != "*" or "seat" in kinds
            if needs_final and any(row.get("is_provisional") for row in answers):
                return False
    return True


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def cycles_of(
    cycles: dict[Key, list[Row]],
    named: set[Key],
    vendor: str,
    account: str,
    bills: str | None,
    day: date,
) -> list[Key]:
    """Of the cycles that bill such a cost the one whose account fits best, then the newest.

    Several where they are the same days of accounts that nothing names: they share the cost.
    """

    def rank(cycle: Key) -> Key:
        if cycle[1] == account:
            fit = 1
        elif not cycle[1]:
            fit = 2
        else:
            fit = 4 if (vendor, cycle[1]) in named else 3
        return (fit, cycle[1], -cycle[2].toordinal(), cycle[3])

    fitting = [
        cycle
        for cycle in cycles
        if cycle[0] == vendor
        and cycle[2] <= day <= cycle[3]
        and (cycle[1] == account or not cycle[1] or not account)
        and (bills is None or any(line["line_kind"] == bills for line in cycles[cycle]))
    ]
    best = min(fitting, key=rank, default=None)
    if best is None or rank(best)[0] != 3 or bills is None:
        return [] if best is None else [best]
    return sorted(c for c in fitting if c[2:] == best[2:] and rank(c)[0] == 3)


def _reconciled(
    costs: list[Row], lines: list[Row] | None, last: date, today: date, is_known: bool
) -> Row:
    def facts(*kinds: str) -> Decimal:
        return sum((total_of(c) for c in costs if kind_of(c) in kinds), ZERO)

    def billed(*kinds: str) -> Decimal:
        return sum((i["amount_usd"] for i in lines or () if i["line_kind"] in kinds), ZERO)

    usage, seats, other = facts("usage", "overage"), facts("subscription"), facts("one_time")
    difference = (
        cents(billed("usage")) + cents(billed("seat")) - cents(usage) - cents(seats)
        if lines
        else None
    )
    is_open = any(c.get("is_provisional") and kind_of(c) != "one_time" for c in costs)
    if lines is None or last >= today or is_open or not is_known:
        status = "pending"
    else:
        status = "disputed" if difference else "reconciled"
    row: Row = {
        "invoice_ids": ", ".join(sorted({i["invoice_id"] for i in lines})) if lines else None,
        "reported_usd": usage + seats + other,
        "facts_usage_usd": usage,
        "facts_seats_usd": seats,
        "facts_other_usd": other,
        "facts_usd": usage + seats + other,
        "facts_difference_usd": ZERO,
        "invoiced_usage_usd": billed("usage"),
        "invoiced_seats_usd": billed("seat"),
        "invoiced_usd": billed("usage", "seat"),
        "invoiced_tax_usd": billed("tax"),
        "invoiced_credit_usd": billed("credit"),
        "invoiced_commitment_usd": billed("commitment"),
        "invoice_total_usd": billed("usage", "seat", "tax", "credit", "commitment"),
        "difference_usd": difference,
        "other_difference_usd": billed("tax", "credit", "commitment") - other,
        "reconciliation_status": status,
        "is_partial": last >= today,
        "provisional_usd": sum(
            (c.get("provisional_usd", total_of(c)) for c in costs if c.get("is_provisional")), ZERO
        ),
    }
    if lines is None:
        of_invoices = ("invoice", "difference_usd", "other_difference_usd")
        row |= {name: None for name in row if name.startswith(of_invoices)}
    return row


# --- The vendor's own account ------------------------------------------------------------------


def spend_view(books: Books) -> dict[Key, Row]:
    """vw_member_spend by (platform, cycle, member), of the newest snapshot of each cycle."""
    view: dict[Key, Row] = {}
    starts = sorted({s["cycle_start"] for s in books.spend})
    began = [
        max(
            s.get("cycle_started_at") or datetime(start.year, start.month, start.day, tzinfo=UTC)
            for s in books.spend
            if s["cycle_start"] == start
        )
        for start in starts
    ]
    # A contract, of which nobody's own spend is said, ends no cycle, and no cycle ends it.
    says_spend = [
        any(s["spend_usd"] is not None for s in books.spend if s["cycle_start"] == start)
        for start in starts
    ]
    for n, start in enumerate(starts):
        of_cycle = [s for s in books.spend if s["cycle_start"] == start]
        after = [k for k in range(n + 1, len(starts)) if says_spend[k] == says_spend[n]]
        newest = max(s["snapshot_date"] for s in of_cycle)
        said = {s["user_email"]: s["spend_usd"] for s in of_cycle if s["snapshot_date"] == newest}
        noon = datetime(newest.year, newest.month, newest.day, 12, tzinfo=UTC)
        events = [
            e
            for e in books.reports
            if began[n] <= e["event_timestamp"] <= noon
            and not (after and e["event_timestamp"] >= began[after[0]])
        ]
        for member in said.keys() | {e["user_email"] for e in events}:
            own = [e for e in events if e["user_email"] == member and e["cost_type"] == "overage"]
            billed = sum((e["cost_usd"] for e in own), ZERO)
            cents = billed.quantize(Decimal("0.01"), ROUND_HALF_UP)
            reported = said.get(member)
            view["cursor", start, member or "Unattributed"] = {
                "snapshot_date": newest,
                "is_latest_cycle": not after,
                "reported_spend_usd": reported,
                "events_usd": billed,
                "spend_difference_usd": (reported or ZERO) - cents if says_spend[n] else None,
                "chargeable_events": len(own),
            }
    return view
