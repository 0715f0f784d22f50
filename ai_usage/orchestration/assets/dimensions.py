"""Dimensions, key mappings and the identity bridge: small tables, rebuilt from all snapshots held.

Their partitions say that a day's snapshot is folded in; folding reads every snapshot of the
archive, so the result depends neither on the order of the days nor on how often they ran.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.archive.archive import Archive, span_of
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.directories import DIRECTORIES, DirectorySource
from ai_usage.identity import (
    Activity,
    Identity,
    IdentityInputs,
    Snapshot,
    dim_dates,
    dim_platforms,
)
from ai_usage.identity.history import People
from ai_usage.identity.reported import Reported
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.ledger.closing import closings
from ai_usage.ledger.moved import Input
from ai_usage.normalised.lists import NO_LISTS, KeptLists
from ai_usage.orchestration.accepted import Lists
from ai_usage.orchestration.assets.common import (
    DATA_PLATFORM,
    FINANCE,
    explained,
    note_data_version,
    table_metadata,
)
from ai_usage.orchestration.assets.directories import directory_key
from ai_usage.orchestration.assets.reference import reference_key
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.code_versions import declared_version
from ai_usage.orchestration.lists import lists, snapshots_of, states_of
from ai_usage.orchestration.resources import ArchiveResource, ClockResource, Configured
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.reference import Row, reference_file
from ai_usage.reference.known import USERS
from ai_usage.reference.states import newest_rows
from ai_usage.settings import Settings
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.rows import ApiKey, Person
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.building import query_of
from ai_usage.warehouse.filling import bring_forward
from ai_usage.warehouse.schema import table_schema

CHARGING = {
    "allocation_rules.csv": "cost_center",
    "budgets.csv": "scope_value",
    "other_costs.csv": "cost_center",
    "seats.csv": "cost_center",
}
"""Files that name cost centres besides people's and keys', and the column that does."""

_SEEN = "identity_days"
_EARLIEST = date(1900, 1, 1)
_ACTIVITY = """
SELECT platform, identity_type, identity_value, MIN(day) AS first_day, MAX(day) AS last_day
FROM identity_days
WHERE day >= @start AND identity_type != 'none'
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Declared:
    """The vendors and directories that there are, as the settings have them, and the first day."""

    vendors: Sequence[Vendor]
    directories: Sequence[tuple[DirectorySource, Vendor, Endpoint]]
    first_day: date

    @classmethod
    def of(cls, settings: Settings, vendors: Sequence[Vendor]) -> "Declared":
        """All directories, configured or not, and these vendors."""
        own = [(directory, *directory.endpoint(settings)) for directory in DIRECTORIES]
        return cls(vendors, own, settings.first_day)


@dataclass(frozen=True)
class Directory:
    """What the archive knows of people and keys by now."""

    declared: Declared
    archive: Archive
    clock: Clock
    kept: KeptLists = NO_LISTS

    def identity(self, warehouse: Warehouse) -> Identity:
        """Who is who, from every snapshot held and every event loaded."""
        inputs = IdentityInputs(
            snapshots=list(self.snapshots()),
            now=self.clock.now,
            activity=self._activity(warehouse),
            key_name_patterns={v.name: v.key_name_patterns for v in self.declared.vendors},
            cost_centers=self._charged_cost_centers(),
            reported=[
                Reported(
                    total.user_sk,
                    total.user_email,
                    total.full_name,
                    total.department,
                    total.team,
                    total.cost_center,
                    closing.month,
                )
                for closing in closings(self.archive)
                for total in closing.totals
            ],
        )
        return Identity(inputs)

    def as_listed(self) -> Identity:
        """Who is who, as far as snapshots and registers tell, whatever is loaded."""
        patterns = {v.name: v.key_name_patterns for v in self.declared.vendors}
        inputs = IdentityInputs(list(self.snapshots()), self.clock.now, key_name_patterns=patterns)
        return Identity(inputs)

    def bridge(self) -> list[dict[str, Any]]:
        """What events may carry, joined to people, as they are listed."""
        return self.as_listed().bridge_user_identity()

    def people(self, users: Sequence[Row] | None = None) -> People:
        """Everyone's versions and aliases, from every snapshot held.

        `users` are today's rows of users.csv where they are not archived yet.
        """
        snapshots = list(self.snapshots())
        if users is not None:
            newest = Snapshot(self.clock.today, USERS, users)
            snapshots = [*(s for s in snapshots if s[:2] != newest[:2]), newest]
        return Identity(IdentityInputs(snapshots, self.clock.now)).people

    def known_people(self, configured: Configured) -> list[Row] | None:
        """Every address that a directory has ever listed, with its teams, as users.csv would.

        None while a configured one has never been read: nobody can be called unknown then.
        """
        if self.unread(configured):
            return None
        people = self.people()
        versions = [version for own in people.versions.values() for version in own]
        return [
            *({"user_email": v.user_email, "aliases": (), "team": v["team"]} for v in versions),
            *({"user_email": alias, "aliases": ()} for alias in people.aliases.own),
        ]

    def lists_of_people(self, configured: Configured) -> Lists:
        """What `known_people` follows from, besides users.csv."""
        inputs = [Input(v.name, e.name, "state") for _, v, e in self._lists_of_people()]
        return Lists(inputs, self.unread(configured))

    def unread(self, configured: Configured) -> list[str]:
        """The configured directories of people that have never been read, by their titles."""
        return [
            vendor.title
            for name, vendor, endpoint in self._lists_of_people()
            if configured(name)
            and span_of(self.archive.fetches(vendor.name, endpoint.name)) is None
        ]

    def _lists_of_people(self) -> Iterator[tuple[str, Vendor, Endpoint]]:
        """Directories' and vendors' lists of people, with the name that is configured or not."""
        for directory, vendor, endpoint in self.declared.directories:
            if directory.lists_people:
                yield directory.name, vendor, endpoint
        for vendor in self.declared.vendors:
            for endpoint in vendor.endpoints:
                if endpoint.yields is Person:
                    yield vendor.name, vendor, endpoint

    def snapshots(self) -> Iterator[Snapshot]:
        """Every day's newest snapshot of every directory and every register."""
        for name in ("users.csv", "api_keys.csv"):
            yield from states_of(reference_file(name), self.archive, self.kept)
        for listed in lists(self.declared.directories, self.declared.vendors):
            yield from snapshots_of(listed, self.archive, self.kept)

    def maintained_platforms(self) -> list[dict[str, Any]]:
        """The rows of the last accepted `platforms.csv`; none without one."""
        return newest_rows(self.archive, reference_file("platforms.csv")) or []

    def _charged_cost_centers(self) -> set[str]:
        """Cost centres that the accepted states of finance's files charge or budget."""
        named = {
            row[column]
            for name, column in CHARGING.items()
            for row in newest_rows(self.archive, reference_file(name)) or []
            if column != "scope_value" or row["scope_type"] == "cost_center"
        }
        return named - {None}

    def _activity(self, warehouse: Warehouse) -> Activity:
        if not warehouse.exists(_SEEN):
            # The first run of a version that has it: reference files are read before it is built,
            # and must know everybody.
            ever = Window(_EARLIEST, self.clock.today + timedelta(days=1))

            def rows(table: str, window: Window) -> Query:
                return query_of(table, window, "", self.clock.today)

            bring_forward(warehouse, _SEEN, ever, rows, lambda _note: None)
            if not warehouse.exists(_SEEN):
                return {}
        query = Query(_ACTIVITY, {"start": _EARLIEST})
        return {
            (row["platform"], row["identity_type"], row["identity_value"]): (
                row["first_day"],
                row["last_day"],
            )
            for row in warehouse.rows(query)
        }


class _Identities:
    """Who is who, worked out once a run: four assets ask for it one after another."""

    def __init__(self) -> None:
        self._built: tuple[str, Identity] | None = None

    def of(self, run_id: str, directory: Directory, warehouse: Warehouse) -> Identity:
        if self._built is None or self._built[0] != run_id:
            self._built = run_id, directory.identity(warehouse)
        return self._built[1]


@dataclass(frozen=True)
class _Asked:
    """What a dimension is built from: the resources of its run, opened."""

    run_id: str
    directory: Directory
    warehouse: Warehouse


def dimension_assets(
    declared: Declared,
    list_prices: Callable[[Directory], Mapping[tuple[str, str], Mapping[str, Any]]],
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """The dimensions, `api_key_mappings` and `bridge_user_identity`.

    `list_prices` are what the contracts say of a product: see `finance.list_prices`.
    """
    vendors, identities = declared.vendors, _Identities()
    sources = [
        source_key(vendor, endpoint)
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields in (Person, ApiKey)
    ]
    files = [reference_key(reference_file(name)) for name in ("users.csv", "api_keys.csv")]
    own = [directory_key(directory) for directory in DIRECTORIES]
    known = [*sources, *own, *files, "identity_days"]

    def from_identity(table: str, group: str, deps: Sequence[Any]) -> dg.AssetsDefinition:
        def build(asked: _Asked) -> list[dict[str, Any]]:
            identity = identities.of(asked.run_id, asked.directory, asked.warehouse)
            rows: list[dict[str, Any]] = getattr(identity, table)()
            return rows

        return _dimension(table, group, deps, build, declared, partitions)

    return [
        from_identity("dim_users", "dimensions", known),
        from_identity("api_key_mappings", "identity", known),
        from_identity("bridge_user_identity", "identity", ["dim_users", "api_key_mappings"]),
        from_identity(
            "dim_cost_centers",
            "dimensions",
            [
                "dim_users",
                "api_key_mappings",
                *(reference_key(reference_file(name)) for name in CHARGING),
            ],
        ),
        _dimension(
            "dim_platforms",
            "dimensions",
            [
                reference_key(reference_file(name))
                for name in ("platforms.csv", "seats.csv", "fx_rates.csv")
            ],
            lambda asked: dim_platforms(
                [row for vendor in vendors for row in vendor.platforms],
                asked.directory.maintained_platforms(),
                list_prices(asked.directory),
                asked.directory.clock.now,
                {vendor.name: vendor.title for vendor in vendors},
            ),
            declared,
            partitions,
        ),
        _dimension(
            "dim_dates",
            "dimensions",
            [],
            lambda asked: dim_dates(
                declared.first_day - timedelta(days=31), asked.directory.clock.today
            ),
            declared,
            partitions,
        ),
    ]


def _dimension(
    table: str,
    group: str,
    deps: Sequence[Any],
    build: Callable[[_Asked], list[dict[str, Any]]],
    declared: Declared,
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    schema = table_schema(table)

    @dg.asset(
        name=table,
        code_version=declared_version(table),
        description=schema.description,
        deps=deps,
        group_name=group,
        kinds={"python", "table"},
        owners=[FINANCE if group == "identity" else DATA_PLATFORM],
        metadata=table_metadata(table),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def dimension(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> pa.Table:
        note_data_version(context)
        with explained():
            directory = Directory(declared, archive.archive(), clock, archive.kept_lists())
            return schema.to_arrow(build(_Asked(context.run_id, directory, warehouse.warehouse())))

    return dimension
