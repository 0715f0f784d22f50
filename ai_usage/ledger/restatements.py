"""What vendors said later about a day that they had already reported, from the archive alone.

A day is reported by the first complete answer that was fetched after the day had ended: what an
answer of the running day lacks is no restatement. Every later answer is compared with the one
before it, person by person. Answers that say the same of a day are never opened: their manifests
tell (`Manifest.days`). At most `CHUNK` days are in memory, as sums, however many events they have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, cast

from ai_usage.archive.archive import Archive, Fetch, Manifest
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError
from ai_usage.ledger.closing import History
from ai_usage.vendors.base import Endpoint, ReadContext, Vendor
from ai_usage.vendors.fetching import digests_by_day, read_fetch
from ai_usage.vendors.rows import RawEvent

CHUNK = 31
"""Days that are compared in one go."""

EVENTS = "events"
"""The measure that counts events; all others are columns of `raw_ai_events`."""
MEASURES = (
    "cost_usd",
    "included_value_usd",
    "estimated_cost_usd",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "web_search_requests",
    "session_count",
    "lines_added",
    "lines_accepted",
    "suggestions_shown",
    "suggestions_accepted",
    "commits",
    "pull_requests",
    "request_count",
    "subscription_requests",
    "overage_requests",
)


class Bearer(NamedTuple):
    """Whom the vendor names: columns of `raw_ai_events`."""

    user_email: str | None
    actor_name: str | None
    api_key_id: str | None
    workspace_id: str | None
    model: str | None


class Restatement(NamedTuple):
    """One measure of one bearer's day that a later answer changed: a row of `raw_restatements`.

    Dollars or counts; None where the answer does not report the measure. `previous_fetch_at` is
    when the value before was last said, `seen_at` when the new one was first said.
    """

    event_date: date
    platform: str
    source_endpoint: str
    bearer: Bearer
    measure: str
    value_before: Decimal | None
    value_after: Decimal | None
    previous_fetch_at: datetime
    seen_at: datetime
    was_final: bool
    month_closed: bool

    @property
    def difference(self) -> Decimal:
        """By how much; what is not reported counts as 0."""
        return (self.value_after or Decimal(0)) - (self.value_before or Decimal(0))


Sums = dict[Bearer, dict[str, Decimal]]


@dataclass
class Restatements:
    """The restatements of a window of event days; iterate once, then `unreadable` is complete."""

    vendors: Sequence[Vendor]
    archive: Archive
    window: Window
    history: History
    since: datetime | None = None
    """Leave out what was seen before."""
    unreadable: list[str] = field(default_factory=list)
    """Answers that could not be read, one line each: what they said is not compared."""

    def __iter__(self) -> Iterator[Restatement]:
        """By vendor, endpoint and month of days, as they were seen."""
        for vendor in self.vendors:
            for endpoint in vendor.event_endpoints:
                fetches = [
                    f for f in self.archive.fetches(vendor.name, endpoint.name) if f.complete
                ]
                for chunk in self.window.chunks(CHUNK):
                    yield from self._of_chunk(vendor, endpoint, chunk, fetches)

    def _of_chunk(
        self, vendor: Vendor, endpoint: Endpoint, chunk: Window, fetches: Sequence[Fetch]
    ) -> Iterator[Restatement]:
        said: dict[date, _Said] = {}
        for fetch, manifest in self.archive.manifests(self._compared(fetches, chunk)):
            digests = self._digests(vendor, endpoint, fetch, manifest)
            if digests is None:
                continue
            days = _reported(fetch, chunk)
            changed = [
                day
                for day in days
                if day in said and said[day].digest != digests.get(day) and self._asked(fetch)
            ]
            new = self._sums(vendor, endpoint, fetch, changed) if changed else {}
            if new is None:
                continue
            self._open(vendor, endpoint, [said[day] for day in changed if said[day].sums is None])
            for day in days:
                before, digest = said.get(day), digests.get(day)
                if day in new:
                    said[day] = _Said(day, fetch, digest, new[day])
                    if before is not None and before.sums is not None:
                        yield from self._compare(vendor, endpoint, before, said[day])
                else:
                    same = before is not None and before.digest == digest
                    said[day] = _Said(day, fetch, digest, before.sums if before and same else None)

    def _compared(self, fetches: Sequence[Fetch], chunk: Window) -> list[Fetch]:
        """The answers that matter: with `since`, one a day from before it, and all after it."""
        reporting = [fetch for fetch in fetches if _reported(fetch, chunk)]
        missing = set(chunk.days())
        found = []
        for fetch in reversed(reporting):
            days = _reported(fetch, chunk)
            if self._asked(fetch) or missing.intersection(days):
                found.append(fetch)
            if not self._asked(fetch):
                missing.difference_update(days)
        return found[::-1]

    def _asked(self, fetch: Fetch) -> bool:
        return self.since is None or fetch.fetched_at >= self.since

    def _digests(
        self, vendor: Vendor, endpoint: Endpoint, fetch: Fetch, manifest: Manifest
    ) -> dict[date, str] | None:
        if manifest.days is not None:
            return manifest.days
        # Imported, or fetched before manifests had digests.
        context = ReadContext(fetch.window, manifest.amount_unit)
        found = digests_by_day(endpoint, self.archive.pages(fetch), context)
        if found is None:
            self._note(vendor, endpoint, fetch)
        return found

    def _sums(
        self, vendor: Vendor, endpoint: Endpoint, fetch: Fetch, days: Sequence[date]
    ) -> dict[date, Sums] | None:
        """What the answer says of the days; None, and noted, where it cannot be read."""
        found: dict[date, Sums] = {day: {} for day in days}
        try:
            for event in cast(
                "Iterator[RawEvent]", read_fetch(vendor, endpoint, self.archive, fetch)
            ):
                if event.event_date in found:
                    _add(found[event.event_date], event)
        except ArchiveError:
            self._note(vendor, endpoint, fetch)
            return None
        return found

    def _open(self, vendor: Vendor, endpoint: Endpoint, answers: Sequence[_Said]) -> None:
        """Read what was said before, each answer once; what cannot be read is not compared."""
        paths: dict[str, list[_Said]] = {}
        for answer in answers:
            paths.setdefault(answer.fetch.path, []).append(answer)
        for own in paths.values():
            read = self._sums(vendor, endpoint, own[0].fetch, [answer.day for answer in own])
            for answer in own:
                answer.sums = None if read is None else read[answer.day]

    def _note(self, vendor: Vendor, endpoint: Endpoint, fetch: Fetch) -> None:
        line = (
            f"{vendor.name} {endpoint.name} {fetch.window}: the answer of "
            f"{fetch.fetched_at:%Y-%m-%d %H:%M} UTC cannot be read and is not compared."
        )
        if line not in self.unreadable:
            self.unreadable.append(line)

    def _compare(
        self, vendor: Vendor, endpoint: Endpoint, earlier: _Said, later: _Said
    ) -> Iterator[Restatement]:
        old, new, seen = earlier.sums or {}, later.sums or {}, later.fetch.fetched_at
        was_final = earlier.fetch.settled(later.day, endpoint.finalization_lag)
        month_closed = self.history.was_closed(later.day, seen)
        for bearer in sorted(old.keys() | new.keys(), key=_order):
            one, other = old.get(bearer, {}), new.get(bearer, {})
            for measure in (EVENTS, *MEASURES):
                if one.get(measure) == other.get(measure):
                    continue
                yield Restatement(
                    event_date=later.day,
                    platform=vendor.name,
                    source_endpoint=endpoint.name,
                    bearer=bearer,
                    measure=measure,
                    value_before=one.get(measure),
                    value_after=other.get(measure),
                    previous_fetch_at=earlier.fetch.fetched_at,
                    seen_at=seen,
                    was_final=was_final,
                    month_closed=month_closed,
                )


@dataclass
class _Said:
    """What the newest answer so far says of a day; `sums` where it had to be opened."""

    day: date
    fetch: Fetch
    digest: str | None
    sums: Sums | None


def _reported(fetch: Fetch, chunk: Window) -> list[date]:
    """The days of the chunk that the answer reports: those that were over when it was fetched."""
    first, end = max(fetch.window.start, chunk.start), min(fetch.window.end, chunk.end)
    if end <= first:
        return []
    return [day for day in Window(first, end).days() if fetch.settled(day, timedelta(0))]


def _add(sums: Sums, event: RawEvent) -> None:
    bearer = Bearer(
        event.user_email, event.actor_name, event.api_key_id, event.workspace_id, event.model
    )
    own = sums.setdefault(bearer, {EVENTS: Decimal(0)})
    own[EVENTS] += 1
    for measure in MEASURES:
        value = getattr(event, measure)
        if value is not None:
            own[measure] = own.get(measure, Decimal(0)) + value


def _order(bearer: Bearer) -> tuple[str, ...]:
    return tuple(part or "" for part in bearer)
