"""Old rows in the archive: `legacy/<table>`, each with its event, for the days that no vendor has.

A page says whose rows it holds and which endpoints win over them, so that days can be built anew
when the old tables and their description are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
import pyarrow as pa

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.old_tables import LEGACY, old_tables
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError
from ai_usage.migration.reading import ENDPOINT_PREFIX
from ai_usage.vendors.batches import Provenance, batches
from ai_usage.vendors.rows import RawEvent


class LegacyPage(msgspec.Struct, frozen=True):
    """Some rows of an old table, as events that have their ids."""

    platform: str
    replaces: tuple[str, ...]
    has_cost: bool
    events: list[RawEvent]


@dataclass(frozen=True)
class LegacyDays:
    """What a load of an old table brings to a window.

    `days` come from it; on `vendor_days` a vendor's own answer wins.
    """

    table: str
    fetch: Fetch
    head: LegacyPage
    days: Sequence[date]
    vendor_days: Sequence[date]

    @property
    def endpoint(self) -> str:
        """The `source_endpoint` of its events."""
        return f"{ENDPOINT_PREFIX}{self.table}"


def legacy_days(archive: Archive, window: Window) -> Iterator[LegacyDays]:
    """Which days of the window come from old tables, by table and load."""
    for table in old_tables(archive):
        for fetch, days in archive.coverage(LEGACY, table, window):
            head = next(_pages(archive, fetch))
            answered = vendor_days(archive, head.replaces, window)
            yield LegacyDays(
                table=table,
                fetch=fetch,
                head=head,
                days=[day for day in days if day not in answered],
                vendor_days=[day for day in days if day in answered],
            )


def stood_for(archive: Archive, window: Window) -> set[tuple[str, str, date]]:
    """Vendor, endpoint and day, wherever an old table stands for a vendor's answer."""
    return {
        (vendor, endpoint, day)
        for own in legacy_days(archive, window)
        for vendor, _, endpoint in (name.partition("/") for name in own.head.replaces)
        for day in own.days
    }


def vendor_days(archive: Archive, endpoints: Sequence[str], window: Window) -> set[date]:
    """The days that any of the endpoints (`<platform>/<endpoint>`) has answered whole."""
    found: set[date] = set()
    for name in endpoints:
        vendor, _, endpoint = name.partition("/")
        for _, days in archive.coverage(vendor, endpoint, window):
            found.update(days)
    return found


def legacy_batches(
    archive: Archive, window: Window, run_id: str | None
) -> Iterator[pa.RecordBatch]:
    """The events of old tables on the days that no vendor has answered; not yet scored."""
    for own in legacy_days(archive, window):
        wanted = set(own.days)
        if not wanted:
            continue
        events = (
            event
            for page in _pages(archive, own.fetch)
            for event in page.events
            if event.event_date in wanted
        )
        provenance = Provenance(
            platform=own.head.platform,
            endpoint=own.endpoint,
            fetched_at=own.fetch.fetched_at,
            provisional_days=frozenset(),
            run_id=run_id,
        )
        yield from batches(events, provenance)


def _pages(archive: Archive, fetch: Fetch) -> Iterator[LegacyPage]:
    for body in archive.pages(fetch):
        try:
            yield msgspec.json.decode(body, type=LegacyPage)
        except msgspec.MsgspecError as error:
            raise ArchiveError(
                f"{fetch.path}: the old rows of {fetch.window} cannot be read ({error}); load them "
                "again with `ai-usage migrate load --again`."
            ) from error
