"""Rows of the files about money that a person at the company maintains, as on `today`."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from ai_usage.simulator import pricing, purchases
from ai_usage.simulator.company import Company
from ai_usage.simulator.invoices import invoices
from ai_usage.simulator.roster import ADMIN, CONTRACTOR, MOVER

Cell = str | int | bool | date | Decimal | tuple[str, ...] | None
Rows = list[dict[str, Cell]]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "seats.csv": (
        "contract_id",
        "platform",
        "platform_subtype",
        "plan",
        "quantity",
        "price",
        "currency",
        "valid_from",
        "valid_to",
        "pricing",
        "billing_day",
        "billing_account_id",
        "cost_center",
        "overage_rate",
    ),
    "seat_assignments.csv": ("platform", "contract_id", "user_email", "valid_from", "valid_to"),
    "other_costs.csv": (
        "cost_id",
        "platform",
        "platform_subtype",
        "line_kind",
        "description",
        "amount",
        "currency",
        "date_from",
        "date_to",
        "user_email",
        "cost_center",
        "project_codes",
        "billing_account_id",
    ),
    "budgets.csv": (
        "scope_type",
        "scope_value",
        "amount",
        "currency",
        "valid_from",
        "valid_to",
        "category",
    ),
    "fx_rates.csv": ("currency", "rate_date", "usd_per_unit", "source"),
    "invoices.csv": (
        "invoice_id",
        "platform",
        "billing_account_id",
        "period_from",
        "period_to",
        "line_kind",
        "amount",
        "currency",
    ),
    "allocation_rules.csv": (
        "rule_id",
        "platform",
        "scope_type",
        "scope_value",
        "method",
        "team",
        "user_email",
        "percentage",
        "cost_center",
        "project_codes",
        "valid_from",
        "valid_to",
    ),
    "model_prices.csv": (
        "platform",
        "model",
        "token_type",
        "service_tier",
        "context_window",
        "usd_per_million",
        "valid_from",
        "valid_to",
        "source",
    ),
}
_DAY: Final = timedelta(days=1)


def money_rows(company: Company, periods: int, *, of_all: bool = False) -> dict[str, Rows]:
    """Every file's rows, by name; `periods` is how many invoices of each kind there are.

    `of_all` is that of `invoices`.
    """
    return {
        "seats.csv": seat_rows(company),
        "seat_assignments.csv": assignment_rows(company),
        "other_costs.csv": other_cost_rows(company),
        "budgets.csv": budget_rows(company),
        "fx_rates.csv": rate_rows(company),
        "invoices.csv": invoice_rows(company, periods, of_all=of_all),
        "allocation_rules.csv": rule_rows(company),
        "model_prices.csv": price_rows(company),
    }


def seat_rows(company: Company) -> Rows:
    """A Cursor contract in dollars and a Claude Team contract in euros, a line a quantity."""
    cursor: dict[str, Cell] = {
        "contract_id": purchases.CURSOR_CONTRACT,
        "platform": "cursor",
        "platform_subtype": "cursor",
        "plan": "Business",
        "price": purchases.CURSOR_PRICE,
        "currency": "USD",
        "pricing": "daily",
        "billing_day": purchases.CURSOR_BILLING_DAY,
        "cost_center": "CC-1100",
        "overage_rate": Decimal(pricing.CURSOR_REQUEST_CENTS) / 100,
    }
    claude: dict[str, Cell] = {
        "contract_id": purchases.CLAUDE_CONTRACT,
        "platform": "anthropic",
        "platform_subtype": "claude_web",
        "plan": "Team",
        "price": purchases.CLAUDE_PRICE_EUR,
        "currency": "EUR",
        "pricing": "full_month",
        "billing_day": 1,
        "billing_account_id": purchases.CLAUDE_ACCOUNT,
        "cost_center": "CC-2100",
    }
    return [
        *_terms(cursor, purchases.cursor_bought(company)),
        *_terms(claude, purchases.claude_bought(company)),
    ]


def _terms(contract: dict[str, Cell], bought: list[purchases.Bought]) -> Rows:
    ends = [line.since - _DAY for line in bought[1:]] + [None]
    return [
        {**contract, "quantity": line.quantity, "valid_from": line.since, "valid_to": end}
        for line, end in zip(bought, ends, strict=True)
    ]


def assignment_rows(company: Company) -> Rows:
    """Who holds the Claude Team seats, whose plan has no member list; and Cursor's until today."""
    claude, cursor = purchases.claude_assignments(company), purchases.cursor_assignments(company)
    held = [
        *(("anthropic", purchases.CLAUDE_CONTRACT, holder) for holder in claude),
        *(("cursor", purchases.CURSOR_CONTRACT, holder) for holder in cursor),
    ]
    return [
        {
            "platform": platform,
            "contract_id": contract,
            "user_email": company.people[holder.person].email,
            "valid_from": holder.first,
            "valid_to": holder.last,
        }
        for platform, contract, holder in held
    ]


def other_cost_rows(company: Company) -> Rows:
    """What no API reports."""
    return [
        {
            "cost_id": cost.cost_id,
            "platform": cost.platform,
            "platform_subtype": cost.platform_subtype,
            "line_kind": cost.kind,
            "description": cost.description,
            "amount": cost.dollars,
            "currency": "USD",
            "date_from": cost.first,
            "date_to": cost.last,
            "cost_center": cost.cost_center,
            "project_codes": cost.project_codes,
        }
        for cost in purchases.other_costs(company)
    ]


def budget_rows(company: Company) -> Rows:
    """Budgets of three people, two teams and two cost centres; the mover's was raised."""
    start = purchases.contract_start(company)
    raised = purchases.month_first(company.anchor, -1)
    mover, contractor, admin = (company.people[n].email for n in (MOVER, CONTRACTOR, ADMIN))

    def budget(kind: str, whose: str, amount: int, since: date, category: str) -> dict[str, Cell]:
        return {
            "scope_type": kind,
            "scope_value": whose,
            "amount": amount,
            "currency": "USD",
            "valid_from": since,
            "category": category,
        }

    rows = [
        budget("person", mover, 250, start, "engineering"),
        budget("person", contractor, 100, start, "contractors"),
        budget("person", admin, 200, start, "engineering"),
        budget("team", "Platform", 3000, start, "engineering"),
        budget("team", "Machine Learning", 5000, start, "research"),
        budget("cost_center", "CC-1100", 4000, start, "engineering"),
        budget("cost_center", "CC-2200", 6000, start, "research"),
    ]
    if raised <= company.today:
        rows[0]["valid_to"] = raised - _DAY
        rows.insert(1, budget("person", mover, 400, raised, "research"))
    return rows


def rate_rows(company: Company) -> Rows:
    """A euro's rate of every month, of its first day."""
    return [
        {
            "currency": "EUR",
            "rate_date": day,
            "usd_per_unit": purchases.euro_rate(company, day),
            "source": "ECB reference rate",
        }
        for day in purchases.euro_months(company)
    ]


def invoice_rows(company: Company, periods: int, *, of_all: bool = False) -> Rows:
    """The closed periods' invoices."""
    return [
        {
            "invoice_id": invoice.invoice_id,
            "platform": invoice.platform,
            "billing_account_id": invoice.account,
            "period_from": invoice.first,
            "period_to": invoice.last,
            "line_kind": line.kind,
            "amount": line.amount,
            "currency": invoice.currency,
        }
        for invoice in invoices(company, periods, of_all=of_all)
        for line in invoice.lines
    ]


def rule_rows(company: Company) -> Rows:
    """The hackathon's workspace equally over a team, and a service's key by percentages."""
    hackathon = next(w for w in company.workspaces if w.name == "Hackathon")
    bot = next(key for key in company.keys if key.name == "support-bot")
    mobile, payments = company.roster.teams[2], company.roster.teams[1]
    since = purchases.contract_start(company)
    shares = ((company.roster.teams[0].manager_email, "62.5"), (payments.manager_email, "37.5"))
    rows: Rows = [
        {
            "rule_id": "hackathon",
            "platform": "anthropic",
            "scope_type": "workspace",
            "scope_value": hackathon.id,
            "method": "equal_split",
            "team": mobile.name,
            "valid_from": since,
        }
    ]
    for email, percentage in shares:
        rows.append(
            {
                "rule_id": "support-bot",
                "platform": "anthropic",
                "scope_type": "api_key",
                "scope_value": bot.id,
                "method": "manual",
                "user_email": email,
                "percentage": Decimal(percentage),
                "cost_center": bot.cost_center,
                "project_codes": bot.project_codes,
                "valid_from": since,
            }
        )
    return rows


def price_rows(company: Company) -> Rows:
    """The list prices that the simulated reports are computed from."""
    return [*_anthropic_prices(company), *_cursor_prices()]


def _anthropic_prices(company: Company) -> Rows:
    rows: Rows = []
    newer: dict[tuple[str, str], date] = {}
    for price in company.prices.prices:
        until = newer.get((price.model, price.context_window))
        newer[price.model, price.context_window] = price.effective_date
        if price.effective_date > company.today:
            continue
        always = price.effective_date == date.min
        last = until - _DAY if until is not None and until <= company.today else None
        day = purchases.contract_start(company) if always else price.effective_date
        for tier in ("standard", "batch"):
            for token_type in pricing.TOKEN_TYPES:
                cents = company.prices.cents_per_million(
                    day, price.model, tier, price.context_window, token_type
                )
                rows.append(
                    {
                        "platform": "anthropic",
                        "model": price.model,
                        "token_type": token_type,
                        "service_tier": tier,
                        "context_window": price.context_window,
                        "usd_per_million": cents / 100,
                        "valid_from": None if always else price.effective_date,
                        "valid_to": last,
                        "source": "Anthropic's price list",
                    }
                )
    models = sorted({price.model for price in company.prices.prices})
    return [*rows, *(_search_price(model) for model in models)]


def _search_price(model: str) -> dict[str, Cell]:
    return {
        "platform": "anthropic",
        "model": model,
        "token_type": "web_search_requests",
        "service_tier": "standard",
        "usd_per_million": pricing.WEB_SEARCH_CENTS * 10_000,
        "source": "Anthropic's price list",
    }


def _cursor_prices() -> Rows:
    classes = (pricing.UNCACHED, pricing.OUTPUT, pricing.WRITE_5M, pricing.CACHE_READ)
    return [
        {
            "platform": "cursor",
            "model": model,
            "token_type": token_type,
            "service_tier": "standard",
            "usd_per_million": Decimal(cents) / 100,
            "source": "Cursor's price list, without its token fee",
        }
        for model, prices in pricing.CURSOR_PRICES.items()
        for token_type, cents in zip(classes, prices, strict=True)
    ]
