"""What people and keys do on a day: a pure function of the seed, the day and who acts.

Only generation belongs here: no clock, no totals, no JSON. `morning` asks for the part of the day
before noon UTC, so that a partial day is always a part of the same whole day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Final, Literal

import msgspec

from ai_usage.simulator import pricing, seeding
from ai_usage.simulator.pricing import HAIKU, LONG, OPUS, SHORT, SONNET
from ai_usage.simulator.records import (
    ApiUsage,
    CodeExecution,
    CodeRecord,
    CursorActivity,
    CursorEvent,
    CursorTokens,
    ModelTokens,
)
from ai_usage.simulator.roster import (
    MIDNIGHT_AGENT,
    NEVER_ACTIVE,
    SAME_KEY_NAME,
    ApiKey,
    Person,
    Profile,
)

MS_PER_DAY: Final = 86_400_000
NOON_MS: Final = MS_PER_DAY // 2
_EPOCH: Final = date(1970, 1, 1).toordinal()

INCLUDED: Final = "Included in Business"
SERVICE_ACCOUNTS_FROM: Final = date(2026, 6, 1)
"""Since when the vendor has them; before, its events name none."""
USAGE_BASED: Final = "Usage-based"
ERRORED: Final = "Errored, Not Charged"

_CURSOR_MODELS: Final = tuple(pricing.CURSOR_PRICES)
_EXTENSIONS: Final = ("py", "ts", "tsx", "go", "sql", "kt")
_TOOLS: Final = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")


def epoch_ms(day: date) -> int:
    """Midnight UTC of a day in epoch milliseconds."""
    return (day.toordinal() - _EPOCH) * MS_PER_DAY


def is_weekend(day: date) -> bool:
    """Saturday or Sunday."""
    return day.weekday() >= 5


def is_holiday(day: date) -> bool:
    """The two days nobody works."""
    return (day.month, day.day) in ((1, 1), (12, 25))


def works(seed: str, person: Person, day: date) -> bool:
    """Whether the person uses anything on the day: employed, not on leave, weekends rarely."""
    if person.number == NEVER_ACTIVE or not person.employed(day) or is_holiday(day):
        return False
    year, week, _ = day.isocalendar()
    if seeding.stream(seed, "leave", person.number, year, week).random() < 0.07:
        return False
    draw = seeding.stream(seed, "works", person.number, day).random()
    return draw < (0.05 if is_weekend(day) else 0.92)


# --- Cursor ----------------------------------------------------------------------------------


def cursor_events(
    seed: str, person: Person, day: date, scale: float, morning: bool, *, steady: bool = False
) -> list[CursorEvent]:
    """The person's Cursor events of a day in order of time; `scale` multiplies their number.

    `steady` where the plan's allowance is spread over the month instead of used up first.
    """
    if person.cursor_level == 0 or not works(seed, person, day):
        return []
    rng = seeding.stream(seed, "cursor", person.number, day)
    random = rng.random
    busy = (0.4 + 1.2 * random()) * (0.4 if is_weekend(day) else 1.0)
    count = max(1, int(10 * scale * person.cursor_level * busy))
    midnight = epoch_ms(day)
    first = person.place.first_minute * 60_000
    times = [
        midnight + min(MS_PER_DAY - 1, first + int((random() + random()) / 2 * 9.5 * 3_600_000))
        for _ in range(count)
    ]
    # The plan's allowance runs out towards the end of the month, sooner for heavy users.
    at_day = 15 if steady else day.day
    paid_share = min(0.8, 0.15 + 0.02 * at_day * person.cursor_level)
    favourite = int(random() * len(_CURSOR_MODELS))
    events: list[CursorEvent] = []
    for at in sorted(times):
        event = _cursor_event(random, person, day, at, paid_share, favourite)
        events.append(event)
        if random() < 0.004:  # the vendor has no event id: identical events are really two
            events.append(event)
    if person.number == MIDNIGHT_AGENT and not is_weekend(day):
        # A scheduled background agent, on the very edges of the day: windows with inclusive ends
        # that overlap by a millisecond count these twice.
        for at in (midnight, midnight + MS_PER_DAY - 1):
            event = _cursor_event(random, person, day, at, 1.0, favourite)
            events.insert(0 if at == midnight else len(events), _headless(event))
    if morning:
        events = [event for event in events if event.timestamp_ms < midnight + NOON_MS]
    return events


def service_accounts(seed: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Cursor's service accounts, each with id and name."""
    triage, fixes = "triage", "nightly-fixes"
    return (
        (seeding.opaque_id("svc", seed, triage), triage),
        (seeding.opaque_id("svc", seed, fixes), fixes),
    )


def service_account_events(seed: str, owner: Person, day: date, morning: bool) -> list[CursorEvent]:
    """What a service account does on a workday: nobody's, though somebody set it up.

    Two runs at one moment, alike but for the account, are two events.
    """
    if day < SERVICE_ACCOUNTS_FROM or is_weekend(day) or is_holiday(day):
        return []
    random = seeding.stream(seed, "cursor service account", day).random
    at = epoch_ms(day) + 4 * 3_600_000
    night = _headless(_cursor_event(random, owner, day, at, 1.0, 0))
    late = msgspec.structs.replace(night, timestamp_ms=at + NOON_MS)
    triage, fixes = service_accounts(seed)
    return [
        msgspec.structs.replace(
            event,
            email=None,
            service_account=account,
        )
        for event, account in ((night, triage), (night, fixes), (late, fixes))
        if not (morning and event is late)
    ]


def _headless(event: CursorEvent) -> CursorEvent:
    return msgspec.structs.replace(event, is_headless=True)


def _cursor_event(
    random: Callable[[], float],
    person: Person,
    day: date,
    at: int,
    paid_share: float,
    favourite: int,
) -> CursorEvent:
    model = _CURSOR_MODELS[favourite if random() < 0.6 else int(random() * len(_CURSOR_MODELS))]
    draw = random()
    errored, by_request = draw < 0.03, draw > 0.93
    chargeable = not errored and random() < paid_share
    # Few payloads name nobody; the person still did it.
    email = None if random() < 0.003 else person.email
    max_mode = random() < 0.08
    tokens: CursorTokens | None = None
    requests_costs = 0.0
    total = fee = 0  # in millionths of a cent: tokens times cents per million, exact
    discount = 0
    if errored:
        tokens = CursorTokens(int(2_000 + random() * 20_000), 0, 0, 0)
    elif by_request:
        requests_costs = 2.0 if max_mode else 1.0
        total = int(requests_costs) * pricing.CURSOR_REQUEST_CENTS * 1_000_000
    else:
        size = 0.2 + 1.6 * random() * random()
        tokens = CursorTokens(
            input=int(20_000 * size * random()),
            output=int(6_000 * size * (0.2 + random())),
            cache_write=int(40_000 * size * random()),
            cache_read=int(400_000 * size * random()),
        )
        price = pricing.CURSOR_PRICES[model]
        total = (
            tokens.input * price[0]
            + tokens.output * price[1]
            + tokens.cache_write * price[2]
            + tokens.cache_read * price[3]
        )
        discount = 10 if random() < 0.05 else 0
        fee = pricing.CURSOR_TOKEN_FEE * (
            tokens.input + tokens.output + tokens.cache_write + tokens.cache_read
        )
    charged = total * (100 - discount) // 100 + fee
    return CursorEvent(
        day=day,
        timestamp_ms=at,
        person=person.number,
        email=email,
        model=model,
        kind=ERRORED if errored else USAGE_BASED if chargeable else INCLUDED,
        requests_costs=requests_costs,
        is_chargeable=chargeable,
        is_headless=False,
        max_mode=max_mode,
        tokens=tokens,
        total_cents=Decimal(total).scaleb(-6),
        discount_percent=discount,
        token_fee_cents=Decimal(fee).scaleb(-6),
        charged_cents=Decimal(charged).scaleb(-6),
    )


def cursor_activity(
    seed: str, person: Person, day: date, events: list[CursorEvent], morning: bool
) -> CursorActivity | None:
    """The day's counters of an active member; None where nothing happened.

    Request counts are the events' own; the other counters have no event behind them.
    """
    share = person.place.morning_percent if morning else 100
    working = person.cursor_level > 0 and works(seed, person, day) and share > 0
    if not working and not events:
        return None
    rng = seeding.stream(seed, "editor", person.number, day)
    level = person.cursor_level * (0.5 + rng.random()) * (0.4 if is_weekend(day) else 1.0)
    if not working:
        level = 0.0

    def upto(most: float) -> int:
        return int(most * level * rng.random()) * share // 100

    accepted = upto(400)
    accepts = upto(60)
    shown = upto(300)
    activity = CursorActivity(
        day=day,
        person=person.number,
        lines_added=accepted + upto(300),
        lines_deleted=upto(200),
        accepted_lines_added=accepted,
        accepted_lines_deleted=upto(90),
        applies=accepts + upto(10),
        accepts=accepts,
        rejects=upto(20),
        tabs_shown=shown,
        tabs_accepted=shown * (20 + int(30 * rng.random())) // 100,
        composer_requests=upto(12),
        chat_requests=upto(10),
        agent_requests=upto(30),
        cmdk_usages=upto(8),
        bugbot_usages=upto(2),
        api_key_requests=upto(5) if person.number % 9 == 4 else 0,
        included_requests=sum(event.kind == INCLUDED for event in events),
        usage_based_requests=sum(event.kind == USAGE_BASED for event in events),
        most_used_model=_CURSOR_MODELS[int(rng.random() * len(_CURSOR_MODELS))],
        apply_extension=_EXTENSIONS[int(rng.random() * len(_EXTENSIONS))],
        tab_extension=_EXTENSIONS[int(rng.random() * len(_EXTENSIONS))],
        client_version=f"2.{day.toordinal() // 30 % 12}.{int(rng.random() * 9)}",
    )
    counters = (v for v in msgspec.structs.astuple(activity)[2:] if isinstance(v, int))
    return activity if events or any(counters) else None


# --- Claude Code -----------------------------------------------------------------------------


def claude_code(
    seed: str, person: Person, keys: list[ApiKey], day: date, morning: bool
) -> list[CodeRecord]:
    """The person's Claude Code records of a day: per terminal, actor and customer type.

    `keys` are the person's keys that are alive on the day. Two people whose keys share a name
    make two records that look alike: the vendor gives the name, not the id.
    """
    if not works(seed, person, day):
        return []
    key = next((k for k in keys if k.profile in ("claude_code", "laptop")), None)
    mode = person.code_mode
    plans: list[tuple[Literal["user_actor", "api_actor"], str, ApiKey | None, float]] = []
    if mode in ("subscription", "both"):
        address = person.aliases[0] if person.aliases else person.email
        plans.append(("user_actor", address, None, 1.0))
    if key is not None and mode == "login":
        plans.append(("user_actor", person.email, key, 1.0))
    elif key is not None and mode in ("console", "both"):
        plans.append(("api_actor", key.name, key, 0.3 if mode == "both" else 1.0))
    elif key is not None and person.number in SAME_KEY_NAME:
        plans.append(("api_actor", key.name, key, 0.5))
    records: list[CodeRecord] = []
    for actor_type, actor_name, paid_by, weight in plans:
        customer_type: Literal["api", "subscription"] = "api" if paid_by else "subscription"
        rng = seeding.stream(seed, "code", person.number, day, customer_type)
        if rng.random() > (0.5 if mode == "both" and paid_by else 0.85):
            continue
        for at, terminal in enumerate(person.terminals):
            if at and rng.random() > 0.4:
                continue
            level = weight * person.code_level * (0.4 + 1.2 * rng.random()) * (0.6 if at else 1.0)
            record = _code_record(rng, person, day, terminal, level, morning)
            if record is not None:
                records.append(
                    msgspec.structs.replace(
                        record,
                        actor_type=actor_type,
                        actor_name=actor_name,
                        key_id=paid_by.id if paid_by else None,
                        customer_type=customer_type,
                    )
                )
    return records


def _code_record(
    rng: Random, person: Person, day: date, terminal: str, level: float, morning: bool
) -> CodeRecord | None:
    share = person.place.morning_percent if morning else 100

    def upto(most: float, least: float = 0.0) -> int:
        return int(level * (least + (most - least) * rng.random())) * share // 100

    sessions = max(1, int(level * 4 * rng.random()))
    lines_added, lines_removed = upto(500), upto(220)
    commits, pull_requests = upto(5), upto(2)
    tools = tuple(
        (tool, upto(most), upto(most / 5))
        for tool, most in zip(_TOOLS, (40, 12, 10, 4), strict=True)
        if rng.random() < 0.8
    )
    tokens: list[ModelTokens] = []
    for model, window, chance, weight in (
        (SONNET, SHORT, 0.95, 1.0),
        (OPUS, SHORT, 0.35, 0.5),
        (HAIKU, SHORT, 0.8, 0.25),
        (SONNET, LONG, 0.08, 0.5),
    ):
        drawn = rng.random() < chance
        sizes = (
            upto(60_000 * weight, 5_000 * weight),
            upto(70_000 * weight, 8_000 * weight),
            upto(9_000_000 * weight, 500_000 * weight),
            upto(700_000 * weight, 60_000 * weight),
            upto(200_000 * weight) if rng.random() < 0.3 else 0,
        )
        if drawn and any(sizes):
            tokens.append(ModelTokens(model, window, *sizes))
    if share == 0 or not tokens:
        return None
    return CodeRecord(
        day=day,
        person=person.number,
        actor_type="user_actor",
        actor_name="",
        key_id=None,
        customer_type="subscription",
        terminal_type=terminal,
        sessions=max(1, sessions * share // 100),
        lines_added=lines_added,
        lines_removed=lines_removed,
        commits=commits,
        pull_requests=pull_requests,
        tools=tools,
        tokens=tuple(tokens),
    )


# --- Anthropic API ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Mix:
    """One kind of traffic of a key: how likely on a day, and typical token counts."""

    model: str
    tier: str
    window: str
    chance: float
    uncached: int
    output: int
    cache_read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    searches: int = 0


_DEVELOPER: Final = (
    _Mix(SONNET, "standard", SHORT, 0.9, 500_000, 70_000, 900_000, 120_000),
    _Mix(OPUS, "standard", SHORT, 0.25, 120_000, 30_000, 200_000, 0, 60_000),
    _Mix(HAIKU, "standard", SHORT, 0.5, 700_000, 90_000, searches=8),
    _Mix(SONNET, "standard", LONG, 0.1, 900_000, 20_000),
)
_PROFILES: Final[dict[Profile, tuple[_Mix, ...]]] = {
    "personal": _DEVELOPER,
    "laptop": _DEVELOPER[:1],
    "claude_code": (),
    "team": (
        _Mix(SONNET, "standard", SHORT, 0.95, 2_500_000, 350_000, 4_000_000, 500_000, 90_000, 40),
        _Mix(HAIKU, "standard", SHORT, 0.8, 4_000_000, 500_000),
    ),
    "service": (
        _Mix(SONNET, "standard", SHORT, 1.0, 5_000_000, 800_000, 12_000_000, 900_000, 0, 120),
        _Mix(SONNET, "priority", SHORT, 1.0, 6_000_000, 900_000, 9_000_000, 700_000),
        _Mix(HAIKU, "standard", SHORT, 1.0, 9_000_000, 900_000),
    ),
    "batch": (
        _Mix(HAIKU, "batch", SHORT, 0.9, 20_000_000, 2_000_000),
        _Mix(SONNET, "batch", SHORT, 0.4, 5_000_000, 600_000, 0, 0, 300_000),
    ),
    "script": (_Mix(SONNET, "standard", SHORT, 0.5, 300_000, 30_000),),
    "workbench": (_Mix(SONNET, "standard", SHORT, 1.0, 60_000, 12_000),),
}
_KEY_MORNING_PERCENT: Final = {"batch": 90, "service": 48, "team": 40}


def key_usage(
    seed: str, key: ApiKey, person: Person | None, day: date, morning: bool
) -> list[ApiUsage]:
    """What a key used on a day besides Claude Code: one record a model, tier and context."""
    mixes = _PROFILES[key.profile]
    if not mixes or not key.alive(day) or is_holiday(day):
        return []
    share = _KEY_MORNING_PERCENT.get(key.profile, 40)
    if person is not None:
        if not works(seed, person, day):
            return []
        share = person.place.morning_percent
    quiet = 1.0
    if is_weekend(day):
        if key.profile in ("team", "script"):
            return []
        quiet = 0.3
    rng = seeding.stream(seed, "key", key.id, day)
    level = quiet * key.level * (0.5 + rng.random())
    return _mixed(rng, mixes, level, share if morning else 100, day, key.id, key.workspace_id, None)


def workbench_usage(seed: str, person: Person, day: date, morning: bool) -> list[ApiUsage]:
    """A person's traffic in the Console's Workbench: no key, the default workspace."""
    rng = seeding.stream(seed, "workbench", person.number, day)
    if rng.random() > 0.03 or is_weekend(day) or not works(seed, person, day):
        return []
    share = person.place.morning_percent if morning else 100
    level = 0.4 + rng.random()
    return _mixed(rng, _PROFILES["workbench"], level, share, day, None, None, person.number)


def _mixed(
    rng: Random,
    mixes: tuple[_Mix, ...],
    level: float,
    share: int,
    day: date,
    key_id: str | None,
    workspace_id: str | None,
    person: int | None,
) -> list[ApiUsage]:
    def draw(typical: int) -> int:
        return int(typical * level * (0.4 + 1.2 * rng.random())) * share // 100

    rows: list[ApiUsage] = []
    for mix in mixes:
        drawn = rng.random() < mix.chance
        row = ApiUsage(
            day=day,
            key_id=key_id,
            workspace_id=workspace_id,
            model=mix.model,
            service_tier=mix.tier,
            context_window=mix.window,
            inference_geo="global",
            uncached=draw(mix.uncached),
            output=draw(mix.output),
            cache_read=draw(mix.cache_read),
            write_5m=draw(mix.write_5m),
            write_1h=draw(mix.write_1h),
            web_searches=draw(mix.searches),
            person=person,
        )
        if drawn and row.uncached + row.output > 0:
            rows.append(row)
    return rows


def code_usage(record: CodeRecord, workspace_id: str | None) -> list[ApiUsage]:
    """The API tokens behind a Claude Code record that a key paid for; none for subscriptions."""
    if record.key_id is None:
        return []
    return [
        ApiUsage(
            day=record.day,
            key_id=record.key_id,
            workspace_id=workspace_id,
            model=tokens.model,
            service_tier="standard",
            context_window=tokens.context_window,
            inference_geo="global",
            uncached=tokens.uncached,
            output=tokens.output,
            cache_read=tokens.cache_read,
            write_5m=tokens.write_5m,
            write_1h=tokens.write_1h,
            web_searches=0,
        )
        for tokens in record.tokens
    ]


def code_execution(seed: str, key: ApiKey, day: date, morning: bool) -> list[CodeExecution]:
    """Container hours of a shared key; only its workspace is ever reported."""
    if key.profile != "service" or not key.alive(day) or is_weekend(day) or is_holiday(day):
        return []
    rng = seeding.stream(seed, "containers", key.id, day)
    hundredths = int(100 + 900 * rng.random()) * (
        _KEY_MORNING_PERCENT["service"] if morning else 100
    )
    hours = Decimal(hundredths // 100).scaleb(-2)
    return [CodeExecution(day=day, workspace_id=key.workspace_id, key_id=key.id, hours=hours)]
