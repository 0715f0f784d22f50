"""A long history of Cursor's usage events, put into an archive without asking anybody for it.

Of a company's raw records they are nearly all. The pages are the simulator's own, page by page as
a first fetch of the days asks for them, and go through the archive's own writer, manifests and
digests of days included; what is left out is HTTP and reading every record again.
Run: `python -m benchmarks.archived FOLDER [--days 365] [--records 10000] [--people 1000]`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.simulator.behaviour import epoch_ms
from ai_usage.simulator.company import Company
from ai_usage.simulator.cursor_wire import event_wire, events_answer
from ai_usage.vendors.cursor import api, usage_events
from benchmarks.company import TODAY, company_of, last_days, settled
from benchmarks.weekly import WeeklyCompany

_ENCODER = msgspec.json.Encoder()


class _Wire:
    """A company's events as its app answers them, made from the texts of its week."""

    def __init__(self, company: WeeklyCompany) -> None:
        self._company = company
        self._texts: dict[date, list[tuple[int, bytes]]] = {}
        self._made: tuple[date, list[msgspec.Raw]] | None = None
        self.digests: dict[date, str] = {}
        """What a fetch's manifest says of each day, of those that were made."""

    def count(self, day: date) -> int:
        """How many events a day has."""
        return len(self._of_model(day))

    def __call__(self, company: Company, day: date) -> list[msgspec.Raw]:
        """A day's records, in order of time; a day's pages follow one another."""
        if self._made is None or self._made[0] != day:
            midnight = epoch_ms(day)
            records = [
                b'{"timestamp":"%d%s' % (midnight + at, rest) for at, rest in self._of_model(day)
            ]
            # As `DayDigests` says it; a test holds the two together.
            total = sum(int.from_bytes(sha256(b"cents:" + r).digest(), "big") for r in records)
            self.digests[day] = f"{total % 2**256:064x}"
            self._made = day, [msgspec.Raw(record) for record in records]
        return self._made[1]

    def _of_model(self, day: date) -> list[tuple[int, bytes]]:
        model = self._company.model(day)
        if model not in self._texts:
            self._texts[model] = list(_without_day(self._company, model))
        return self._texts[model]


def _without_day(company: Company, day: date) -> Iterator[tuple[int, bytes]]:
    """Milliseconds after midnight, and the record's text after its timestamp."""
    midnight = epoch_ms(day)
    for event, record in zip(company.cursor_events(day), event_wire(company, day), strict=True):
        text = bytes(record)
        yield event.timestamp_ms - midnight, text[text.index(b'"', len(b'{"timestamp":"')) :]


def archive_events(
    company: WeeklyCompany,
    archive: Archive,
    days: Window,
    now: datetime,
    done: Callable[[Window], None] = lambda window: None,
) -> None:
    """Archive the usage events of whole days as a fetch of them at `now` would.

    A window that is held is left as it is, so that this goes on where it was stopped.
    """
    wire, endpoint = _Wire(company), usage_events.ENDPOINT
    held = archive.held(api.NAME, endpoint.name, days, endpoint.finalization_lag)
    for window in days.chunks(endpoint.max_days):
        if held.issuperset(window.days()):
            continue
        for day in window.days():
            # The app would make every day of the window to count it.
            company.cache.get("count cursor_events", day, lambda: [wire.count(day)])  # noqa: B023
        with archive.recording(api.NAME, endpoint.name, window, fetched_at=now) as recorder:
            number, more = 1, True
            while more:
                asked = {
                    **api.within(window, now),
                    "page": number,
                    "pageSize": usage_events.EVENTS_PER_PAGE,
                }
                answer = events_answer(company, asked, None, wire)
                request = f"{endpoint.api_path} {_ENCODER.encode(asked).decode()}"
                recorder.add(Page(_ENCODER.encode(answer), request))
                number, more = number + 1, answer["pagination"]["hasNextPage"]
            recorder.days = {day: wire.digests[day] for day in window.days() if wire.count(day)}
        done(window)


def main() -> None:
    """Fill an archive, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--records", type=int, default=10_000, help="raw records a day")
    parser.add_argument("--people", type=int, default=1_000)
    asked = parser.parse_args()
    company = company_of(asked.people, asked.records, weekly=True)
    assert isinstance(company, WeeklyCompany)
    now = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    archive_events(
        company,
        Archive(str(asked.folder)),
        settled(last_days(asked.days)),
        now,
        lambda window: print(f"{window}: {time.process_time():.0f} CPU-s", flush=True),
    )


if __name__ == "__main__":
    main()
