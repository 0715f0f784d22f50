"""What follows from a check that does not pass, and what to do: for the console and for alerts.

Only of checks that hold nothing back: what a blocking one keeps from being built, the run says.
"""

from __future__ import annotations

from collections.abc import Mapping

_UNATTRIBUTED = "The others are Unattributed; `ai-usage keys gaps` says whose they may be."

CONSEQUENCES: Mapping[str, str] = {
    "known_platform": "These rows count for the platform Unknown. Declare platform and product in "
    "platforms.csv; `ai-usage reference check` names the line of each file that spells them "
    "otherwise.",
    "quality": "The rows are kept and counted.",
    "completeness": "The days keep what they had; the next run that covers them asks again.",
    "bills_due": "Import the bill, or let it come into the watched folder; of an account that "
    "bills no more, end the lines of focus_mapping.csv by valid_to.",
    "freshness": "What it shows of days before today stands; `ai-usage run` asks for today.",
    "directory_records": "The others count, and what was last read of these stands; `ai-usage "
    "doctor` has each by name, with what is odd and what helps.",
    "volume": "Nothing is held back: compare the day with the vendor's own report.",
    "usage_attribution": _UNATTRIBUTED,
    "cost_attribution": _UNATTRIBUTED,
    "approved_platforms": "Nothing is held back: add the platform to the person's "
    "approved_platforms in users.csv, or tell them.",
    "reseen_keys": "The use counts for the key's owner: confirm the owner in api_keys.csv "
    "(last_verified_date), or revoke the key.",
    "spend_anomalies": "Nothing is held back: ask who spent it.",
    "budget_crossings": "Nothing is held back. Addresses are masked here; who they are: "
    '`ai-usage query "SELECT scope_value, cost_to_date, budget_usd FROM vw_budget_status '
    "WHERE is_over_budget AND scope_type = 'person' ORDER BY month DESC\"`.",
    "one_identity": "They are kept apart. Addresses are masked here; who they are: `ai-usage query "
    '"SELECT person, identity_doubts FROM dim_users '
    'WHERE is_current AND ARRAY_LENGTH(identity_doubts) > 0"`. '
    "If it is one person, list the former address under aliases in users.csv; if they are two, "
    "give each an id of their own where the id comes from.",
    "latency": "The view is right, and slow to read.",
}
"""By name of a check, or of a rule of one."""
