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
from decimal import Context, Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import Endpoint, LineFiles, LineSays, ReadContext, not_asked
from ai_usage.vendors.kit.event import UNREADABLE_VALUE, stamp, undecodable, unheard_of
from ai_usage.vendors.kit.values import NULL, UnreadableAmount, email_of, text_of, usd
from ai_usage.vendors.line_files import HourPage, hour_of, hour_page
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

_DELTA = (1, "1", "AGGREGATION_TEMPORALITY_DELTA")
_REFUSAL = (
    "{metric} is not delta but cumulative, which cannot be added up: let Claude Code send with "
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta, and take the file away."
)
_EXACT = Context(prec=200)
"""Adding must not round."""
_MOST = 2**60


class _Resource(msgspec.Struct, gc=False):
    attributes: msgspec.Raw = NULL


class _Sum(msgspec.Struct, gc=False):
    dataPoints: list[msgspec.Raw] | None = None  # noqa: N815
    aggregationTemporality: int | str | None = None  # noqa: N815


class _Metric(msgspec.Struct, gc=False):
    name: str = ""
    sum: _Sum | None = None


class _Scope(msgspec.Struct, gc=False):
    metrics: list[_Metric] | None = None


class _Resources(msgspec.Struct, gc=False):
    resource: _Resource | None = None
    scopeMetrics: list[_Scope] | None = None  # noqa: N815


class _Line(msgspec.Struct, gc=False):
    resourceMetrics: list[_Resources] | None = None  # noqa: N815


class _Point(msgspec.Struct, gc=False):
    timeUnixNano: int | str  # noqa: N815
    startTimeUnixNano: int | str | None = None  # noqa: N815
    attributes: msgspec.Raw = NULL
    asInt: msgspec.Raw = NULL  # noqa: N815
    asDouble: msgspec.Raw = NULL  # noqa: N815


class _Value(msgspec.Struct, gc=False):
    stringValue: str | None = None  # noqa: N815
    intValue: int | str | None = None  # noqa: N815


class _Attribute(msgspec.Struct, gc=False):
    key: str
    value: _Value | None = None


_LINE = msgspec.json.Decoder(_Line)
_POINT = msgspec.json.Decoder(_Point)
_ATTRIBUTES = msgspec.json.Decoder(list[_Attribute] | None)


def _says(line: bytes) -> LineSays:
    """When its points of Claude Code were reported, and whether they can be added up."""
    times: list[int] = []
    refusal, is_ours = "", False
    for told in _metrics(_LINE.decode(line)):
        is_ours = True
        if told.temporality not in _DELTA:
            refusal = refusal or _REFUSAL.format(metric=told.metric)
        for raw in told.points:
            try:
                times.append(_at(_POINT.decode(raw)))
            except ValueError:
                continue
    if is_ours and not times:
        raise ValueError("no point of it can be read")
    return LineSays(tuple(times), refusal)


class _Told(NamedTuple):
    """A metric of a line, with at least one point."""

    resource: msgspec.Raw
    """The attributes of whom it is about."""
    metric: str
    temporality: int | str | None
    points: list[msgspec.Raw]


def _metrics(line: _Line) -> Iterator[_Told]:
    """The metrics that are read."""
    for resources in line.resourceMetrics or ():
        about = (resources.resource or _Resource()).attributes
        for scope in resources.scopeMetrics or ():
            for metric in scope.metrics or ():
                sums = metric.sum
                if metric.name in READ and sums is not None and sums.dataPoints:
                    yield _Told(about, metric.name, sums.aggregationTemporality, sums.dataPoints)


def _at(point: _Point) -> int:
    """The point's instant in nanoseconds. ValueError where it is none of the calendar."""
    at = int(point.timeUnixNano)
    hour_of(at)
    return at


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
                for told in _metrics(_LINE.decode(raw)):
                    for point in told.points:
                        try:
                            hours.append(self._point(told, point, number))
                        except ValueError:
                            odd.append(point)
            except ValueError:
                odd = [raw]
            # A line is on a page of each of its hours.
            if not hours or min(hours) == page.hour:
                self._odd += [(record, number) for record in odd]

    def _point(self, told: _Told, raw: msgspec.Raw, line: int) -> str:
        """Count a point if it is of this hour; its hour. ValueError where it cannot be read."""
        point = _POINT.decode(raw)
        hour = hour_of(_at(point))
        attributes = _texts(told.resource) | _texts(point.attributes)
        # A collector that got no answer sends again: the same point is one point.
        same = b"\n".join((bytes(told.resource), told.metric.encode(), bytes(raw)))
        digest = blake2b(same, digest_size=16).digest()
        if hour == self.page.hour and digest not in self._seen:
            self._seen.add(digest)
            use = self._use(attributes)
            if self.page.is_last:
                use.line = line
            kind = attributes.get(_KINDS.get(told.metric, ""), "")
            use.add(told.metric, kind, _number(point))
        return hour

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


def _texts(raw: msgspec.Raw) -> dict[str, str]:
    """Attributes that are texts or whole numbers, by name. ValueError where they are no list."""
    found: dict[str, str] = {}
    for attribute in _ATTRIBUTES.decode(raw) or ():
        value = attribute.value
        said = None if value is None else value.stringValue or value.intValue
        text = text_of(said)
        if text is not None:
            found[attribute.key] = text
    return found


def _number(point: _Point) -> Decimal | None:
    """The point's value from its digits; None where it has none that can be read."""
    for raw in (point.asInt, point.asDouble):
        text = str(raw, "utf-8", "replace").strip('"')
        if text == "null":
            continue
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        return value if value.is_finite() and abs(value) < _MOST else None
    return None


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
