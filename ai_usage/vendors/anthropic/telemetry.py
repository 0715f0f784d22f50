"""Claude Code's own telemetry, from files of OTLP JSON lines that a collector writes.

Documented by the vendor (monitoring-usage) and measured by others on 2.1.248; the file's format is
OpenTelemetry's (opentelemetry-proto, OTLP/JSON). Only the metrics `claude_code.*` are read: log
events and traces in the same files are passed over. Points are deltas, which can be added up;
cumulative ones are refused. A point is of the UTC hour in which it was reported.

It names people on subscriptions, Bedrock and Vertex: by `user.email`, which is there after a login
(or where the company sets it in OTEL_RESOURCE_ATTRIBUTES), and by the account's id. Its dollars are
the client's estimate at list price and never a cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Context, Decimal
from typing import Any

import msgspec

from ai_usage.vendors import otlp
from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import Endpoint, LineFiles, LineSays, ReadContext, not_asked
from ai_usage.vendors.decoding import UNREADABLE
from ai_usage.vendors.kit.event import UNREADABLE_VALUE, stamp, undecodable, unheard_of
from ai_usage.vendors.kit.values import UnreadableAmount, email_of, text_of, usd
from ai_usage.vendors.line_files import HourPage, hour_page
from ai_usage.vendors.rows import RawEvent

PREFIX = "claude_code."
COST, TOKENS, LINES = f"{PREFIX}cost.usage", f"{PREFIX}token.usage", f"{PREFIX}lines_of_code.count"
DECISIONS = f"{PREFIX}code_edit_tool.decision"
COUNTS = {
    f"{PREFIX}session.count": "session_count",
    f"{PREFIX}commit.count": "commits",
    f"{PREFIX}pull_request.count": "pull_requests",
}
TOKEN_TYPES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cacheRead": "cache_read_tokens",
    "cacheCreation": "cached_input_tokens",
}
_KINDS = {TOKENS: "type", LINES: "type", DECISIONS: "decision"}
"""The attribute by which a metric's points are told apart."""
READ = frozenset({COST, TOKENS, LINES, DECISIONS, *COUNTS})
"""Of the vendor's metrics, those that are read; what it adds meanwhile is passed over."""

_REFUSAL = (
    "{metric} is not delta but cumulative, which cannot be added up: let Claude Code send with "
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta, and take the file away."
)
_EXACT = Context(prec=200)
"""Adding must not round."""


def _says(line: bytes) -> LineSays:
    return otlp.says(line, READ, _REFUSAL)


# --- Reading -----------------------------------------------------------------------------------


@dataclass
class _Use:
    """What one session did with one model, or with none, in an hour."""

    attributes: dict[str, str]
    line: int | None = None
    """The last line of the hour's last page that tells of it."""
    points: int = 0
    sums: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """By metric and its `type` or `decision`."""
    flags: list[str] = field(default_factory=list)

    def add(self, metric: str, kind: str, value: Decimal | None) -> None:
        """Count a point."""
        self.points += 1
        if value is None:
            self.flags.append(UNREADABLE_VALUE)
        else:
            self.sums[metric, kind] = _EXACT.add(self.sums[metric, kind], value)


def _read(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
    """One event per session, model and hour; the hour's parts are added up."""
    hour: _Hour | None = None
    for page in pages:
        found = hour_page(page)
        if hour is None or hour.page.hour != found.hour:
            if hour is not None:
                yield from hour.events()
            hour = _Hour(found)
        hour.take(found)
        if found.is_last:
            # Before the next page is asked for: the events are of this one.
            yield from hour.events()
            hour = None
    if hour is not None:
        yield from hour.events()


class _Hour:
    """The points of an hour, added up as they come."""

    def __init__(self, page: HourPage) -> None:
        self.page = page
        self._seen: set[bytes] = set()
        self._uses: dict[tuple[str | None, ...], _Use] = {}
        self._odd: list[tuple[msgspec.Raw, int]] = []

    def take(self, page: HourPage) -> None:
        """Count a page's points of the hour."""
        self.page = page
        for number, raw in enumerate(page.lines, 1):
            odd: list[msgspec.Raw] = []
            hours: list[str] = []
            try:
                for metric in otlp.metrics(raw, READ):
                    for one in metric.points:
                        try:
                            point = otlp.point_of(metric, one)
                        except UNREADABLE:
                            odd.append(one)
                        else:
                            hours.append(point.hour)
                            self._count(metric.name, point, number)
            except UNREADABLE:
                odd = [raw]
            # A line is on a page of each of its hours.
            if not hours or min(hours) == page.hour:
                self._odd += [(record, number) for record in odd]

    def _count(self, metric: str, point: otlp.Point, line: int) -> None:
        """Count a point of this hour; what a collector sent again, once."""
        if point.hour != self.page.hour or point.digest in self._seen:
            return
        self._seen.add(point.digest)
        use = self._use(point.attributes)
        if self.page.is_last:
            use.line = line
        use.add(metric, point.attributes.get(_KINDS.get(metric, ""), ""), point.value)

    def _use(self, attributes: dict[str, str]) -> _Use:
        key = tuple(attributes.get(name) for name in (*_WHO, *_WHAT))
        found = self._uses.get(key)
        if found is None:
            kept = {name: attributes[name] for name in (*_WHO, *_WHAT) if name in attributes}
            found = self._uses[key] = _Use(kept)
        return found

    def events(self) -> Iterator[RawEvent]:
        """What the hour comes to; it is empty then."""
        for use in self._uses.values():
            yield _event(use, self.page)
        for raw, number in self._odd:
            odd = undecodable(raw, self.page.start.date(), "session", api.CODE)
            yield stamp(odd, raw, number)
        self._uses, self._odd = {}, []


_WHO = ("user.email", "user.account_id", "user.account_uuid", "user.id", "organization.id")
_WHAT = ("session.id", "terminal.type", "model")


def _event(use: _Use, page: HourPage) -> RawEvent:
    """One event per session, model and hour; what no model did, the session did."""
    told = use.attributes
    sums = use.sums
    errors = list(dict.fromkeys(use.flags))
    for metric, kind in sums:
        if metric == TOKENS:
            errors += unheard_of("type", kind, TOKEN_TYPES)
    counts: dict[str, Any] = {
        **{column: _count(sums.get((TOKENS, kind))) for kind, column in TOKEN_TYPES.items()},
        **{column: _count(sums.get((metric, ""))) for metric, column in COUNTS.items()},
        "lines_accepted": _count(sums.get((LINES, "added"))),
    }
    decided = [total for (metric, _), total in sums.items() if metric == DECISIONS]
    if decided:
        counts["suggestions_accepted"] = _count(sums.get((DECISIONS, "accept"), Decimal(0)))
        counts["suggestions_shown"] = _count(sum(decided, Decimal(0)))
    estimate: Decimal | None = None
    if (COST, "") in sums:
        try:
            estimate = usd(msgspec.Raw(str(sums[COST, ""]).encode()), in_cents=False)
        except UnreadableAmount:
            errors.append(UNREADABLE_VALUE)
    email = email_of(told.get("user.email"))
    account = told.get("user.account_id") or told.get("user.account_uuid")
    model = told.get("model")
    start = page.start
    event = RawEvent(
        identity=(
            page.hour,
            *(email if name == "user.email" else told.get(name) for name in (*_WHO, *_WHAT)),
        ),
        event_timestamp=start,
        event_date=start.date(),
        event_type="session",
        platform_subtype=api.CODE,
        user_email=email,
        vendor_user_id=text_of(account),
        session_id=text_of(told.get("session.id")),
        # `[1m]` says that the long context was switched on, not that it was used.
        model=text_of(model.partition("[")[0]) if model else None,
        estimated_cost_usd=estimate,
        price_tier="standard",
        is_committed=False,
        validation_errors=errors,
        **counts,
    )
    added = [
        {"metric": metric, "type": kind or None, "sum": msgspec.Raw(f"{total:f}".encode())}
        for (metric, kind), total in sorted(sums.items())
    ]
    record = {"hour": page.hour, "points": use.points, "attributes": told, "added_up": added}
    stamp(event, msgspec.Raw(msgspec.json.encode(record)), 0)
    event.record = use.line
    return event


def _count(total: Decimal | None) -> int | None:
    """A count; clients send it as a float."""
    return None if total is None else int(total)


ENDPOINT = Endpoint(
    name="claude_code_otel",
    description="Claude Code's telemetry: tokens, sessions, lines, commits and edits a session, "
    "model and hour, of people and days that no report shows.",
    api_path="OTLP JSON lines",
    yields=RawEvent,
    fetch=not_asked,
    read=_read,
    max_days=api.MOST_BUCKETS,
    finalization_lag=timedelta(hours=2),
    files=LineFiles(
        "AI_USAGE_CLAUDE_CODE_OTEL_PATH", "OTLP JSON lines that a collector writes", _says
    ),
    fills_gaps=True,
)
