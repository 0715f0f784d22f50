"""Every endpoint of every vendor that a tiny company buys, asked over HTTP through faults."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.simulator import Company, Fault, FaultPlan, serve
from ai_usage.vendors import base
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import fetch_window, read_rows
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.files import Files
from ai_usage.vendors.kit.paginate import Listing, Place
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.rows import ApiKey, Person, Workspace
from ai_usage_tests.support.simulated import Bought, bought
from ai_usage_tests.vendors.support import without_place

TODAY = date(2026, 11, 20)
"""A Friday: the days before it have everything, those of the latest vendor too."""
NOW = datetime.combine(TODAY, time(12), UTC)
SIZES = re.compile(r"MOST_(BUCKETS|RECORDS)|[A-Z]+_PER_PAGE")
"""How vendors' modules call the sizes of their pages."""


@dataclass(frozen=True)
class Asked:
    """An endpoint, by the options that it is asked with."""

    by: Bought
    endpoint: Endpoint

    @property
    def vendor(self) -> Vendor:
        return self.by.vendor

    @property
    def name(self) -> str:
        return f"{self.by.label}-{self.endpoint.name}"

    @property
    def is_directory(self) -> bool:
        """Whether it lists who or what there is: no day's records change that."""
        return self.endpoint.yields in (Person, ApiKey, Workspace)

    @property
    def days(self) -> Window:
        """Three days, of which the vendor has told the first to the end and the last in part."""
        if self.endpoint.kind == "snapshot":
            return Window.day(TODAY)
        late = max(self.endpoint.finalization_lag - timedelta(days=1), timedelta(0))
        return Window(TODAY - late - timedelta(days=2), TODAY - late + timedelta(days=1))


ASKED = [Asked(by, endpoint) for by in bought(NOW) for endpoint in by.endpoints]
NAMES = [asked.name for asked in ASKED]


@dataclass
class Seen:
    """What an undisturbed fetch shows of an endpoint."""

    rows: list[Any]
    ways: set[str]
    """How it pages: `kit.paginate.Way`, or `files`; nothing where one answer is all."""
    page_size: int
    """Records of a page, so that its longest list has several."""
    has_pages: bool = False
    """Whether a page besides a first one is asked for then."""
    requests: int = 0
    first_records: int = 1
    """Which request is answered by the first records."""


@dataclass
class Simulated:
    """A running simulator of the company, the faults between, and what is seen without any."""

    url: str
    plan: FaultPlan
    companies: list[Company]
    clients: ExitStack
    _clients: dict[tuple[str, bool], VendorClient] = field(default_factory=dict)
    _seen: dict[str, Seen] = field(default_factory=dict)

    @contextmanager
    def otherwise(self, fault: Fault) -> Iterator[None]:
        """Without any fault between, but as vendors that really see the company that way."""
        self.plan.set()
        self.companies.append(fault.view(self.companies[0]))
        yield
        self.companies.pop()

    def fetched(self, asked: Asked, archive: Archive | None = None) -> list[Any]:
        """Ask for the days, all anew, and give what they read as: rows without their order."""
        archive = archive or Archive(f"memory://{uuid4().hex}")
        impatient = any(fault.kind == "timeout" for fault in self.plan.faults)
        vendor, endpoint, days = asked.vendor, asked.endpoint, asked.days
        client = self._client(asked.by, impatient)
        report = fetch_window(
            vendor, endpoint, days, client=client, archive=archive, now=NOW, refetch=True
        )
        assert report.fetched_days == days.days()
        parts = list(read_rows(vendor, endpoint, days, archive))
        assert [day for part in parts for day in part.days] == days.days()
        rows = (without_place(row) for part in parts for row in part.rows)
        return sorted(rows, key=msgspec.json.encode)

    def _client(self, by: Bought, impatient: bool) -> VendorClient:
        kept = self._clients.get((by.label, impatient))
        if kept is None:
            made = by.client(
                self.url,
                timeout_seconds=0.3 if impatient else 20,
                attempts=3,
                wait_initial=0.002,
                wait_max=0.01,
            )
            kept = self._clients[by.label, impatient] = self.clients.enter_context(made)
        return kept

    def seen(self, asked: Asked) -> Seen:
        """What an undisturbed fetch shows, looked at once."""
        kept = self._seen.get(asked.name)
        if kept is None:
            kept = self._seen[asked.name] = self._look(asked)
        return kept

    def _look(self, asked: Asked) -> Seen:
        self.plan.set()
        ways: set[str] = set()
        longest = [1]
        watch, followed = Listing.watch, Files.fetched

        def watched(listing: Listing, paging: Paging, page: Page, number: int) -> Place | None:
            before = paging.count
            following = watch(listing, paging, page, number)
            longest.append(paging.count - before)
            if "files" not in ways:
                ways.add(listing.way)
            return following

        def linked(*arguments: Any) -> Iterator[Page]:
            ways.add("files")
            return followed(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Listing, "watch", watched)
            patch.setattr(Files, "fetched", linked)
            rows = self.fetched(asked)
        assert rows
        seen = Seen(rows, ways, max(longest))
        for size in (max(longest) // parts for parts in (2, 4, 9)):
            with small_pages(size):
                if size and self._is_struck(asked, "repeated-page"):
                    seen.page_size, seen.has_pages = size, True
                    break
        with small_pages(seen.page_size):
            # A clock that is right is a fault that strikes every request and changes nothing.
            self.plan.set("clock:0")
            assert self.fetched(asked) == rows
            seen.requests = self.plan.struck
            numbers = range(1, seen.requests + 1)
            seen.first_records = next(
                number for number in numbers if self._is_struck(asked, f"vanished#{number}")
            )
        self.plan.set()
        return seen

    def _is_struck(self, asked: Asked, fault: str) -> bool:
        self.plan.set(fault)
        with suppress(VendorError):
            self.fetched(asked)
        return self.plan.struck > 0


@contextmanager
def small_pages(size: int) -> Iterator[None]:
    """Pages of so many records, whatever list is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith(f"{base.__package__}."):
                for setting in filter(SIZES.fullmatch, vars(module)):
                    patch.setattr(module, setting, min(size, getattr(module, setting)))
        yield


@contextmanager
def simulated_vendors() -> Iterator[Simulated]:
    """The company's vendors on loopback."""
    companies = [Company(today=TODAY, people=30, scale=0.3)]
    plan = FaultPlan()
    with ExitStack() as stack:
        url = stack.enter_context(serve(lambda: companies[-1], faults=plan))
        yield Simulated(url, plan, companies, stack)
