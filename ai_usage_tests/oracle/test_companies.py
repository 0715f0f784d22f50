"""The companies reach every branch: each word that a relation can say is said of one of them."""

from __future__ import annotations

import pytest

from ai_usage_tests.oracle.bench import Bench, narrowed
from ai_usage_tests.oracle.companies import company

SEEDS = range(60)
COST_NOTES: set[object] = {
    "widened_to_model",
    "widened_to_workspace",
    "no_usage_of_its_own",
    "lines_usage_cannot_tell_apart",
    "tiers_share_the_line",
    "nobody_active_in_team",
}
SAID: dict[tuple[str, str], set[object]] = {
    ("fact_ai_costs", "allocation_method"): {
        "direct", "usage_based", "equal_split", "manual", "unallocated",
    },
    ("fact_ai_costs", "UNNEST(STRING_SPLIT(allocation_note, ', '))"): COST_NOTES,
    ("fact_ai_costs", "reconciliation_status"): {"pending", "reconciled", "disputed"},
    ("fact_ai_costs", "cost_type"): {"subscription", "usage", "overage", "one_time"},
    ("fact_ai_costs", "billing_period"): {"monthly", "daily", "transaction"},
    ("fact_ai_costs", "currency_code"): {"USD", "EUR"},
    ("fact_ai_costs", "is_over_budget"): {True, False, None},
    ("fact_ai_costs", "CAST(cost_confidence AS VARCHAR)"): {"1.0", "0.9", "0.8"},
    ("fact_ai_costs", "SIGN(user_sk)"): {-1, 0, 1},
    ("fact_ai_costs", "SIGN(total_cost_usd)"): {-1, 0, 1},
    ("fact_ai_costs", "billable_tokens IS NULL"): {True, False},
    ("fact_ai_costs", "billable_requests IS NULL"): {True, False},
    ("fact_ai_costs", "cost_center_sk = 0"): {True, False},
    ("fact_ai_costs", "platform_sk = 0"): {True, False},
    ("fact_ai_usage", "list_cost_usd IS NULL"): {True, False},
    ("fact_ai_usage", "SIGN(user_sk)"): {-1, 0, 1},
    ("invoice_reconciliation", "reconciliation_status"): {"pending", "reconciled", "disputed"},
    ("invoice_reconciliation", "account_is_named"): {True, False},
    ("vw_reconciliation", "covers"): {
        "usage and seats", "usage", "seats", "other lines only", "not invoiced",
    },
    ("vw_reconciliation", "reconciliation_status"): {"pending", "reconciled", "disputed"},
    ("vw_reconciliation", "UNNEST(STRING_SPLIT(residues, ', '))"): {
        "Priority Tier usage without cost",
        "code execution without usage",
        "provisional cost",
        "unallocated cost",
        "days that were not loaded",
    },
    ("vw_cost_allocation_detailed", "budget_status"): {
        "No Budget", "Over Budget", "Near Budget", "Under Budget",
    },
    ("vw_cost_allocation_detailed", "data_quality_tier"): {
        "High Confidence", "Medium Confidence", "Low Confidence",
    },
    ("vw_cost_allocation_detailed", "is_partial"): {True, False},
    ("vw_cost_allocation_detailed", "SIGN(cost_growth_mom)"): {-1, 1, None},
    ("vw_cost_allocation_detailed", "SIGN(prev_month_cost)"): {-1, 0, 1, None},
    ("vw_cost_allocation_detailed", "SIGN(over_budget_amount)"): {0, 1, None},
    ("vw_team_productivity", "performance_tier"): {
        "Top Performer", "Above Average", "Below Average", "Needs Support", "No Data",
    },
    ("vw_executive_dashboard", "roi_status"): {
        "Excellent ROI", "Good ROI", "Acceptable ROI", "Review Required",
    },
    ("vw_executive_dashboard", "is_partial"): {True, False},
    ("vw_budget_status", "scope_type"): {
        "person", "team", "cost_center", "department", "project",
    },
    ("vw_budget_status", "budget_source"): {"budgets.csv", "directory", None},
    ("vw_budget_status", "is_over_budget"): {True, False, None},
    ("vw_budget_status", "is_forecast_over_budget"): {True, False, None},
    ("vw_budget_status", "is_budget_rate_stale"): {True, False, None},
    ("vw_attribution_gaps", "reason"): {
        "unknown", "lapsed", "unlisted_owner", "contested", "no_identity", "invalid_record",
    },
    ("vw_attribution_gaps", "identity_type"): {
        "email", "api_key_id", "api_key_name", "workspace",
    },
    (
        "vw_attribution_gaps",
        "CASE WHEN suggestion_evidence LIKE '%names them%' THEN 'claim' "
        "WHEN suggestion_evidence LIKE 'has %' THEN 'workspace' ELSE suggestion_evidence END",
    ): {
        "claim",
        "workspace",
        "the same mailbox but for dots or a plus tag",
        "the same mailbox in another domain",
        "the key is named after their mailbox",
        None,
    },
    ("vw_idle_seats", "idle_reason"): {
        "unassigned", "assigned to a leaver", "duplicate seat", "idle", "never used", None,
    },
    ("vw_adjustments", "status"): {"taken_in", "held_back"},
    ("vw_adjustments", "closed_at IS NULL"): {True, False},
    (
        "vw_loaded_days",
        "regexp_extract(growth_note, '(the month before is|the month is|not loaded|alone)')",
    ): {"the month is", "the month before is", "not loaded", "alone", None},
    ("vw_loaded_days", "is_comparable"): {True, False},
    ("vw_member_spend", "is_latest_cycle"): {True, False},
    ("vw_cost_by_project", "SIGN(split_cost)"): {-1, 0, 1},
}  # fmt: skip
"""Relation and expression, and every value that it can have."""


@pytest.mark.slow
def test_sixty_companies_reach_every_branch() -> None:
    found: dict[tuple[str, str], set[object]] = {place: set() for place in SAID}
    with Bench() as bench:
        for seed in SEEDS:
            missing = {place for place, words in SAID.items() if words - found[place]}
            if not missing:
                break
            one = company(seed)
            bench.take(one)
            bench.close(one)
            ends = [bench.views_on(day, narrow) for day, narrow in narrowed(one)]
            for relation, value in missing:
                for end in ends if relation.startswith("vw_") else [""]:
                    query = f"SELECT DISTINCT {value} AS v FROM {relation}{end}"
                    found[relation, value].update(row["v"] for row in bench.rows(query))
    assert {place: seen - {None} for place, seen in found.items()} == {
        place: words - {None} for place, words in SAID.items()
    }
    assert all(None in found[place] for place, words in SAID.items() if None in words)


def test_a_company_follows_from_its_seed_alone() -> None:
    assert company(3) == company(3)
    assert company(3).tables != company(4).tables
