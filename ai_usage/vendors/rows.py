"""The typed rows that vendors' answers are normalised into. No reading, no writing, no clock.

`RawEvent` mirrors the columns of `raw_ai_events` that a vendor can fill; types, nullability and
meanings stand in `sql/tables/raw_ai_events.sql` and a test keeps the two in step.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

WeightClass = Literal[
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "web_search_requests",
]
"""The columns of usage by whose counts a cost line can be split."""
PriceTier = Literal["standard", "batch"]


class RawEvent(msgspec.Struct, kw_only=True, gc=False):
    """One event as a vendor reported it. Unknown is None, never 0; money is Decimal US dollars.

    `identity` holds the fields that make the event the same event in a later answer, without any
    amount that the vendor may restate; `event_id` is hashed from it by `event_ids.with_event_ids`
    and empty until then. `record` is the number of its record on the answered page, from 1;
    `archive_page` names both once the page is known.
    """

    identity: tuple[str | None, ...]
    record: int | None = None
    event_timestamp: datetime
    event_date: date
    event_type: str
    platform_subtype: str | None = None
    user_email: str | None = None
    actor_name: str | None = None
    api_key_id: str | None = None
    workspace_id: str | None = None
    session_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    token_type: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    web_search_requests: int | None = None
    session_count: int | None = None
    lines_added: int | None = None
    lines_accepted: int | None = None
    suggestions_shown: int | None = None
    suggestions_accepted: int | None = None
    commits: int | None = None
    pull_requests: int | None = None
    session_duration_seconds: int | None = None
    cost_usd: Decimal | None = None
    included_value_usd: Decimal | None = None
    estimated_cost_usd: Decimal | None = None
    cost_currency: str | None = None
    cost_type: str | None = None
    billing_period: str | None = None
    exchange_rate: Decimal | None = None
    exchange_rate_date: date | None = None
    exchange_rate_source: str | None = None
    is_rate_stale: bool | None = None
    billing_account_id: str | None = None
    billing_month_days: int | None = None
    cost_center: str | None = None
    project_codes: list[str] | None = None
    request_count: int | None = None
    subscription_requests: int | None = None
    overage_requests: int | None = None
    attribution_method: str = "unknown"
    raw_response: str | None = None
    validation_errors: list[str] = []
    weight_class: WeightClass | None = None
    price_tier: PriceTier | None = None
    is_committed: bool | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None
    vendor_user_id: str | None = None
    effective_cost_usd: Decimal | None = None
    list_cost_usd: Decimal | None = None
    archive_page: str | None = None
    event_id: str = ""


class Person(msgspec.Struct, kw_only=True, frozen=True):
    """A person in a vendor's member list, as of the day of the snapshot."""

    vendor_user_id: str
    user_email: str | None
    full_name: str | None = None
    role: str | None = None
    is_removed: bool = False


class ApiKey(msgspec.Struct, kw_only=True, frozen=True):
    """An API key in a vendor's directory, as of the day of the snapshot."""

    api_key_id: str
    api_key_name: str | None = None
    status: str | None = None
    workspace_id: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    created_by_id: str | None = None


class Workspace(msgspec.Struct, kw_only=True, frozen=True):
    """A workspace in a vendor's directory, as of the day of the snapshot."""

    workspace_id: str
    workspace_name: str | None = None
    archived_at: datetime | None = None


class MemberSpend(msgspec.Struct, kw_only=True, frozen=True):
    """One member's spend in the running billing cycle, as of the snapshot, in US dollars."""

    vendor_user_id: str | None
    user_email: str | None
    cycle_start: datetime | None = None
    spend_usd: Decimal | None = None
    overall_spend_usd: Decimal | None = None
    included_spend_usd: Decimal | None = None


class GroupSpend(msgspec.Struct, kw_only=True, frozen=True):
    """What a vendor says a group of its own has spent, as of the snapshot, in US dollars.

    Members are addresses, or the vendor's ids of who has none. A cycle is UTC, its end exclusive.
    """

    group_id: str
    group_name: str | None = None
    kind: Literal["billing_group", "team"]
    directory_group_id: str | None = None
    is_unassigned: bool = False
    current_members: list[str] = []
    former_members: list[str] = []
    cycle_start: datetime | None = None
    cycle_end: datetime | None = None
    spend_usd: Decimal | None = None
    included_spend_usd: Decimal | None = None
    budget_usd: Decimal | None = None


class DirectoryRow(msgspec.Struct, kw_only=True, frozen=True):
    """What a company's own directory says of a person or key: a line of a reference file.

    `source` is the snapshot source that it belongs to (`scim`, `sso`, `google_sheets`); `values`
    has the columns of `users.csv` or `api_keys.csv`.
    """

    source: str
    values: dict[str, Any]


Why = Literal["odd", "nobody", "follows"]
"""Why a record is left out: it cannot be taken as it is, it is no person's (an account without an
address), or it names an account that is left out."""


class LeftOut(msgspec.Struct, kw_only=True, frozen=True):
    """A record of a directory's list that is left out as a whole, or without some of its values.

    The others count. What is left out keeps its last good state: see `identity.last_good`.
    """

    who: str
    """What a person finds the record by: an address, a name, an id, else its place."""
    what: str
    """What is odd about it, in words."""
    remedy: str = ""
    ids: tuple[str, ...] = ()
    """The source's own id of the record, where it can be read."""
    addresses: tuple[str, ...] = ()
    """The addresses that can be read of it. Without these and an id it may be anybody."""
    columns: tuple[str, ...] | None = None
    """The columns that are left out; None for the whole record."""
    source: str | None = None
    """The snapshot source that it is left out of; None for all that the answer has."""
    why: Why = "odd"


Row = RawEvent | Person | ApiKey | Workspace | MemberSpend | GroupSpend | DirectoryRow | LeftOut
