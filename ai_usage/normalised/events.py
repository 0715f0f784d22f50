"""A fetch's events as scored rows of `raw_ai_events`: read from what is kept, else decoded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.normalised.kept import KeptEvents, key_of
from ai_usage.quality.scoring import score
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.batches import Provenance, column_batches
from ai_usage.vendors.fetching import event_columns, reading_of


@dataclass(frozen=True)
class Normalised:
    """An endpoint's events. `billing` names the endpoints that report what is billed.

    Rows follow from the fetch alone: `pipeline_run_id` is NULL, whoever writes them fills it in.
    """

    vendor: Vendor
    endpoint: Endpoint
    archive: Archive
    billing: Collection[tuple[str, str]]
    kept: KeptEvents

    def events(self, fetch: Fetch, days: Sequence[date]) -> Iterator[pa.RecordBatch]:
        """The fetch's events of these days of its window.

        What is not kept, or not whole, is decoded, and kept for the next time. Raises
        `ArchiveError` where a page that must be decoded is missing, damaged or of another shape.
        """
        bills = (self.vendor.name, self.endpoint.name) in self.billing
        key = key_of(self.archive.manifest(fetch), bills, self.endpoint.finalization_lag)
        form = self.kept.form(fetch, key)
        for number, day in enumerate(days):
            found = form.day(day)
            if found is None:
                wanted = set(days[number:])
                for batch in form.keep(self._decoded(fetch)):
                    own = _of_days(batch, wanted)
                    if own.num_rows:
                        yield own
                return
            yield from found

    def _decoded(self, fetch: Fetch) -> Iterator[pa.RecordBatch]:
        """All that the fetch says of its window."""
        reading = reading_of(
            self.vendor, self.endpoint, self.archive, fetch, list(fetch.window.days())
        )
        provenance = Provenance(
            platform=self.vendor.name,
            endpoint=self.endpoint.name,
            fetched_at=fetch.fetched_at,
            provisional_days=frozenset(filter(reading.is_provisional, reading.days)),
            run_id=None,
        )
        events = event_columns(self.vendor, self.endpoint, self.archive, reading)
        yield from score(column_batches(events, provenance), self.billing)


def _of_days(batch: pa.RecordBatch, wanted: set[date]) -> pa.RecordBatch:
    days = batch.column("event_date")
    if wanted.issuperset(pc.unique(days).to_pylist()):
        return batch
    return batch.filter(pc.is_in(days, pa.array(list(wanted), pa.date32())))
