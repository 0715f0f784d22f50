"""Claude Code's telemetry as a collector writes it: OTLP JSON lines in a folder, with its books.

Some people are on Bedrock, where no report sees them; of others both the report and the telemetry
tell, each in numbers of its own. The files have the quirks of real ones: a file a day, an older one
packed and another copied, batches that were sent twice, log events, other programs' metrics, a last
line that is still being written.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from ai_usage.simulator import seeding
from ai_usage.simulator.behaviour import works
from ai_usage.simulator.company import Company
from ai_usage.simulator.pricing import HAIKU, OPUS, SONNET
from ai_usage.simulator.records import CodeRecord
from ai_usage.simulator.roster import Person
from ai_usage.simulator.truth import Truth

_TOKENS = ("input", "output", "cacheRead", "cacheCreation")
_HOURS = (8, 9, 11)
"""All before noon: a running day is seen until then."""


class Use(msgspec.Struct, frozen=True):
    """What a person's session did in an hour, with one model."""

    day: date
    hour: int
    person: int
    email: str
    account: str | None
    """None without a login: the machine's settings name the address."""
    session: str
    terminal: str
    model: str
    tokens: tuple[int, int, int, int]
    """Input, output, cache reads, cache writes."""
    micros: int
    """The client's estimate in millionths of a dollar."""
    sessions: int
    lines_added: int
    commits: int
    accepted: int
    rejected: int


class Shown(msgspec.Struct):
    """What telemetry alone shows of a person's day."""

    tokens: int = 0
    micros: int = 0
    sessions: int = 0
    lines_added: int = 0
    commits: int = 0
    accepted: int = 0
    shown: int = 0

    @property
    def estimate(self) -> Decimal:
        """The client's estimate in dollars."""
        return Decimal(self.micros).scaleb(-6)


class Telemetry:
    """What the people of a company let Claude Code send."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def is_on_bedrock(self, person: Person) -> bool:
        """Whether he uses Claude Code where no report sees it."""
        return person.code_mode == "none" and person.number % 5 == 4

    def uses(self, day: date) -> list[Use]:
        """Everything that was sent of the day, in order of hours."""
        found: list[Use] = []
        for person in self.company.people:
            if self.is_on_bedrock(person) and works(self.company.seed, person, day):
                found += self._uses(person, day, person.email, None)
        told: set[int] = set()
        for record in self.company.claude_code(day):
            person = self.company.people[record.person]
            if record.person not in told and self._sends(record):
                told.add(record.person)
                found += self._uses(person, day, person.email, person.console_id)
        return sorted(found, key=lambda use: (use.hour, use.person, use.model))

    def shown(self, start: date, end: date) -> dict[tuple[date, str], Shown]:
        """What a day and address has of telemetry, where the report has nothing of the person.

        Both days inclusive.
        """
        truth = Truth(self.company)
        found: dict[tuple[date, str], Shown] = defaultdict(Shown)
        for day in self.company.days(start, end):
            records = self.company.claude_code(day)
            owners = {truth.record_owner(record, knowable=True).name for record in records}
            for use in self.uses(day):
                if use.email in owners:
                    continue
                sums = found[day, use.email]
                sums.tokens += sum(use.tokens)
                sums.micros += use.micros
                sums.sessions += use.sessions
                sums.lines_added += use.lines_added
                sums.commits += use.commits
                sums.accepted += use.accepted
                sums.shown += use.accepted + use.rejected
        return dict(found)

    def write(self, folder: Path, start: date, end: date) -> None:
        """The files of the days, both inclusive."""
        folder.mkdir(parents=True, exist_ok=True)
        days = self.company.days(start, end)
        for day in days:
            lines = [json.dumps(line, separators=(",", ":")) for line in self._lines(day)]
            text = "".join(f"{line}\n" for line in lines)
            if day == days[-1]:
                (folder / "claude.json").write_text(text + '{"resourceMetrics":[{"resou')
            elif day == days[0]:
                with gzip.open(folder / f"claude.json-{day:%Y%m%d}.gz", "wt") as packed:
                    packed.write(text)
            else:
                (folder / f"claude-{day}T23-59-59.000.json").write_text(text)
                if day.day % 7 == 0:
                    (folder / "copies").mkdir(exist_ok=True)
                    (folder / "copies" / f"{day}.jsonl").write_text(text)

    # What people did ----------------------------------------------------------------------

    def _sends(self, record: CodeRecord) -> bool:
        """Half of those who log in send it too."""
        return record.person % 2 == 0

    def _uses(self, person: Person, day: date, email: str, account: str | None) -> Iterator[Use]:
        rng = seeding.stream(self.company.seed, "telemetry", person.number, day)
        for hour in _HOURS[: 1 if self.company.tidy else None]:
            if rng.random() < 0.25:
                continue
            session = seeding.uuid_text(self.company.seed, "session", person.number, day, hour)
            for at, model in enumerate((SONNET, HAIKU, OPUS)):
                if at and rng.random() < 0.5:
                    continue
                tokens = tuple(int(most * rng.random()) for most in (9e3, 2e4, 2e6, 9e4))
                yield Use(
                    day=day,
                    hour=hour,
                    person=person.number,
                    email=email,
                    account=account,
                    session=session,
                    terminal=person.terminals[0] if person.terminals else "vscode",
                    model=f"{model}[1m]" if model == OPUS else model,
                    tokens=(tokens[0], tokens[1], tokens[2], tokens[3]),
                    micros=int(2e6 * rng.random()),
                    sessions=0 if at else 1,
                    lines_added=int(200 * rng.random()),
                    commits=0 if at else int(3 * rng.random()),
                    accepted=0 if at else int(9 * rng.random()),
                    rejected=0 if at else int(3 * rng.random()),
                )

    # What is written of it ------------------------------------------------------------------

    def _lines(self, day: date) -> Iterator[dict[str, Any]]:
        by_hour: dict[int, list[Use]] = defaultdict(list)
        for use in self.uses(day):
            by_hour[use.hour].append(use)
        for hour, uses in by_hour.items():
            yield {"resourceLogs": [{"resource": {}, "scopeLogs": []}]}
            batch = [_resource(use) for use in uses]
            yield {"resourceMetrics": [*batch, _others(day, hour)]}
            # The collector got no answer to its last batch, and sent it again with another.
            yield {"resourceMetrics": batch[-1:]}


def _resource(use: Use) -> dict[str, Any]:
    """One client's export: its own points, each half of an hour's counts."""
    who = {"session.id": use.session, "terminal.type": use.terminal, "user.id": f"i-{use.person}"}
    about = {"service.name": "claude-code"}
    if use.account is None:
        about["user.email"] = use.email
    else:
        who |= {"user.email": use.email, "user.account_id": use.account}
    model = {**who, "model": use.model}
    metrics = [
        _metric(
            "token.usage",
            *(
                point
                for kind, count in zip(_TOKENS, use.tokens, strict=True)
                for point in _halves(use, count, {**model, "type": kind})
            ),
        ),
        _metric("cost.usage", *_halves(use, use.micros, model, Decimal(10) ** -6)),
        _metric(
            "lines_of_code.count",
            *_halves(use, use.lines_added, {**model, "type": "added"}),
            *_halves(use, use.lines_added // 3, {**model, "type": "removed"}),
        ),
    ]
    if use.sessions:
        metrics += [
            _metric("session.count", _point(use, 1, use.sessions, {**who, "start_type": "fresh"})),
            _metric("commit.count", *_halves(use, use.commits, who)),
            _metric(
                "code_edit_tool.decision",
                _point(use, 2, use.accepted, {**who, "decision": "accept"}),
                _point(use, 2, use.rejected, {**who, "decision": "reject"}),
            ),
            _metric("active_time.total", _point(use, 3, 61, {**who, "type": "user"})),
        ]
    scope = {"scope": {"name": "com.anthropic.claude_code"}, "metrics": metrics}
    return {"resource": {"attributes": _attributes(about)}, "scopeMetrics": [scope]}


def _others(day: date, hour: int) -> dict[str, Any]:
    """What another program sends to the same collector."""
    point = {"timeUnixNano": str(_ns(day, hour, 0)), "asDouble": 7.5}
    sums = {"aggregationTemporality": 2, "dataPoints": [point]}
    return {"scopeMetrics": [{"metrics": [{"name": "system.cpu.time", "sum": sums}]}]}


def _halves(
    use: Use, total: int, told: Mapping[str, str], unit: Decimal = Decimal(1)
) -> Iterator[dict[str, Any]]:
    first = total // 2
    yield _point(use, 10, first * unit, told)
    yield _point(use, 40, (total - first) * unit, told)


def _metric(name: str, *points: Mapping[str, Any]) -> dict[str, Any]:
    sums = {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": list(points)}
    return {"name": f"claude_code.{name}", "sum": sums}


def _point(use: Use, minute: int, value: Decimal | int, told: Mapping[str, str]) -> dict[str, Any]:
    at = _ns(use.day, use.hour, minute)
    return {
        "attributes": _attributes(told),
        "startTimeUnixNano": str(at - 60 * 10**9),
        "timeUnixNano": str(at),
        "asDouble": float(value),
    }


def _attributes(told: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in told.items()]


def _ns(day: date, hour: int, minute: int) -> int:
    midnight = datetime.combine(day, time(), UTC)
    return int((midnight + timedelta(hours=hour, minutes=minute)).timestamp()) * 10**9
