"""The fictitious company: what is recorded for each day, as seen on `today`.

This joins roster, behaviour and amendments into day streams with a bounded cache. Vendors' shapes
are in `cursor_api`, `anthropic_api` and `openai_api`, sums in `truth`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from ai_usage.simulator import behaviour, openai_books, pricing, seeding
from ai_usage.simulator.amendments import Amendment, Stream
from ai_usage.simulator.records import (
    ApiUsage,
    CodeExecution,
    CodeRecord,
    CostLine,
    CursorActivity,
    CursorEvent,
)
from ai_usage.simulator.roster import ApiKey, Person, Roster, Workspace, build_roster

DEFAULT_SEED: Final = "ai-usage"
HISTORY_DAYS: Final = 500


class DayCache:
    """Keeps what was made for a day, the least recently used going first.

    The bound counts records, not days, so that a large company does not fill the memory.
    """

    def __init__(self, records: int = 400_000) -> None:
        self._bound = records
        self._held = 0
        self._lock = threading.RLock()
        self._kept: OrderedDict[tuple[str, date], list[Any]] = OrderedDict()

    @property
    def held(self) -> int:
        """Records kept now, and one for each list."""
        return self._held

    @property
    def lists(self) -> int:
        """Lists kept now."""
        return len(self._kept)

    def get(self, name: str, day: date, make: Callable[[], list[Any]]) -> list[Any]:
        """The list of that name and day, made once while it stays in the cache."""
        key = (name, day)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
            made = make()
            self._kept[key] = made
            self._held += len(made) + 1
            while self._held > self._bound and len(self._kept) > 1:
                self._held -= len(self._kept.popitem(last=False)[1]) + 1
            return made


class Company:
    """One seeded company. The same arguments give the same records in any process.

    `today` is the UTC date it is seen on (default: the current one): the day's records reach to
    noon UTC, later days have none, and the history reaches back `HISTORY_DAYS`. `anchor` is the
    date that joiners, leavers and the mover hang on (default: the first day of today's quarter),
    so one company can be seen from several days: see `on`. `people` is its size; `scale`
    multiplies the Cursor events a person makes. `amendments` restate days. A `tidy` company is one
    as people run it: its registers name what it uses but for one old key, its usage names somebody,
    and hardly anything is unusual. Any other has every oddity on every day.
    """

    def __init__(
        self,
        seed: str = DEFAULT_SEED,
        *,
        today: date | None = None,
        people: int = 40,
        scale: float = 1.0,
        anchor: date | None = None,
        amendments: Iterable[Amendment] = (),
        tidy: bool = False,
    ) -> None:
        self.seed = seed
        self.tidy = tidy
        self.today: date = today or datetime.now(UTC).date()
        self.size = people
        self.scale = scale
        self.anchor: date = anchor or self.today.replace(
            month=(self.today.month - 1) // 3 * 3 + 1, day=1
        )
        self.amendments = tuple(amendments)
        self.history_start: date = self.today - timedelta(days=HISTORY_DAYS)
        self.organization_id = seeding.uuid_text(seed, "organization")
        self.roster: Roster = build_roster(seed, people, self.anchor, tidy=tidy)
        self.prices = pricing.anthropic_prices(self.anchor)
        self.openai = openai_books.Account(seed, self.roster.people, self.anchor)
        self.cache = DayCache()
        self._keys_by_id = {key.id: key for key in self.roster.keys}
        self._keys_of: dict[int, list[ApiKey]] = defaultdict(list)
        for key in self.roster.keys:
            if key.person is not None:
                self._keys_of[key.person].append(key)
        self._amended: dict[tuple[Stream, date], list[Amendment]] = defaultdict(list)
        for amendment in self.amendments:
            self._amended[amendment.stream, amendment.day].append(amendment)

    # Other views of the same company -----------------------------------------------------

    def on(self, today: date) -> Company:
        """The same company (same anchor, same amendments) seen on another date."""
        return self._with(today=today)

    def amended(self, *amendments: Amendment) -> Company:
        """The same company after the vendors have restated some days."""
        return self._with(amendments=(*self.amendments, *amendments))

    def _with(self, **changes: Any) -> Company:
        arguments: dict[str, Any] = {
            "today": self.today,
            "people": self.size,
            "scale": self.scale,
            "anchor": self.anchor,
            "amendments": self.amendments,
            "tidy": self.tidy,
        }
        return Company(self.seed, **(arguments | changes))

    # Who there is ------------------------------------------------------------------------

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody of the roster, by number; also those who have left or not yet begun."""
        return self.roster.people

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """Every API key that ever exists."""
        return self.roster.keys

    @property
    def workspaces(self) -> tuple[Workspace, ...]:
        """Every workspace but the default one, which has no id."""
        return self.roster.workspaces

    def key(self, key_id: str) -> ApiKey:
        """The key with that id; KeyError without one."""
        return self._keys_by_id[key_id]

    def days(self, start: date, end: date) -> list[date]:
        """The days from `start` to `end`, both inclusive, that have a history."""
        first, last = max(start, self.history_start), min(end, self.today)
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    # What happened -----------------------------------------------------------------------

    def cursor_events(self, day: date) -> list[CursorEvent]:
        """Every Cursor usage event of the day, in order of time."""

        def make() -> list[CursorEvent]:
            events: list[CursorEvent] = []
            for person in self.people:
                events += behaviour.cursor_events(
                    self.seed, person, day, self.scale, self._partial(day), steady=self.tidy
                )
            events += behaviour.service_account_events(
                self.seed, self.people[0], day, self._partial(day)
            )
            events = self.as_amended("cursor_events", day, events)
            return sorted(events, key=lambda event: (event.timestamp_ms, event.person))

        return self._stream("cursor_events", day, make)

    def cursor_activity(self, day: date) -> list[CursorActivity]:
        """The day's counters of every active Cursor member, by number of the person."""

        def make() -> list[CursorActivity]:
            by_person: dict[int, list[CursorEvent]] = defaultdict(list)
            for event in self.cursor_events(day):
                if event.service_account is not None:
                    continue
                by_person[event.person].append(event)
            found = (
                behaviour.cursor_activity(
                    self.seed, person, day, by_person[person.number], self._partial(day)
                )
                for person in self.people
            )
            return self.as_amended(
                "cursor_activity", day, [row for row in found if row is not None]
            )

        return self._stream("cursor_activity", day, make)

    def claude_code(self, day: date) -> list[CodeRecord]:
        """Every Claude Code record of the day."""

        def make() -> list[CodeRecord]:
            records: list[CodeRecord] = []
            for person in self.people:
                keys = [key for key in self._keys_of[person.number] if key.alive(day)]
                records += behaviour.claude_code(self.seed, person, keys, day, self._partial(day))
            return self.as_amended("claude_code", day, records)

        return self._stream("claude_code", day, make)

    def api_usage(self, day: date) -> list[ApiUsage]:
        """The API tokens of the day: Claude Code's, the keys' other traffic, the Workbench's.

        A key may have several records of one model: their sum is what the vendor reports.
        """

        def make() -> list[ApiUsage]:
            partial = self._partial(day)
            usage: list[ApiUsage] = []
            for record in self.claude_code(day):
                if record.key_id is not None:
                    workspace = self.key(record.key_id).workspace_id
                    usage += behaviour.code_usage(record, workspace)
            for key in self.keys:
                person = None if key.person is None else self.people[key.person]
                usage += behaviour.key_usage(self.seed, key, person, day, partial)
            for person in self.people:
                if person.uses_console:
                    usage += behaviour.workbench_usage(self.seed, person, day, partial)
            return self.as_amended("api_usage", day, usage)

        return self._stream("api_usage", day, make)

    def code_execution(self, day: date) -> list[CodeExecution]:
        """Container hours of the day: money in the cost report, nothing in the usage report."""

        def make() -> list[CodeExecution]:
            found: list[CodeExecution] = []
            for key in self.keys:
                found += behaviour.code_execution(self.seed, key, day, self._partial(day))
            return self.as_amended("code_execution", day, found)

        return self._stream("code_execution", day, make)

    def cost_lines(self, day: date) -> list[CostLine]:
        """The cost report's lines of the day in the finest grouping, summed over keys."""

        def make() -> list[CostLine]:
            lines = cost_lines_of(day, self.prices, self.api_usage(day), self.code_execution(day))
            return self.as_amended("cost_lines", day, lines)

        return self._stream("cost_lines", day, make)

    def openai_usage(self, day: date) -> list[openai_books.OpenAiUsage]:
        """What was used of OpenAI's API on the day, of every kind."""

        def make() -> list[openai_books.OpenAiUsage]:
            used = openai_books.usage_of(
                self.openai, self.people, day, self._partial(day), tidy=self.tidy
            )
            return self.as_amended("openai_usage", day, used)

        return self._stream("openai_usage", day, make)

    def openai_lines(self, day: date) -> list[openai_books.Line]:
        """OpenAI's lines of costs of the day in the finest grouping."""
        return self.cache.get(
            "openai_lines", day, lambda: openai_books.lines_of(self.openai_usage(day))
        )

    def as_amended(self, stream: Stream, day: date, records: list[Any]) -> list[Any]:
        """The stream's records of a day as the vendors have restated them; for books."""
        for amendment in self._amended.get((stream, day), ()):
            records = amendment.apply(records)
        return records

    def _partial(self, day: date) -> bool:
        return day == self.today

    def _stream(self, name: Stream, day: date, make: Callable[[], list[Any]]) -> list[Any]:
        if not self.history_start <= day <= self.today:
            return []
        return self.cache.get(name, day, make)


def tokens_by_type(usage: ApiUsage) -> tuple[tuple[str, int], ...]:
    """(token type, tokens) of one record, in the cost report's order of classes."""
    return (
        (pricing.UNCACHED, usage.uncached),
        (pricing.OUTPUT, usage.output),
        (pricing.CACHE_READ, usage.cache_read),
        (pricing.WRITE_5M, usage.write_5m),
        (pricing.WRITE_1H, usage.write_1h),
    )


def cost_lines_of(
    day: date,
    prices: pricing.PriceTable,
    usage: Iterable[ApiUsage],
    executions: Iterable[CodeExecution],
) -> list[CostLine]:
    """Price times tokens per workspace, model, tier, context, place and class.

    Priority-tier tokens are bought beforehand and are no line. Zero tokens are no line.
    """
    tokens: dict[tuple[str | None, str, str, str, str, str], int] = defaultdict(int)
    searches: dict[str | None, int] = defaultdict(int)
    hours: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in usage:
        searches[row.workspace_id] += row.web_searches
        if row.service_tier == "priority":
            continue
        for token_type, count in tokens_by_type(row):
            tokens[
                row.workspace_id,
                row.model,
                row.service_tier,
                row.context_window,
                row.inference_geo,
                token_type,
            ] += count
    for execution in executions:
        hours[execution.workspace_id] += execution.hours
    lines = [
        CostLine(
            day=day,
            workspace_id=workspace,
            description=pricing.token_description(model, tier, window, token_type),
            cost_type="tokens",
            model=model,
            token_type=token_type,
            service_tier=tier,
            context_window=window,
            inference_geo=geo,
            cents=prices.cents(day, model, tier, window, token_type, count),
        )
        for (workspace, model, tier, window, geo, token_type), count in tokens.items()
        if count
    ]
    lines += [
        _other_line(day, workspace, "web_search", count * pricing.WEB_SEARCH_CENTS)
        for workspace, count in searches.items()
        if count
    ]
    lines += [
        _other_line(
            day, workspace, "code_execution", amount * pricing.CODE_EXECUTION_CENTS_PER_HOUR
        )
        for workspace, amount in hours.items()
        if amount
    ]
    return sorted(lines, key=lambda line: (line.workspace_id or "", line.description))


def _other_line(day: date, workspace: str | None, cost_type: Any, cents: Decimal) -> CostLine:
    words = {"web_search": "Web Search Usage", "code_execution": "Code Execution Usage"}
    return CostLine(
        day=day,
        workspace_id=workspace,
        description=words[cost_type],
        cost_type=cost_type,
        model=None,
        token_type=None,
        service_tier=None,
        context_window=None,
        inference_geo=None,
        cents=cents,
    )
