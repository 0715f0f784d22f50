"""What finance maintains, in the warehouse: seats, budgets, prices, rules, invoices.

Seats and other costs are events of `raw_ai_events` like the vendors' own; `finance_batches` gives
them to that asset.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.days.spans import EVER, Span, day_before
from ai_usage.days.windows import Window
from ai_usage.finance import (
    Holders,
    Rates,
    Seating,
    allocation_rules,
    assign_seats,
    dim_budgets,
    dim_model_prices,
    dim_seats,
    joined_budgets,
    list_prices,
    other_cost_events,
    raw_invoices,
    read_contracts,
    read_holders,
    seat_events,
    too_many_holders,
    untold_seats,
)
from ai_usage.finance.events import FinanceEvents
from ai_usage.focus.events import FOCUS, bill_events
from ai_usage.focus.mapping import Services
from ai_usage.focus.same_dollars import Source, clashes, contracts, cost_entries
from ai_usage.focus.shelf import newest_bills
from ai_usage.identity import members_of
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.ledger.adopted import rows_of_closed_months
from ai_usage.ledger.closing import history
from ai_usage.orchestration.assets.common import (
    FINANCE,
    explained,
    note_data_version,
    table_metadata,
)
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.orchestration.assets.focus import OTHER_COSTS, of_old_tables
from ai_usage.orchestration.assets.reference import KnownPeople, reference_key
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.code_versions import declared_version
from ai_usage.orchestration.open_days import windows_of_today
from ai_usage.orchestration.resources import ArchiveResource, ClockResource, Configured, Resources
from ai_usage.reference import Beyond, Problem, Row, products_of, reference_file
from ai_usage.reference.file import AcrossRule, Line
from ai_usage.reference.known import SEATS as SEATS_FILE
from ai_usage.reference.known import USERS, Others
from ai_usage.reference.states import newest_rows
from ai_usage.vendors.base import Vendor
from ai_usage.vendors.batches import Provenance, batches
from ai_usage.vendors.rows import Person
from ai_usage.warehouse.schema import table_schema

_log = dg.get_dagster_logger()

ASSIGNMENTS = "seat_assignments.csv"
SERVICES_FILE = "focus_mapping.csv"


class FinanceSnapshot:
    """The accepted states of finance's files, and what follows from them and the directories."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def rows(self, name: str) -> list[Row]:
        """The rows of the last accepted state of a file; none without one."""
        return newest_rows(self.directory.archive, reference_file(name)) or []

    @property
    def rates(self) -> Rates:
        """The exchange rates."""
        return Rates(self.rows("fx_rates.csv"))

    def budgets(self, built: Sequence[Window]) -> list[dict[str, Any]]:
        """Rows of `dim_budgets`; closed months that are not `built` keep the budgets they had."""
        archive, aliases = self.directory.archive, self.directory.people().aliases
        kept = [
            Span(closed.window.start, day_before(closed.window.end))
            for closed in history(archive).standing.values()
            if not any(w.start < closed.window.end and closed.window.start < w.end for w in built)
        ]
        before, rates_before = (
            rows_of_closed_months(archive, reference_file(name))
            for name in ("budgets.csv", "fx_rates.csv")
        )
        return joined_budgets(
            [
                *dim_budgets(self.rows("budgets.csv"), self.rates, aliases, EVER.minus(kept)),
                *dim_budgets(before, Rates(rates_before), aliases, kept),
            ]
        )

    def holders(self, assignments: Sequence[Row]) -> Holders:
        """Who is entitled to a seat when, by the assignments and the vendors' member lists."""
        vendors = self.directory.declared.vendors
        with_seats = {members_of(v.name) for v in vendors if v.members_consume_seats}
        members = [s for s in self.directory.snapshots() if s.source in with_seats]
        return read_holders(assignments, members, self.directory.people())

    def seating(self) -> Seating:
        """Who holds which seat when, by contracts, assignments and the vendors' member lists."""
        holders = self.holders(self.rows(ASSIGNMENTS))
        return assign_seats(read_contracts(self.rows("seats.csv")), holders)

    def seat_notes(self, seats: Sequence[Row], assignments: Sequence[Row]) -> list[str]:
        """What to look at among the seats: unknown holders, too many of them, leavers."""
        contracts, holders = read_contracts(seats), self.holders(assignments)
        asked = Span(self.directory.declared.first_day, self.directory.clock.today)
        untold = [str(stretch) for stretch in untold_seats(contracts, holders, asked)]
        return [*untold, *assign_seats(contracts, holders).warnings()]

    def beyond(self, configured: Configured) -> Beyond:
        """What the rules between the reference files need and no file tells."""

        def too_many(lines: Sequence[Line], others: Others) -> Iterable[Problem]:
            # Who has left frees a seat: while a directory has not been read, nobody can tell.
            if self.directory.unread(configured):
                return ()
            people = self.directory.people(others.get(USERS))
            return too_many_holders(lines, others.get(SEATS_FILE, ()), people)

        def in_bills(sources: Callable[[Iterable[Row], Sequence[int]], list[Source]]) -> AcrossRule:
            def rule(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
                services = Services(others.get(SERVICES_FILE, ()))
                own = sources([line.values for line in lines], [line.number for line in lines])
                for bill in newest_bills(self.directory.archive) if own else ():
                    for clash in clashes(bill.head, services, own):
                        number = clash.source.number
                        yield Problem(number, "platform", clash.what, clash.source.remedy)

            return rule

        rules = {
            ASSIGNMENTS: too_many,
            SEATS_FILE: in_bills(contracts),
            OTHER_COSTS: in_bills(cost_entries),
        }
        return Beyond(products_of(self.directory.declared.vendors), rules)

    def list_prices(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What seats cost today, by each product on which seats were ever bought."""
        contracts = read_contracts(self.rows("seats.csv"))
        bought: dict[tuple[str, str], dict[str, Any]] = {
            (contract.platform, contract.platform_subtype): {} for contract in contracts
        }
        return bought | list_prices(contracts, self.rates, self.directory.clock.today)

    def seats(self) -> list[dict[str, Any]]:
        """Rows of `dim_seats`; whom no seat is left for, and who has left, is logged."""
        seating = self.seating()
        for warning in seating.warnings():
            _log.warning(warning)
        return dim_seats(seating, self.rates)

    def events(self, window: Window) -> list[FinanceEvents]:
        """The window's seats and other costs as events, up to today."""
        end = min(window.end, self.directory.clock.today + timedelta(days=1))
        if end <= window.start:
            return []
        asked = Window(window.start, end)
        aliases = self.directory.people().aliases
        return [
            *seat_events(self.seating(), self.rates, asked),
            *other_cost_events(self.rows("other_costs.csv"), self.rates, asked, aliases),
        ]

    def batches(self, window: Window, run_id: str | None) -> Iterator[pa.RecordBatch]:
        """Those as rows of raw_ai_events; not yet scored."""
        clock = self.directory.clock
        for stream in self.events(window):
            provenance = Provenance(
                platform=stream.platform,
                endpoint=stream.endpoint,
                fetched_at=clock.now,
                # Who sat on a seat today is only known when the day is over.
                provisional_days=frozenset({clock.today}),
                run_id=run_id,
            )
            yield from batches(stream.events, provenance)

    @property
    def services(self) -> Services:
        """Which services of bills are AI tools."""
        return Services(self.rows(SERVICES_FILE))

    def bill_batches(self, window: Window, run_id: str | None) -> Iterator[pa.RecordBatch]:
        """The window's charges of other vendors' bills as events; not yet scored."""
        directory = self.directory
        found = bill_events(
            directory.archive,
            self.services,
            self.rates,
            window,
            directory.people().aliases,
            FetchedDirectly(directory.declared.vendors, directory.archive),
            [
                *contracts(self.rows(SEATS_FILE)),
                *cost_entries(self.rows(OTHER_COSTS)),
                *of_old_tables(directory.archive, window),
            ],
        )
        for bill in found:
            provenance = Provenance(
                platform=bill.platform,
                endpoint=FOCUS,
                fetched_at=bill.imported_at,
                # A bill is of a period that is over.
                provisional_days=frozenset(),
                run_id=run_id,
            )
            yield from batches(bill.events, provenance)


class FetchedDirectly:
    """Whether a vendor itself has said what its platform cost on a day."""

    def __init__(self, vendors: Sequence[Vendor], archive: Archive) -> None:
        self._vendors = {vendor.name: vendor for vendor in vendors}
        self._archive = archive
        self._windows: dict[str, list[Window]] = {}

    def __call__(self, platform: str, day: date) -> bool:
        """Whether it has, by the complete answers that the archive holds."""
        if platform not in self._windows:
            vendor = self._vendors.get(platform)
            self._windows[platform] = [
                fetch.window
                for endpoint in (vendor.endpoints if vendor else ())
                if endpoint.has_cost
                for fetch in self._archive.fetches(platform, endpoint.name)
                if fetch.complete
            ]
        return any(own.start <= day < own.end for own in self._windows[platform])


def finance_snapshot_keys(vendors: Sequence[Vendor]) -> list[dg.AssetKey]:
    """What the seats' and other costs' events are made of."""
    files = ("users.csv", "seats.csv", "seat_assignments.csv", "other_costs.csv", "fx_rates.csv")
    members = [
        source_key(vendor, endpoint)
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields is Person
    ]
    return [*(reference_key(reference_file(name)) for name in files), *members]


def known_people(declared: Declared) -> KnownPeople:
    """Whom a file may name, by what the archive knows, and what else the rules need."""

    def snapshot(given: Resources) -> FinanceSnapshot:
        return FinanceSnapshot(Directory(declared, given.archive, given.clock, given.kept_lists))

    return KnownPeople(
        rows=lambda given: snapshot(given).directory.known_people(given.configured),
        beyond=lambda given: snapshot(given).beyond(given.configured),
        follows_from=lambda given: snapshot(given).directory.lists_of_people(given.configured),
        needs=frozenset(
            {
                *(vendor.name for vendor in declared.vendors),
                *(directory.name for directory, _, _ in declared.directories),
            }
        ),
    )


Build = Callable[[FinanceSnapshot, dg.AssetExecutionContext], list[dict[str, Any]]]
"""The rows of a table, from what the files say now."""


def finance_assets(
    declared: Declared, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The tables that follow from finance's files."""

    def table(name: str, files: Sequence[str], build: Build) -> dg.AssetsDefinition:
        deps = [reference_key(reference_file(file)) for file in files]
        return _table(name, deps, build, declared, partitions)

    def aliases(known: FinanceSnapshot) -> Any:
        return known.directory.people().aliases

    return [
        _table(
            "dim_seats",
            finance_snapshot_keys(declared.vendors),
            lambda known, _context: known.seats(),
            declared,
            partitions,
        ),
        table(
            "dim_budgets",
            ("budgets.csv", "fx_rates.csv", "users.csv"),
            lambda known, context: known.budgets(
                windows_of_today(context, known.directory.archive)
            ),
        ),
        table(
            "dim_model_prices",
            ("model_prices.csv",),
            lambda known, _context: dim_model_prices(known.rows("model_prices.csv")),
        ),
        table(
            "allocation_rules",
            ("allocation_rules.csv", "users.csv"),
            lambda known, _context: allocation_rules(
                known.rows("allocation_rules.csv"), aliases(known)
            ),
        ),
        table(
            "raw_invoices",
            ("invoices.csv", "fx_rates.csv"),
            lambda known, _context: raw_invoices(known.rows("invoices.csv"), known.rates),
        ),
    ]


def _table(
    name: str,
    deps: Sequence[dg.AssetKey],
    build: Build,
    declared: Declared,
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    schema = table_schema(name)

    @dg.asset(
        name=name,
        code_version=declared_version(name),
        description=schema.description,
        deps=deps,
        group_name="finance",
        kinds={"python", "table"},
        owners=[FINANCE],
        metadata=table_metadata(name),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def maintained(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
    ) -> pa.Table:
        note_data_version(context)
        with explained():
            directory = Directory(declared, archive.archive(), clock, archive.kept_lists())
            known = FinanceSnapshot(directory)
            return schema.to_arrow(build(known, context))

    return maintained
