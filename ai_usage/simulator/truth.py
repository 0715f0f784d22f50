"""What really happened, summed up: what the warehouse's numbers are compared with.

Computed from the behaviour model's records, never from served JSON. Sums only; nothing here
generates. Days are UTC days, tokens are counts, dollars are exact `Decimal`s.

Two views of who did it. `knowable=True` (the default) is the best that vendors' answers and
registers allow: what nobody can be named for is `UNKNOWN`, shared keys are their team's.
`knowable=False` is the person or team really behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from ai_usage.simulator import money_truth
from ai_usage.simulator.company import Company, tokens_by_type
from ai_usage.simulator.money_truth import InvoiceTruth, OtherKey, SeatKey
from ai_usage.simulator.pricing import WEB_SEARCH_CENTS
from ai_usage.simulator.records import UNKNOWN, ApiUsage, CodeRecord, CursorEvent, Owner
from ai_usage.simulator.reference import INVOICED_PERIODS
from ai_usage.simulator.roster import ApiKey, Person, Team

Subtype = Literal["cursor", "claude_api", "claude_code"]
Platform = Literal["cursor", "anthropic"]
_CODE_EXECUTION_DOLLARS_PER_HOUR = Decimal("0.05")


class ActivityKey(NamedTuple):
    """The grain of usage: a day, who, and what with."""

    day: date
    owner: Owner
    platform_subtype: Subtype


@dataclass(slots=True)
class Activity:
    """Counts of one `ActivityKey`. A count that a source does not report stays 0.

    Tokens are the four disjoint classes; `cache_write_tokens` = 5 minutes + 1 hour, kept apart
    only where the usage report does. Tokens of Claude Code on an API key stand once, under the
    key's subtype. Lines, requests and suggestions are as the design maps them: Cursor's daily
    report, Claude Code's report.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    web_search_requests: int = 0
    lines_added: int = 0
    lines_accepted: int = 0
    sessions: int = 0
    commits: int = 0
    pull_requests: int = 0
    suggestions_shown: int = 0
    suggestions_accepted: int = 0
    requests: int = 0
    included_requests: int = 0
    usage_based_requests: int = 0

    @property
    def total_tokens(self) -> int:
        """All four classes."""
        return (
            self.input_tokens
            + self.output_tokens
            + self.cache_read_tokens
            + self.cache_write_tokens
        )


class CostTruth(NamedTuple):
    """A line of the cost report in its finest grouping, in dollars."""

    day: date
    workspace_id: str | None
    cost_type: str
    model: str | None
    service_tier: str | None
    context_window: str | None
    token_type: str | None
    description: str
    dollars: Decimal


class SpenderLine(NamedTuple):
    """What one key (None: Workbench) cost on a day, by model and cost type."""

    day: date
    owner: Owner
    api_key_id: str | None
    workspace_id: str | None
    platform_subtype: Subtype
    cost_type: Literal["tokens", "web_search", "code_execution"]
    model: str | None
    dollars: Decimal


@dataclass(slots=True)
class MonthTotal:
    """A platform's month: what it bills, and what Cursor's plan covered."""

    dollars: Decimal = field(default_factory=Decimal)
    included_value: Decimal = field(default_factory=Decimal)
    tokens: int = 0


class KeyTruth(NamedTuple):
    """A key's owner and what each register says on `today`."""

    api_key_id: str
    api_key_name: str
    owner: Owner
    knowable_owner: Owner
    platform_subtype: Subtype
    register_says: str | None
    """The key register's `user_email`, None where the key is not in it."""
    directory_says: str | None
    """The e-mail that `created_by` leads to, None for removed users and service accounts."""
    name_pattern_says: str | None
    """The `first.last` in a Claude Code key's name."""
    shared: bool
    cost_center: str
    project_codes: tuple[str, ...]


class Truth:
    """The sums of one company, as seen on its `today` and after its amendments."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._owners_of_name: dict[str, set[Owner]] = defaultdict(set)
        for key in company.keys:
            self._owners_of_name[key.name].add(key.owner)
        self._by_email: dict[str, Person] = {}
        for person in company.people:
            for address in (person.email, *person.aliases):
                self._by_email[address] = person

    # People ------------------------------------------------------------------------------

    def canonical_email(self, address: str) -> str:
        """A person's own e-mail, also for an alias. KeyError for a stranger."""
        return self._by_email[address].email

    def team_of(self, email: str, day: date) -> Team:
        """The team (with cost centre and manager) a person was in on a day."""
        return self._by_email[email].team(day)

    def key_owners(self) -> list[KeyTruth]:
        """Every key that exists on `today`: who owns it, and who says what."""
        today = self.company.today
        users = {
            person.console_id: person.email
            for person in self.company.people
            if person.uses_console and person.employed(today)
        }
        return [
            KeyTruth(
                api_key_id=key.id,
                api_key_name=key.name,
                owner=key.owner,
                knowable_owner=key.knowable_owner,
                platform_subtype=key.platform_subtype,
                register_says=key.contact_email if key.registered else None,
                directory_says=users.get(key.created_by_id),
                name_pattern_says=_handle_in(key),
                shared=key.registered and key.intended_use in ("team", "service"),
                cost_center=key.cost_center,
                project_codes=key.project_codes,
            )
            for key in self.company.keys
            if key.created <= today
        ]

    # Usage -------------------------------------------------------------------------------

    def usage_by_person_day(
        self, start: date, end: date, *, knowable: bool = True
    ) -> dict[ActivityKey, Activity]:
        """Counts per day, owner and platform subtype, `start` to `end` both inclusive.

        API tokens are under the subtype of their key. A Claude Code record of an API key is
        under the key's owner; under `UNKNOWN` (knowable) where several people's keys share its
        name, because the vendor reports the name only.
        """
        found: dict[ActivityKey, Activity] = defaultdict(Activity)
        for day in self.company.days(start, end):
            self._add_cursor(found, day, knowable)
            for usage in self.company.api_usage(day):
                owner, subtype = self._usage_owner(usage, knowable)
                activity = found[ActivityKey(day, owner, subtype)]
                activity.input_tokens += usage.uncached
                activity.output_tokens += usage.output
                activity.cache_read_tokens += usage.cache_read
                activity.cache_write_tokens += usage.write_5m + usage.write_1h
                activity.cache_write_5m_tokens += usage.write_5m
                activity.cache_write_1h_tokens += usage.write_1h
                activity.web_search_requests += usage.web_searches
            for record in self.company.claude_code(day):
                owner = self.record_owner(record, knowable)
                _add_code(found[ActivityKey(day, owner, "claude_code")], record)
        return dict(found)

    def _add_cursor(self, found: dict[ActivityKey, Activity], day: date, knowable: bool) -> None:
        for row in self.company.cursor_activity(day):
            owner = Owner("person", self.company.people[row.person].email)
            activity = found[ActivityKey(day, owner, "cursor")]
            activity.lines_added += row.lines_added
            activity.lines_accepted += row.accepted_lines_added
            activity.suggestions_shown += row.accepts + row.rejects + row.tabs_shown
            activity.suggestions_accepted += row.accepts + row.tabs_accepted
            activity.included_requests += row.included_requests
            activity.usage_based_requests += row.usage_based_requests
            activity.requests += (
                row.included_requests + row.usage_based_requests + row.api_key_requests
            )
        for event in self.company.cursor_events(day):
            activity = found[ActivityKey(day, self._event_owner(event, knowable), "cursor")]
            if event.tokens is not None:
                activity.input_tokens += event.tokens.input
                activity.output_tokens += event.tokens.output
                activity.cache_read_tokens += event.tokens.cache_read
                activity.cache_write_tokens += event.tokens.cache_write

    # Dollars -----------------------------------------------------------------------------

    def direct_dollars(
        self, start: date, end: date, *, knowable: bool = True
    ) -> dict[tuple[date, Owner], Decimal]:
        """Cursor's chargeable events in dollars, per day and person."""
        return self._cursor_dollars(start, end, knowable, lambda event: event.is_chargeable)

    def included_value(
        self, start: date, end: date, *, knowable: bool = True
    ) -> dict[tuple[date, Owner], Decimal]:
        """Priced value of Cursor events that the plan covers: no invoice has it."""
        return self._cursor_dollars(start, end, knowable, lambda event: not event.is_chargeable)

    def _cursor_dollars(
        self, start: date, end: date, knowable: bool, counts: Callable[[CursorEvent], bool]
    ) -> dict[tuple[date, Owner], Decimal]:
        found: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
        for day in self.company.days(start, end):
            for event in self.company.cursor_events(day):
                if counts(event) and event.charged_cents:
                    owner = self._event_owner(event, knowable)
                    found[day, owner] += event.charged_cents / 100
        return dict(found)

    def cost_lines(self, day: date) -> list[CostTruth]:
        """Anthropic's cost report of the day in dollars, grouped as finely as it can be."""
        return [
            CostTruth(
                day=day,
                workspace_id=line.workspace_id,
                cost_type=line.cost_type,
                model=line.model,
                service_tier=line.service_tier,
                context_window=line.context_window,
                token_type=line.token_type,
                description=line.description,
                dollars=line.cents / 100,
            )
            for line in self.company.cost_lines(day)
        ]

    def spender_lines(self, day: date, *, knowable: bool = True) -> list[SpenderLine]:
        """What each key really cost: price times its own tokens, its searches, its containers.

        Sums to `cost_lines` exactly, unless an amendment has changed the stream `cost_lines`
        itself. Code execution is under the key that ran it although only the workspace is
        reported; in this company that workspace has one key.
        """
        sums: dict[tuple[Owner, str | None, str | None, Subtype, str, str | None], Decimal]
        sums = defaultdict(Decimal)
        prices = self.company.prices
        for usage in self.company.api_usage(day):
            owner, subtype = self._usage_owner(usage, knowable)
            where = (owner, usage.key_id, usage.workspace_id, subtype)
            if usage.web_searches:
                sums[*where, "web_search", None] += usage.web_searches * WEB_SEARCH_CENTS / 100
            if usage.service_tier == "priority":
                continue
            for token_type, tokens in tokens_by_type(usage):
                if tokens:
                    rate = prices.cents_per_million(
                        day, usage.model, usage.service_tier, usage.context_window, token_type
                    )
                    sums[*where, "tokens", usage.model] += tokens * rate / 100_000_000
        for execution in self.company.code_execution(day):
            key = self.company.key(execution.key_id)
            owner = key.knowable_owner if knowable else key.owner
            place = (owner, key.id, execution.workspace_id, key.platform_subtype)
            sums[*place, "code_execution", None] += (
                execution.hours * _CODE_EXECUTION_DOLLARS_PER_HOUR
            )
        return [SpenderLine(day, *line, dollars) for line, dollars in sums.items()]  # type: ignore[arg-type]

    def spender_dollars(
        self, start: date, end: date, *, knowable: bool = True
    ) -> dict[tuple[date, Owner], Decimal]:
        """Anthropic API dollars per day and true person or team: `spender_lines` added up."""
        found: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
        for day in self.company.days(start, end):
            for line in self.spender_lines(day, knowable=knowable):
                found[day, line.owner] += line.dollars
        return dict(found)

    def platform_month_totals(
        self, start: date, end: date
    ) -> dict[tuple[date, Platform], MonthTotal]:
        """Per first of month and platform, over the days from `start` to `end` inclusive.

        Dollars are Cursor's chargeable events and Anthropic's cost report: what the vendors
        bill by use. Seats are no part of it, no vendor endpoint reports them.
        """
        found: dict[tuple[date, Platform], MonthTotal] = defaultdict(MonthTotal)
        for day in self.company.days(start, end):
            cursor = found[day.replace(day=1), "cursor"]
            for event in self.company.cursor_events(day):
                if event.is_chargeable:
                    cursor.dollars += event.charged_cents / 100
                else:
                    cursor.included_value += event.charged_cents / 100
                if event.tokens is not None:
                    cursor.tokens += (
                        event.tokens.input
                        + event.tokens.output
                        + event.tokens.cache_write
                        + event.tokens.cache_read
                    )
            anthropic = found[day.replace(day=1), "anthropic"]
            anthropic.dollars += sum((line.dollars for line in self.cost_lines(day)), Decimal())
            anthropic.tokens += sum(
                tokens
                for usage in self.company.api_usage(day)
                for _, tokens in tokens_by_type(usage)
            )
            anthropic.tokens += sum(
                tokens.uncached
                + tokens.output
                + tokens.cache_read
                + tokens.write_5m
                + tokens.write_1h
                for record in self.company.claude_code(day)
                if record.customer_type == "subscription"
                for tokens in record.tokens
            )
        return dict(found)

    # Seats, other costs, invoices ---------------------------------------------------------

    def seat_dollars(self, start: date, end: date) -> dict[SeatKey, Decimal]:
        """Seats in dollars per day, platform and holder (None: a seat that nobody holds).

        Both days inclusive.
        """
        return money_truth.seat_dollars(self.company, start, end)

    def seat_month_dollars(self, start: date, end: date) -> dict[SeatKey, Decimal]:
        """`seat_dollars` added up per calendar month: `day` is its first."""
        found: dict[SeatKey, Decimal] = defaultdict(Decimal)
        for key, dollars in self.seat_dollars(start, end).items():
            found[key._replace(day=key.day.replace(day=1))] += dollars
        return dict(found)

    def unassigned_seat_dollars(
        self, start: date, end: date
    ) -> dict[tuple[date, Platform], Decimal]:
        """What seats that nobody holds cost, per day and platform."""
        days = self.seat_dollars(start, end)
        return {(k.day, k.platform): dollars for k, dollars in days.items() if k.email is None}

    def other_dollars(self, start: date, end: date) -> dict[OtherKey, Decimal]:
        """What other_costs.csv brings, per day, platform and kind; all of it is shared."""
        return money_truth.other_dollars(self.company, start, end)

    def invoices(
        self, periods: int = INVOICED_PERIODS, *, of_all: bool = False
    ) -> list[InvoiceTruth]:
        """Every written invoice in dollars and what reconciling it must say."""
        return money_truth.invoice_truths(self.company, periods, of_all=of_all)

    # Who -------------------------------------------------------------------------------

    def _event_owner(self, event: CursorEvent, knowable: bool) -> Owner:
        if event.service_account is not None:
            return UNKNOWN
        if knowable:
            if event.email is None:
                return UNKNOWN
            return Owner("person", self.canonical_email(event.email))
        return Owner("person", self.company.people[event.person].email)

    def _usage_owner(self, usage: ApiUsage, knowable: bool) -> tuple[Owner, Subtype]:
        if usage.key_id is not None:
            key = self.company.key(usage.key_id)
            return (key.knowable_owner if knowable else key.owner), key.platform_subtype
        if knowable or usage.person is None:
            return UNKNOWN, "claude_api"
        return Owner("person", self.company.people[usage.person].email), "claude_api"

    def record_owner(self, record: CodeRecord, knowable: bool) -> Owner:
        """Whose a Claude Code record is, or (knowable) can be known to be."""
        if not knowable:
            return Owner("person", self.company.people[record.person].email)
        if record.actor_type == "user_actor":
            return Owner("person", self.canonical_email(record.actor_name))
        if len(self._owners_of_name[record.actor_name]) > 1 or record.key_id is None:
            return UNKNOWN
        return self.company.key(record.key_id).knowable_owner


def total(dollars: Iterable[Decimal]) -> Decimal:
    """An exact sum, also of nothing."""
    return sum(dollars, Decimal())


def _add_code(activity: Activity, record: CodeRecord) -> None:
    activity.sessions += record.sessions
    activity.lines_accepted += record.lines_added
    activity.commits += record.commits
    activity.pull_requests += record.pull_requests
    for _, accepted, rejected in record.tools:
        activity.suggestions_shown += accepted + rejected
        activity.suggestions_accepted += accepted
    if record.customer_type == "subscription":
        for tokens in record.tokens:
            activity.input_tokens += tokens.uncached
            activity.output_tokens += tokens.output
            activity.cache_read_tokens += tokens.cache_read
            activity.cache_write_tokens += tokens.write_5m + tokens.write_1h


def _handle_in(key: ApiKey) -> str | None:
    if not key.name.startswith("claude_code_key_"):
        return None
    return key.name.removeprefix("claude_code_key_").rpartition("_")[0]
