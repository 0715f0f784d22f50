"""What the company does with OpenAI, and what that costs: its own books.

Two projects in use and an archived one. People have keys or use the playground, a service account
runs what customers see, and some of it names nobody. The wire is in `openai_api`, sums are in
`openai_truth`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from ai_usage.simulator import behaviour, seeding
from ai_usage.simulator.roster import CONTRACTOR, Person

BIG: Final = "gpt-sim-5-2026-01-15"
SMALL: Final = "gpt-sim-5-mini-2026-01-15"
EMBEDDING: Final = "embedding-sim-3"
GIB: Final = 2**30

_PRICES: Final = {
    # Dollars per million tokens of input, cached input, input written to the cache, and output.
    BIG: ("2.00", "0.50", "2.50", "8.00"),
    SMALL: ("0.40", "0.10", "0.50", "1.60"),
    EMBEDDING: ("0.02", "0.00", "0.00", "0.00"),
}
_CLASSES: Final = (
    "input_tokens",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "output_tokens",
)
_LINES: Final = {
    # Of what is no token: the line item, the unit, units of the record's amount, dollars for one.
    "images": ("image-sim-1, images", "images", 1, "0.04"),
    "audio_speeches": ("speech-sim-1, characters", "characters", 1, "0.000015"),
    "audio_transcriptions": ("hearing-sim-1, audio", "duration_seconds", 1, "0.0001"),
    "vector_stores": ("File storage", "gibibyte_hours", GIB, "0.10"),
    "code_interpreter_sessions": ("Code interpreter sessions", "sessions", 1, "0.03"),
    "file_search_calls": ("File search tool calls", "calls", 1, "0.0025"),
    "web_search_calls": ("Web search tool calls", "calls", 1, "0.01"),
}
_MILLION: Final = Decimal(1_000_000)
_TRIED_ON: Final = (5, 6)
"""Days of a month."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project; the archived one still has its old usage."""

    id: str
    name: str
    created: date
    archived: date | None = None


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """A key of one project: a person's, or a service account's where `person` is None."""

    id: str
    name: str
    project_id: str
    created: date
    person: int | None


class OpenAiUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What one account did with one model in one project on one day, of one kind.

    Tokens are the disjoint classes; `amount` counts what is no token, in the kind's unit.
    """

    day: date
    kind: str
    project_id: str
    key_id: str | None = None
    user_id: str | None = None
    """What the vendor knows of the person: the key's owner, or who used the playground."""
    model: str | None = None
    batch: bool = False
    uncached: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    requests: int = 0
    amount: int = 0


class Line(NamedTuple):
    """A line of costs in the finest grouping; dollars are exact."""

    day: date
    project_id: str
    line_item: str
    key_id: str | None
    user_id: str | None
    unit: str
    quantity: int
    dollars: Decimal


class Account:
    """The company's organization at OpenAI: what does not depend on the day."""

    def __init__(self, seed: str, people: tuple[Person, ...], anchor: date) -> None:
        def project(name: str, archived: date | None = None) -> Project:
            created = anchor - timedelta(days=700)
            return Project(seeding.opaque_id("proj", seed, name), name, created, archived)

        self.seed = seed
        self.assistant, self.search = project("Assistant"), project("Search")
        self.pilot = project("Pilot", anchor - timedelta(days=60))
        self.projects = (self.assistant, self.search, self.pilot)
        self.robot_id = seeding.opaque_id("user", seed, "openai robot")
        self.members = tuple(p for p in people if p.api_level > 0 or p.number % 4 == 2)
        self._ids = {p.number: seeding.opaque_id("user", seed, p.user_id) for p in self.members}
        self.robots_key = self._key("search-prod", self.search, None)
        self.pilots_key = self._key("pilot", self.pilot, None)
        owned = [
            self._key(f"{p.handle}-key", self.assistant if p.number % 2 else self.search, p)
            for p in self.members
            if p.api_level > 0
        ]
        self.keys = (self.robots_key, self.pilots_key, *owned)

    def _key(self, name: str, project: Project, person: Person | None) -> ProjectKey:
        made = project.created if person is None else max(project.created, person.start_date)
        number = None if person is None else person.number
        return ProjectKey(seeding.opaque_id("key", self.seed, name), name, project.id, made, number)

    def user_id(self, person: Person) -> str:
        """The vendor's id of a member. KeyError for who is none."""
        return self._ids[person.number]

    def person_of(self, user_id: str | None) -> int | None:
        """Whose account it is; None for a service account's."""
        return next((number for number, own in self._ids.items() if own == user_id), None)


def usage_of(
    account: Account, people: tuple[Person, ...], day: date, partial: bool, *, tidy: bool = False
) -> list[OpenAiUsage]:
    """Everything that happened on a day; until noon it is half of it.

    In a `tidy` company nothing names nobody, and the contractor tries it on a few days only.
    """
    found: list[OpenAiUsage] = []
    for key in account.keys:
        person = None if key.person is None else people[key.person]
        if tidy and key.person == CONTRACTOR and day.day not in _TRIED_ON:
            continue
        if key.created <= day and _runs(account, key, person, day):
            found += _of_key(account, key, person, day, always=BIG if tidy else None)
    for person in account.members:
        if person.number % 4 == 2 and behaviour.works(account.seed, person, day):
            found += _in_the_playground(account, person, day)
    if not tidy:
        found += _of_nobody(account, day)
    return [_halved(usage) for usage in found] if partial else found


def _halved(usage: OpenAiUsage) -> OpenAiUsage:
    counts = ("uncached", "cached", "written", "output", "requests")
    return msgspec.structs.replace(usage, **{n: getattr(usage, n) // 2 for n in counts})


def _runs(account: Account, key: ProjectKey, person: Person | None, day: date) -> bool:
    if key is account.pilots_key:
        return account.pilot.archived is not None and day < account.pilot.archived
    return person is None or behaviour.works(account.seed, person, day)


def _of_key(
    account: Account, key: ProjectKey, person: Person | None, day: date, always: str | None
) -> Iterator[OpenAiUsage]:
    """`always` is the model of every request, where there is one."""
    draw = seeding.stream(account.seed, "openai", key.id, day).randrange
    user = None if person is None else account.user_id(person)

    def made(kind: str, model: str | None = None, **counts: int | bool) -> OpenAiUsage:
        return OpenAiUsage(
            day=day,
            kind=kind,
            project_id=key.project_id,
            key_id=key.id,
            user_id=user,
            model=model,
            **counts,  # type: ignore[arg-type]
        )

    model = BIG if draw(3) else SMALL
    model = always or model
    yield made("completions", model, **_tokens(draw), requests=1 + draw(40))
    if person is None:
        yield made("completions", SMALL, batch=True, **_tokens(draw), requests=1 + draw(400))
        yield made("embeddings", EMBEDDING, uncached=1000 + draw(90_000), requests=1 + draw(90))
        yield made("web_search_calls", model, amount=1 + draw(20), requests=1 + draw(20))
        yield made("file_search_calls", amount=1 + draw(30))
        yield made("moderations", "moderation-sim-1", uncached=1 + draw(9000), requests=9)
        yield made("decisions", SMALL, uncached=1 + draw(9000), output=1 + draw(200), requests=3)
    elif draw(4) == 0:
        yield made("audio_speeches", "speech-sim-1", amount=1 + draw(5000), requests=1)
        yield made("audio_transcriptions", "hearing-sim-1", amount=1 + draw(900), requests=1)


def _tokens(draw: Callable[[int], int]) -> dict[str, int]:
    return {
        "uncached": 1000 + draw(200_000),
        "cached": draw(2) * draw(300_000),
        "written": draw(2) * draw(20_000),
        "output": 100 + draw(30_000),
    }


def _in_the_playground(account: Account, person: Person, day: date) -> Iterator[OpenAiUsage]:
    """A person who is signed in: no key."""
    draw = seeding.stream(account.seed, "playground", person.number, day).randrange
    at, user = account.assistant.id, account.user_id(person)
    yield OpenAiUsage(
        day=day,
        kind="completions",
        project_id=at,
        user_id=user,
        model=BIG,
        uncached=100 + draw(20_000),
        output=10 + draw(4000),
        requests=1 + draw(9),
    )
    if draw(3) == 0:
        yield OpenAiUsage(
            day=day,
            kind="images",
            project_id=at,
            user_id=user,
            model="image-sim-1",
            amount=1 + draw(5),
            requests=1,
        )


def _of_nobody(account: Account, day: date) -> Iterator[OpenAiUsage]:
    """What stands by itself, and what the vendor names neither key nor person for."""
    draw = seeding.stream(account.seed, "openai nobody", day).randrange
    at = account.search.id
    yield OpenAiUsage(day=day, kind="vector_stores", project_id=at, amount=GIB * (1 + draw(4)))
    sessions = 1 + draw(6)
    yield OpenAiUsage(day=day, kind="code_interpreter_sessions", project_id=at, amount=sessions)
    if draw(3) == 0:
        used = OpenAiUsage(day=day, kind="completions", project_id=at, model=BIG, requests=1)
        yield msgspec.structs.replace(used, **_tokens(draw))


# --- Money -------------------------------------------------------------------------


def lines_of(usage: Iterable[OpenAiUsage]) -> list[Line]:
    """Price times what was used, in the finest grouping; batch is half, moderation is free."""
    sums: dict[tuple[date, str, str, str | None, str | None, str], tuple[int, Decimal]]
    sums = defaultdict(lambda: (0, Decimal(0)))
    for used in usage:
        for item, unit, quantity, dollars in _billed(used):
            if quantity and dollars:
                key = (used.day, used.project_id, item, used.key_id, used.user_id, unit)
                before = sums[key]
                sums[key] = (before[0] + quantity, before[1] + dollars)
    return [Line(*key, quantity, dollars) for key, (quantity, dollars) in sums.items()]


def _billed(used: OpenAiUsage) -> Iterator[tuple[str, str, int, Decimal]]:
    """(line item, unit, quantity, dollars) of a record."""
    if used.kind in _LINES:
        item, unit, units, price = _LINES[used.kind]
        quantity = used.amount // units
        yield item, unit, quantity, quantity * Decimal(price)
    elif used.model in _PRICES:
        counts = (used.uncached, used.cached, used.written, used.output)
        for name, count, price in zip(_CLASSES, counts, _PRICES[used.model], strict=True):
            dollars = count * Decimal(price) / _MILLION
            yield f"{used.model}, {name}", "tokens", count, dollars / 2 if used.batch else dollars
