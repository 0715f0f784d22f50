"""The rules on values, one list a table: declared once, used by Pandera and to score raw events.

An `error` breaks the table's contract and blocks what is downstream; a `warning` is a matter of
quality; a `charge` says that what a record bills is not known, which is the ERROR check
`charges_known` of `fact_ai_costs` and blocks nothing. In `raw_ai_events` each rule and each flag of
a reader has a weight: a row's `data_quality_score` is 1 minus the weights of those it broke. One is
critical if its weight is 1; the weights of all others sum below 1, so that a score of 0 always
means a critical one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ai_usage.quality.days import utc_day
from ai_usage.quality.flags import CRITICAL, FLAGS, Severity, flagged, undeclared


@dataclass(frozen=True)
class Rule:
    """A promise about every row: `holds` gives, for an ibis table, a boolean that is never NULL."""

    name: str
    description: str
    holds: Callable[[Any], Any]
    severity: Severity = "warning"
    weight: float = 0.0


_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "web_search_requests",
)
_COUNTS = (
    "session_count",
    "lines_added",
    "lines_accepted",
    "suggestions_shown",
    "suggestions_accepted",
    "commits",
    "pull_requests",
    "request_count",
    "subscription_requests",
    "overage_requests",
)


def _none_negative(*columns: str) -> Callable[[Any], Any]:
    def holds(t: Any) -> Any:
        kept = t[columns[0]].fill_null(0) >= 0
        for column in columns[1:]:
            kept = kept & (t[column].fill_null(0) >= 0)
        return kept

    return holds


def _at_most(smaller: str, larger: str) -> Callable[[Any], Any]:
    return lambda t: (t[smaller] <= t[larger]).fill_null(True)


def _one_of(column: str, *values: str) -> Callable[[Any], Any]:
    return lambda t: t[column].isin(values).fill_null(True)


def _between(column: str, low: float, high: float) -> Callable[[Any], Any]:
    return lambda t: ((t[column] >= low) & (t[column] <= high)).fill_null(True)


def _not_flagged(flag: str) -> Callable[[Any], Any]:
    return lambda t: ~flagged(t, flag)


def _matches(column: str, pattern: str) -> Callable[[Any], Any]:
    return lambda t: t[column].re_search(pattern).fill_null(True)


_NOTES = (
    "widened_to_model|widened_to_workspace|no_usage_of_its_own|lines_usage_cannot_tell_apart"
    "|tiers_share_the_line|nobody_active_in_team"
)
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"

_COST_AMOUNTS = (
    Rule(
        "total_is_base_plus_overage",
        "total_cost_usd = base_cost_usd + overage_cost_usd, exactly.",
        lambda t: t.total_cost_usd == t.base_cost_usd + t.overage_cost_usd,
        "error",
    ),
    Rule(
        "allocated_to_people_only",
        "allocated_cost_usd is total_cost_usd for a person, 0 for Unknown and Shared.",
        lambda t: (
            ((t.user_sk > 0) & (t.allocated_cost_usd == t.total_cost_usd))
            | ((t.user_sk <= 0) & (t.allocated_cost_usd == 0))
        ),
        "error",
    ),
)
_KNOWN_COST_TYPE = Rule(
    "known_cost_type",
    "cost_type is subscription, usage, overage or one_time.",
    _one_of("cost_type", "subscription", "usage", "overage", "one_time"),
    "error",
)
"""Of the facts of cost, and of what is added up from them."""
_ALLOCATION = (
    Rule(
        "known_method",
        "allocation_method is one of the five.",
        _one_of(
            "allocation_method",
            "direct",
            "usage_based",
            "equal_split",
            "manual",
            "unallocated",
        ),
        "error",
    ),
    Rule(
        "known_allocation_note",
        "allocation_note has words that its description explains.",
        _matches("allocation_note", rf"^({_NOTES})(, ({_NOTES}))*$"),
        "error",
    ),
    Rule(
        "unallocated_has_no_confidence",
        "An unallocated part has confidence 0.",
        lambda t: (t.allocation_method != "unallocated") | (t.allocation_confidence == 0),
        "error",
    ),
    Rule(
        "confidence_in_range",
        "allocation_confidence is between 0 and 1.",
        _between("allocation_confidence", 0, 1),
        "error",
    ),
)
"""Of what says who bears a cost."""
_KNOWN_STATUS = Rule(
    "known_status",
    "reconciliation_status is pending, reconciled or disputed.",
    _one_of("reconciliation_status", "pending", "reconciled", "disputed"),
    "error",
)
_KNOWN_COST_KIND = Rule(
    "known_cost_kind",
    "cost_kind is usage, seat or other.",
    _one_of("cost_kind", "usage", "seat", "other"),
    "error",
)
_KNOWN_LEVEL = Rule("known_level", "match_level is 1 to 3.", _between("match_level", 1, 3), "error")


def _billed_or_included(t: Any) -> Any:
    """Both come in one record where a pool ends within it; each amount is rounded for itself."""
    apart = (t.cost_usd + t.included_value_usd - t.estimated_cost_usd).abs()
    both_parts = (apart * 100 <= 1).fill_null(False)
    return t.cost_usd.isnull() | t.included_value_usd.isnull() | both_parts


RULES: dict[str, tuple[Rule, ...]] = {
    "raw_ai_events": (
        Rule(
            "readable_amount",
            "A cost event has an amount.",
            lambda t: (t.event_type != "cost") | t.cost_usd.notnull(),
            "charge",
            CRITICAL,
        ),
        Rule(
            "event_id_is_sha256",
            "event_id is 64 hex digits.",
            _matches("event_id", "^[0-9a-f]{64}$"),
            "error",
            CRITICAL,
        ),
        Rule(
            "known_event_type",
            "event_type is usage, cost or session.",
            _one_of("event_type", "usage", "cost", "session"),
            "error",
            CRITICAL,
        ),
        Rule(
            "score_in_range",
            "data_quality_score is between 0 and 1.",
            _between("data_quality_score", 0, 1),
            "error",
        ),
        Rule(
            "timestamp_on_event_date",
            "event_timestamp lies on event_date (UTC).",
            lambda t: utc_day(t.event_timestamp) == t.event_date,
            "warning",
            0.15,
        ),
        Rule(
            "tokens_not_negative",
            "No token count is negative.",
            _none_negative(*_TOKENS),
            weight=0.25,
        ),
        Rule("counts_not_negative", "No count is negative.", _none_negative(*_COUNTS), weight=0.2),
        Rule(
            "email_form",
            "user_email has the form of an address.",
            _matches("user_email", _EMAIL),
            weight=0.1,
        ),
        Rule(
            "accepted_within_shown",
            "No more suggestions are accepted than shown.",
            _at_most("suggestions_accepted", "suggestions_shown"),
            weight=0.05,
        ),
        Rule(
            "billed_or_included",
            "An event is billed, or covered by the seat, or each is its part of the list price.",
            _billed_or_included,
            weight=0.1,
        ),
        Rule(
            "currency_is_iso_4217",
            "cost_currency is a three-letter code.",
            _matches("cost_currency", "^[A-Z]{3}$"),
            weight=0.05,
        ),
        *(
            Rule(f"no_{flag.name}", flag.description, _not_flagged(flag.name), flag.severity)
            for flag in FLAGS.values()
        ),
        Rule(
            "no_undeclared_flag",
            "Readers say of a record only what is declared.",
            lambda t: ~undeclared(t, weighted_rules()),
        ),
    ),
    "fact_ai_usage": (
        Rule(
            "time_sk_in_range",
            "time_sk is a time of day.",
            _between("time_sk", 0, 235959),
            "error",
        ),
        Rule(
            "confidence_in_range",
            "attribution_confidence is between 0 and 1.",
            _between("attribution_confidence", 0, 1),
            "error",
        ),
        Rule(
            "completeness_in_range",
            "data_completeness is between 0 and 1.",
            _between("data_completeness", 0, 1),
            "error",
        ),
        Rule(
            "suggestion_rate_in_range",
            "suggestion_acceptance_rate is between 0 and 1.",
            _between("suggestion_acceptance_rate", 0, 1),
        ),
        Rule(
            "known_platform",
            "Platform and product are declared: dim_platforms has them.",
            lambda t: t.platform_sk != 0,
        ),
    ),
    "fact_ai_costs": (
        *_COST_AMOUNTS,
        Rule(
            "percentage_in_range",
            "allocation_percentage is between 0 and 100.",
            _between("allocation_percentage", 0, 100.000001),
            "error",
        ),
        *_ALLOCATION,
        _KNOWN_COST_TYPE,
        _KNOWN_STATUS,
        Rule(
            "cost_confidence_in_range",
            "cost_confidence is between 0 and 1.",
            _between("cost_confidence", 0, 1),
            "error",
        ),
        Rule(
            "known_platform",
            "Platform and product are declared: dim_platforms has them.",
            lambda t: t.platform_sk != 0,
        ),
    ),
    "loaded_days": (
        Rule(
            "known_cost_kind",
            "cost_kind is usage, seat or other.",
            _one_of("cost_kind", "usage", "seat", "other"),
            "error",
        ),
        Rule(
            "answered_once_begun",
            "No answer is older than its day.",
            lambda t: utc_day(t.ingest_timestamp) >= t["day"],
        ),
    ),
    "int_usage_weights": (
        Rule("weight_positive", "weight is above 0.", lambda t: t.weight > 0, "error"),
    ),
    "int_line_matches": (_KNOWN_LEVEL,),
    "int_cost_shares": (
        _KNOWN_LEVEL,
        Rule(
            "confidence_in_range",
            "split_confidence is between 0 and 1.",
            _between("split_confidence", 0, 1),
            "error",
        ),
    ),
    "int_rule_bearers": (
        Rule(
            "period_is_a_range",
            "valid_from is not after valid_to.",
            _at_most("valid_from", "valid_to"),
            "error",
        ),
    ),
    "int_cost_parts": (
        Rule(
            "known_rule",
            "applied_rule is equal_split or manual.",
            _one_of("applied_rule", "equal_split", "manual"),
            "error",
        ),
        Rule(
            "share_in_range",
            "rule_share is between 0 and 1.",
            _between("rule_share", 0, 1),
            "error",
        ),
    ),
    "int_cost_bearers": _ALLOCATION,
    "int_budgets": (
        Rule(
            "month_is_its_first_day",
            "month is the first of a month.",
            lambda t: t.month.day() == 1,
            "error",
        ),
        Rule(
            "known_scope",
            "scope_type is person, team, department, cost_center or project.",
            _one_of("scope_type", "person", "team", "department", "cost_center", "project"),
            "error",
        ),
    ),
    "int_cycle_status": (
        _KNOWN_STATUS,
        Rule(
            "difference_is_invoiced_less_reported",
            "difference_usd = invoiced_usd - reported_usd, exactly.",
            lambda t: t.difference_usd == t.invoiced_usd - t.reported_usd,
            "error",
        ),
    ),
    "int_cycle_days": (
        _KNOWN_COST_KIND,
        Rule("weight_not_negative", "weight is not negative.", _none_negative("weight"), "error"),
    ),
    "agg_costs_daily": (
        *_COST_AMOUNTS,
        _KNOWN_COST_TYPE,
        Rule(
            "month_is_of_its_day",
            "month is the first day of the month of date.",
            lambda t: t.month == t.date.truncate("M"),
            "error",
        ),
    ),
    "agg_usage_daily": (
        Rule(
            "active_within_records",
            "active_records is not above records.",
            _at_most("active_records", "records"),
            "error",
        ),
    ),
    "agg_reports_daily": (
        _KNOWN_COST_KIND,
        Rule(
            "says_something",
            "Something is billed, of unknown charge, or paid by a commitment.",
            lambda t: t.cost_records + t.unknown_charges + t.committed_records > 0,
            "error",
        ),
        Rule(
            "unpriced_within_committed",
            "committed_unpriced_tokens is not above committed_tokens.",
            _at_most("committed_unpriced_tokens", "committed_tokens"),
            "error",
        ),
    ),
    "agg_unattributed_daily": (
        Rule(
            "known_identity_type",
            "identity_type is email, api_key_id, api_key_name, vendor_user_id or workspace.",
            _one_of(
                "identity_type",
                "email",
                "api_key_id",
                "api_key_name",
                "vendor_user_id",
                "workspace",
            ),
            "error",
        ),
    ),
    "agg_keys_daily": (
        Rule(
            "used_or_paid",
            "Something is used in a workspace, or a key costs something.",
            lambda t: t.records + t.cost_lines > 0,
            "error",
        ),
    ),
    "identity_days": (
        Rule(
            "known_identity_type",
            "identity_type is email, api_key_id, api_key_name, vendor_user_id or none.",
            _one_of(
                "identity_type", "email", "api_key_id", "api_key_name", "vendor_user_id", "none"
            ),
            "error",
        ),
        Rule(
            "none_has_no_value",
            "identity_value is empty for none, and only for it.",
            lambda t: (t.identity_type == "none") == (t.identity_value == ""),
            "error",
        ),
        Rule(
            "use_is_part_of_records",
            "usage_records are part of records, of which there is one at least.",
            lambda t: (t.records >= 1) & t.usage_records.between(0, t.records),
            "error",
        ),
    ),
    "raw_restatements": (
        Rule(
            "difference_is_after_less_before",
            "difference = value_after - value_before, exactly; what is not reported is 0.",
            # Not t.difference: that is a method of ibis's tables.
            lambda t: t.value_before.fill_null(0) + t["difference"] == t.value_after.fill_null(0),
            "error",
        ),
        Rule(
            "something_changed",
            "value_after is not value_before.",
            lambda t: ~t.value_after.identical_to(t.value_before),
            "error",
        ),
        Rule(
            "seen_after_the_answer_before",
            "The change was seen after the answer that it changed.",
            lambda t: t.previous_fetch_at <= t.seen_at,
            "error",
        ),
    ),
    "closed_months": (
        Rule(
            "month_is_its_first_day",
            "month is the first of a month.",
            lambda t: t.month.day() == 1,
            "error",
        ),
        Rule(
            "closed_after_its_end",
            "A month is closed once it is over.",
            lambda t: utc_day(t.closed_at) > t.month,
            "error",
        ),
    ),
    "migration_log": (
        Rule(
            "known_outcome",
            "outcome is begun, done or failed.",
            _one_of("outcome", "begun", "done", "failed"),
            "error",
        ),
        Rule(
            "known_state",
            "state is parallel, validated, cutover or retired.",
            _one_of("state", "parallel", "validated", "cutover", "retired"),
            "error",
        ),
    ),
    "migration_writes": (
        Rule(
            "known_outcome",
            "outcome is written or failed.",
            _one_of("outcome", "written", "failed"),
            "error",
        ),
    ),
    "migration_differences": (
        Rule(
            "known_class",
            "class is one of those that docs/decisions/0006-migration.md has.",
            _one_of(
                "class",
                "identical",
                "attribution",
                "doubled",
                "rounding",
                "restated",
                "zone",
                "missing_in_old",
                "missing_in_new",
                "unexplained",
            ),
            "error",
        ),
    ),
    "dim_users": (
        Rule(
            "version_is_a_range",
            "effective_date is not after expiration_date.",
            _at_most("effective_date", "expiration_date"),
            "error",
        ),
        Rule(
            "budget_not_negative",
            "ai_budget_monthly_usd is not negative.",
            _none_negative("ai_budget_monthly_usd"),
            "error",
        ),
    ),
    "api_key_mappings": (
        Rule(
            "confidence_in_range",
            "confidence_score is between 0 and 1.",
            _between("confidence_score", 0, 1),
            "error",
        ),
        Rule(
            "period_is_a_range",
            "created_date is not after expires_date.",
            _at_most("created_date", "expires_date"),
            "error",
        ),
        Rule(
            "known_source",
            "attribution_source is one of the six.",
            _one_of(
                "attribution_source",
                "manual_entry",
                "sso_sync",
                "google_sheets",
                "vendor_directory",
                "key_succession",
                "key_name_pattern",
            ),
            "error",
        ),
    ),
    "bridge_user_identity": (
        Rule(
            "validity_is_a_range",
            "valid_from is not after valid_to.",
            _at_most("valid_from", "valid_to"),
            "error",
        ),
        Rule(
            "known_identity_type",
            "identity_type is email, api_key_id, api_key_name or vendor_user_id.",
            _one_of("identity_type", "email", "api_key_id", "api_key_name", "vendor_user_id"),
            "error",
        ),
    ),
    "dim_platforms": (
        Rule(
            "known_cost_model",
            "cost_model is subscription, usage_based or hybrid.",
            _one_of("cost_model", "subscription", "usage_based", "hybrid"),
        ),
    ),
    "dim_dates": (
        Rule("weekday_in_range", "day_of_week is 0 to 6.", _between("day_of_week", 0, 6), "error"),
    ),
    "dim_cost_centers": (
        Rule(
            "cost_center_not_blank",
            "cost_center is not blank.",
            lambda t: t.cost_center.strip() != "",
            "error",
        ),
    ),
}
"""Rules by table. A new table without rules of its own still has its contract from the DDL."""


def weighted_rules() -> list[str]:
    """The rules that scoring names in `validation_errors` of the rows that break them."""
    return [rule.name for rule in RULES["raw_ai_events"] if rule.weight > 0]


@dataclass(frozen=True)
class Relation:
    """Every value of `column` must stand in `target.target_column`."""

    column: str
    target: str
    target_column: str


RELATIONS: dict[str, tuple[Relation, ...]] = {
    "fact_ai_usage": (
        Relation("user_sk", "dim_users", "user_sk"),
        Relation("platform_sk", "dim_platforms", "platform_sk"),
        Relation("date_sk", "dim_dates", "date_sk"),
    ),
    "fact_ai_costs": (
        Relation("user_sk", "dim_users", "user_sk"),
        Relation("platform_sk", "dim_platforms", "platform_sk"),
        Relation("date_sk", "dim_dates", "date_sk"),
        Relation("cost_center_sk", "dim_cost_centers", "cost_center_sk"),
    ),
    "bridge_user_identity": (Relation("user_sk", "dim_users", "user_sk"),),
    "closed_months": (Relation("user_sk", "dim_users", "user_sk"),),
}
"""Foreign keys by table."""


def rules_of(table: str, severity: Severity) -> list[Rule]:
    """The table's rules of one severity."""
    return [rule for rule in RULES.get(table, ()) if rule.severity == severity]
