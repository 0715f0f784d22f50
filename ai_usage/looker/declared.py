"""What Looker is told of each relation: what adds up, what a filter names, whose a row is.

Columns, types and descriptions come from the DDL; this file has what it does not say.
"""

from __future__ import annotations

from dataclasses import dataclass

MINIMUM_PEOPLE = 5
"""Distinct people below whom a measure of people's cells shows nothing."""

COST_CENTERS = "ai_usage_cost_centers"
TEAMS = "ai_usage_teams"
COMPANY = "ai_usage_company"
"""User attributes that filter rows; `COMPANY` has the value company for who may see it whole."""

SEES_MONEY = "sees_money"
SEES_PEOPLE = "sees_people"
"""Access grants: exact dollars of small groups, and single people."""

PERSON_COLUMNS = frozenset(
    {
        "user_email",
        "full_name",
        "manager_email",
        "member",
        "identity_value",
        "suggested_owner",
        "suggestion_evidence",
        "key_name",
        "api_key_id",
        "session_id",
        "last_activity_date",
        "held_since",
        "idle_days",
        "known_idle_days",
        "seat_id",
        "event_id",
    }
)
"""Columns that name a person, or say what one did."""


@dataclass(frozen=True)
class Ratio:
    """A rate as sum over sum, so that it holds for any group."""

    name: str
    over: str
    under: str
    format: str
    description: str


@dataclass(frozen=True)
class Join:
    """A dimension beside a relation: many rows of it have one row there."""

    relation: str
    on: str


@dataclass(frozen=True)
class Explored:
    """A relation that can be explored.

    `label` is its title, `sums` are the columns that add up, `people` is SQL that counts the
    distinct people of a cell (None where a row is of no person), `filtered` the field by which an
    access filter bounds the rows, with the user attribute that has its values, `always` a
    condition on every question, `day` the column by which a table that requires it is pruned.
    """

    relation: str
    label: str
    filtered: tuple[str, str]
    sums: tuple[str, ...] = ()
    people: str | None = None
    ratios: tuple[Ratio, ...] = ()
    joins: tuple[Join, ...] = ()
    always: str | None = None
    day: str | None = None


_NOBODY = "('Shared', 'Unattributed')"
_BY_ADDRESS = f"COUNT(DISTINCT IF(${{TABLE}}.user_email IN {_NOBODY}, NULL, ${{TABLE}}.user_email))"
_BY_KEY = "COUNT(DISTINCT IF(${dim_users.user_sk} > 0, dim_users.user_email, NULL))"
"""The key brings the join; the address itself is behind a grant, which must not spread."""
_WHOLE = ("company", COMPANY)
_PRODUCT = Join(
    "dim_platforms",
    "${view.platform_code} = ${dim_platforms.platform_code}"
    " AND ${view.platform_name} = ${dim_platforms.platform_name}",
)
_PLATFORM = Join("dim_platforms", "${view.platform_sk} = ${dim_platforms.platform_sk}")
_PERSON = Join("dim_users", "${view.user_sk} = ${dim_users.user_sk}")
_DAY = Join("dim_dates", "${view.date_sk} = ${dim_dates.date_sk}")
_CENTER = Join("dim_cost_centers", "${view.cost_center_sk} = ${dim_cost_centers.cost_center_sk}")

_KINDS_OF_COST = ("subscription_cost", "usage_cost", "overage_cost", "one_time_cost")

EXPLORED: tuple[Explored, ...] = (
    Explored(
        "vw_cost_allocation_detailed",
        "Cost by person and product",
        ("cost_center", COST_CENTERS),
        sums=(
            "total_cost",
            "allocated_cost",
            *_KINDS_OF_COST,
            "provisional_cost",
            "reconciled_cost",
            "pending_cost",
            "disputed_cost",
            "budget_allocated",
            "over_budget_amount",
            "billable_tokens",
            "billable_requests",
        ),
        people=_BY_ADDRESS,
        ratios=(
            Ratio(
                "allocated_share",
                "allocated_cost",
                "total_cost",
                "percent_1",
                "allocated_cost / total_cost: what people bear of the cost.",
            ),
            Ratio(
                "reconciled_share",
                "reconciled_cost",
                "total_cost",
                "percent_1",
                "reconciled_cost / total_cost: what ties to an invoice.",
            ),
        ),
        joins=(_PRODUCT,),
    ),
    Explored(
        "vw_cost_by_project",
        "Cost by project",
        ("cost_center", COST_CENTERS),
        sums=("total_cost", "allocated_cost", *_KINDS_OF_COST, "split_cost", "provisional_cost"),
        # People overlap between rows; one row of five people is a cell of five at least.
        people="MAX(${TABLE}.people)",
        joins=(_PRODUCT,),
    ),
    Explored(
        "vw_platform_costs",
        "Cost by product",
        _WHOLE,
        sums=(
            "total_cost",
            "allocated_cost",
            "shared_cost",
            "unattributed_cost",
            *_KINDS_OF_COST,
            "provisional_cost",
        ),
        # People overlap between products; one row of five people is a cell of five at least.
        people="MAX(${TABLE}.people)",
        joins=(_PRODUCT,),
    ),
    Explored(
        "vw_budget_status",
        "Budgets of cost centres and projects",
        _WHOLE,
        sums=(
            "budget_usd",
            "cost_to_date",
            "remaining_usd",
            "one_time_cost",
            "provisional_cost",
            "forecast_cost",
            "forecast_remaining_usd",
        ),
        ratios=(
            Ratio(
                "used",
                "cost_to_date",
                "budget_usd",
                "percent_1",
                "cost_to_date / budget_usd.",
            ),
        ),
        # People's, teams' and departments' budgets are cells of few people, or of one.
        always="${view.scope_type} IN ('cost_center', 'project')",
    ),
    Explored(
        "vw_idle_seats",
        "Seats",
        ("cost_center", COST_CENTERS),
        sums=("monthly_price_usd", "wasted_monthly_usd"),
        people="COUNT(DISTINCT ${TABLE}.user_email)",
        ratios=(
            Ratio(
                "wasted_share",
                "wasted_monthly_usd",
                "monthly_price_usd",
                "percent_1",
                "wasted_monthly_usd / monthly_price_usd.",
            ),
        ),
        joins=(_PRODUCT,),
    ),
    Explored(
        "vw_team_productivity",
        "Productivity of teams",
        ("team", TEAMS),
        sums=(
            "monthly_lines_produced",
            "monthly_sessions",
            "monthly_requests",
            "monthly_tokens",
            "commits",
            "pull_requests",
            "monthly_allocated_cost",
            "active_days",
            "active_weekdays",
            "weekdays_so_far",
            "acceptance_lines_accepted",
            "acceptance_lines_added",
            "suggestions_accepted",
            "suggestions_shown",
        ),
        people=_BY_ADDRESS,
        ratios=(
            Ratio(
                "ai_share_of_lines",
                "acceptance_lines_accepted",
                "acceptance_lines_added",
                "percent_1",
                "Lines accepted / lines added, of records that report both.",
            ),
            Ratio(
                "suggestions_taken",
                "suggestions_accepted",
                "suggestions_shown",
                "percent_1",
                "Proposals accepted / proposals shown, of records that report both.",
            ),
            Ratio(
                "cost_of_a_line",
                "monthly_allocated_cost",
                "monthly_lines_produced",
                "usd",
                "monthly_allocated_cost / monthly_lines_produced, US dollars.",
            ),
            Ratio(
                "engagement",
                "active_weekdays",
                "weekdays_so_far",
                "percent_1",
                "Active weekdays / weekdays so far that are loaded.",
            ),
        ),
    ),
    Explored(
        "vw_executive_dashboard",
        "The company by month",
        _WHOLE,
        sums=(
            "total_monthly_cost",
            "allocated_monthly_cost",
            "unattributed_cost",
            "shared_cost",
            "cursor_cost",
            "anthropic_cost",
            "other_platforms_cost",
            "total_lines_produced",
        ),
        people="MAX(${TABLE}.active_users)",
        ratios=(
            Ratio(
                "attributed",
                "allocated_monthly_cost",
                "total_monthly_cost",
                "percent_1",
                "allocated_monthly_cost / total_monthly_cost: what people bear.",
            ),
        ),
    ),
    Explored(
        "vw_reconciliation",
        "Invoices",
        _WHOLE,
        sums=(
            "reported_usd",
            "facts_usd",
            "invoiced_usd",
            "invoiced_tax_usd",
            "invoiced_credit_usd",
            "invoiced_commitment_usd",
            "invoice_total_usd",
            "difference_usd",
            "other_difference_usd",
            "provisional_usd",
            "unallocated_usd",
        ),
    ),
    Explored(
        "vw_adjustments",
        "Changes of closed months",
        ("cost_center", COST_CENTERS),
        sums=("closed_usd", "now_usd", "adjustment_usd"),
        people=_BY_ADDRESS,
    ),
    Explored("vw_loaded_days", "Days that are loaded", _WHOLE),
    Explored(
        "vw_attribution_gaps",
        "Who is not known",
        _WHOLE,
        sums=("cost_usd", "records"),
    ),
    Explored(
        "vw_doubtful_owners",
        "Keys of services that a person bears",
        _WHOLE,
        sums=("cost_usd", "records"),
    ),
    Explored(
        "vw_member_spend",
        "Members' spend at the vendor",
        _WHOLE,
        sums=("reported_spend_usd", "events_usd", "spend_difference_usd", "provisional_usd"),
        people="COUNT(DISTINCT ${TABLE}.member)",
    ),
    Explored(
        "fact_ai_costs",
        "Every cost",
        ("dim_cost_centers.cost_center", COST_CENTERS),
        sums=("total_cost_usd", "allocated_cost_usd", "base_cost_usd", "overage_cost_usd"),
        people=_BY_KEY,
        joins=(_PERSON, _PLATFORM, _CENTER, _DAY),
        day="cost_timestamp",
    ),
    Explored(
        "fact_ai_usage",
        "Every use",
        ("dim_users.team", TEAMS),
        sums=(
            "session_count",
            "request_count",
            "input_tokens",
            "output_tokens",
            "total_tokens",
            "lines_added",
            "lines_accepted",
            "suggestions_shown",
            "suggestions_accepted",
            "commits",
            "pull_requests",
        ),
        people=_BY_KEY,
        joins=(_PERSON, _PLATFORM, _DAY),
        day="event_timestamp",
    ),
)

JOINED: dict[str, tuple[str, ...]] = {
    "dim_users": ("user_sk", "user_email", "full_name", "department", "team", "cost_center"),
    "dim_platforms": ("platform_sk", "platform_code", "platform_name", "vendor", "category"),
    "dim_cost_centers": ("cost_center_sk", "cost_center"),
    "dim_dates": ("date_sk", "date", "month", "iso_week", "is_weekday"),
}
"""Dimensions that are joined, and what Looker shows of them."""
