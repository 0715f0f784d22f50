"""What happened at the company, one record a fact: the behaviour model's output.

Plain immutable records, named in the simulator's own words. How a vendor shapes them as JSON is
in the vendor modules; what they add up to is in `truth`. Days are UTC days, times epoch
milliseconds, tokens are counts, money is `Decimal` cents.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

OwnerKind = Literal["person", "team", "unknown"]


class Owner(msgspec.Struct, frozen=True, order=True):
    """Who bears something: a person (canonical e-mail), a team (its name), or nobody known."""

    kind: OwnerKind
    name: str


UNKNOWN = Owner("unknown", "")
"""Nobody can be named from what the vendors and the registers say."""


class CursorTokens(msgspec.Struct, frozen=True):
    """Tokens of one Cursor event: four disjoint classes."""

    input: int
    output: int
    cache_write: int
    cache_read: int


class CursorEvent(msgspec.Struct, frozen=True):
    """One Cursor usage event. `charged_cents` = model cost after discount + token fee."""

    day: date
    timestamp_ms: int
    person: int
    email: str | None
    """What the payload says: None where the vendor left it out. `person` is the truth."""
    model: str
    kind: str
    requests_costs: float
    is_chargeable: bool
    is_headless: bool
    max_mode: bool
    tokens: CursorTokens | None
    total_cents: Decimal
    discount_percent: int
    token_fee_cents: Decimal
    charged_cents: Decimal
    service_account: tuple[str, str] | None = None
    """(id, name) of the account that acted instead of a person; `person` only set it up."""


class CursorActivity(msgspec.Struct, frozen=True):
    """A member's counters of one day in the editor. Request counts follow from the events."""

    day: date
    person: int
    lines_added: int
    lines_deleted: int
    accepted_lines_added: int
    accepted_lines_deleted: int
    applies: int
    accepts: int
    rejects: int
    tabs_shown: int
    tabs_accepted: int
    composer_requests: int
    chat_requests: int
    agent_requests: int
    cmdk_usages: int
    bugbot_usages: int
    api_key_requests: int
    included_requests: int
    usage_based_requests: int
    most_used_model: str
    apply_extension: str
    tab_extension: str
    client_version: str


class ModelTokens(msgspec.Struct, frozen=True):
    """Tokens of one model and context window within a Claude Code record."""

    model: str
    context_window: str
    uncached: int
    output: int
    cache_read: int
    write_5m: int
    write_1h: int


class CodeRecord(msgspec.Struct, frozen=True):
    """Claude Code: one actor, terminal and customer type on one day."""

    day: date
    person: int
    actor_type: Literal["user_actor", "api_actor"]
    actor_name: str
    """The e-mail or the key's name, as the payload says."""
    key_id: str | None
    """The key that paid (customer type `api`); None for subscriptions."""
    customer_type: Literal["api", "subscription"]
    terminal_type: str
    sessions: int
    lines_added: int
    lines_removed: int
    commits: int
    pull_requests: int
    tools: tuple[tuple[str, int, int], ...]
    """(tool, accepted, rejected); a tool that was not used is absent."""
    tokens: tuple[ModelTokens, ...]


class ApiUsage(msgspec.Struct, frozen=True):
    """API tokens of one key, workspace, model, tier and context window on one day."""

    day: date
    key_id: str | None
    """None for the Workbench."""
    workspace_id: str | None
    """None for the default workspace."""
    model: str
    service_tier: str
    context_window: str
    inference_geo: str
    uncached: int
    output: int
    cache_read: int
    write_5m: int
    write_1h: int
    web_searches: int
    person: int | None = None
    """Who typed it, for the Workbench only: the vendor does not say."""


class CodeExecution(msgspec.Struct, frozen=True):
    """Container hours of the code execution tool: in the cost report, in no usage report."""

    day: date
    workspace_id: str | None
    key_id: str
    """The key that spent it; the vendor does not say."""
    hours: Decimal


class CostLine(msgspec.Struct, frozen=True):
    """A line of the cost report in its finest grouping."""

    day: date
    workspace_id: str | None
    description: str
    cost_type: Literal["tokens", "web_search", "code_execution"]
    model: str | None
    token_type: str | None
    service_tier: str | None
    context_window: str | None
    inference_geo: str | None
    cents: Decimal
